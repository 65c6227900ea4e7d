"""The round trip: a one-time code goes to an address, and only a reply from there that begins with YES, ДА or ИӘ brings it back.

A code is 128 bits in 26 letters and digits, none of which is mistaken for another (H66, H110). Who is asked is ``rules.decide``.
"""

import re
from collections.abc import Callable

from rules.vocabulary import Answer

CODE_BYTES = 16
CODE_LENGTH = 26
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: without i, l, o and u."""

NO_CODE = "-" * CODE_LENGTH
"""What stands in a letter where its code stood: once it is sent, the store keeps no code of it (H66)."""

MOST_CODES = 20
"""Codes that are looked for in one message."""

_CODE = re.compile(rf"(?<![0-9a-z])[{ALPHABET}]{{{CODE_LENGTH}}}(?![0-9a-z])")
_READ = 200_000
_FIRST_WORD = re.compile(r"[\W_]*([^\W\d_]+)")
_WORDS = {
    Answer.YES: frozenset({"yes", "да", "иә", "ия", "иа", "iä", "ia"}),
    Answer.NO: frozenset({"no", "нет", "жоқ", "жок", "joq", "jok"}),
}
_TURNS = re.compile(
    r"(?<!\w)(?:not|never|no|nobody|wasn|didn|don|isn|не|нет|ни|никогда|но|but|however|емес|жоқ|жок|бірақ|except|кроме|only|только)(?!\w)"
    r"|n['’]t(?!\w)|\?"
)
_MOST_WORDS = 40


def new_code(random_bytes: Callable[[int], bytes]) -> str:
    """Return a code of 128 bits; ``random_bytes`` is the caller's source of randomness."""
    number = int.from_bytes(random_bytes(CODE_BYTES))
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(CODE_LENGTH))


def codes_in(text: str) -> tuple[str, ...]:
    """Return what may be codes in a text, each once, in order."""
    found = (match[0] for match in _CODE.finditer(text[:_READ].lower()))
    return tuple(dict.fromkeys(found))[:MOST_CODES]


def answer_in(own_words: str) -> Answer | None:
    """Return what a reply says with its first word; None where it says anything else, or takes its first word back."""
    first = _FIRST_WORD.match(own_words)
    if first is None:
        return None
    said = next((answer for answer, words in _WORDS.items() if first[1].lower() in words), None)
    if said is Answer.YES and (_TURNS.search(own_words.lower(), first.end()) or len(own_words.split()) > _MOST_WORDS):
        return None
    return said
