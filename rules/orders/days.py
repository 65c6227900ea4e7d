"""Days as staff write them: 25.11, 25.11.2026, 2026-11-25, 25 November, Friday, tomorrow, in the three languages."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from enum import Enum, auto
from typing import NamedTuple

from rules.orders.words import Piece, phrase

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})(?:\.(\d{2}|\d{4}))?")
_YEAR = re.compile(r"20\d\d")
_CENTURY = 2000
_YEARS = range(-8, 9)
"""Among these there is a 29 February, whatever the year."""
_FROM_TODAY = {"yesterday": -1, "today": 0, "tomorrow": 1, "after_tomorrow": 2}


class Aim(Enum):
    """Which day is meant where its year, or its week, is not told."""

    NEXT = auto()
    LAST = auto()
    NEAREST = auto()


class SpokenDay(NamedTuple):
    """A day of a line, None where no calendar has it, and where the pieces behind it begin."""

    day: date | None
    end: int


def spoken_day(pieces: Sequence[Piece], at: int, today: date, aim: Aim) -> SpokenDay | None:
    """Return the day that begins at a piece: 25.11, 25.11.2026, 2026-11-25, 25 November, Friday, tomorrow."""
    if at >= len(pieces):
        return None
    if relative := phrase("day", pieces, at):
        return SpokenDay(today + timedelta(days=_FROM_TODAY[relative.key]), relative.end)
    if weekday := phrase("weekday", pieces, at):
        return SpokenDay(_on_weekday(int(weekday.key), today, aim), weekday.end)
    word = pieces[at].word
    if dotted := _DAY.fullmatch(word):
        return SpokenDay(_day(int(dotted[1]), int(dotted[2]), dotted[3], today, aim), at + 1)
    if iso := _ISO.fullmatch(word):
        return SpokenDay(_day(int(iso[3]), int(iso[2]), iso[1], today, aim), at + 1)
    if word.isdecimal() and len(word) <= 2 and (month_name := phrase("month", pieces, at + 1)):
        end = month_name.end
        told = pieces[end].word if end < len(pieces) and _YEAR.fullmatch(pieces[end].word) else None
        return SpokenDay(_day(int(word), int(month_name.key), told, today, aim), end + (told is not None))
    return None


def _on_weekday(weekday: int, today: date, aim: Aim) -> date:
    if aim is Aim.LAST:
        return today - timedelta(days=(today.weekday() - weekday) % 7)
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _day(day: int, month: int, year: str | None, today: date, aim: Aim) -> date | None:
    if year is not None:
        return _on_calendar(int(year) % 100 + _CENTURY if len(year) == 2 else int(year), month, day)
    possible = [each for ahead in _YEARS if (each := _on_calendar(today.year + ahead, month, day))]
    match aim:
        case Aim.NEXT:
            possible = [each for each in possible if each >= today]
        case Aim.LAST:
            possible = [each for each in possible if each <= today]
    return min(possible, key=lambda each: abs(each - today), default=None)


def _on_calendar(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
