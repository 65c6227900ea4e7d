"""The header of a message: its fields in order, and the values of those that mean something to us.

Values keep one character for each byte (latin-1), so nothing is lost and nothing is guessed before it must be.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

MAX_HEADER = 512 * 1024
"""Bytes of a header that are read, however many fields stand in them. What has more is set aside (H54)."""

MAX_NAMES = 1000
"""Names of fields that a header may have. What has more is set aside, too."""

_MAX_VALUES = 100
_MAX_NAME = 998
_MAX_DATE = 200
_MAX_REFERENCES = 100

_NEEDED = frozenset({"from", "message-id", "mime-version", "content-type", "content-transfer-encoding"})
_FIELD_NAME = re.compile(r"[!-9;-~]+")
_PRINTED = re.compile(r"[^!-~\x80-\xff]+")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,998}>")
_END = re.compile(rb"\n\r?\n")
_EMPTY_LINE = re.compile(rb"\r?\n")
_DATE = re.compile(
    r"([0-9]{1,2})[ \t]+([A-Za-z]{3})[a-z]*[ \t]+([0-9]{2,6})[ \t]+"  # day, month, year
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:[ \t]*([+-][0-9]{4}|[A-Za-z]{1,5}))?"  # hour, minute, second, zone
)
_MONTHS = {"janfebmaraprmayjunjulaugsepoctnovdec"[at : at + 3]: at // 3 + 1 for at in range(0, 36, 3)}
_US_ZONES = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}  # RFC 5322, 4.3


class Fields(NamedTuple):
    """A header block taken apart: lower-cased name → values, topmost first, a hundred of a name at most.

    Behind a line that is no field stands the body, its blank line missing; or the header goes on, a line in it spoilt (H56).
    """

    values: dict[str, tuple[str, ...]]
    everywhere: dict[str, tuple[str, ...]]
    """The same with whatever looks like a field behind a line that is none: there robots are known by it as well (I5)."""
    defects: frozenset[str]
    rest: bytes = b""
    """What stands behind that line and is the body."""
    stray: bytes = b""
    """The lines that are no fields, where the header went on."""

    def first(self, name: str) -> str:
        """Return the topmost value of a field, "" without one."""
        return self.values.get(name, ("",))[0]


def split_head(raw: bytes) -> tuple[bytes, bytes]:
    """Return the header block and the body of a message."""
    head_end, body_start = find_head_end(raw, 0, len(raw))
    return raw[:head_end], raw[body_start:]


def find_head_end(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the header of the part between ``start`` and ``end`` ends and where its body begins."""
    empty = _EMPTY_LINE.match(raw, start, end)
    if empty:
        return start, empty.end()
    found = _END.search(raw, start, end)
    return (found.start() + 1, found.end()) if found else (end, end)


def read_fields(head: bytes) -> Fields:
    """Take a header block apart. Spaces before a colon do not make another field (RFC 5322, 4.5.8)."""
    defects = set()
    if len(head) > MAX_HEADER:
        head = head[:MAX_HEADER]
        defects.add("header_too_large")
    unix = head.replace(b"\r", b"")
    if head.count(b"\r\n") != len(head) - len(unix):  # a bare CR is no line end, though others may take it for one
        unix = head.replace(b"\r\n", b"\n").replace(b"\r", b" ")
        defects.add("bare_cr")
    lines = _unfolded(unix.decode("latin-1").replace("\0", ""))
    return _sorted_out(lines, defects)


def _unfolded(text: str) -> list[str]:
    text = text.replace("\n ", " ") if "\n " in text else text
    text = text.replace("\n\t", "\t") if "\n\t" in text else text
    return text.rstrip("\n").split("\n")


def _sorted_out(lines: list[str], defects: set[str]) -> Fields:
    """Sort unfolded lines by field name, up to the first that is no field; what follows that is a matter of its own."""
    values: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines):
        opens_mbox_entry = number == 0 and line.lstrip(">").startswith("From ")
        if line and not opens_mbox_entry and not _add(line, values, defects):
            return _with_those_behind(values, lines[number:], defects)
    return Fields(values, values, frozenset(defects))


