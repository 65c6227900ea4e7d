"""How long to stay away from a server or a store that failed us: as asked, else longer each time, with jitter (H13, H14)."""

import math
from dataclasses import dataclass
from random import random

from mailbot.errors import ConfigurationMistake
from mailbot.imap import MailServerAway


@dataclass(frozen=True, slots=True)
class Pauses:
    """In seconds. After a refused login the shortest pause is long, so as not to lock the account."""

    first: float = 1
    longest: float = 900
    after_refused_login: float = 300
    between_looks: float = 20
    """How often the clock is looked at."""


class Patience:
    """Pauses that grow from failure to failure, until something goes well."""

    def __init__(self, pauses: Pauses) -> None:
        """Nothing has failed yet."""
        self._pauses = pauses
        self._failures = 0

    def went_well(self) -> None:
        """Begin again with short pauses."""
        self._failures = 0

    def after(self, problem: Exception, most: float = math.inf) -> float:
        """Return how many seconds to stay away after one more failure; ``most`` bounds what is not stated by the server."""
        pauses = self._pauses
        self._failures += 1
        if isinstance(problem, MailServerAway) and problem.wait_seconds is not None:
            return min(problem.wait_seconds, 4 * pauses.longest)
        growing = min(pauses.first * 2.0 ** min(self._failures - 1, 20), pauses.longest, most)
        if isinstance(problem, ConfigurationMistake):
            growing = max(growing, pauses.after_refused_login)
        return growing * (0.75 + 0.5 * random())  # noqa: S311 - jitter, not a secret
