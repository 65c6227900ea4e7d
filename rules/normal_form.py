"""The plain form of a subject or a line: what is left when spelling noise and wrappers are taken off.

Owns characters, prefixes, tags, copied words, and the steps that read a text typed another way (another keyboard layout, another alphabet).
What the words mean is left to ``rules.lexicon``; decoding RFC 2047 words to whoever reads the header.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

SUBJECT_LIMIT = 400
BODY_LIMIT = 4000

_INVISIBLE = dict.fromkeys([0x00AD, 0x034F, 0x061C, 0x2060, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63, 0xFF0D], "-")
_QUOTES = dict.fromkeys(map(ord, "«»“”„‟‹›″❝❞〝〞＂"), '"') | dict.fromkeys(map(ord, "‘’‚‛ʼʹ′`´"), "'")
_LETTERS = {0x02D0: ":", 0x2116: " ", 0x0259: "ә", 0x018F: "Ә", 0x00A0: " "}
_CHARACTERS = _INVISIBLE | _DASHES | _QUOTES | _LETTERS
_TO_CHANGE = re.compile(f"[{re.escape(''.join(map(chr, _CHARACTERS)))}]")
"""To look whether there is anything to change is five times quicker than to change nothing."""
_DOT_ABOVE = "\u0307"


def plain(text: str, limit: int = SUBJECT_LIMIT) -> str:
    """Return ``text`` in one spelling of each character, still with its capitals, cut to ``limit`` characters."""
    text = text[:limit]
    if text.isascii():
        return text.replace("`", "'")
    text = text.replace("ё", "е").replace("Ё", "Е")
    if _TO_CHANGE.search(text):
        text = text.translate(_CHARACTERS)
    if unicodedata.is_normalized("NFKC", text):
        return text
    text = unicodedata.normalize("NFKC", text).replace("ё", "е").replace("Ё", "Е")
    return text.translate(_CHARACTERS).replace(_DOT_ABOVE, "")[:limit]


def folded(text: str) -> str:
    """Return plain ``text`` without case and with each word in one script."""
    text = text.casefold().replace(_DOT_ABOVE, "")
    if text.isascii() or not _CHANGE_OF_SCRIPT.search(text):
        return text
    return _MIXED_WORD.sub(lambda word: one_script(word[0]), text)


_OUTER = " \t\r\n\"'."


def bare(text: str) -> str:
    """Return plain ``text`` as two marks are compared: no case, outer quotes, end stop or odd spaces."""
    return " ".join(text.casefold().replace(_DOT_ABOVE, "").strip(_OUTER).split())


# --- Look-alike letters -------------------------------------------------------------------------------------------------------------

_TO_CYRILLIC = str.maketrans("aceopxyikmthb", "асеорхуікмтнв")
_TO_LATIN = str.maketrans("асеорхуікмтнвһԛԝѕј", "aceopxyikmthbhqwsj")
_MIXED_WORD = re.compile(r"[a-z]+[а-яіәғқңөұүһѕјԛԝ][a-zа-яіәғқңөұүһѕјԛԝ]*|[а-яіәғқңөұүһѕјԛԝ]+[a-z][a-zа-яіәғқңөұүһѕјԛԝ]*")
_LATIN = re.compile("[a-z]")
_CHANGE_OF_SCRIPT = re.compile("[a-z][а-яіәғқңөұүһѕјԛԝ]|[а-яіәғқңөұүһѕјԛԝ][a-z]")
"""Stands in every mixed word, and is found without trying each word from each of its letters."""
_ALIKE_ONLY_AS_CAPITALS = re.compile("[вкмнт]")


def one_script(word: str) -> str:
    """Return ``word`` with its look-alike letters in the script that can spell it, the majority's where both can."""
    latin, cyrillic = word.translate(_TO_LATIN), word.translate(_TO_CYRILLIC)
    if latin.isascii() and not _LATIN.search(cyrillic):
        latins = 2 * len(_LATIN.findall(word))
        is_latin = latins > len(word) or (latins == len(word) and not _ALIKE_ONLY_AS_CAPITALS.search(word))
        return latin if is_latin else cyrillic
    if latin.isascii():
        return latin
    return cyrillic


# --- Wrappers -----------------------------------------------------------------------------------------------------------------------

