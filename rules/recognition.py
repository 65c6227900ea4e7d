"""What a message asks for: the policy's marks, then the law's words, then people's, in Kazakh, Russian and English.

``PLAIN`` and ``UNCLEAR`` are the order of the evidence: the first that finds something decides. ``DOUBTS`` then say what the letter's own
words make of a request. Each piece of evidence is a function in ``rules.evidence``; words and what they mean stand in ``rules.lexicon``,
spelling in ``rules.normal_form``; whether a message is automatic is left to the header fields and ``rules.automatic``.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache

from rules import likeness
from rules.evidence.alike import hear_another_type, hear_ordinary_mail, hear_what_is_alike
from rules.evidence.body import (
    find_mark_in_body,
    hear_objection,
    read_attachment_names,
    read_bare_stop,
    read_body,
    read_body_under_another_subject,
    read_changes,
)
from rules.evidence.doubts import (
    asks_again,
    hear_another_person,
    hear_contradiction,
    hear_device,
    hear_machine,
    hear_matter,
    hear_nobody,
    hear_other_business,
    hear_second_demand,
)
from rules.evidence.reading import (
    NOTHING_FOUND,
    OBJECTS,
    TELLING,
    Doubt,
    Evidence,
    Reading,
    doubted,
    guess,
)
from rules.evidence.spelling import IN_SKELETONS, respelt
from rules.evidence.subject import (
    AUTOMATIC,
    hear_authority,
    hear_complaint,
    hear_question,
    hear_representative,
    hear_taking_back,
    name_mark_exactly,
    name_mark_nearly,
    pass_over_automatic_mail,
    pass_over_consent,
    pass_over_thanks,
    read_subject,
)
from rules.evidence.unclear import (
    ask_generally,
    hold_bare_theme,
    hold_likely_demand,
    hold_other_language,
)
from rules.lexicon.grid import CONTRARY, GRID
from rules.lexicon.letter import Letter, language_of, opened
from rules.lexicon.marks import Marks
from rules.lexicon.senses import ACTS, Sense
from rules.lexicon.sentence import has, is_clean
from rules.policy import Policy
from rules.vocabulary import Outcome

__all__ = ["Glance", "Reading", "Recogniser"]


class Glance(StrEnum):
    """What a subject alone tells: whether the body is needed."""

    NOTHING = "nothing"
    EMPTY_HANDED = "empty_handed"
    MATCH = "match"


SUBJECTS_REMEMBERED = 1024
"""Most mail of an inbox belongs to threads, and a thread keeps its subject; and much differs only by a number."""


class Recogniser:
    """Reads messages under one policy."""

    def __init__(self, policy: Policy) -> None:
        likeness.load()
        self._marks = Marks(policy)
        self._glanced = lru_cache(SUBJECTS_REMEMBERED)(self._glance)

    def glance(self, subject: str) -> Glance:
        """Tell from the subject alone whether the message may be a request. Which number an invoice has makes no difference."""
        return self._glanced(_NUMBER.sub("0", subject))

    def _glance(self, subject: str) -> Glance:
        letter = opened(subject, None)
        if AUTOMATIC.match(letter.written.lstrip()):
            return Glance.NOTHING
        if letter.is_empty_handed:
            return Glance.EMPTY_HANDED
        if has(letter.subject, *TELLING) or is_clean(letter.subject):
            return Glance.MATCH
        if has(letter.subject, *_ASKING) and self._heard(letter, PLAIN + UNCLEAR):
            return Glance.MATCH
        others = (other for _, other in respelt(letter) if has(other.subject, *_ASKING))
        found = name_mark_nearly(letter, self._marks) or hold_other_language(letter, self._marks)
        return Glance.MATCH if found or any(self._heard(other, PLAIN + UNCLEAR) for other in others) else Glance.NOTHING

    def recognise(self, subject: str, own_words: str | None, attachments: Sequence[str] = (), *, forwards: bool = False) -> Reading:
        """Return what the message asks, from its subject and the words that its sender wrote (None: not read).

        ``forwards`` tells that a message of somebody else lies in it or under it.
        """
        letter = opened(subject, own_words, attachments)
        reading, letter = self._found(letter)
        if reading.outcome is Outcome.ORDINARY:
            return reading
        reading = replace(reading, language=language_of(letter, reading.language))
        if reading.outcome is Outcome.HELD:
            return reading
        if forwards and letter.unwrapped.is_forward and not any(map(asks_again, letter.telling)):
            return doubted(reading, "It is forwarded, and the sender's own words ask for nothing.")
        reading = next(filter(None, (doubt(letter, reading) for doubt in DOUBTS)), reading)
        return replace(reading, clause=self._marks.clause_for(reading.type)) if reading.type and not reading.clause else reading

    def _found(self, letter: Letter) -> tuple[Reading, Letter]:
        """Return what is found in the letter, and the spelling of it in which it was."""
        others = list(respelt(letter)) if (reading := self._heard(letter, PLAIN)) is None else []
        if reading is not None:
            return reading, letter
        for evidence in (PLAIN, UNCLEAR):
            if evidence is UNCLEAR and (reading := self._heard(letter, UNCLEAR)):
                return reading, letter
            for says, other in others:
                found = self._heard(other, evidence)
                if found and found.outcome is not Outcome.ORDINARY:
                    return guess(found, says), other
        for says, other in (("", letter), *((says, other) for says, other in others if says != IN_SKELETONS)):
            if found := hear_what_is_alike(other, self._marks):
                is_unsure = says and found.outcome is Outcome.REQUEST
                return doubted(found, f"{says}: {ALIKE_AT_MOST}") if is_unsure else found, other
        return NOTHING_FOUND, letter

    def _heard(self, letter: Letter, evidence: tuple[Evidence, ...]) -> Reading | None:
        return next(filter(None, (hear(letter, self._marks) for hear in evidence)), None)


ALIKE_AT_MOST = "its words are known only then, and say no more than that it is like a request."
_NUMBER = re.compile(r"(?<!\w)\d+(?!\w)")
_ASKING = (ACTS | GRID.keys() | CONTRARY.keys() | OBJECTS | {Sense.POLICY}) - {Sense.ME}


PLAIN: tuple[Evidence, ...] = (
    pass_over_automatic_mail,
    pass_over_thanks,
    name_mark_exactly,
    name_mark_nearly,
    hear_authority,
    hear_complaint,
    hear_taking_back,
    hear_representative,
    pass_over_consent,
    hear_question,
    read_subject,
    find_mark_in_body,
    read_body,
    read_bare_stop,
    hear_objection,
    read_changes,
    read_body_under_another_subject,
)
"""What says plainly what is asked; heard first in the letter as it stands, then in each other spelling of it."""

UNCLEAR: tuple[Evidence, ...] = (
    read_attachment_names,
    hold_likely_demand,
    hold_other_language,
    ask_generally,
    hold_bare_theme,
)
"""What is heard when nothing says it plainly."""

DOUBTS: tuple[Doubt, ...] = (
    hear_machine,
    hear_another_person,
    hear_nobody,
    hear_contradiction,
    hear_second_demand,
    hear_matter,
    hear_device,
    hear_other_business,
    hear_ordinary_mail,
    hear_another_type,
)
