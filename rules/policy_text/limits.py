"""Finds within what time what is to happen: how long stands in ``amounts``, what by the words nearest to it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rules.policy_text.amounts import Span, spans_in
from rules.policy_text.findings import SubjectPhrase, TimeLimit
from rules.policy_text.kinds import type_of
from rules.policy_text.markup import CELL
from rules.policy_text.outline import Sentence
from rules.policy_text.words import (
    AFTER_KAZAKH,
    ASKED,
    AUTHORITY,
    BREACH,
    CARRIED_OUT,
    IN_ADVANCE,
    KEPT_THINGS,
    NEW_VERSION,
    OF_PASSWORDS_AND_REVIEWS,
    OTHER_TIMES,
    RETENTION,
    SOME_TIME_AFTER,
    TO_PEOPLE,
    TYPES,
    WHATS,
)

_WHAT_OF_TYPE = {
    "revoke_consent": "stop_processing",
    "revoke_consent_partial": "stop_processing",
    "object_automated": "answer_subject",
    "access": "answer_subject",
    "question": "answer_subject",
    "any": "answer_subject",
    "authority_inquiry": "notify_authority",
}
"""What is to happen when a request of a type comes, where it is not called as the type is."""
_OF_REQUESTS = frozenset(_WHAT_OF_TYPE.get(kind, kind) for kind in TYPES)
_OF_STORAGE = frozenset({"destroy", "answer_subject"})
"""What in a section on storage is said of the end of storage."""
_FAR = 10_000
_NEAR = 300
"""Letters on either side of a time in which words are looked for."""
_COMMA = 12
_WORD_END = re.compile(r"\w*")
_PAUSE = re.compile(r"[,;()—]|(?<!\w)(?:или|либо|or|немесе)(?!\w)", re.IGNORECASE)
_LEADS_TO_TIME = re.compile(
    r"(?<!\w)(?:в срок|в течение|не поз(?:днее|же)|чем через|через|по истечении|within|(?:no|not) later than)(?!\w)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class UnclearLimit:
    """An amount of time of which the words do not tell what it is for."""

    sentence: str
    clause: str | None


@dataclass(frozen=True, slots=True)
class _Promise:
    """An amount of time in its sentence, with its own words around it, and the mark that the clause named last."""

    sentence: Sentence
    span: Span
    since: int
    until: int
    mark: SubjectPhrase | None

    @property
    def text(self) -> str:
        return self.sentence.text

    @property
    def around(self) -> tuple[int, int]:
        """Return where the words stand that may belong to the time."""
        return max(0, self.span.start - _NEAR), min(len(self.text), self.span.end + _NEAR)

    def distance(self, pattern: re.Pattern[str], since: int, until: int) -> int:
        """Return how far a word stands from the time; a pause between them counts as so many letters."""
        nearest = _FAR
        for found in pattern.finditer(self.text, since, until):
            end = _WORD_END.match(self.text, found.end()).end()  # type: ignore[union-attr]  # it matches everywhere
            is_before = end <= self.span.start
            between = self.text[end : self.span.start] if is_before else self.text[self.span.end : found.start()]
            nearest = min(nearest, len(_LEADS_TO_TIME.sub("", between)) + _COMMA * len(_PAUSE.findall(between)))
        return nearest

    def nearest(self, words: Mapping[str, re.Pattern[str]], since: int, until: int) -> tuple[str | None, int]:
        """Return which of the words stand nearest to the time, and how far."""
        near = {name: self.distance(pattern, since, until) for name, pattern in words.items()}
        name, distance = min(near.items(), key=lambda found: found[1])
        return (name if distance < _FAR else None), distance

    def own(self, words: Mapping[str, re.Pattern[str]]) -> str | None:
        """Return which of the words stand nearest among the time's own."""
        return self.nearest(words, self.since, self.until)[0]

    def elsewhere(self, words: Mapping[str, re.Pattern[str]]) -> str | None:
        """Return which of the words stand nearest among those of other times, if there are any."""
        return None if self.around == (self.since, self.until) else self.nearest(words, *self.around)[0]


def limits_in(sentences: Iterable[Sentence], marks: Iterable[SubjectPhrase]) -> tuple[list[TimeLimit], list[UnclearLimit]]:
    """Return the limits, each once a clause, and those that are not understood."""
    marked = {mark.sentence: mark for mark in marks}
    limits: dict[tuple[str, int | None, str, str | None], TimeLimit] = {}
    unclear = []
    place: tuple[str | None, str] | None = None
    mark: SubjectPhrase | None = None
    for sentence in sentences:
        mark = marked.get(sentence.text, mark if place == (sentence.clause, sentence.heading) else None)
        place = sentence.clause, sentence.heading
        spans = spans_in(sentence.text)
        for span, before, after in zip(spans, [None, *spans], [*spans[1:], None], strict=False):
            until = after.start if after else len(sentence.text)
            since = max(before.end if before else 0, span.start - _NEAR)
            what = _what(_Promise(sentence, span, since, min(until, span.end + _NEAR), mark))
            if span.repeats and what not in OF_PASSWORDS_AND_REVIEWS:
                continue
            if what is None:
                unclear.append(UnclearLimit(sentence.text, sentence.clause))
            elif span.amount or what in _OF_REQUESTS or (span.unit == "same_day" and what.startswith("retention")):
                limit = TimeLimit(what, span.amount, span.unit, sentence.clause, sentence.text)
                limits.setdefault((what, span.amount, span.unit, sentence.clause), limit)
    return _apart(list(limits.values())), unclear


