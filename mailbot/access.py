"""The answer to an access request: what is held of a person and what is done with it, as a page, as JSON, and the letter that carries both.

Nothing here sends: staff look at it and release it (``staff.release``), for personal data never leave by themselves (H68).
What is on file is looked up by ``storage.access``; the words of the page stand in ``templates/access``.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from mailbot.config import Retention
from mailbot.desk import OWN_SYSTEM, Desk
from mailbot.digest_page import environment
from mailbot.digest_words import Words, shown
from mailbot.errors import Problem
from mailbot.letters import BILINGUAL, Enclosure, Occasion, enclosing, is_visible
from mailbot.opening import write_letter
from mailbot.wording import TEMPLATES, Wording, read_wording
from rules.addresses import mailbox_key
from rules.automatic import screen
from rules.deadlines import STAFF
from rules.message import read_header
from rules.policy import NoteCode, limits_for
from rules.secret_numbers import masked_numbers
from rules.vocabulary import Duty, Event, Language, LetterKind, Outcome, RequestType, Standing
from storage import evidence, register
from storage.access import Held, OnFile, on_file, what_is_held
from storage.outbox import NewLetter
from storage.register import Happening, Owed, Registered

FORMAT = "mailbot-access-1"
"""What the JSON is: a key is never given another meaning under one name."""

RELEASED = "released"
"""What stands in a request's history when staff released its answer."""

Account = Mapping[str, Any]
"""What a person is told, its numbers masked and its moments on the operator's clock; the keys stand in ``docs/access.md``."""


class NotReleasable(Problem):
    """The answer may not go out like that."""


@dataclass(frozen=True, slots=True)
class Release:
    """What staff say when they release an answer: words for the letter, how they made sure who asks, or that nothing is held."""

    note: str = ""
    proof: str = ""
    nothing_is_held: bool = False


# --- what is told ------------------------------------------------------------------------------------------------------
def person_of(tx: Connection, request: Registered) -> OnFile | None:
    """Return the address on file of the person who asks, as it is stored (H48); None where nobody has it."""
    found = on_file(tx, mailbox_key(request.sender)) if request.sender else ()
    if len(found) > 1:
        raise NotReleasable(
            f"{request.reference}: {len(found)} people on file share its sender's address, and what is held of one is not for the others: "
            f"answer it in another way, then type `mailbot requests done {request.reference}`"
        )
    if found and request.subscriber_id not in (None, found[0].subscriber_id):
        raise NotReleasable(f"{request.reference}: its sender's address belongs to somebody else on file by now; look who asks")
    return found[0] if found else None


def account_of(desk: Desk, request: Registered, held: Held, retention: Retention) -> Account:
    """Return what the person of a request is told: what is held, on which ground, what for, how long, and who gets it (art. 24)."""
    today = desk.now().astimezone(desk.zone).date()
    ends = limits_for(desk.policy.limits, Event.PURPOSE_ENDED, today)
    notices = [note.clause for note in desk.policy.notes if note.code is NoteCode.CROSS_BORDER_NOTICE]
    abroad = [each.since for each in held.consents if each.scope == "cross_border" and _holds(each.until, each.expires_on, today)]
    told = {
        "format": FORMAT,
        "reference": request.reference,
        "received_on": request.received_on,
        "made_on": today,
        "operator": dict(desk.policy.operator),
        "policy": {
            "name": desk.policy.name,
            "version": desk.policy.version,
            "source_url": desk.policy.source_url,
            "law": desk.policy.law.title,
        },
        "held": asdict(held),
        "purposes": desk.policy.purposes,
        "third_parties": desk.policy.third_parties,
        "storage": {
            "clauses": [{"clause": each.clause, "amount": each.amount, "unit": each.unit} for each in ends],
            "closed_requests_years": retention.closed_requests_years,
            "raw_mail_years": retention.raw_mail_years,
        },
        "cross_border": {"consent_since": min(abroad, default=None), "notice_clauses": notices},
        "automated_decisions": [],  # a policy's pack names none: what decides without a person is not among what it records
    }
    account: Account = _told(told, desk)
    return account


def as_json(account: Account) -> str:
    """Return the account for programs; a character that is not seen stands there by its number."""
    text = json.dumps(account, ensure_ascii=False, indent=2, default=lambda moment: moment.isoformat())
    return "".join(each if each == "\n" or is_visible(each) else json.dumps(each)[1:-1] for each in text) + "\n"


