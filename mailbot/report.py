"""What a run did and what went wrong, for the person or the service manager who started it."""

from dataclasses import dataclass, field

from mailbot.delivery import Tally
from mailbot.errors import ConfigurationMistake, Problem, TemporaryFailure
from mailbot.logs import where
from mailbot.rounds import Count
from storage.database import StoreFailure
from storage.ledger import CursorMoved


@dataclass(slots=True)
class Report:
    """A run in figures and problems."""

    counts: list[Count] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    problems: list[Problem] = field(default_factory=list)
    waiting: int = 0

    @property
    def exit_status(self) -> int:
        """Return the gravest status: a mistake of the configuration, else what a person must see, else what passes by itself."""
        statuses = {problem.exit_status for problem in self.problems}
        return next((status for status in (78, 1, 75) if status in statuses), 0)


def as_problem(error: BaseException) -> Problem:
    """Turn what ended a part into a sentence and a status; of our own bug only where it is, for its words may quote a message (I6)."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreFailure):
        return TemporaryFailure(str(error)) if error.transient else ConfigurationMistake(str(error))
    if isinstance(error, CursorMoved):
        return TemporaryFailure(str(error))
    if isinstance(error, Exception):
        return Problem("a fault of mailbot itself: {error} at {at}; please tell its makers".format(**where(error)))
    raise error


def what_a_person_must_see(report: Report) -> list[Problem]:
    """Put in sentences what did not end well although nothing broke."""
    tally, found = report.tally, list[Problem]()
    if tally.problem is not None:
        waiting = f"; {report.waiting} letters wait and are sent by a later run" if report.waiting else ""
        found.append(type(tally.problem)(f"{tally.problem}{waiting}"))
    elif tally.put_off:
        found.append(TemporaryFailure(f"{tally.put_off} letters were put off by the SMTP server and are tried again by a later run"))
    if tally.failed:
        found.append(Problem(f"{tally.failed} letters cannot be delivered: see `mailbot letters list --state failed`"))
    if tally.doubtful:
        found.append(Problem(f"{tally.doubtful} letters may or may not have been accepted: see `mailbot letters list --state doubtful`"))
    if shunted := sum(count.shunted for count in report.counts):
        found.append(Problem(f"{shunted} messages could not be read and were set aside for a person: see `mailbot held list`"))
    return found