_REPLY = "re|aw|sv|antw|odp|rif|r|res|ynt|va|vá|отв|ответ|на|ha|відп|жауап|қайта|javob"
_FORWARD = "fwd|fw|wg|vs|vb|tr|rv|enc|ilt|i̇lt|pd|пересл|переслано|пересылка|переадресовано|қайта жіберу|бағыттау|ilova"
_PREFIX = re.compile(rf"\s*(?:(?P<reply>{_REPLY})|(?P<forward>{_FORWARD}))\s?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\))?\s?:", re.IGNORECASE)
_TAG = re.compile(r"\s*(?:\[[^\[\]]{0,40}\]|\*{1,5}[^*]{1,30}\*{1,5}|\{[^{}]{1,40}\})")
_COPIED_BEFORE = re.compile(
    r"\s*(?:(?:subject|тема(?: письма)?|тақырып|тақырыбы)\s?:|(?:with the )?(?:subject(?: line)?|note|mark|title|marked)(?=\s*[\"'])"
    r"|(?:с\s)?(?:пометкой|темой|пометка)(?=[\s:\"'])\s?:?)",
    re.IGNORECASE,
)
_COPIED_AFTER = re.compile(r"(?<=[\s\"'])(?:белгісімен|тақырыбымен|деген тақырыппен)[\s.!]*$", re.IGNORECASE)
_MAX_WRAPPERS = 20


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A subject without its wrappers, and what they told of it."""

    core: str
    is_reply: bool
    is_forward: bool


def unwrapped(text: str) -> Unwrapped:
    """Take reply and forward prefixes, tags and copied introducing words off plain ``text``."""
    is_reply = is_forward = False
    start = 0
    for _ in range(_MAX_WRAPPERS):
        if prefix := _PREFIX.match(text, start):
            is_reply, is_forward = is_reply or prefix["reply"] is not None, is_forward or prefix["forward"] is not None
        found = prefix or _TAG.match(text, start) or _COPIED_BEFORE.match(text, start)
        if not found:
            break
        start = found.end()
    return Unwrapped(_COPIED_AFTER.sub("", text[start:]).strip(), is_reply, is_forward)


# --- Words --------------------------------------------------------------------------------------------------------------------------

_ADDRESS = re.compile(r"\S{1,64}@\S{1,255}|https?://\S+|\+?\d[\d\s().-]{8,20}\d")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[,.;:!?()\[\]\"\n]")
BREAKS = frozenset(',.;:!?()[]"\n')


_SHORTENED = {"перс": "персональных", "дерб": "дербес", "pers": "personal"}
_SHORT_FORM = re.compile(r"\b(перс|дерб|pers)\. ?")


def words(text: str) -> list[str]:
    """Return the words and the breaks of folded ``text``; addresses, links and phone numbers are left out."""
    if "рс." in text or "рб." in text or "pers." in text:
        text = _SHORT_FORM.sub(lambda short: f"{_SHORTENED[short[1]]} ", text)
    if "@" in text or "://" in text or "00" in text:
        text = _ADDRESS.sub(" ", text)
    return _WORD.findall(text)


# --- Typed another way: tried only when nothing else was recognised ------------------------------------------------------------------

_RUSSIAN_KEYS = str.maketrans("qwertyuiop[]asdfghjkl;'zxcvbnm,.`", "йцукенгшщзхъфывапролджэячсмитьбюе")
_KAZAKH_KEYS = str.maketrans("2345890-=", "әіңғүұқөһ") | _RUSSIAN_KEYS
_KAZAKH_DIGIT = re.compile(r"(?<=[а-яә-ӯ])[2345890=-]+|[2345890=-]+(?=[а-яә-ӯ])")
"""Keys of the upper row between Cyrillic letters: Kazakh typed while the Russian layout was on."""
_ENGLISH_KEYS = str.maketrans("йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,.")


LAYOUTS = (_RUSSIAN_KEYS, _KAZAKH_KEYS, _ENGLISH_KEYS)
"""What each key means on the keyboard that was meant, in lower case: Russian and Kazakh for Latin letters, English for Cyrillic ones."""


def with_kazakh_keys(text: str) -> str:
    """Return lower-case ``text`` with its digits read as the Kazakh letters that stand on the same keys, inside words alone."""
    return _KAZAKH_DIGIT.sub(lambda key: key[0].translate(_KAZAKH_KEYS), text)


_PAIRS = (
    ("shch", "s"), ("sch", "s"), ("zh", "i"), ("kh", "h"), ("ch", "c"), ("sh", "s"), ("ts", "c"),
)  # fmt: skip
_SKELETON = str.maketrans(
    {
        **dict(zip("абвгдежзийклмнопрстуфхцчшщыэ", "abvgdeiziiklmnoprstufhccssie", strict=True)),
        **dict(zip("әғқңөұүһі", "agknouuhi", strict=True)),
        **dict(zip("äáâğǵıíñńöóşūüúýqyjwç", "aaaggiinnoosuuuukiivc", strict=True)),
        "я": "ia",
        "ю": "iu",
        "ь": "",
        "ъ": "",
        "'": "",
    }
)
_DOUBLED = re.compile(r"(.)\1+")


@lru_cache(maxsize=4096)
def skeleton(word: str) -> str:
    """Return the letters that a word keeps in Cyrillic, in any Latin transliteration and without its Kazakh letters."""
    letters = word.translate(_SKELETON)
    for pair, letter in _PAIRS:
        letters = letters.replace(pair, letter)
    return _DOUBLED.sub(r"\1", letters)
