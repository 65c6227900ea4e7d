"""Shows the demo: progress while a person looks, then what became of each operator's mail, and one letter in each language."""

import os
import tempfile
from asyncio import run
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from email.message import EmailMessage
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress

from mailbot.demo.running import Played, play
from mailbot.demo.samples import Sample
from mailbot.errors import Problem
from rules.automatic import LOOP_MARK_FIELD
from rules.life import CLOSED
from rules.vocabulary import Language, Outcome
from storage.register import Registered

PROMISE = """\
Sample mail to four operators goes through the real daemon: an IMAP server, an SMTP server and the store are opened for it on this
machine and are gone afterwards. People and addresses of the senders are invented, and nothing leaves this machine.
"""
NEXT = """\
Next: `mailbot policy show kazger` prints what is promised and where it stands, `mailbot classify FILE.eml` reads mail of your own,
and the README's “Ten minutes to production” connects a real inbox.
"""


def show(samples: Mapping[str, Sequence[Sample]], console: Console) -> None:
    """Play the samples of each operator and print what became of them; raise ``Problem`` unless every one ended as labelled."""
    _print(console, PROMISE)
    played = []
    with Progress("{task.description}", BarColumn(), console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=len(samples))
        for policy_name, theirs in samples.items():
            progress.update(bar, description=f"{policy_name}: {len(theirs)} messages")
            played.append(run(play(policy_name, theirs)))
            progress.advance(bar)
            _print_operator(console, played[-1])
    for language in Language:
        _print_letter(console, [letter for each in played for letter in each.letters], language)
    _print_end(console, played)


def _print_operator(console: Console, played: Played) -> None:
    policy = played.policy
    _print(console, f"{policy.operator[Language.EN]}, {policy.inboxes[0]}, under the policy “{policy.name}”", style="bold")
    for when, requests in groupby(sorted(played.requests, key=_urgency), key=_when):
        _print(console, when)
        for each in requests:
            subject = played.arrived[each.place.uid].sample.subject or "(no subject)"
            _print(console, f"    {each.reference}  {'held' if each.outcome is Outcome.HELD else each.type:<17}  {subject}")
    outcomes = Counter(each.outcome for each in played.arrived.values() if each.outcome is not None)
    accounted = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    marked = sum(bool(each.flags) for each in played.arrived.values())
    _print(
        console,
        f"Arrived {len(played.arrived)} = accounted for {outcomes.total()}: {accounted}.",
        f"Letters accepted by the SMTP server: {len(played.letters)}. Marked as answered: {marked} messages; all others lie as they came.",
        "",
    )


def _urgency(request: Registered) -> tuple[bool, date, str]:
    return request.state in CLOSED, request.due or date.max, _when(request)


def _when(request: Registered) -> str:
    """Say by when a request is to be answered, and how that day was counted."""
    if request.state in CLOSED:
        return "  done at once"
    governing = next((owed for owed in request.obligations if not owed.met_at and owed.due == request.due), None)
    if governing is None:
        return "  done at once; the person has answered our letter, and staff are to read it"
    return f"  due {request.due or '-'}: {governing.arithmetic} ({governing.source.partition(';')[0]})"


def _print_letter(console: Console, letters: Iterable[EmailMessage], language: Language) -> None:
    """Print the first letter in a language."""
    theirs = [letter for letter in letters if letter["Content-Language"] == language]
    for letter in sorted(theirs, key=lambda each: str(each[LOOP_MARK_FIELD]))[:1]:
        _print(console, f"A letter to {letter['To']}: {letter['Subject']}", style="bold")
        _print(console, *(f"  | {line}" for line in letter.get_content().strip().splitlines()), "")


def _print_end(console: Console, played: Sequence[Played]) -> None:
    _print(console, f"What the staff of {played[0].policy.operator[Language.EN]} read every morning: {keep(played[0].digest)}", "")
    mistakes = [f"{each.policy.name}: {mistake}" for each in played for mistake in each.mistakes]
    if mistakes:
        raise Problem("\n".join(["not everything ended as labelled:", *mistakes]))
    _print(console, f"All {sum(len(each.arrived) for each in played)} messages ended as labelled.", NEXT)


def keep(digest: str) -> Path:
    """Write the digest where it stays, for its reader alone, in place of the last one; return where it lies."""
    place = Path(tempfile.gettempdir(), f"mailbot-demo-{os.getuid()}.html")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="mailbot-demo-", suffix=".html", delete=False) as file:
        file.write(digest)
    try:
        return Path(file.name).replace(place)
    except OSError:  # that name is somebody else's
        return Path(file.name)


def _print(console: Console, *lines: str, style: str | None = None) -> None:
    for line in lines:
        console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)
