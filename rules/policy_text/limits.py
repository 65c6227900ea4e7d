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
    KEPT_THINGS,
    OF_PASSWORDS_AND_REVIEWS,
    OTHER_TIMES,
    RETENTION,
    SOME_TIME_AFTER,
    TO_PEOPLE,
    WHATS,
)

WHAT_OF_TYPE = {
    "update": "update",
    "revoke_consent": "stop_processing",
    "revoke_consent_partial": "stop_processing",
    "stop_processing": "stop_processing",
    "restrict_transfer": "stop_processing",
    "object_automated": "answer_subject",
    "opt_out": "opt_out",
    "access": "answer_subject",
    "question": "answer_subject",
    "any": "answer_subject",
    "authority_inquiry": "notify_authority",
    "block": "block",
    "unblock": "unblock",
    "destroy": "destroy",
}
_OF_REQUESTS = frozenset(WHAT_OF_TYPE.values())
_OF_STORAGE = frozenset({"destroy", "answer_subject"})
"""What in a section on storage is said of the end of storage."""
_FAR = 10_000
_COMMA = 12
_WORD_END = re.compile(r"\w*")


@dataclass(frozen=True, slots=True)
class UnclearLimit:
    """An amount of time of which the words do not tell what it is for."""

    sentence: str
    clause: str | None


def limits_in(sentences: Iterable[Sentence], marks: Iterable[SubjectPhrase]) -> tuple[list[TimeLimit], list[UnclearLimit]]:
    """Return the limits, each once a clause, and those that are not understood."""
    marked = {mark.clause: mark.type for mark in marks}
    limits: dict[tuple[str, int | None, str, str | None], TimeLimit] = {}
    unclear = []
    for sentence in sentences:
        spans = spans_in(sentence.text)
        for number, span in enumerate(spans):
            since = spans[number - 1].end if number else 0
            until = spans[number + 1].start if number + 1 < len(spans) else len(sentence.text)
            what = _what(sentence, span, since, until, marked)
            if span.repeats and what not in OF_PASSWORDS_AND_REVIEWS:
                continue
            if what is None:
                unclear.append(UnclearLimit(sentence.text, sentence.clause))
            elif span.amount or what in _OF_REQUESTS or (span.unit == "same_day" and what.startswith("retention")):
                limit = TimeLimit(what, span.amount, span.unit, sentence.clause, sentence.text)
                limits.setdefault((what, span.amount, span.unit, sentence.clause), limit)
    return _apart(list(limits.values())), unclear


def _what(sentence: Sentence, span: Span, since: int, until: int, marked: dict[str | None, str]) -> str | None:
    """Return what is to happen within an amount of time."""
    text = sentence.text
    if BREACH.search(f"{sentence.heading} {text}"):
        own_words = since, max(span.end, text.find(",", span.end, until))
        is_told_people = _distance(TO_PEOPLE, text, span, *own_words) < _distance(AUTHORITY, text, span, *own_words)
        return "breach_notice_subject" if is_told_people else "breach_notice"
    if other := _nearest(OTHER_TIMES, text, span, since, until) or _nearest(OTHER_TIMES, text, span, 0, len(text)):
        return other
    if AUTHORITY.search(text[since:until]):
        return "notify_authority"
    near = {name: _distance(pattern, text, span, since, until) for name, pattern in WHATS.items()}
    kept = _distance(RETENTION, text, span, since, until)
    name, distance = min(near.items(), key=lambda found: found[1])
    if name == "destroy" and distance < _FAR and _ends_storage(sentence, span, marked):
        return f"retention:{_kept_thing(text, span, since, until)}"
    if (kept < _FAR and kept <= distance + _COMMA) or (name in _OF_STORAGE and RETENTION.search(sentence.heading)):
        return f"retention:{_kept_thing(text, span, since, until)}"
    if distance < _FAR:
        return _particular(name, sentence, marked)
    if AUTHORITY.search(text):
        return "notify_authority"
    if RETENTION.search(text) or (RETENTION.search(sentence.heading) and not type_of(text)):
        return f"retention:{_kept_thing(text, span, since, until)}"
    kind = type_of(text)
    if kind is None and (CELL in text or CARRIED_OUT.search(text)):
        if elsewhere := _nearest(WHATS, text, span, 0, len(text)):
            return elsewhere
        kind = marked.get(sentence.clause) or type_of(sentence.before[-300:]) or type_of(sentence.heading)
    return WHAT_OF_TYPE[kind] if kind else None


def _ends_storage(sentence: Sentence, span: Span, marked: dict[str | None, str]) -> bool:
    """Tell whether things are destroyed because their time is over, and not because somebody asked."""
    text = sentence.text
    over = SOME_TIME_AFTER.search(text[: span.start]) or AFTER_KAZAKH.match(text[span.end :])
    return bool(over) and not ASKED.search(text) and marked.get(sentence.clause) is None and type_of(sentence.before[-300:]) is None


def _particular(name: str, sentence: Sentence, marked: dict[str | None, str]) -> str:
    """Tell an answer that carries a request out from one that only answers: "we do so and answer within" stays an answer."""
    kind = type_of(sentence.text) or marked.get(sentence.clause)
    if name in {"stop_processing", "destroy"} and kind == "opt_out":
        return "opt_out"
    return name


def _distance(pattern: re.Pattern[str], text: str, span: Span, since: int, until: int) -> int:
    """Return how far a word stands from an amount of time; a comma or a bracket between them counts as so many letters."""
    nearest = _FAR
    for found in pattern.finditer(text, since, until):
        end = _WORD_END.match(text, found.end()).end()  # type: ignore[union-attr]  # it matches everywhere
        between = text[end : span.start] if end <= span.start else text[span.end : found.start()]
        nearest = min(nearest, len(between) + _COMMA * sum(between.count(mark) for mark in ",;()—"))
    return nearest


def _kept_thing(text: str, span: Span, since: int, until: int) -> str:
    """Return what is kept so long: the thing named last before the time, else the first after it."""
    for start, end in ((since, span.start), (span.end, until)):
        if thing := _nearest(KEPT_THINGS, text, span, start, end):
            return thing
    return ""


def _nearest(words: Mapping[str, re.Pattern[str]], text: str, span: Span, since: int, until: int) -> str | None:
    """Return which of the words stand nearest to an amount of time."""
    near = {name: _distance(pattern, text, span, since, until) for name, pattern in words.items()}
    name, distance = min(near.items(), key=lambda found: found[1])
    return name if distance < _FAR else None


def _apart(limits: list[TimeLimit]) -> list[TimeLimit]:
    """Name what is kept where a policy keeps several things."""
    count = Counter(limit.what.partition(":")[0] for limit in limits)
    told_apart = count["retention"] > 1
    return [replace(limit, what=_written(limit.what, told_apart=told_apart)) for limit in limits]


def _written(what: str, *, told_apart: bool) -> str:
    name, _, thing = what.partition(":")
    return f"{name}_{thing}" if told_apart and thing else name
