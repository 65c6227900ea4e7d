"""``mailbot requests mark``: staff say what a request is, or that it is none."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from mailbot.cli.requests import Reference
from mailbot.cli.terms import ConfigOption, desk_of, print_lines, settings_in, typed_by, visible

if TYPE_CHECKING:
    from mailbot.corrections import Marked
    from rules.vocabulary import RequestType

ORDINARY = "ordinary"


def mark(
    reference: Reference,
    what: Annotated[str, typer.Argument(metavar="ordinary|TYPE", help="What it is: a type, as opt_out, or ordinary mail.")],
    config: ConfigOption = None,
) -> None:
    """Say what a request is, or that it is ordinary mail.

    With a type, what is owed is counted anew from the day of receipt, and what was done stays done; messages to the sender stop where
    that type stops them. Ordinary mail is closed.
    No letter is sent. The correction is kept: `mailbot cases export`.
    """
    kind = _meant(what)
    from mailbot import corrections
    from mailbot.desk import Acting

    with desk_of(settings_in(config)) as desk, desk.database.write() as tx:
        acting = Acting(tx, desk, typed_by())
        named = reference.upper()
        marked = corrections.dismiss(acting, named) if kind is None else corrections.give_type(acting, named, kind)
    print_lines(_told(marked))


def _meant(what: str) -> "RequestType | None":
    """Return the type that was typed, None for ordinary mail; anything else is a usage mistake."""
    from rules.vocabulary import RequestType

    word = what.strip().lower().replace("-", "_").replace(" ", "_")
    if word == ORDINARY:
        return None
    known = [ORDINARY, *RequestType]
    if word in known:
        return RequestType(word)
    near = get_close_matches(word, known, 1)
    advice = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(known)}"
    raise typer.BadParameter(f"{visible(what)} is no type of request; {advice}", param_hint="ordinary|TYPE")


def _told(marked: "Marked") -> Iterator[str]:
    """Yield what the request is now, and what is left to do."""
    from rules.decide import STOPS_MESSAGES
    from rules.life import OPEN

    request = marked.request
    is_open = request.state in OPEN
    yield f"{request.reference}: {request.type if is_open else ORDINARY}, {request.state}; no letter was sent"
    if is_open:
        for owed in request.obligations:
            yield f"{'done' if owed.met_at else 'owed'}: {owed.what} ({owed.system}), due {owed.due or 'not yet known'}"
    if is_open and request.type in STOPS_MESSAGES and request.sender:
        yield f"messages to {request.sender} are stopped"
    if marked.still_stopped:
        yield (
            "messages to the sender are stopped because of it: "
            f"`mailbot subscribers resume {request.sender or 'ADDRESS'}` lets them go again, if the person wants that"
        )
