"""A letter as it was meant: typed on another keyboard layout, or Russian and Kazakh in Latin letters. Places stay what they are."""

import re
from itertools import chain, islice

from rules.lexicon import details_words as words
from rules.lexicon.details_words import same_letters
from rules.lexicon.words import AS_WRITTEN
from rules.normal_form import LAYOUTS
from rules.normal_form import words as split

_ENOUGH_WORDS = 2
"""Words of ours in a text from which on nobody wonders whether it was typed another way."""
_STOPS = str.maketrans("/?&", ".,?")  # where Russian layouts have them
_KEYS = tuple(_STOPS | {ord(chr(key).upper()): ord(chr(letter).upper()) for key, letter in keys.items()} | keys for keys in LAYOUTS)
_CYRILLIC = re.compile(r"[а-я]")
_LATIN_WORD = re.compile(r"[a-zäáğǵıíñńöóşūüúý]+")
_SOUND = re.compile(r"s?ch|[zsk]h|ts|y[au]|i[jy]?a(?!\w)|(?<=[aeiouy])j(?!a)|.")
_SOUNDS = {
    "sch": "щ",
    "ch": "ч",
    "zh": "ж",
    "sh": "ш",
    "kh": "х",
    "ts": "ц",
    "ya": "я",
    "yu": "ю",
    "ia": "ия",
    "iya": "ия",
    "ija": "ия",
} | dict(zip("abcdefghijklmnopqrstuvwxyzäáğǵıíñńöóşūüúý", "абцдефгхижклмнопкрстуввхызааггиинноошуууу", strict=True))


def as_meant(text: str) -> tuple[str, str]:
    """Return a text in the layout that was meant, and its letters (``same_letters``) as Cyrillic spells them if they are transliterated."""
    letters = same_letters(text)
    beginning, first = text[:_BEGINNING], letters[:_BEGINNING]
    known = _words_known(first, _ENOUGH_WORDS)
    if known >= _ENOUGH_WORDS or _is_spelt_right(first):
        return text, letters
    readings = [(known, _KEYS_AS_TYPED), *((_words_known(same_letters(beginning.translate(keys))), keys) for keys in _KEYS)]
    spelt = 0 if _CYRILLIC.search(first) else _words_known(_LATIN_WORD.sub(_in_cyrillic, first))
    told, keys = max(readings, key=lambda reading: reading[0])
    if spelt > told:
        return text, _LATIN_WORD.sub(_in_cyrillic, letters)
    meant = text.translate(keys)
    return meant, same_letters(meant)


_KEYS_AS_TYPED: dict[int, int] = {}
_BEGINNING = 300
"""Characters of a text that tell how it was typed: who slips so slips from the first word on."""


def _is_spelt_right(beginning: str) -> bool:
    """Tell whether words of requests, of whatever kind, are seen at once."""
    seen = AS_WRITTEN.read(split(beginning[:_LOOKED_AT]))
    return sum(word.language is not None and len(word.text) > _LONGEST_INITIAL for word in seen) > _ENOUGH_WORDS


_LOOKED_AT = 120
_LONGEST_INITIAL = 2


def _words_known(letters: str, most: int | None = None) -> int:
    """Return how many words of ours stand in ``letters``; from ``most`` on they are not counted."""
    tables = (words.NAME_FIELD, words.ROLE, words.CHANGE, *words.CONTACT_FIELD.values())
    return sum(1 for _ in islice(chain.from_iterable(table.finditer(letters) for table in tables), most))


def _in_cyrillic(word: re.Match[str]) -> str:
    """Return a Latin word as Cyrillic spells it, filled up to its length in front: nothing in the text may move."""
    spelt = _SOUND.sub(lambda sound: _SOUNDS.get(sound[0], "й"), word[0])
    return spelt.rjust(len(word[0]))[: len(word[0])]
