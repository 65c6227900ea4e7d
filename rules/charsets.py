"""Bytes of doubtful origin become clean text: which charset they are in, and how sure that is.

Nothing here raises on any bytes, and no text that leaves here holds NUL, control characters, bidi controls or lone surrogates.
"""

import codecs
import re
from functools import lru_cache
from math import log
from typing import NamedTuple

UNKNOWN_CHARSET = "unknown_charset"


class Decoded(NamedTuple):
    """Text with how it was won: whether the named charset is known, and whether the text can be relied on."""

    text: str
    known: bool = True
    sure: bool = True


# Codecs that turn bytes into text in linear time. "idna" and "punycode" do not, "unicode_escape" is no charset.
_TRUSTED = ("ascii", "big5", "cp", "euc", "gb", "hz", "iso", "koi8", "kz", "mac", "ptcp", "shift", "tis", "utf")
_MISSPELT = (("utf8", "utf-8"), ("1251", "cp1251"), ("1252", "cp1252"), ("koi8", "koi8-r"), ("ascii", "ascii"), ("88591", "latin-1"))
_MAX_NAME = 40

# Left for str.split and str.splitlines: what they take for a space or a line end.
_UNSAFE = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# How often a letter stands in a thousand of Russian text.
_PER_THOUSAND = {
    **{"о": 109, "е": 85, "а": 80, "и": 74, "н": 67, "т": 63, "с": 55, "р": 47, "в": 45, "л": 44, "к": 35, "м": 32, "д": 30, "п": 28},
    **{"у": 26, "я": 20, "ы": 19, "ь": 17, "г": 17, "з": 16, "б": 16, "ч": 14, "й": 12, "х": 10, "ж": 9, "ш": 7, "ю": 6, "ц": 5},
    **{"щ": 4, "э": 3, "ф": 3, "ъ": 1, "ё": 1},
}
_WEIGHT = {letter: log(share * len(_PER_THOUSAND) / 1000) for letter, share in _PER_THOUSAND.items()}
_CAPITAL_WITHIN = re.compile("(?<=[а-яёА-ЯЁ])[А-ЯЁ]")
_ODDITY = re.compile("[a-zA-Z][а-яёА-ЯЁ]|[а-яёА-ЯЁ][a-zA-Z]|[а-яё][А-ЯЁ]|[^\x00-\x7fа-яёА-ЯЁіІ«»№“”„’–—…§°•·€\xa0]")
_MIN_LETTERS = 4
_MIN_LEAD = 4.0  # natural logarithm of the odds against the other charset
_LETTERS_AN_ODDITY = 20
_SAMPLE = 20_000


class _Likeness(NamedTuple):
    """How much a text looks like Russian, and whether that is enough to rely on it."""

    score: float
    plausible: bool


def decode(content: bytes, charset: str) -> Decoded:
    """Decode by the named charset; where it is unknown or contradicts the bytes, by what the bytes look like.

    A character that is cut off at the very end is dropped.
    """
    codec = _codec(charset)
    if codec is None:
        return guess(content)._replace(known=False)
    text = _strictly(content, codec)
    return guess(content) if text is None else Decoded(text)


def guess(content: bytes) -> Decoded:
    """Decode bytes that name no charset: UTF-8, else the Cyrillic one that gives plausible words."""
    if (text := _strictly(content, "utf-8")) is not None:
        return Decoded(text)
    sample = content[:_SAMPLE]
    likeness = {codec: _likeness(sample.decode(codec, "replace")) for codec in ("cp1251", "koi8-r")}
    second, best = sorted(likeness, key=lambda codec: likeness[codec].score)
    if likeness[best].plausible and likeness[best].score - likeness[second].score >= _MIN_LEAD:
        return Decoded(content.decode(best, "replace"))
    return Decoded(content.decode("utf-8", "replace"), sure=False)


def one_line(text: str) -> str:
    """Return the text as one line, spaces folded, free of what a screen or a header must not get."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join(_UNSAFE.sub("", text).split())


def clean_lines(text: str) -> str:
    """Return the text with plain line ends, free of what a screen or a database must not get."""
    return "\n".join(_UNSAFE.sub("", text.removeprefix("\ufeff")).splitlines())


def _strictly(content: bytes, codec: str) -> str | None:
    """Return the text if every byte fits the codec, but for a character cut off at the end."""
    try:
        return content.decode(codec)
    except ValueError:
        pass
    try:
        return codecs.getincrementaldecoder(codec)("strict").decode(content)
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _codec(charset: str) -> str | None:
    """Return the name of the codec that a charset parameter means; None if it means none that we trust."""
    name = charset.strip(" \t'\"").partition("*")[0].lower()
    if not name or len(name) > _MAX_NAME:
        return None
    squeezed = re.sub(r"[^a-z0-9]", "", name)
    for candidate in (name, *(codec for part, codec in _MISSPELT if part in squeezed)):
        try:
            found = codecs.lookup(candidate).name
        except (LookupError, ValueError):
            continue
        if found.startswith(_TRUSTED):
            return found
    return None


def _likeness(text: str) -> _Likeness:
    weights = [_WEIGHT[letter] for letter in text.lower() if letter in _WEIGHT]
    oddities = len(_ODDITY.findall(text))
    score = sum(weights) - 4 * oddities - 0.3 * len(_CAPITAL_WITHIN.findall(text))
    return _Likeness(score, len(weights) >= _MIN_LETTERS and score > 0 and oddities * _LETTERS_AN_ODDITY <= len(weights))
