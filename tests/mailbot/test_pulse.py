"""The pulse: a hang is seen, and neither work nor a failure that is told is taken for one (H108)."""

import pytest

from mailbot.pulse import Pulse

SLACK = 60.0


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulse(clock: Clock) -> Pulse:
    return Pulse(SLACK, clock)


def test_a_part_that_never_promised_anything_is_not_late(pulse: Pulse, clock: Clock) -> None:
    clock.seconds += 1e9
    assert () == pulse.late()
    assert "" == pulse.words()


@pytest.mark.parametrize(("after", "late"), [(0, ()), (90, ()), (90.5, ("inbox",))])
def test_h108_a_part_is_late_when_its_time_and_the_slack_are_over(pulse: Pulse, clock: Clock, after: float, late: tuple[str, ...]) -> None:
    pulse.beat("inbox", 30, "reads")
    clock.seconds += after
    assert late == pulse.late()


def test_h108_only_the_part_that_hangs_is_named(pulse: Pulse, clock: Clock) -> None:
    pulse.beat("inbox", 30, "reads")
    pulse.beat("delivery", 900, "waits for letters")
    clock.seconds += 100
    pulse.beat("schedule", 20, "looks at the clock")
    assert ("inbox",) == pulse.late()


def test_h108_who_is_heard_again_is_no_longer_late(pulse: Pulse, clock: Clock) -> None:
    pulse.beat("inbox", 30, "reads")
    clock.seconds += 100
    pulse.beat("inbox", 900, "away, the IMAP server mail.example:993 is away: timed out")
    assert () == pulse.late()


def test_the_latest_promise_counts_even_if_it_is_shorter(pulse: Pulse, clock: Clock) -> None:
    pulse.beat("inbox", 900, "waits for mail")
    pulse.beat("inbox", 0, "reads")
    clock.seconds += SLACK + 1
    assert ("inbox",) == pulse.late()


def test_the_words_say_what_each_part_does_in_the_order_in_which_they_came(pulse: Pulse) -> None:
    pulse.beat("inbox", 30, "connects")
    pulse.beat("delivery", 30, "delivers")
    pulse.beat("inbox", 30, "waits for mail")
    assert "inbox: waits for mail; delivery: delivers" == pulse.words()
