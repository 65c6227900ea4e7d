"""The command ``mailbot``: gathers the groups; turns every known failure into a sentence and an exit status."""

import sys

import typer

from mailbot.errors import Problem

app = typer.Typer(name="mailbot", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def main() -> None:
    """Run the command line; a failure that is somebody's to mend is a sentence, not a traceback."""
    try:
        app()
    except Problem as problem:
        sys.stderr.write(f"mailbot: {problem}\n")
        sys.exit(problem.exit_status)
