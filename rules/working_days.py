"""Which days are worked: the public holidays of a country, and the days that orders moved.

``holidays`` knows the holidays and the transfers of past years. Transfers of the year at hand are announced as little as
16 days ahead, so an administrator lists them in a file, and that file has the last word. Counting is ``rules.deadlines``.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

WEEKEND = "weekend"
EXAMPLE = '2026-05-04 = { day = "off", order = "No. 123 of 15 April 2026" }'
DAY_WORDS = {"off": False, "working": True}


@dataclass(frozen=True, slots=True)
class Override:
    """What an order made of one day."""

    is_working: bool
    order: str


NO_OVERRIDES: Mapping[date, Override] = MappingProxyType({})


class CalendarMistakes(ValueError):
    """The file of moved days cannot be used as it is written."""

    def __init__(self, *mistakes: str) -> None:
        """Keep every mistake: each a sentence that says what, where and how to cure it."""
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


@dataclass(slots=True)
class _Year:
    """The days of a year that need a word: why one is off, or why one is worked after all."""

    off: dict[date, str]
    worked: dict[date, str]


class Calendar:
    """The working days of one country, each year worked out once."""

    def __init__(self, country: str, overrides: Mapping[date, Override] = NO_OVERRIDES) -> None:
        """Raise ``ValueError`` for a country whose holidays are not known."""
        self._country = country
        self._overrides = dict(overrides)
        self._years: dict[int, _Year] = {}
        self.last_known_year = _last_year_with_transfers(_holidays_of(country))

    def is_working_day(self, day: date) -> bool:
        """Tell whether ``day`` is worked in a five-day week."""
        return day not in self._year_of(day).off

    def why_off(self, day: date) -> str | None:
        """Say why ``day`` is off: ``WEEKEND``, the holiday's name or the order; None for a working day."""
        return self._year_of(day).off.get(day)

    def why_worked(self, day: date) -> str | None:
        """Say why ``day`` is worked where one might think it is off; None for any other day."""
        return self._year_of(day).worked.get(day)

    def _year_of(self, day: date) -> _Year:
        year = self._years.get(day.year)
        if year is None:
            year = self._years[day.year] = self._work_out(day.year)
        return year

    def _work_out(self, number: int) -> _Year:
        library = _holidays_of(self._country, number)
        year = _Year({}, {})
        for day in _days_of(number):
            _judge(day, library, year)
        for day, override in self._overrides.items():
            if day.year == number:
                _obey(override, day, year)
        return year


def _judge(day: date, library: "HolidayBase", year: _Year) -> None:
    """Note what the library says of ``day``, unless it is an ordinary working day."""
    is_working, is_weekend = library.is_working_day(day), library.is_weekend(day)  # never `day in library`: a moved Saturday is in neither
    names = [_plain(name) for name in library.get_list(day)]
    certain = [name for name in names if not name.endswith("estimated)")]
    if is_working and is_weekend:
        year.worked[day] = "a moved working day"
    elif is_weekend:
        year.off[day] = WEEKEND
    elif certain:
        year.off[day] = "; ".join(certain)
    elif names:  # An estimated Kurban Ait is worked, so that no due date is later than the strictest reading.
        year.worked[day] = "; ".join(names)


def _obey(override: Override, day: date, year: _Year) -> None:
    loser, winner = (year.off, year.worked) if override.is_working else (year.worked, year.off)
    loser.pop(day, None)
    winner[day] = f"{'worked' if override.is_working else 'off'} by order {override.order}"


def read_overrides(text: str, file: str) -> dict[date, Override]:
    """Read the administrator's list of moved days; raise ``CalendarMistakes`` with every mistake in it."""
    try:
        entries = tomllib.loads(text.removeprefix("\ufeff"))  # Windows editors put a byte order mark in front
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CalendarMistakes(f"{file}: not TOML: {error}; write a line a day, like {EXAMPLE}") from None
    if mistakes := [f'{file}: "{key}" {mistake}' for key, entry in entries.items() for mistake in _mistakes_in(key, entry)]:
        raise CalendarMistakes(*mistakes)
    return {date.fromisoformat(key): Override(DAY_WORDS[entry["day"]], entry["order"].strip()) for key, entry in entries.items()}


def _mistakes_in(key: str, entry: object) -> Iterator[str]:
    """Say what is wrong with one line of the list, and how to write it."""
    if not _is_day(key):
        yield "is not a day; write year-month-day, like 2026-05-04"
    if not isinstance(entry, dict):
        yield f"does not say what the day is; write {EXAMPLE}"
        return
    for unknown in sorted(entry.keys() - {"day", "order"}):
        yield f'has an unknown key "{unknown}"; only "day" and "order" are known'
    if entry.get("day") not in tuple(DAY_WORDS):
        yield 'has no usable "day"; write day = "off" or day = "working"'
    order = entry.get("order")
    if not isinstance(order, str) or not order.strip():
        yield 'names no order; write order = "No. ... of ..." as the order is cited'


def _is_day(key: str) -> bool:
    """Tell whether ``key`` is a real day written year-month-day, and not one of the other ISO 8601 forms."""
    try:
        return date.fromisoformat(key).isoformat() == key
    except ValueError:
        return False


def _holidays_of(country: str, year: int | None = None) -> "HolidayBase":
    kind: type[HolidayBase] = getattr(_module_of(country), country)
    return kind(years=year, language="en_US")


@cache
def _module_of(country: str) -> ModuleType:
    """Load the library's file of one country: its package loads those of 250, in 12 MB."""
    import holidays  # here, because most commands count no days

    name = next((name for name, (_, *codes) in holidays.registry.COUNTRIES.items() if country in codes), "")
    spec = PathFinder.find_spec(name, [f"{folder}/countries" for folder in holidays.__path__]) if name else None
    if spec is None or spec.loader is None:
        raise ValueError(f'no public holidays are known for country "{country}"; write its two letters (ISO 3166-1), like KZ')
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _last_year_with_transfers(library: "HolidayBase") -> int | None:
    """Return the last year whose moved days the library lists; for later ones only the administrator's file knows them."""
    return max(getattr(library, "special_public_holidays", {}), default=None)


def _days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1)
    return (first + timedelta(days=n) for n in range((date(year, 12, 31) - first).days + 1))


def _plain(name: str) -> str:
    """Write the library's month/day/year as a date that nobody can misread."""
    return re.sub(r"substituted from (\d\d)/(\d\d)/(\d{4})", r"moved from \3-\1-\2", name)
