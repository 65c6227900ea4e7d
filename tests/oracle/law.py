"""The independent oracle of due dates: what law and policies bind an operator to, and by which day.

Written from the text of the law and the five policies alone. It imports nothing of ours and no library of holidays: where it
agrees with the program, two readers of the same text agree. It leaves out whatever the product promises of itself
(acknowledgements, reminders, its own asking for confirmation) and refusals, which are owed by the day of the duty they refuse.

Statute = Law of the Republic of Kazakhstan No. 94-V of 21 May 2013; L1 to L16 are its limits in the order of our table of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from typing import Literal, NamedTuple

Operator = Literal["medico-intech", "wadjet", "kazger", "technowomen"]
Trigger = Literal[
    # what a person or an authority asks
    "update", "revoke_consent", "stop_processing", "object_automated", "opt_out", "access", "block", "unblock", "destroy",
    "restrict_transfer", "authority_inquiry", "question",
    # what staff enter
    "breach", "unlawful", "public_source", "purpose_ended", "transfer", "no_breach_found", "consumer_claim", "destruction_impossible",
]  # fmt: skip
Duty = Literal[
    "stop_processing", "stop_transfer", "stop_messages", "answer", "amend", "block", "unblock", "destroy", "remove_from_source",
    "notify_person", "notify_third_party", "notify_authority",
]  # fmt: skip


class Candidate(NamedTuple):
    """A limit that applies: the last day it leaves, to 24:00; None where the text gives no number."""

    day: date | None
    source: str


class Verdict(NamedTuple):
    """The earliest of the limits of one duty, and those it beat. Of equals the statute stands first.

    A duty for which neither law nor policy names a number is owed without a day.
    """

    day: date | None
    source: str
    losing: tuple[Candidate, ...]


def due(operator: Operator, trigger: Trigger, moment: datetime, zone: tzinfo) -> dict[Duty, Verdict]:
    """The duties that a request received, or an event happening, at this moment lays on the operator."""
    received = moment.astimezone(zone)
    candidates: dict[Duty, list[Candidate]] = {}
    for limit in (*STATUTE, *PROMISES[operator]):
        if trigger in limit.triggers and limit.in_force_from <= received.date():
            for duty in limit.duties:
                candidates.setdefault(duty, []).append(Candidate(limit.term(received), limit.source))
    return {duty: earliest(limits) for duty, limits in candidates.items()}


def earliest(limits: Sequence[Candidate]) -> Verdict:
    first, *losing = sorted(limits, key=lambda limit: limit.day or date.max)
    return Verdict(first.day, first.source, tuple(losing))


# --- Days -----------------------------------------------------------------------------------------------------------------------
#
# Civil Code Art. 172-176. A term turns the moment of receipt, in the operator's zone, into its last day. Day 0 is the day of
# receipt, be it 23:59 or a Sunday; counting starts the day after.

Term = Callable[[datetime], date | None]


def working_days(count: int) -> Callable[[datetime], date]:
    """The n-th working day after day 0."""

    def last_day(received: datetime) -> date:
        day = received.date()
        for _ in range(count):
            day = working_day_from(day + timedelta(days=1))
        return day

    return last_day


def statute_days(count: int) -> Term:
    """Calendar days of a statute: the last one moves forward off a non-working day."""
    return lambda received: working_day_from(received.date() + timedelta(days=count))


def own_days(count: int) -> Term:
    """Calendar days an operator promised of itself: not moved, so that the promise is never read to its own advantage."""
    return lambda received: received.date() + timedelta(days=count)


def own_months(count: int) -> Term:
    """Months end on the same number, or on the month's last day; an operator's own promise is not moved."""

    def last_day(received: datetime) -> date:
        years, month = divmod(received.month - 1 + count, 12)
        first_of_next = date(received.year + years + (month == 11), (month + 1) % 12 + 1, 1)
        last_of_month = first_of_next - timedelta(days=1)
        return last_of_month.replace(day=min(received.day, last_of_month.day))

    return last_day


def hard_stop(hours: int) -> Term:
    """The last whole day within so many hours. It runs on days off too."""
    return lambda received: (received + timedelta(hours=hours)).date() - timedelta(days=1)


def at_once(received: datetime) -> date:
    return received.date()


def no_number(received: datetime) -> None:
    """Promised, but not by when."""


def working_day_from(day: date) -> date:
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


@cache
def is_working_day(day: date) -> bool:
    if day in WORKING_BY_ORDER:
        return True
    return day.weekday() < 5 and f"{day:%m-%d}" not in WEEKDAYS_OFF[day.year].split()


# Law on Holidays, five-day week, by hand. A holiday on a day off moves to the next working day; 7 January and the first day of
# Kurban Ait are days off that do not move. Only what falls on Monday to Friday is written. Kurban Ait of 2027 and later is
# estimated, and an estimate counts as a working day.
WEEKDAYS_OFF = {
    # 23 March (Sat) to the 25th, 6 July (Sat) to the 8th; 8 May by order, for Saturday the 4th; 7 January and Kurban Ait are Sundays
    2024: "01-01 01-02  03-08 03-21 03-22 03-25  05-01 05-07 05-08 05-09  07-08  08-30  10-25  12-16",
    # 8 March (Sat) to the 10th, 22 and 23 March (Sat, Sun) to the 24th and 25th, 6 July (Sun) to the 7th, 30 August (Sat) to
    # 1 September, 25 October (Sat) to the 27th; 3 January by order, for Sunday the 5th; Kurban Ait 6 June
    2025: "01-01 01-02 01-03 01-07  03-10 03-21 03-24 03-25  05-01 05-07 05-09  06-06  07-07  09-01  10-27  12-16",
    # 8 March (Sun) to the 9th, 21 and 22 March (Sat, Sun) to the 24th and 25th, 9 May (Sat) to the 11th, 25 October (Sun) to the
    # 26th; Kurban Ait 27 May; 30 August is no holiday any more
    2026: "01-01 01-02 01-07  03-09 03-23 03-24 03-25  05-01 05-07 05-11  05-27  07-06  10-26  12-16",
    # 2 January (Sat) to the 4th, 21 March (Sun) to the 24th, 1 May (Sat) to the 3rd, 9 May (Sun) to the 10th; 15 March is new
    2027: "01-01 01-04 01-07  03-08 03-15 03-22 03-23 03-24  05-03 05-07 05-10  07-06  10-25  12-16",
    # 1 and 2 January (Sat, Sun) to the 3rd and 4th, 7 May (Sun) to the 8th, 16 December (Sat) to the 18th
    2028: "01-03 01-04 01-07  03-08 03-15 03-21 03-22 03-23  05-01 05-08 05-09  07-06  10-25  12-18",
}
WORKING_BY_ORDER = {date(2024, 5, 4), date(2025, 1, 5)}


# --- What binds -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limit:
    """One number of a law or policy. A request is judged by the limits in force on the day it was received."""

    source: str
    triggers: tuple[Trigger, ...]
    duties: tuple[Duty, ...]
    term: Term
    in_force_from: date = date.min


# L2 adds no day: a revocation that is not available is refused within L1.
STATUTE = (
    # Art. 8(7) had no number before this day, so a request received before it has no day of the law to be late on.
    Limit("L1 Art. 8(7)", ("revoke_consent", "stop_processing"), ("stop_processing",), working_days(15), date(2026, 1, 18)),
    Limit("L1 Art. 8(7)", ("restrict_transfer",), ("stop_transfer",), working_days(15), date(2026, 1, 18)),
    Limit("L3 Art. 25(2)(6), Rules 395/НҚ p. 16", ("access",), ("answer",), working_days(3)),
    # From "receipt of what confirms it". Strictest: the request itself confirms it.
    Limit("L4 Art. 24(1)(2), 25(2)(8)", ("update",), ("amend",), working_days(1)),
    Limit("L5 Art. 24(1)(3), 25(2)(8)", ("block",), ("block",), working_days(1)),
    # Counted from the finding that there was no breach and from nothing else, so a person's demand alone starts no day.
    Limit("L6 Art. 25(2)(8)", ("unblock",), ("unblock",), no_number),
    Limit("L6 Art. 25(2)(8)", ("no_breach_found",), ("unblock",), working_days(1)),
    Limit("L7 Art. 18, 25(2)(8)", ("unlawful",), ("destroy",), working_days(1)),
    Limit("L8 Digital Code Art. 41", ("destroy",), ("destroy",), statute_days(15)),
    # All owe a destruction when the purpose is reached or the consent expires (5.7, 8.4, 8.9 of the policies), and no text gives
    # that a number of its own. Strictest: the one number the law has for a destruction that cures nothing unlawful.
    Limit("L8 Digital Code Art. 41", ("purpose_ended",), ("destroy",), statute_days(15)),
    Limit("L9 Art. 6", ("public_source",), ("remove_from_source",), working_days(1)),
    Limit("L10 Art. 19-1(3)", ("object_automated",), ("answer",), working_days(3), date(2026, 1, 18)),
    Limit("L11 Art. 25(2)(8)", ("breach",), ("notify_authority",), working_days(1), date(2024, 7, 1)),
    # Where the consent asks for it. Strictest: it does.
    Limit("L12 Art. 19(1)", ("transfer",), ("notify_person",), working_days(10)),
    # The term stands in the authority's own letter, which staff read.
    Limit("L13 Art. 25(2)(3-1)", ("authority_inquiry",), ("answer",), no_number),
    Limit("L14 Consumer Law Art. 42-4", ("consumer_claim",), ("answer",), statute_days(10)),
    # "At once" is what the product does; the limit is the hard stop, which never comes near its ceiling (L1, a partial withdrawal).
    Limit("L15 48 hours", ("opt_out",), ("stop_messages",), hard_stop(48)),
    Limit("L16 as L3", ("question",), ("answer",), working_days(3)),
)

# medico-intech, wadjet and kazger promise nearly the same. A promise without a number is owed by the statute's.
THE_THREE = (
    Limit("8.3", ("update",), ("amend",), no_number),
    Limit("8.4", ("revoke_consent",), ("stop_processing",), no_number),
    Limit("3.2, 4.1", ("access",), ("answer",), no_number),
    Limit("4.1", ("block",), ("block",), no_number),
    Limit("4.1", ("destroy",), ("destroy",), no_number),
    Limit("3.1, 4.1, 8.9", ("stop_processing",), ("stop_processing",), no_number),
    Limit("8.2, 8.6", ("restrict_transfer",), ("stop_transfer",), no_number),
    Limit("3.2", ("authority_inquiry",), ("answer",), own_days(10)),
    Limit("12.1", ("question",), ("answer",), no_number),
    Limit("5.7, 8.4, 8.9", ("purpose_ended",), ("destroy",), no_number),
)

NOTICES: tuple[Duty, ...] = ("notify_person", "notify_third_party")

TECHNOWOMEN = (
    Limit("4.3", ("restrict_transfer",), ("stop_transfer",), no_number),
    Limit("4.5", ("revoke_consent",), ("stop_processing",), no_number),
    # A revocation or a demand to stop ends in destruction. L1 says as much ("storing is processing: destroy, or lock"), so L1 numbers it.
    Limit("6.1, 6.3", ("revoke_consent", "stop_processing"), ("destroy",), no_number),
    Limit("L1 Art. 8(7)", ("revoke_consent", "stop_processing"), ("destroy",), working_days(15), date(2026, 1, 18)),
    Limit("8.2, 8.3", ("question",), ("answer",), no_number),
    Limit("9.1", ("access",), ("answer",), own_days(15)),
    Limit("9.3", ("update",), ("amend",), working_days(1)),
    # 9.4 says "one working day" and that the person and each third party are told, without a number for the telling. Strictest:
    # all within the one day; of a correction (9.3) too; and for every demand to block or destroy, since data its owner wants
    # gone may always be "unnecessary".
    Limit("9.4", ("update",), NOTICES, working_days(1)),
    Limit("9.4", ("block",), ("block", *NOTICES), working_days(1)),
    Limit("9.4", ("destroy",), ("destroy", *NOTICES), working_days(1)),
    # "Unlawful" is in the list of 9.4 as well, whoever found it. A mark "public_source" sits on a demand to block or destroy,
    # which owes the notices itself.
    Limit("9.4", ("unlawful",), ("destroy", *NOTICES), working_days(1)),
    Limit("9.6", ("stop_processing",), ("stop_processing",), no_number),
    # Three days to stop is looser than the statute's one day to destroy, and a looser promise is never a later due date: storing
    # is processing (L1), so who must have destroyed by L7 must have stopped by L7.
    Limit("9.6", ("unlawful",), ("stop_processing",), working_days(3)),
    Limit("L7 Art. 18, 25(2)(8)", ("unlawful",), ("stop_processing",), working_days(1)),
    Limit("9.7", ("purpose_ended",), ("destroy",), own_days(15)),
    # Destruction not possible: block instead, at most six months, then destroy. The block has no number of its own: the statute's.
    # The day by which destruction was first owed stays with what first owed it.
    Limit("L5 Art. 24(1)(3), 25(2)(8)", ("destruction_impossible",), ("block",), working_days(1)),
    Limit("9.8", ("destruction_impossible",), ("destroy",), own_months(6)),
)

PROMISES: dict[Operator, tuple[Limit, ...]] = {
    "medico-intech": THE_THREE,
    "wadjet": THE_THREE,
    "kazger": (*THE_THREE, Limit("3.2, 4.1", ("opt_out",), ("stop_messages",), at_once)),
    "technowomen": TECHNOWOMEN,
}
