"""The pulse: whether every part of the daemon still goes round (H108).

A part says at each turn by when it will be heard of again, and in a word what it does. A turn counts whether it went well or failed
with a recorded failure: a dead mail server is no reason to start anew for ever, and a hang is one.
"""

from collections.abc import Callable
from threading import Lock
from time import monotonic


class Pulse:
    """By when each part will be heard of again. Parts live in several threads."""

    def __init__(self, slack_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        """Nobody has promised anything yet. A part may be ``slack_seconds`` later than it said: the machine may be busy."""
        self._clock = clock
        self._slack = slack_seconds
        self._lock = Lock()
        self._parts: dict[str, tuple[float, str]] = {}

    def beat(self, part: str, within_seconds: float, doing: str) -> None:
        """Say that ``part`` lives, what it does, and that it will be heard of again in time."""
        with self._lock:
            self._parts[part] = (self._clock() + within_seconds + self._slack, doing)

    def late(self) -> tuple[str, ...]:
        """Return the parts that were not heard of in time."""
        now = self._clock()
        with self._lock:
            return tuple(part for part, (until, _) in self._parts.items() if now > until)

    def words(self) -> str:
        """Return in a line what all parts do."""
        with self._lock:
            return "; ".join(f"{part}: {doing}" for part, (_, doing) in self._parts.items())
