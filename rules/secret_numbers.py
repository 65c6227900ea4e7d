"""Numbers that are never shown whole: an individual's number (IIN) and a card's (Law 94-V art. 7)."""

import re
from collections.abc import Sequence

IIN_DIGITS, CARD_DIGITS, DIGITS_SHOWN = 12, range(13, 20), 4
_RUN = re.compile(r"\+?\d+(?:[ \u00a0\u2009\u202f\u2010-\u2013-]\d+)*")
_GROUP = re.compile(r"\+?\d+")


def masked_numbers(text: str) -> str:
    """Return ``text`` with the last digits alone of what may be an individual's number (IIN) or a card's, however it is spaced."""
    return _RUN.sub(lambda run: _masked_run(run[0]), text)


def _masked_run(run: str) -> str:
    groups = list(_GROUP.finditer(run))
    for first in range(len(groups)):
        for last in range(min(len(groups), first + CARD_DIGITS.stop), first, -1):
            if _is_secret([group[0] for group in groups[first:last]]):
                begin, end = groups[first].start(), groups[last - 1].end()
                return f"{run[:begin]}…{run[end - DIGITS_SHOWN : end]}{_masked_run(run[end:])}"
    return run


def _is_secret(groups: Sequence[str]) -> bool:
    """Tell whether these digits may be an IIN or a card's number. A telephone number has a plus, or other groups than a card."""
    if not all(map(str.isdecimal, groups)):
        return False
    digits = [int(digit) for group in groups for digit in group]
    if len(digits) == IIN_DIGITS:
        month, day = 10 * digits[2] + digits[3], 10 * digits[4] + digits[5]
        return 1 <= month <= 12 and 1 <= day <= 31 and digits[6] <= 6
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    written_so = len(groups) == 1 or len(groups[0]) == 4
    return len(digits) in CARD_DIGITS and written_so and (sum(doubled) + sum(digits[-1::-2])) % 10 == 0
