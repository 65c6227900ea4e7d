"""Looks words up in the tables of the three languages. The tables are compiled once, when the rules are first imported."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rules.lexicon import english, kazakh, russian
from rules.lexicon.senses import Sense, Table
from rules.lexicon.slips import Slips
from rules.normal_form import BREAKS, skeleton
from rules.vocabulary import Language

_NOTHING: frozenset[Sense] = frozenset()
_SMALL = frozenset({Sense.SMALL})
_KEY = 2
_GLUED_FROM, _GLUED_TO, _GLUED_LAST, _LONGEST_ENDING, _LONGEST_OF_OTHERS = 7, 60, 4, 9, 6
_NEVER_MEANT = frozenset(
    {Sense.SMALL, Sense.THANKS, Sense.IF, Sense.SCOPE, Sense.RELATIVE, Sense.OTHERS, Sense.WHETHER, Sense.NOT, Sense.THREAT}
)
"""Words that decide nothing, or too much: a misspelt word is not taken for one of them."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word or a phrase of a text and what it can mean to us; no sense at all means a word that is not ours."""

    text: str
    senses: frozenset[Sense] = _NOTHING
    language: Language | None = None
    of_law: bool = False


@dataclass(slots=True)
class _Entry:
    senses: set[Sense]
    language: Language
    of_law: bool


class Lexicon:
    """The words of all languages, found by exact form, by stem or as a phrase of several words."""

    def __init__(self, spell: Callable[[str], str], languages: Iterable[Language]) -> None:
        self._spell = spell
        self._exact: dict[str, _Entry] = {}
        self._stems: dict[str, _Entry] = {}
        self._phrases: dict[str, list[tuple[tuple[str, ...], _Entry]]] = {}
        for language in languages:
            module = _MODULES[language]
            for table, of_law in ((module.LAW, True), (module.PEOPLE, False)):
                self._add_table(table, language, of_law=of_law)
            for form in module.NOT_OURS.split():
                self._entry(form, language)
        for phrases in self._phrases.values():
            phrases.sort(key=lambda phrase: (-len(phrase[0]), -len("".join(phrase[0]))))
        self._slips = Slips(_worth_meaning(self._exact), _worth_meaning(self._stems))
        self._word = lru_cache(maxsize=8192)(self._find)
        self._part = lru_cache(maxsize=1024)(self._parted)
        self._mend = lru_cache(maxsize=8192)(self._find_mended)
        self._meant = lru_cache(maxsize=8192)(self._find_meant)

    def read(self, texts: Sequence[str]) -> tuple[Word, ...]:
        """Return ``texts`` as words with their senses, phrases joined."""
        found: list[Word] = []
        position = 0
        while position < len(texts):
            text = texts[position]
            word, phrases, seconds = self._meant(text)
            may_go_on = seconds and position + 1 < len(texts) and texts[position + 1].startswith(seconds)
            phrase = _first_fitting(phrases, texts, position) if may_go_on else None
            found.append(phrase or word)
            position += phrase.text.count(" ") + 1 if phrase else 1
        return tuple(found)

    def mended(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return ``texts`` with words that are not ours parted where a space is missing, else spelt as the one they miss by one slip."""
        return tuple(part for text in texts for part in self._mend(text))

    def _find_mended(self, text: str) -> tuple[str, ...]:
        if parted := self._part(text):
            return parted
        return (text,) if self._word(text).language else (self._slips.meant(text) or text,)

    def _parted(self, text: str, most: int = 7) -> tuple[str, ...]:
        """Return the words of ours that stand in ``text`` without spaces between them: empty where it is one word, or none of ours."""
        if not _GLUED_FROM <= len(text) <= _GLUED_TO or self._is_whole(text):
            return ()
        for at in range(len(text) - _GLUED_LAST, 0, -1):
            first, rest = text[:at], text[at:]
            if self._is_whole(first):
                if most and (further := self._part(rest, most - 1)):
                    return first, *further
                if self._is_telling(rest) and self._is_whole(rest):
                    return first, rest
        return ()

    def _is_telling(self, text: str) -> bool:
        return not self._word(text).senses <= _NEVER_MEANT

    def _is_whole(self, text: str) -> bool:
        """Tell whether ``text`` is a word of ours, with no more behind its stem than an ending."""
        if text in self._exact:
            return True
        for end in range(max(_KEY, len(text) - _LONGEST_ENDING), len(text) + 1):
            if entry := self._stems.get(text[:end]):
                return entry.language is Language.KK or len(text) - end <= _LONGEST_OF_OTHERS
        return False

    def _add_table(self, table: Table, language: Language, *, of_law: bool) -> None:
        for sense, forms in table.items():
            for form in forms.split():
                entry = self._entry(form, language)
                entry.senses.add(sense)
                entry.of_law = entry.of_law or of_law

    def _entry(self, form: str, language: Language) -> _Entry:
        fresh = _Entry(set(), language, of_law=False)
        if "_" not in form:
            stem = self._spell(form.rstrip("-"))
            return (self._stems if form.endswith("-") else self._exact).setdefault(stem, fresh)
        parts = tuple(self._spell(part.rstrip("-")) + "-" * part.endswith("-") for part in form.split("_"))
        phrases = self._phrases.setdefault(parts[0][:_KEY].rstrip("-"), [])
        for known, entry in phrases:
            if known == parts:
                return entry
        phrases.append((parts, fresh))
        return fresh

    def _find_meant(self, text: str) -> "tuple[Word, tuple[_Phrase, ...], tuple[str, ...]]":
        """Return the word that ``text`` is, the phrases that may begin with it, the longest first, and how their second words begin."""
        phrases = tuple(phrase for phrase in self._phrases.get(text[:_KEY], ()) if _fits(text, phrase[0][0]))
        return self._word(text), phrases, tuple({parts[1].rstrip("-") for parts, _ in phrases})

    def _find(self, text: str) -> Word:
        if text in BREAKS:
            return Word(text, frozenset({Sense.BREAK}))
        if text[0].isdigit():
            return Word(text, _SMALL)
        entry = self._exact.get(text)
        length = len(text)
        while entry is None and length >= _KEY:
            entry = self._stems.get(text[:length])
            length -= 1
        return Word(text, frozenset(entry.senses), entry.language, entry.of_law) if entry else Word(text)


def _worth_meaning(entries: dict[str, _Entry]) -> list[str]:
    return [form for form, entry in entries.items() if entry.senses and not entry.senses & _NEVER_MEANT]


_Phrase = tuple[tuple[str, ...], _Entry]


def _first_fitting(phrases: Iterable[_Phrase], texts: Sequence[str], position: int) -> Word | None:
    for parts, entry in phrases:
        window = texts[position : position + len(parts)]
        if len(window) == len(parts) and all(map(_fits, window, parts)):
            return Word(" ".join(window), frozenset(entry.senses), entry.language, entry.of_law)
    return None


def _fits(text: str, part: str) -> bool:
    return text.startswith(part[:-1]) if part.endswith("-") else text == part


_MODULES = {Language.KK: kazakh, Language.RU: russian, Language.EN: english}

AS_WRITTEN = Lexicon(str, (Language.EN, Language.RU, Language.KK))
IN_LATIN = Lexicon(skeleton, (Language.RU, Language.KK))
"""For Russian and Kazakh in Latin letters; its words are read as skeletons."""
WITHOUT_KAZAKH_LETTERS = Lexicon(skeleton, (Language.KK, Language.RU))
"""For Kazakh typed with the Russian alphabet alone; its words are read as skeletons."""
