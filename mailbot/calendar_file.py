"""The due dates as a calendar file that a digest brings along (RFC 5545): an event of a whole day for each open request, no person named.

Written here and not by a library: it is fifteen lines of text a request, and the libraries bring a time zone database and a parser along.
"""

from collections.abc import Iterator
from datetime import UTC, date

from mailbot.digest_words import Item, Speaker
from rules.life import OPEN

MOST_EVENTS = 60
LONGEST_LINE = 75
"""Octets of a line without its end; a longer one goes on in the next, behind a space (RFC 5545, 3.1)."""

_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,"})


def calendar_of(speaker: Speaker) -> str:
    """Return the calendar file, the first due first, nothing where nothing is due; on the wire its lines end with CRLF."""
    items = [item for each in speaker.digest.items.values() for item in each]
    dated = sorted(((item.due, item) for item in items if item.due and item.matter.state in OPEN), key=lambda pair: pair[0])
    if not dated:
        return ""
    events = (line for due, item in dated[:MOST_EVENTS] for line in _event(speaker, item, due))
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//mailbot//digest//EN", "METHOD:PUBLISH", *events, "END:VCALENDAR")
    return "".join(f"{folded(line)}\n" for line in lines)


def _event(speaker: Speaker, item: Item, due: date) -> Iterator[str]:
    """Yield the lines of a request. Its UID stays the same, and its number grows with the day: calendars replace what they had."""
    digest, matter = speaker.digest, item.matter
    summary = f"{speaker.kind(matter)}: {matter.reference}"
    yield "BEGIN:VEVENT"
    yield f"UID:{matter.reference}@{speaker.face.domain}"
    yield f"DTSTAMP:{digest.now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"SEQUENCE:{digest.now.date().toordinal()}"
    yield f"DTSTART;VALUE=DATE:{due:%Y%m%d}"
    yield f"SUMMARY:{summary.translate(_ESCAPED)}"
    yield "TRANSP:TRANSPARENT"  # a due date keeps nobody busy
    yield "END:VEVENT"


def folded(line: str) -> str:
    """Break a line so that no part is too long and no character is cut in two."""
    parts, length = "", 0
    for character in line:
        size = len(character.encode())
        if length + size > LONGEST_LINE:
            parts, length = f"{parts}\n ", 1
        parts, length = parts + character, length + size
    return parts