def as_page(account: Account, language: Language | None) -> str:
    """Return the account as a page for a browser and for paper; it says everything twice where the language is not known."""
    speakers = [Speaker(account, each, words_of(each), read_wording(each)) for each in ((language,) if language else BILINGUAL)]
    return environment().get_template("access/access.html.j2").render(speakers=speakers)


def _holds(until: date | None, expires_on: date | None, today: date) -> bool:
    return (until is None or until > today) and (expires_on is None or expires_on >= today)


def _told(value: Any, desk: Desk) -> Any:
    """Return the same with its numbers masked and its moments on the operator's clock."""
    match value:
        case str():
            return masked_numbers(value)
        case datetime():
            return value.astimezone(desk.zone).replace(microsecond=0)
        case Mapping():
            return {name: _told(each, desk) for name, each in value.items()}
        case list() | tuple():
            return [_told(each, desk) for each in value]
    return value


# --- the page ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: a sentence, and cards of (label, text)."""

    heading: str
    note: str
    cards: Sequence[Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says an account in one language."""

    account: Account
    language: Language
    words: Words
    wording: Wording

    def operator(self) -> str:
        """Return the operator's name."""
        names = self.account["operator"]
        return shown(" ".join(str(names.get(self.language) or next(iter(names.values()))).split()))

    def title(self) -> str:
        """Say what is answered."""
        received = self.wording.spell(self.account["received_on"])
        return str(self.words["request"].format(reference=self.account["reference"], received=received))

    def made(self) -> str:
        """Say of which day this is."""
        return str(self.words["made"].format(made=self.wording.spell(self.account["made_on"])))

    def policy(self) -> str:
        """Name the policy."""
        return str(self.words["policy"].format(**self.account["policy"]))

    def sections(self) -> Iterator[Section]:
        """Yield the parts of the page; of what never happened none is needed."""
        held, note, abroad = self.account["held"], self.words["note"], self.account["cross_border"]
        standing = {name: held[name] for name in ("since", "blocked_at", "legal_hold")}
        others = self.account["third_parties"]
        yield self._section("details", "", [{**held["details"], **standing}])
        for name in ("contacts", "consents"):
            yield self._section(name, "" if held[name] else note["none"], held[name])
        yield self._section("purposes", "", [{"purpose": self.account["purposes"]}])
        yield self._section("storage", note["storage"], [self._terms(**self.account["storage"])])
        yield self._section("third_parties", note["third_parties" if others else "no_third_parties"], [{"recipients": others}])
        yield self._section("cross_border", note["abroad" if abroad["consent_since"] else "not_abroad"], [abroad])
        yield self._section("automated", note["automated"], [])
        for name in ("suppressions", "amendments", "requests"):
            if held[name]:
                yield self._section(name, note.get(name, ""), held[name])

    def _terms(self, clauses: Sequence[Mapping[str, Any]], **years: int) -> Mapping[str, Any]:
        """Say until when: the policy's clauses with their numbers, and for how many years after a request was closed."""
        units = self.words["word"]["unit"]
        said = [f"{each['clause']}: {each['amount']} ({units[each['unit']]})" if each["amount"] else each["clause"] for each in clauses]
        return {"clauses": said, **{name: number or self.words["note"]["no_term"] for name, number in years.items()}}

    def _section(self, name: str, note: str, rows: Sequence[Mapping[str, Any]]) -> Section:
        cards = (
            [(self.words["label"].get(key, shown(key)), self._said(key, value)) for key, value in row.items() if value] for row in rows
        )
        return Section(self.words["heading"][name], note, [card for card in cards if card])

    def _said(self, name: str, value: object) -> str:
        if isinstance(value, date):
            return self.wording.spell(value)
        if isinstance(value, list):
            return ", ".join(self._said(name, each) for each in value)
        if name == "field" and ":" in str(value):
            kind, _, scope = str(value).partition(":")  # of a consent or a stop: which one
            return f"{self._said(name, kind)}: {self._said('scope', scope)}"
        return str(self.words["word"].get(name, {}).get(value) or shown(str(value)))


@lru_cache
def words_of(language: Language) -> Words:
    """Return the page's words in a language."""
    return tomllib.loads((TEMPLATES / "access" / f"{language}.toml").read_text("utf-8"))


# --- the letter ----------------------------------------------------------------------------------------------------------
def answer(desk: Desk, tx: Connection, request: Registered, order: Release, retention: Retention) -> NewLetter:
    """Write the letter that answers an access request; raise ``NotReleasable`` rather than disclose anything to the wrong person."""
    message = read_header(evidence.header_of(tx, request.reference) or b"")
    _refuse_unless_owed(request, register.history_of(tx, request.reference))
    unanswerable = request.channel is None and screen(message, desk.own) is not None  # what came by post has no message
    if request.sender is None or request.standing is Standing.FAILED or unanswerable:  # I5
        raise NotReleasable(f"{request.reference}: no letter may go to its sender; {_by_hand(request)}")
    person = person_of(tx, request)
    (_refuse_nothing if order.nothing_is_held else _refuse_disclosure)(request, person, order)
    files: tuple[Enclosure, ...] = ()
    if person is not None:
        account = account_of(desk, request, what_is_held(tx, person.subscriber_id), retention)
        files = _enclosures(account, request.language)
    elsewhere = _owed_elsewhere(request)
    occasion = Occasion(
        kind=LetterKind.ANSWER,
        type=RequestType.ACCESS,
        language=request.language,
        reference=request.reference,
        recipient=person.address if person else request.sender,  # H48: as it is stored
        elsewhere=bool(elsewhere),
        due=max((each.due for each in elsewhere if each.due), default=None),
        in_reply_to=message.message_id,
        references=message.references,
        kept="\n".join(file.name for file in files),
        answer=masked_numbers(order.note),
    )
    letter = write_letter(desk, occasion, desk.now(), capped=False)
    if letter is None:
        raise NotReleasable(f"{request.reference}: no letter can reach that address; {_by_hand(request)}")
    return replace(letter, content=enclosing(letter.content, files)) if files else letter


def _enclosures(account: Account, language: Language | None) -> tuple[Enclosure, ...]:
    name = account["reference"]
    page, values = as_page(account, language), as_json(account)
    return Enclosure(f"{name}.html", "text", "html", page), Enclosure(f"{name}.json", "application", "json", values)


def _refuse_unless_owed(request: Registered, history: Sequence[Happening]) -> None:
    """Raise unless it is an access request whose answer is owed: one letter, until staff take that back or open the request again."""
    if (request.outcome, request.type) != (Outcome.REQUEST, RequestType.ACCESS):
        raise NotReleasable(
            f"{request.reference} is not an access request; if it should be, type `mailbot requests mark {request.reference} access`"
        )
    is_owed = any(each.what == Duty.ANSWER and not each.met_at for each in request.obligations if each.system in (STAFF, OWN_SYSTEM))
    since = max((number for number, event in enumerate(history) if event.what == "reopened"), default=0)
    if not is_owed and any(event.what == RELEASED for event in history[since:]):
        raise NotReleasable(
            f"{request.reference} was released already; `mailbot requests reopen {request.reference} answer` takes that back"
        )


def _refuse_disclosure(request: Registered, person: OnFile | None, order: Release) -> None:
    """Raise unless the data go to an address on file, and it is known that its owner asks (H68; art. 10(2))."""
    if person is None:
        raise NotReleasable(
            f"{request.reference}: its sender's address is not on file, and data go to no other. If the person is on file under "
            "another one, ask them to write from there; if nothing is held anywhere, add --nothing"
        )
    if request.confirmed_at is None and not order.proof.strip():
        raise NotReleasable(
            f"{request.reference} was not confirmed by its sender; wait for that, "
            "or say how you made sure who asks: --proof 'rang the number on file'"
        )


def _refuse_nothing(request: Registered, person: OnFile | None, _order: Release) -> None:
    """Raise unless nothing is held, here and in the other systems, and the sender is the one who asks."""
    if person is not None:
        raise NotReleasable(f"{request.reference}: something is held: its sender is on file; release it without --nothing")
    if systems := ", ".join(each.system for each in _owed_elsewhere(request)):
        raise NotReleasable(
            f"{request.reference}: look there first: {systems}; then type `mailbot requests done {request.reference} answer --system NAME`"
        )
    if request.confirmed_at is None and request.standing is not Standing.ALIGNED:
        raise NotReleasable(f"{request.reference} was not confirmed by its sender, and nothing else proves who wrote; {_by_hand(request)}")


def _owed_elsewhere(request: Registered) -> list[Owed]:
    """Return the answers that staff of other systems have still to give."""
    return [each for each in request.obligations if each.what == Duty.ANSWER and not each.met_at and each.system not in (STAFF, OWN_SYSTEM)]


def _by_hand(request: Registered) -> str:
    return f"answer it in another way, then type `mailbot requests done {request.reference}`"
