"""What recognition makes of a message, and how a verdict is put together from the words that were found."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from rules.details_change import Change
from rules.lexicon.grid import GRID
from rules.lexicon.letter import Letter
from rules.lexicon.marks import Marks
from rules.lexicon.senses import Sense
from rules.lexicon.sentence import Demand, Words, demands, has, is_own, sentences
from rules.policy import Mark
from rules.vocabulary import Certainty, Language, Outcome, RequestType


@dataclass(frozen=True, slots=True)
class Reading:
    """What recognition makes of a message: request, held or ordinary, and why."""

    outcome: Outcome
    type: RequestType | None = None
    language: Language | None = None
    matched: str | None = None
    clause: str | None = None
    certainty: Certainty | None = None
    reason: str = ""
    may_be: tuple[RequestType, ...] = ()
    from_template: bool = False
    by_mark: bool = False
    is_plausible: bool = True
    """Whether a held message is likely enough to be a request that its sender is told of its receipt."""

    @property
    def is_for_another(self) -> bool:
        """Whether it is asked for another person, so that what shows the right to do so is missing."""
        return self.reason == FOR_ANOTHER


FOR_ANOTHER = "It is asked for another person."

Evidence = Callable[[Letter, Marks], Reading | None]
Doubt = Callable[[Letter, Reading], Reading | None]

HEARD_ANYHOW = 6
"""Sentences of a body that are heard under a subject about something else."""

OBJECTS = frozenset(sense for objects in GRID.values() for sense in objects)
TELLING = (OBJECTS - {Sense.ME, Sense.CONTACT, Sense.SEND, Sense.LIST}) | {
    Sense.UNSUBSCRIBE,
    Sense.AUTHORITY,
    Sense.STATE_BODY,
    Sense.COMPLAINT,
    Sense.PERSONAL,
}
"""What a subject must name before its body is worth a look: an object of ours, or who asks."""

_LINKS = ("http://", "https://", "www.")
CONTACT_VALUE = re.compile(r"\S@\S+\.\w|\d[\d ()-]{8,}\d")
"""A mail address or a phone number."""
NOTHING_FOUND = Reading(Outcome.ORDINARY, reason="Nothing in it asks for anything about personal data.")
ANY_TYPE = tuple(kind for kind in RequestType if kind not in (RequestType.QUESTION, RequestType.AUTHORITY_INQUIRY, RequestType.UNBLOCK))

_ABSORBED: dict[RequestType, frozenset[RequestType]] = {
    RequestType.REVOKE_CONSENT: frozenset(
        {RequestType.STOP_PROCESSING, RequestType.DESTROY, RequestType.OPT_OUT, RequestType.RESTRICT_TRANSFER, RequestType.OBJECT_AUTOMATED}
    ),
    RequestType.DESTROY: frozenset({RequestType.OPT_OUT}),
    RequestType.OBJECT_AUTOMATED: frozenset({RequestType.STOP_PROCESSING}),
    RequestType.STOP_PROCESSING: frozenset({RequestType.OPT_OUT, RequestType.RESTRICT_TRANSFER}),
    RequestType.UNBLOCK: frozenset({RequestType.BLOCK}),
}
"""What asking for one thing asks for anyway."""


ASKED_FOR: dict[RequestType, str] = {
    RequestType.UPDATE: "to correct or update personal data",
    RequestType.REVOKE_CONSENT: "to take the consent back",
    RequestType.STOP_PROCESSING: "that personal data are no longer processed",
    RequestType.OBJECT_AUTOMATED: "that no machine decides",
    RequestType.OPT_OUT: "to send no more messages",
    RequestType.ACCESS: "what is held about the writer",
    RequestType.BLOCK: "to block personal data for a time",
    RequestType.UNBLOCK: "to lift a block",
    RequestType.DESTROY: "to destroy personal data",
    RequestType.RESTRICT_TRANSFER: "not to pass personal data on",
}
"""What a demand of each type asks, behind "The subject asks"."""


def all_demands(text: Words) -> list[Demand]:
    return [demand for sentence in sentences(text) for demand in demands(sentence)]


def changes_in(letter: Letter, *, sought: bool = False) -> tuple[Change, ...]:
    """Return what an update asks to change; looked for where a word or a value shows that there may be some, or where it is ``sought``."""
    names_some = sought or any(has(text, Sense.CONTACT, Sense.CHANGE, Sense.WRONG, Sense.NEW) for text in (letter.subject, *letter.telling))
    if not letter.own_words or not (names_some or CONTACT_VALUE.search(letter.body_text)):
        return ()
    from rules.details import proposed  # slow to import, and few messages are updates

    return proposed(letter.written, letter.own_words, sender=None)


def is_plain_update(letter: Letter, reading: Reading) -> bool:
    """Tell whether ``reading`` is an update, and the letter says what is to be changed."""
    return reading.type is RequestType.UPDATE and bool(changes_in(letter))


def update_of(changes: Iterable[Change], marks: Marks) -> Reading:
    """Return the update that ``changes`` make."""
    fields = ", ".join(change.field.replace("_", " ") for change in changes)
    return request_for(marks, RequestType.UPDATE, fields, Certainty.GUESS, f"The body tells what is to be changed: {fields}.")


def stated(text: Words, letter: Letter) -> list[Demand]:
    """Return the demands of ``text`` but for those that only ask: whether they can be made, or why they were."""
    asking = (Sense.WHETHER, Sense.HOW_MUCH) if "?" in letter.written else (Sense.WHETHER,)
    return [demand for sentence in sentences(text) if not has(sentence, *asking) for demand in demands(sentence)]


def guess(reading: Reading, says: str) -> Reading:
    """Return a verdict that rests on another spelling; ``says`` names it."""
    if reading.outcome is Outcome.HELD:
        return reading
    return replace(reading, certainty=Certainty.GUESS, reason=f"{says}: {reading.reason[0].lower()}{reading.reason[1:]}")


def narrowed(found: Sequence[Demand], letter: Letter) -> list[Demand]:
    """Return the demands; to be taken off ("remove me") in a letter that is about a mailing and no data means the mailing."""
    texts = (letter.subject, *letter.telling)
    of_mailing = any(has(text, Sense.MAILING) for text in texts) and not any(
        has(text, Sense.DATA, Sense.ACCOUNT, Sense.BASE) for text in texts
    )
    return [replace(each, type=RequestType.OPT_OUT) if of_mailing and each.type is RequestType.DESTROY else each for each in found]


def absorbed(types: Iterable[RequestType]) -> list[RequestType]:
    """Return ``types`` once each, without those that another of them asks for anyway."""
    once = list(dict.fromkeys(types))
    return [kind for kind in once if not any(kind in _ABSORBED.get(other, ()) for other in once)]


def by_mark(mark: Mark, certainty: Certainty, reason: str) -> Reading:
    return Reading(
        Outcome.REQUEST,
        mark.type,
        mark.language,
        matched=mark.phrase,
        clause=mark.clause,
        certainty=certainty,
        reason=reason,
        from_template=mark.from_template,
        by_mark=True,
    )


def by_demands(found: Sequence[Demand], marks: Marks, where: str) -> Reading | None:
    """Return the verdict on what was found; ``where`` begins the sentence that says so."""
    types = absorbed(demand.type for demand in found)
    if not types:
        return None
    if len(types) > 1:
        return replace(held("Two different demands are made.", tuple(types)), language=found[0].language)
    deciding = min((demand for demand in found if demand.type is types[0]), key=lambda demand: demand.certainty is Certainty.GUESS)
    whose = "people's words" if deciding.certainty is Certainty.GUESS else "the law's words"
    reason = f"{where} {ASKED_FOR[deciding.type]}, in {whose}: “{deciding.matched}”."
    reading = request_for(marks, deciding.type, deciding.matched, deciding.certainty, reason)
    return replace(reading, language=deciding.language)


def request_for(marks: Marks, kind: RequestType, matched: str, certainty: Certainty, reason: str) -> Reading:
    return Reading(Outcome.REQUEST, kind, matched=matched, clause=marks.clause_for(kind), certainty=certainty, reason=reason)


def held(reason: str, may_be: tuple[RequestType, ...]) -> Reading:
    types = tuple(dict.fromkeys(may_be))
    return Reading(Outcome.HELD, types[0] if len(types) == 1 else None, reason=reason, may_be=types)


def has_link(text: str) -> bool:
    """Tell whether a link stands in ``text``."""
    lower = text.lower()
    return any(beginning in lower for beginning in _LINKS)


def doubted(reading: Reading, reason: str) -> Reading:
    return replace(reading, outcome=Outcome.HELD, reason=reason, may_be=(reading.type,) if reading.type else ())


def joined_text(parts: Iterable[str]) -> str:
    return " ".join(parts)


_CONFIRM = ("confirm", "подтверд", "раста")


def question_in(text: Words, marks: Marks) -> Reading | None:
    """Return the question that ``text`` asks about personal data; the wish to see one's data is access, unless one asks how."""
    if not has(text, Sense.QUESTION, Sense.WHETHER) or (has(text, Sense.BUSINESS) and not has(text, Sense.PERSONAL, Sense.CONSENT)):
        return None
    if has(text, Sense.GATHERING, Sense.BULK) and not has(text, Sense.MY, Sense.ME):
        return None  # the title of a newsletter
    confirming = next((word.text for word in text if word.text.startswith(_CONFIRM)), None)
    if confirming and has(text, Sense.MY, Sense.ME) and has(text, Sense.DATA):
        reason = "It asks to confirm that the writer's data are processed."
        return request_for(marks, RequestType.ACCESS, confirming, Certainty.NEAR, reason)
    types = {demand.type for demand in all_demands(text)}
    about = (
        types
        or (has(text, Sense.POLICY, Sense.CONSENT) and all(word.senses for word in text))
        or any(Sense.DATA in word.senses and is_own(text, at) for at, word in enumerate(text))
    )
    if not about or (types == {RequestType.ACCESS} and not has(text, Sense.WHETHER)):
        return None
    is_demand = has(text, Sense.OBJECT, Sense.FORBID) or (types == {RequestType.ACCESS} and has(text, Sense.REQUEST))
    if types == {RequestType.UNBLOCK} or (types and is_demand):
        return None  # "I ask to be told how my data are used"
    matched = joined_text(word.text for word in text if word.senses & {Sense.QUESTION, Sense.WHETHER})
    return request_for(marks, RequestType.QUESTION, matched, Certainty.NEAR, "It asks a question about personal data and demands nothing.")


_OF_ANOTHER = frozenset({Sense.REPRESENTS, Sense.RELATIVE, Sense.HIS})


def names_another(text: Words) -> bool:
    """Tell whether ``text`` names a relative of the writer's, or data that are his or hers, or somebody who acts for another."""
    named = [(at, word) for at, word in enumerate(text) if not word.senses.isdisjoint(_OF_ANOTHER)]
    if not named or has(text, Sense.HELPS):  # "my son writes this for me"
        return False
    for at, word in named:
        if Sense.REPRESENTS in word.senses:
            return True
        of_writer = has(text[max(0, at - 2) : at + 1], Sense.MY) or has(text[max(0, at - 3) : at], Sense.FOR)
        if Sense.RELATIVE in word.senses and of_writer and not _is_denied_in_kazakh(text, at):
            return True
        if Sense.HIS in word.senses and has(text[at + 1 : at + 3], Sense.DATA, Sense.CONSENT, Sense.ACCOUNT, Sense.CONTACT):
            return True
    return False


def _is_denied_in_kazakh(text: Words, at: int) -> bool:
    """Tell whether «емес» follows: "not my daughter's"."""
    return at + 1 < len(text) and text[at + 1].text == "емес"
