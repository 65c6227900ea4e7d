"""What an order says, and why a line is none."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from rules.orders.words import Piece
from rules.vocabulary import Duty, RequestType


class Verb(StrEnum):
    """What staff order."""

    DONE = "done"
    APPROVE = "approve"
    REFUSE = "refuse"
    POSTPONE = "postpone"
    TYPE = "type"
    ORDINARY = "ordinary"
    RELEASE = "release"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    REOPEN = "reopen"
    TERM = "term"
    NEW = "new"
    EXPLAIN = "explain"
    RETRY = "retry"
    DROP = "drop"
    RESUME = "resume"
    HELP = "help"


class Channel(StrEnum):
    """How a request came that did not come by mail."""

    POST = "post"
    PHONE = "phone"
    IN_PERSON = "in_person"


class Why(StrEnum):
    """Why a line that begins like an order is none."""

    NO_VERB = "no_verb"
    NO_NUMBER = "no_number"
    NO_GROUND = "no_ground"
    NO_DAY = "no_day"
    BAD_DAY = "bad_day"
    NO_TYPE = "no_type"
    NO_ADDRESS = "no_address"
    NEGATED = "negated"
    SEVERAL = "several"
    TOO_MUCH = "too_much"


@dataclass(frozen=True, slots=True)
class Order:
    """One order. ``line`` is what was written; ``text`` is a ground, a proof or a note; ``until`` tells how long ``kept`` is kept."""

    line: str
    verb: Verb
    item: int | None = None
    kind: RequestType | None = None
    what: Duty | None = None
    system: str | None = None
    text: str = ""
    kept: str = ""
    until: date | None = None
    day: date | None = None
    address: str | None = None
    channel: Channel | None = None
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A line that begins like an order, or holds one, and is not clear."""

    line: str
    why: Why


class Unclear(Exception):
    """The line is not clearly an order."""

    def __init__(self, why: Why) -> None:
        """Keep the reason."""
        super().__init__(why)
        self.why = why


class Line(NamedTuple):
    """A line as it is seen, its pieces, and the first of them behind greetings and bullets."""

    text: str
    pieces: list[Piece]
    start: int
