"""Days as people here write them."""

import re
from contextlib import suppress
from datetime import date

_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)", re.ASCII)
_DOTTED = re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", re.ASCII)


def day_in(text: str) -> date:
    """Read a day as 2026-11-25 or 25.11.2026; of anything else the ``ValueError`` says what to write."""
    if match := _ISO.fullmatch(text) or _DOTTED.fullmatch(text):
        with suppress(ValueError):
            return date(int(match["year"]), int(match["month"]), int(match["day"]))
    raise ValueError("is not a day; write 2026-11-25 or 25.11.2026")
