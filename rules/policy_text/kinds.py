"""Which type of request a phrase, a sentence or a clause speaks of."""

from collections.abc import Sequence
from functools import lru_cache

from rules.lexicon.sentence import demands, sentences
from rules.lexicon.words import AS_WRITTEN
from rules.normal_form import plain, words
from rules.policy_text.words import PART, TYPES


def type_of(text: str) -> str | None:
    """Return the type that a text speaks of first of all; None if it speaks of none."""
    return next(iter(types_in(text)), None)


@lru_cache(maxsize=1_000)
def types_in(text: str) -> Sequence[str]:
    """Return the types that a text speaks of, the most particular first."""
    return tuple(name for name, pattern in TYPES.items() if pattern.search(text))


def type_of_phrase(phrase: str) -> str | None:
    """Return the type that a subject line stands for by its own words, as the policies word it or as people do."""
    named = type_of(phrase)
    if named and named != "question":
        return named
    heard = [demand.type.value for sentence in sentences(AS_WRITTEN.read(words(plain(phrase)))) for demand in demands(sentence)]
    return heard[0] if heard else named


def is_part(text: str) -> bool:
    """Tell whether only a part of a consent is withdrawn."""
    return PART.search(text) is not None
