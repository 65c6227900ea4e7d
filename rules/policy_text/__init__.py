"""Reads what a policy promises out of its text: marks, limits, addresses, laws. What it does not say stays empty, never guessed.

Text or HTML, in English, Russian or Kazakh, or in several of them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from rules.policy_text.channels import channels_in
from rules.policy_text.content import data_in, purposes_in
from rules.policy_text.findings import ANY, Caution, Channel, Findings, SubjectPhrase, TimeLimit
from rules.policy_text.kinds import types_in
from rules.policy_text.limits import UnclearLimit, limits_in
from rules.policy_text.marks import phrases_in
from rules.policy_text.markup import is_html, text_of
from rules.policy_text.names import inboxes_in, laws_in, operator_in, other_domains
from rules.policy_text.outline import Sentence, sentences_of
from rules.vocabulary import Language

__all__ = ["Caution", "Channel", "Findings", "SubjectPhrase", "TimeLimit", "read_policy_text"]

_MISSPELT = (
    (re.compile(r"\bот уведомлениях\b", re.IGNORECASE), "от уведомлений"),
    (re.compile(r"\bот уведомления о\b", re.IGNORECASE), "от уведомлений о"),
    (re.compile(r"\b(?:согасия|сагласия|согласи|отзыв согласие)\b", re.IGNORECASE), "согласия"),
    (re.compile(r"\bактул\w+", re.IGNORECASE), "актуализация"),
    (re.compile(r"\bconcent\b", re.IGNORECASE), "consent"),
)
_SHORT = 60


def read_policy_text(text: str) -> Findings:
    """Read a policy."""
    sentences = sentences_of(text_of(text) if is_html(text) else text)
    inboxes, about_addresses = inboxes_in(sentences)
    marks = phrases_in(sentences, inboxes)
    limits, unclear = limits_in(sentences, marks)
    channels = channels_in(sentences, marks, inboxes)
    laws, about_laws = laws_in(sentences)
    return Findings(
        operator_name=operator_in(sentences),
        inbox_addresses=inboxes,
        subject_phrases=tuple(marks),
        time_limits=tuple(limits),
        law_references=laws,
        request_channels=tuple(channels),
        data_categories=data_in(sentences),
        purposes=purposes_in(sentences),
        warnings=(
            *about_marks(marks),
            *about_laws,
            *about_addresses,
            *other_domains(inboxes),
            *without_a_way(sentences, marks, channels),
            *narrower_form(marks, channels),
            *unclear_limits(unclear),
            *what_is_missing(inboxes, laws),
        ),
        languages=languages_in(sentences),
    )


def about_marks(marks: Sequence[SubjectPhrase]) -> Iterator[Caution]:
    """Warn of marks that are missing or misspelt."""
    if not marks:
        yield Caution("no_marks", "the policy names no subject line: requests will be known by people's own words alone")
    for mark in marks:
        if re.search(rf"{re.escape(mark.phrase)}\s*(?:…|\.\.\.)", mark.sentence):
            yield Caution("mark_cut", f"the mark “{mark.phrase}” is cut short", mark.clause)
        for pattern, right in _MISSPELT:
            if wrong := pattern.search(mark.phrase):
                yield Caution("mark_misspelt", f"the mark “{mark.phrase}” says “{wrong[0]}”; “{right}” is meant?", mark.clause)


def without_a_way(sentences: Iterable[Sentence], marks: Iterable[SubjectPhrase], channels: Iterable[Channel]) -> Iterator[Caution]:
    """Warn of rights that are offered without saying how to ask for them."""
    reached = {mark.type for mark in marks} | {channel.type for channel in channels}
    if ANY in reached:
        return
    for sentence in sentences:
        if not re.search(
            r"(?:имеет право|вправе|имеете право|can ask|may (?:ask|request|demand)|has the right|have the right|құқылы|"
            r"құқығы бар|талап ете алады)",
            sentence.text,
            re.I,
        ):
            continue
        for kind in types_in(sentence.text):
            if kind not in reached and kind not in {"question", "authority_inquiry"}:
                reached.add(kind)
                yield Caution(
                    "no_way_given", f"clause {sentence.clause or '-'} offers {kind} but does not say how to ask for it", sentence.clause
                )


def narrower_form(marks: Iterable[SubjectPhrase], channels: Iterable[Channel]) -> Iterator[Caution]:
    """Warn where consent can be taken back only on paper, in person or under an electronic signature."""
    ways = [channel for channel in channels if channel.type == "revoke_consent"]
    if (
        ways
        and {way.channel for way in ways} <= {"office", "post", "edoc"}
        and not any(mark.type in {"revoke_consent", ANY} for mark in marks)
    ):
        text = "consent can be withdrawn only by " + ", ".join(dict.fromkeys(way.channel for way in ways))
        yield Caution(
            "narrower_form", f"{text}; for the law a plain e-mail is enough (Law 94-V art. 8(7)), and it is accepted", ways[0].clause
        )


def unclear_limits(unclear: Iterable[UnclearLimit]) -> Iterator[Caution]:
    """Warn of times whose meaning the words do not tell."""
    for limit in unclear:
        yield Caution("limit_unclear", f"what is this time for? {shortened(limit.sentence)}", limit.clause)


def what_is_missing(inboxes: Sequence[str], laws: Sequence[str]) -> Iterator[Caution]:
    """Warn of what every policy should name."""
    if not inboxes:
        yield Caution("no_address", "the policy names no address that requests can be mailed to")
    if not laws:
        yield Caution("no_law", "the policy names no law")


def shortened(sentence: str) -> str:
    """Return the beginning of a sentence."""
    line = " ".join(sentence.split())
    return line if len(line) <= _SHORT else f"{line[:_SHORT].rstrip()} …"


def languages_in(sentences: Iterable[Sentence]) -> tuple[Language, ...]:
    """Return the languages that a fair part of the policy is written in, the most used first."""
    letters = dict.fromkeys(Language, 0)
    for sentence in sentences:
        if re.search("[әғқңөұүһі]", sentence.text, re.IGNORECASE):
            letters[Language.KK] += len(sentence.text)
        elif re.search("[а-яё]{3}", sentence.text, re.IGNORECASE):
            letters[Language.RU] += len(sentence.text)
        else:
            letters[Language.EN] += len(sentence.text)
    used = sorted(letters, key=lambda language: -letters[language])
    return tuple(language for language in used if letters[language] * 10 > sum(letters.values()))