def _with_those_behind(above: dict[str, tuple[str, ...]], lines: list[str], defects: set[str]) -> Fields:
    """Add what follows a line that is no field: the header's, if it has what the header needs and has not had yet."""
    behind: dict[str, tuple[str, ...]] = {}
    stray = [line for line in lines if not _add(line, behind, defects)]
    everywhere = {name: (*above.get(name, ()), *behind.get(name, ())) for name in (above | behind)}
    defects.add("no_blank_line")
    if _NEEDED & behind.keys() - above.keys():
        return Fields(behind | above, everywhere, frozenset(defects), stray=_as_bytes(stray))
    return Fields(above, everywhere, frozenset(defects), rest=_as_bytes(lines))


def _add(line: str, values: dict[str, tuple[str, ...]], defects: set[str]) -> bool:
    """Add a line to the fields of its name; tell whether it is a field."""
    name, colon, value = line.partition(":")
    key = _field_key(name) if colon and len(name) <= _MAX_NAME else ""
    if not key:
        return False
    earlier = values.get(key)
    value = value.strip(" \t")  # no other space: in UTF-8 it may be half a letter
    if earlier is not None:
        if len(earlier) < _MAX_VALUES:
            values[key] = (*earlier, value)
    elif len(values) < MAX_NAMES:
        values[key] = (value,)
    else:
        defects.add("header_too_large")
    return True


def _as_bytes(lines: list[str]) -> bytes:
    return "\n".join(lines).encode("latin-1") + b"\n"


def read_message_id(values: Iterable[str]) -> str | None:
    """Return the topmost Message-ID with its brackets; None for none, an empty or a malformed one."""
    value = next(iter(values), "")
    return value if _MESSAGE_ID.fullmatch(value) and value.isascii() and value.isprintable() else None


def read_message_ids(values: Iterable[str]) -> tuple[str, ...]:
    """Return all Message-IDs of In-Reply-To or References, the last ones if they are too many."""
    found = [one for value in values for one in _MESSAGE_ID.findall(value) if one.isascii() and one.isprintable()]
    return tuple(found[-_MAX_REFERENCES:])


def read_return_path(values: Iterable[str]) -> str | None:
    """Return the envelope sender that the last server noted: None without the field, "" for the null reverse-path."""
    for value in values:
        return _PRINTED.sub("", value).partition(">")[0].lstrip("<")
    return None


def read_stamp(values: Iterable[str]) -> datetime | None:
    """Return when the server that wrote the topmost Received field took the message."""
    return read_date(next(iter(values), "").rpartition(";")[2])


def read_date(value: str) -> datetime | None:
    """Return a date of RFC 5322 (also the obsolete forms) in UTC; None if it is none. A missing zone is UTC."""
    match = _DATE.search(value[:_MAX_DATE])
    if match is None:
        return None
    day, name, year, hour, minute, second, zone = match.groups()
    month = _MONTHS.get(name.lower(), 0)  # 0 is refused below
    try:
        # A leap second is none here.
        local = datetime(_full_year(year), month, int(day), int(hour), int(minute), min(int(second or 0), 59), tzinfo=UTC)
        return local - _offset(zone or "+0000")
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def _field_key(name: str) -> str:
    name = name.rstrip(" \t")
    return name.lower() if _FIELD_NAME.fullmatch(name) else ""


def _full_year(digits: str) -> int:
    """Return the year that two or three digits mean (RFC 5322, 4.3)."""
    year = int(digits)
    if len(digits) > 3:
        return year
    return year + (2000 if len(digits) == 2 and year < 50 else 1900)


def _offset(zone: str) -> timedelta:
    if zone[0] not in "+-":
        return timedelta(hours=_US_ZONES.get(zone.upper(), 0))
    hours, minutes = int(zone[1:3]), int(zone[3:])
    if hours > 23 or minutes > 59:
        raise ValueError("no zone is that far away")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset
