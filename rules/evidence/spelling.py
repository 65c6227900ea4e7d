"""What a letter says if it was misspelt, typed with another keyboard layout, or written in another alphabet.

Tried only when nothing was found in it as it stands. Subject and body are respelt each by itself: often only one of them slipped.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from rules.lexicon.letter import Letter, has_kazakh_letter, is_latin, with_body
from rules.lexicon.sentence import Words, tells
from rules.lexicon.words import AS_WRITTEN, IN_LATIN, WITHOUT_KAZAKH_LETTERS
from rules.normal_form import BREAKS, LAYOUTS, folded, skeleton, with_kazakh_keys, words
from rules.vocabulary import Language

FEW_WORDS = 4
"""A text so short may say all it says in misspelt words; a longer one has one word that is spelt right."""

IN_SKELETONS = "In another alphabet"
"""Says that words are read by their skeletons: they are like no others."""

RESPELT_LIMIT = 200
"""Characters of a body that are read in another spelling: who slips so slips from the first word on."""

_SPELT_RIGHT = 3
"""Words of ours in a body that show that it was typed as it was meant."""

_LONGEST_INITIAL = 2
_BOTH_ALPHABETS = re.compile(r"[a-z]{4}.*[а-яәғқңөұүһі]|[а-яәғқңөұүһі].*[a-z]{4}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Spelling:
    """A way in which a text may have been meant; ``read`` returns None for a text that cannot have been meant so."""

    says: str
    read: Callable[[str], Words | None]


def respelt(letter: Letter) -> Iterator[tuple[str, Letter]]:
    """Yield the letter in each spelling in which it says something new, with the words that say which."""
    known = sum(word.language is not None for sentence in letter.body or () for word in sentence)
    beginning = letter.body_text[:RESPELT_LIMIT] if known < _SPELT_RIGHT or letter.telling else ""
    for spelling in SPELLINGS:
        subject = spelling.read(letter.unwrapped.core)
        body = spelling.read(beginning) if beginning else None
        other = letter
        if subject is not None:
            texts = tuple(word.text for word in subject)
            other = replace(other, subject=subject, texts=texts, unwrapped=replace(letter.unwrapped, core=" ".join(texts)))
        if body is not None:
            other = with_body(other, body)
        if other is not letter and spelling.says == IN_SKELETONS:
            other = replace(other, as_written=letter)
        if other is not letter:
            yield spelling.says, other


def _without_slips(text: str) -> Words | None:
    texts = tuple(words(folded(text)))
    spoken = [text for text in texts if text not in BREAKS]
    if len(spoken) > FEW_WORDS and not any(map(tells, AS_WRITTEN.read(texts))):
        return None
    mended = AS_WRITTEN.mended(texts)
    return AS_WRITTEN.read(mended) if mended != texts else None


def _with_keys(keys: dict[int, int]) -> Callable[[str], Words | None]:
    """Return what reads a text as typed with other keys: the whole of it, or the words that are none of ours where alphabets are mixed."""

    def read(text: str) -> Words | None:
        typed = text.lower()
        if not _knows(_as_typed(typed)):
            typed = typed.translate(keys)
        elif _BOTH_ALPHABETS.search(typed):
            typed = " ".join(token if _is_ours(token) else token.translate(keys) for token in typed.split(" "))
        else:
            return None
        return _if_it_tells(AS_WRITTEN.read(words(folded(typed))))

    return read


@lru_cache(4)
def _as_typed(text: str) -> Words:
    """Return ``text`` as it stands; every layout asks for it."""
    return AS_WRITTEN.read(words(folded(text)))


def _with_kazakh_digits(text: str) -> Words | None:
    typed = text.lower()
    meant = with_kazakh_keys(typed)
    return _if_it_tells(AS_WRITTEN.read(words(folded(meant)))) if meant != typed else None


def _in_other_alphabet(text: str) -> Words | None:
    texts = tuple(words(folded(text)))
    if any(map(has_kazakh_letter, texts)):
        return None  # then it says itself what it says
    if not is_latin(texts):
        return _if_it_tells(WITHOUT_KAZAKH_LETTERS.read([skeleton(each) or each for each in texts]))
    if any(word.language is Language.EN and tells(word) for word in AS_WRITTEN.read(texts)):
        return None
    return _if_it_tells(IN_LATIN.read([skeleton(each) or each for each in texts]))


def _if_it_tells(read: Words) -> Words | None:
    return read if any(map(tells, read)) else None


def _knows(read: Words) -> bool:
    return any(word.language and len(word.text) > _LONGEST_INITIAL for word in read)


def _is_ours(token: str) -> bool:
    return any(word.language for word in AS_WRITTEN.read(words(folded(token))))


SPELLINGS = (
    Spelling("But for a slip of the pen", _without_slips),
    Spelling("Kazakh letters typed as digits", _with_kazakh_digits),
    *(Spelling("Typed with another keyboard layout", _with_keys(keys)) for keys in LAYOUTS),
    Spelling(IN_SKELETONS, _in_other_alphabet),
)