def _what(promise: _Promise) -> str | None:
    """Return what is to happen within an amount of time."""
    text, heading = promise.text, promise.sentence.heading
    if BREACH.search(f"{heading} {text}"):
        return _breach(promise)
    if other := _other_time(promise):
        return other
    if AUTHORITY.search(text, promise.since, promise.until):
        return "notify_authority"
    if CELL in text and not RETENTION.search(heading) and (kind := type_of(text)):
        return _WHAT_OF_TYPE.get(kind, kind)
    name, distance = promise.nearest(WHATS, promise.since, promise.until)
    kept = promise.distance(RETENTION, promise.since, promise.until)
    is_storage = kept < _FAR and kept <= distance + _COMMA
    if is_storage or (name == "destroy" and _ends_storage(promise)) or (name in _OF_STORAGE and RETENTION.search(heading)):
        return f"retention:{_kept_thing(promise)}"
    if name in {"stop_processing", "destroy"} and (type_of(text) or (promise.mark and promise.mark.type)) == "opt_out":
        return "opt_out"
    return name or _by_context(promise)


def _breach(promise: _Promise) -> str:
    own = promise.since, max(promise.span.end, promise.text.find(",", promise.span.end, promise.until))
    are_people_told = promise.distance(TO_PEOPLE, *own) < promise.distance(AUTHORITY, *own)
    return "breach_notice_subject" if are_people_told else "breach_notice"


def _other_time(promise: _Promise) -> str | None:
    """Return what a time is for that is no limit of a request."""
    text, heading = promise.text, promise.sentence.heading
    own = promise.own(OTHER_TIMES)
    says_nothing = own is None and promise.own(WHATS) is None and type_of(text[promise.since : promise.until]) is None
    own = promise.elsewhere(OTHER_TIMES) if says_nothing else own
    is_in_advance = IN_ADVANCE.match(text, promise.span.end) is not None
    if own is None and (
        NEW_VERSION.search(text, *promise.around) or (is_in_advance and NEW_VERSION.search(f"{heading} {promise.sentence.before[-100:]}"))
    ):
        return "policy_change_notice"
    return own


def _by_context(promise: _Promise) -> str | None:
    """Return what a time is for whose own words do not say it: the rest of the sentence does, or what stands before it."""
    sentence, text = promise.sentence, promise.text
    if AUTHORITY.search(text, *promise.around):
        return "notify_authority"
    kind = type_of(text)
    if RETENTION.search(text, *promise.around) or (kind is None and RETENTION.search(sentence.heading)):
        return f"retention:{_kept_thing(promise)}"
    if kind is None and RETENTION.search(sentence.before[-100:]) and (thing := _kept_thing(promise)):
        return f"retention:{thing}"
    says_done = CELL in text or CARRIED_OUT.search(text) is not None
    if kind is None and promise.mark and (says_done or sentence.before.endswith(promise.mark.sentence)):
        kind = promise.mark.type
    if kind is None and says_done:
        if elsewhere := promise.elsewhere(WHATS):
            return elsewhere
        kind = type_of(sentence.lead) or type_of(sentence.before[-300:]) or type_of(sentence.heading)
    return _WHAT_OF_TYPE.get(kind, kind) if kind else None


def _ends_storage(promise: _Promise) -> bool:
    """Tell whether things are destroyed because their time is over, and not because somebody asked."""
    text, span = promise.text, promise.span
    over = SOME_TIME_AFTER.search(text[: span.start]) or AFTER_KAZAKH.match(text, span.end)
    return bool(over) and not ASKED.search(text) and promise.mark is None and type_of(promise.sentence.before[-300:]) is None


def _kept_thing(promise: _Promise) -> str:
    """Return what is kept so long: the thing named last before the time, else the first after it."""
    before = promise.nearest(KEPT_THINGS, promise.since, promise.span.start)[0]
    return before or promise.nearest(KEPT_THINGS, promise.span.end, promise.until)[0] or ""


def _apart(limits: list[TimeLimit]) -> list[TimeLimit]:
    """Name what is kept where a policy keeps several things."""
    are_several = Counter(limit.what.partition(":")[0] for limit in limits)["retention"] > 1
    return [replace(limit, what=_written(limit.what, are_several=are_several)) for limit in limits]


def _written(what: str, *, are_several: bool) -> str:
    name, _, thing = what.partition(":")
    return f"{name}_{thing}" if are_several and thing else name
