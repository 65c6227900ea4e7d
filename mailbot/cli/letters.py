"""``mailbot letters``: the outbox."""

import typer

from mailbot.cli.terms import ConfigOption, JsonOption, print_json, print_table, settings_in, store_of

letters_app = typer.Typer(name="letters", help="The letters that were written, and what became of them.", no_args_is_help=True)


@letters_app.callback()
def letters() -> None:
    """The letters that were written, and what became of them."""


@letters_app.command("list")
def list_letters(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List every letter, oldest first."""
    with store_of(settings_in(config)) as database, database.read() as tx:
        from storage import outbox

        found = outbox.list_letters(tx)
    if as_json:
        for letter in found:
            print_json(
                {
                    "id": letter.id,
                    "reference": letter.reference,
                    "kind": letter.kind,
                    "language": letter.language,
                    "state": letter.state,
                    "message_id": letter.message_id,
                    "attempts": letter.attempts,
                }
            )
        return
    rows = [
        [str(each.id), each.reference or "", each.kind, each.language, each.state, str(each.attempts), each.reply or ""] for each in found
    ]
    print_table(("id", "request", "kind", "language", "state", "tries", "last reply"), rows, "There are no letters yet.")
