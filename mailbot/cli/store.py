"""``mailbot store``: the register's database as such."""

import typer

from mailbot.cli.terms import ConfigOption, print_lines, settings_in, store_failures_told

store_app = typer.Typer(name="store", help="The database that holds the register.", no_args_is_help=True)


@store_app.callback()
def store() -> None:
    """The database that holds the register."""


@store_app.command("upgrade")
def upgrade(config: ConfigOption = None) -> None:
    """Bring the store to this version's schema."""
    from storage import database

    with store_failures_told():
        before, after = database.upgrade(settings_in(config).store.url)
    print_lines([f"The store has schema {after}" + ("." if before == after else f" (it had {before or 'none'}).")])
