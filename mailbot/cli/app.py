"""The command ``mailbot``: gathers the groups, and turns every known failure into a sentence and an exit status."""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from mailbot.cli.access import access_app
from mailbot.cli.cases import cases_app
from mailbot.cli.check import check
from mailbot.cli.classify import classify
from mailbot.cli.closing import extend, lapse, refuse, withdraw
from mailbot.cli.demo import demo
from mailbot.cli.digest import digest
from mailbot.cli.entering import add, event, term
from mailbot.cli.evidence import evidence_app
from mailbot.cli.export import export
from mailbot.cli.held import held_app
from mailbot.cli.init import init
from mailbot.cli.letters import letters_app
from mailbot.cli.mark import mark
from mailbot.cli.policy import policy_app
from mailbot.cli.requests import requests_app
from mailbot.cli.run import run
from mailbot.cli.scan import scan
from mailbot.cli.store import store_app
from mailbot.cli.subscribers import subscribers_app
from mailbot.cli.systems import systems_app
from mailbot.cli.terms import visible
from mailbot.errors import Problem

app = typer.Typer(
    name="mailbot",
    help="Keeps the promise of a privacy policy: requests that arrive by e-mail are recorded, answered and counted to their due dates.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(run)
app.command()(check)
app.command()(init)
app.command()(classify)
app.command(short_help="Show what mailbot makes of sample mail.")(demo)
app.command(short_help="Rehearse on the mail that is there; nothing is changed.")(scan)
app.command()(digest)
app.add_typer(policy_app)
requests_app.command()(refuse)
requests_app.command()(lapse)
requests_app.command()(withdraw)
requests_app.command()(extend)
requests_app.command("mark")(mark)
requests_app.command()(export)
requests_app.command()(add)
requests_app.command()(event)
requests_app.command()(term)
app.add_typer(requests_app)
app.add_typer(subscribers_app)
app.add_typer(systems_app)
app.add_typer(access_app)
app.add_typer(letters_app)
app.add_typer(held_app)
app.add_typer(cases_app)
app.add_typer(evidence_app)
app.add_typer(store_app)


OUTPUT_IS_FULL = frozenset({errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT})


def print_version(*, wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"mailbot {version('mailbot')}")
        raise typer.Exit


@app.callback(help=app.info.help)
def mailbot(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=lambda wanted: print_version(wanted=wanted), is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""


def _open_what_is_closed() -> None:
    """Have somewhere to write: a stream may be closed (``>&-``), and a letter that the terminal lacks is no reason to stop."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for as long as the process lives
        getattr(sys, name).reconfigure(errors="backslashreplace")


def _tell_what_the_machine_refuses(error: OSError) -> None:
    what = visible(str(error.filename or "this machine refuses what mailbot needs"))
    if error.errno in OUTPUT_IS_FULL and not error.filename:
        what = "the output cannot be written"
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left of it is not tried again at the end
    sys.stderr.write(f"mailbot: {what}: {error.strerror or type(error).__name__}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; a failure that somebody can mend is a sentence, not a traceback."""
    try:
        _open_what_is_closed()
        app(arguments, prog_name="mailbot")
    except Problem as problem:
        sys.stdout.flush()
        for sentence in str(problem).splitlines():
            sys.stderr.write(f"mailbot: {visible(sentence)}\n")
        sys.exit(problem.exit_status)
    except BrokenPipeError:  # `mailbot … | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _tell_what_the_machine_refuses(error)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - our bug: shown without its words, which may quote a row or a message (I6)
        traceback.print_tb(error.__traceback__)
        sys.stderr.write(f"mailbot: this is a fault of mailbot itself ({type(error).__name__}); please report the lines above\n")
        sys.exit(1)
