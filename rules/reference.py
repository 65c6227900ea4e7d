"""References of requests, ``2026-00042-K``: they identify a request and never authorise anything.

The last character checks the others, so that a mistyped reference joins nothing.
"""

import re

ALPHABET = "ABCDEFGHJKLMNPQRSTVWXYZ"
"""23 letters, a prime number of them: every single wrong digit and every swap of neighbours is caught."""

_SHAPE = re.compile(r"(?<![0-9A-Za-z])(\d{4})-(\d{5,7})-([A-Z])(?![0-9A-Za-z])", re.ASCII)


def reference(year: int, number: int) -> str:
    """Return the reference of request ``number`` of ``year``."""
    return f"{year:04d}-{number:05d}-{_check(year, number)}"


def references_in(text: str) -> tuple[str, ...]:
    """Return the well-formed references in ``text``, in order, each once."""
    found = (match for match in _SHAPE.finditer(text) if _check(int(match[1]), int(match[2])) == match[3])
    return tuple(dict.fromkeys(match[0] for match in found))


def _check(year: int, number: int) -> str:
    digits = f"{year:04d}{number:07d}"
    return ALPHABET[sum(weight * int(digit) for weight, digit in enumerate(digits, start=2)) % len(ALPHABET)]
