"""``mailbot requests add | event | term``: what staff enter because no mail tells it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from mailbot.cli.requests import Reference
from mailbot.cli.terms import ConfigOption, desk_of, print_lines, read_day, settings_in, typed_by, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailbot.desk import Acting, Desk
    from storage.register import Registered

BY = ("post", "phone", "in_person", "authority")
NOON = time(12)
"""When something happened of which only the day is told; limits in hours are counted from it."""

At = Annotated[str | None, typer.Option("--at", metavar="HH:MM", help="The hour, where it is known.")]


def add(
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="What is asked, as revoke_consent.")],
    by: Annotated[str, typer.Option("--by", help=f"{', '.join(BY)}: how it came.")],
    received: Annotated[str, typer.Option("--received", metavar="DAY", help="2026-11-20 or 20.11.2026.")],
    at: At = None,
    address: Annotated[str, typer.Option("--from", metavar="ADDRESS", help="The person's mail address.")] = "",
    name: Annotated[str, typer.Option("--name", help="The person's name, as it was given.")] = "",
    language: Annotated[str | None, typer.Option("--language", help="kk, ru or en: that of letters to the person.")] = None,
    note: Annotated[str, typer.Option("--note", help="What else is known; it stays in the history.")] = "",
    config: ConfigOption = None,
) -> None:
    """Enter a request that did not come by mail.

    Limits run from that day, and messages to the address stop where the type stops them. Nobody is written to. By authority came what
    the authorised body found: data that must be changed (update) or destroyed (destroy).
    """
    from mailbot import entering
    from rules.vocabulary import Language, RequestType

    asked = RequestType(_one_of(kind, tuple(RequestType), "TYPE"))
    way, spoken = _one_of(by, BY, "--by"), Language(_one_of(language, tuple(Language), "--language")) if language else None
    day, hour = read_day(received, "--received"), _read_hour(at)

    def act(acting: "Acting") -> "Registered":
        return entering.add_request(acting, entering.Entered(asked, way, _moment(acting.desk, day, hour), address, name, spoken, note))

    _enter(config, act)


def event(
    happened: Annotated[str, typer.Argument(metavar="EVENT", help="What happened, as breach or purpose_ended.")],
    about: Annotated[str, typer.Argument(metavar="[REFERENCE|ADDRESS]", help="The request or the person on file that it is about.")] = "",
    why: Annotated[str, typer.Option("--why", help="What happened, and where it can be read: it stays in the history.")] = "",
    on: Annotated[str | None, typer.Option("--on", metavar="DAY", help="When it happened or was found; today, if not given.")] = None,
    at: At = None,
    config: ConfigOption = None,
) -> None:
    """Enter what no mail tells: what must follow is owed by its day.

    breach; unlawful (processing was found so); purpose_ended; transfer (to a third party, of which the consent wants the person told);
    no_breach_found; and of a request: public_source, consumer_claim, destruction_impossible. With an open request it joins what that
    owes; else it gets an entry of its own. Whose purpose ended is destroyed by the job of the day where [retention] ended_purpose
    says so.
    """
    from mailbot import entering
    from rules.vocabulary import Event

    found = Event(_one_of(happened, tuple(Event), "EVENT"))
    day, hour = read_day(on, "--on") if on else None, _read_hour(at)
    _enter(config, lambda acting: entering.enter_event(acting, found, about, _moment(acting.desk, day, hour), why))


def term(
    reference: Reference,
    day: Annotated[str, typer.Argument(metavar="DAY", help="2026-11-25 or 25.11.2026, as the letter says.")],
    config: ConfigOption = None,
) -> None:
    """Set the day by which an authority's letter wants its answer.

    An earlier day of the law or the policy still governs.
    """
    from mailbot import entering

    last = read_day(day, "DAY")
    _enter(config, lambda acting: entering.set_term(acting, reference.upper(), last))


def _enter(config: Path | None, act: "Callable[[Acting], Registered]") -> None:
    """Do one act in the operator's name, and tell what is owed and what to do next."""
    from mailbot.desk import Acting
    from mailbot.retention import follow_up, retention_order

    settings = settings_in(config)
    with desk_of(settings) as desk:
        with desk.database.write() as tx:
            request = act(Acting(tx, desk, typed_by()))
        follow_up(desk, retention_order(settings))
        today = desk.now().astimezone(ZoneInfo(settings.operator.timezone)).date()
    print_lines(_told(request, today))


def _told(request: "Registered", today: date) -> Iterator[str]:
    """Yield what is owed now, what is late already, and what to type once it is done."""
    from mailbot.moves import steps

    kind = request.event or request.type or "held"
    yield f"{request.reference}: {kind}, received {request.received_on}, due {request.due or 'not yet known'}"
    for owed in request.obligations:
        if owed.met_at is not None:
            yield f"done: {owed.what} ({owed.system})"
            continue
        late = " (late already)" if owed.due is not None and owed.due < today else ""
        yield f"owed, due {owed.due or 'not yet known'}{late}: {steps(request, [owed])}"


def _moment(desk: "Desk", day: date | None, hour: time | None) -> datetime:
    """Return the moment that was typed: today if no day was; noon if no hour was, or now if noon is to come."""
    now = desk.now().astimezone(desk.zone)
    moment = datetime.combine(day or now.date(), hour or NOON, desk.zone)
    return min(moment, now) if hour is None and moment.date() == now.date() else moment


def _read_hour(text: str | None) -> time | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%H:%M").replace(tzinfo=UTC).time()
    except ValueError:
        raise typer.BadParameter(f"{visible(text)} is no hour; write 09:30", param_hint="--at") from None


def _one_of(text: str, known: tuple[str, ...], option: str) -> str:
    word = text.strip().lower().replace("-", "_")
    if word not in known:
        raise typer.BadParameter(f"{visible(text)} is not known; it is one of {', '.join(known)}", param_hint=option)
    return word
