"""``mailbot store``: the register's database as such."""

import sys

import typer

from mailbot.cli.terms import ConfigOption, store_failures_told
from mailbot.config import load_config

store_app = typer.Typer(name="store", help="The database that holds the register.", no_args_is_help=True)


@store_app.callback()
def store() -> None:
    """The database that holds the register."""


@store_app.command("upgrade")
def upgrade(config: ConfigOption = None) -> None:
    """Bring the store to the schema of this version; a new store is made. Twice does no harm."""
    from storage import database

    with store_failures_told():
        before, after = database.upgrade(load_config(config).store.url)
    sys.stdout.write(f"The store has schema {after}" + (".\n" if before == after else f" (it had {before or 'none'}).\n"))
