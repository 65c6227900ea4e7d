"""``mailbot digest``: what staff are told once a day, to look at now or to send now."""

from pathlib import Path
from typing import Annotated

import typer

from mailbot.cli.terms import ConfigOption, desk_of, print_lines, settings_in
from mailbot.errors import Problem


def digest(
    config: ConfigOption = None,
    *,
    send: Annotated[bool, typer.Option("--send", help="Queue it for everybody in staff.digest_to.")] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page for a browser.")] = None,
) -> None:
    """Show the digest of this moment.

    It says what is to be decided, what is late or due, and whether the mail is read. --send queues it besides the daily one.
    """
    settings = settings_in(config)
    from mailbot.digest import digest_order, queue_digest_now, show_digest

    order = digest_order(settings)
    with desk_of(settings) as desk:
        if html is not None:
            _write(html, show_digest(desk, order, desk.now()).html)
            print_lines([f"{html} is written; a browser shows it"])
        if send:
            letters = queue_digest_now(desk, order, desk.now())
            print_lines([f"letters queued: {letters}; the daemon sends them soon, without a daemon `mailbot run --once` does"])
        if html is None and not send:
            print_lines(show_digest(desk, order, desk.now()).text.splitlines())


def _write(file: Path, page: str) -> None:
    """Write the page for its owner only: it tells who wrote, even if masked."""
    try:
        file.touch(mode=0o600)
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Problem(f"{file} cannot be written: {(error.strerror or 'unknown error').lower()}") from error
