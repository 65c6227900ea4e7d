"""What must hold of any bytes: nothing raises, the same is read twice, and nothing unclean leaves (H38).

Each target is a function of bytes. The fuzzer calls it, and so do the tests, with every seed and every finding.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache

from mailbot.judging import Judge, own_words_of
from mailbot.policies import law_alone, load_policy
from rules.automatic import OwnMail, screen
from rules.charsets import clean_lines
from rules.details import proposed
from rules.details_form import filled_lines
from rules.message import Message, read, read_header
from rules.own_words import own_words, rejoined
from rules.policy_text import read_policy_text
from rules.recognition import Recogniser
from rules.vocabulary import Outcome

Target = Callable[[bytes], None]

UNCLEAN = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
"""What no database, log, JSON or outgoing mail may get: control characters that are no space, and lone surrogates."""

NEVER_READ = frozenset({"fields"})
"""Where a message keeps its header as it came, one character a byte."""

OF_ONE_MESSAGE = frozenset({Outcome.REQUEST, Outcome.HELD, Outcome.AUTOMATIC, Outcome.ORDINARY})
"""What a message can be where there is no store."""


def message(raw: bytes) -> None:
    """``rules.message``, and ``rules.automatic`` behind it."""
    found = read(raw)
    assert found == read(raw), "a message is read in two ways"
    assert_clean(found)
    head = read_header(raw)
    assert (found.subject, found.sender, found.fields) == (head.subject, head.sender, head.fields)
    screen(found, OwnMail(frozenset()))
    assert_clean((own_words_of(found), found.date, found.received_stamp))


def recognition(raw: bytes) -> None:
    """``rules.recognition``: the first line is the subject, the others are the letter."""
    subject, text = as_letter(raw)
    recogniser = _recogniser()
    said = rejoined(own_words(text))
    reading = recogniser.recognise(subject, said)
    assert reading == recogniser.recognise(subject, said), "a letter is recognised in two ways"
    recogniser.glance(subject)
    assert_clean(reading)


def details(raw: bytes) -> None:
    """``rules.details`` and the form beside it."""
    subject, text = as_letter(raw)
    changes = proposed(subject, text, sender="anna@client.example")
    proposed("", "", sender=None)  # the last four letters are remembered
    assert changes == proposed(subject, text, sender="anna@client.example"), "changes are read in two ways"
    assert_clean((changes, filled_lines(text)))


def policy_text(raw: bytes) -> None:
    """``rules.policy_text``: a policy that somebody pasted."""
    text = clean_lines(raw.decode("utf-8", "replace"))
    found = read_policy_text(text)
    assert found == read_policy_text(text), "a policy is read in two ways"
    assert_clean(found)


def classify(raw: bytes) -> None:
    """The path of ``mailbot classify``: exactly one outcome each."""
    verdict = _judge().judge(raw)
    assert verdict == _judge().judge(raw), "a message is judged in two ways"
    assert verdict.outcome in OF_ONE_MESSAGE
    assert_clean(verdict)


TARGETS: dict[str, Target] = {each.__name__: each for each in (message, recognition, details, policy_text, classify)}


def as_letter(raw: bytes) -> tuple[str, str]:
    """Return bytes as a subject and a text, as reading would hand them on."""
    subject, _, text = clean_lines(raw.decode("utf-8", "replace")).partition("\n")
    return subject, text


def assert_clean(value: object) -> None:
    """Assert that no text in a value, however deep it stands, holds what must not leave."""
    for text in texts_in(value):
        assert not (unclean := UNCLEAN.search(text)), f"{unclean[0]!r} leaves"


def texts_in(value: object) -> Iterator[str]:
    """Yield every text in a value of ours."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | frozenset):
        for each in value:
            yield from texts_in(each)
    elif is_dataclass(value):
        for field in fields(value):
            if not (isinstance(value, Message) and field.name in NEVER_READ):
                yield from texts_in(getattr(value, field.name))


@cache
def _judge() -> Judge:
    return Judge(load_policy("kazger"))


@cache
def _recogniser() -> Recogniser:
    return Recogniser(law_alone())
