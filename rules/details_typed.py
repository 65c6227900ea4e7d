"""A letter as it was meant: typed on another keyboard layout, or Russian and Kazakh in Latin letters. Places stay what they are."""

import re

from rules.lexicon import details_words as words
from rules.lexicon.details_words import same_letters
from rules.normal_form import LAYOUTS

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
    known = _words_known(letters)
    if known >= _ENOUGH_WORDS:
        return text, letters
    readings = [(known, text, letters)]
    for keys in _KEYS:
        meant = text.translate(keys)
        readings.append((_words_known(same_letters(meant)), meant, same_letters(meant)))
    if not _CYRILLIC.search(letters):
        spelt = _LATIN_WORD.sub(_in_cyrillic, letters)
        readings.append((_words_known(spelt), text, spelt))
    return max(readings, key=lambda reading: reading[0])[1:]


def _words_known(letters: str) -> int:
    return sum(1 for table in (words.NAME_FIELD, words.ROLE, words.CHANGE, *words.CONTACT_FIELD.values()) for _ in table.finditer(letters))


def _in_cyrillic(word: re.Match[str]) -> str:
    """Return a Latin word as Cyrillic spells it, filled up to its length in front: nothing in the text may move."""
    spelt = _SOUND.sub(lambda sound: _SOUNDS.get(sound[0], "й"), word[0])
    return spelt.rjust(len(word[0]))[: len(word[0])]
