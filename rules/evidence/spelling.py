"""What a text says that was misspelt, typed with another keyboard layout, or written in another alphabet: tried when all else failed."""

import re
from collections.abc import Iterable

from rules.evidence.reading import (
    LINK,
    Reading,
    by_demands,
    guessed,
    stated,
)
from rules.lexicon.letter import Letter, is_latin
from rules.lexicon.marks import Marks
from rules.lexicon.sentence import Words, tells
from rules.lexicon.words import AS_WRITTEN, IN_LATIN, WITHOUT_KAZAKH_LETTERS
from rules.normal_form import SUBJECT_LIMIT, folded, other_layouts, skeleton, with_kazakh_keys, words
from rules.vocabulary import Language

FEW_WORDS = 4
"""A subject so short may say all it says in misspelt words; a longer one has one word that is spelt right."""


def read_misspelt_subject(letter: Letter, marks: Marks) -> Reading | None:
    """The subject uses the law's words with a slip in a word that a mark holds."""
    if len(letter.texts) > FEW_WORDS and not any(map(tells, letter.subject)):
        return None
    mended = AS_WRITTEN.mended(letter.texts)
    if mended == letter.texts:
        return None
    return by_demands(guessed(stated(AS_WRITTEN.read(mended))), marks, "But for a slip of the pen the subject asks")


def read_other_layout(letter: Letter, marks: Marks) -> Reading | None:
    """The subject was typed with another keyboard layout switched on, the whole of it or some words."""
    for typed in typed_otherwise(letter.unwrapped.core):
        found = stated(typed)
        if found:
            return by_demands(guessed(found), marks, "Typed with another keyboard layout, the subject asks")
    return None


def read_other_alphabet(letter: Letter, marks: Marks) -> Reading | None:
    """The subject is Russian or Kazakh in Latin letters, or Kazakh without its own letters."""
    if any(word.language is Language.EN and tells(word) for word in letter.subject):
        return None
    return by_demands(guessed(stated(in_other_alphabet(letter.texts))), marks, "In another alphabet the subject asks")


def read_body_typed_otherwise(letter: Letter, marks: Marks) -> Reading | None:
    """The body was typed with another layout or in another alphabet, and the subject says nothing."""
    heard = (word for sentence in letter.telling for word in sentence if tells(word))
    if not letter.leaves_it_to_the_body or LINK.search(letter.body_text) or any(word.language is not Language.KK for word in heard):
        return None
    for line in [line[:SUBJECT_LIMIT] for line in letter.body_text.splitlines() if line.strip()][:3]:
        for read in (*typed_otherwise(line), in_other_alphabet(tuple(words(folded(line))))):
            if found := guessed(stated(read)):
                return by_demands(found, marks, "Typed with another layout or alphabet, the body asks")
    return None


def typed_otherwise(core: str) -> Iterable[Words]:
    """Yield what a text says if it, or those of its words that are no words here, were typed with another layout switched on."""
    typed = core.lower()
    if (kazakh := with_kazakh_keys(typed)) != typed:
        yield AS_WRITTEN.read(words(folded(kazakh)))
    known = [word for word in AS_WRITTEN.read(words(folded(core))) if word.language and len(word.text) > _LONGEST_INITIAL]
    if not known:
        yield from (AS_WRITTEN.read(words(folded(other))) for other in other_layouts(typed))
    elif _TWO_ALPHABETS.search(typed):
        tokens = [_turned(token) for token in typed.split()]
        yield from (AS_WRITTEN.read(words(folded(" ".join(turned)))) for turned in zip(*tokens, strict=True))


_LONGEST_INITIAL = 2
_TWO_ALPHABETS = re.compile(r"[a-z]{4}.*[а-яәғқңөұүһі]|[а-яәғқңөұүһі].*[a-z]{4}", re.DOTALL)


def _turned(token: str) -> tuple[str, str]:
    """Return a word as it stands if it is one of ours, else as the two other layouts have it."""
    if any(word.language for word in AS_WRITTEN.read(words(folded(token)))):
        return token, token
    typed = other_layouts(token)
    return typed[0], typed[-1]


def in_other_alphabet(texts: tuple[str, ...]) -> Words:
    lexicon = IN_LATIN if is_latin(texts) else WITHOUT_KAZAKH_LETTERS
    return lexicon.read([skeleton(text) or text for text in texts])
