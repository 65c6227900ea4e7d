"""kill -9 before every effect of every story, on both engines: the accounts balance (H24, H25, H30, H31, H33; I1, I3).

``python -m tests.scenarios.crashes [NAME…]`` dies at all points, prints a line a story and engine, and ends with status 1 where anything
was lost or doubled. ``test_crashes.py`` dies at a choice of them. How a process dies is ``crash_points``.
"""

import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from tests.scenarios.crash_accounts import balance
from tests.scenarios.crash_stories import STORIES, Story
from tests.scenarios.crash_world import KILLED, Forge, Point, Servers, World, a_world
from tests.servers import CapturingSmtp, Dovecot, Postgresql

ENGINES = ("sqlite", "postgresql")
SPREAD = 0.618
"""Points are chosen as far from each other as their number allows: by steps of the golden ratio."""


ending = Event()
"""Set when no more deaths are wanted."""


@dataclass(slots=True)
class Totals:
    """What came of the deaths of one story."""

    points: int = 0
    died: int = 0
    doubtful: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def is_balanced(self) -> bool:
        """Tell whether nothing was lost and nothing was done twice."""
        return not (self.lost or self.doubled or self.faults)


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A life without a death: its points in the order in which they came, by step, and what it left behind."""

    points: tuple[tuple[int, Point], ...]
    entries: Counter[str]


class Lives:
    """Lives through one story again and again on one engine."""

    def __init__(self, story: Story, servers: Servers, folder: Path) -> None:
        self.story, self._servers, self._folder = story, servers, folder

    def undisturbed(self) -> Undisturbed:
        """Live without a death, then do everything a second time: that must not matter."""
        points: list[tuple[int, Point]] = []
        with a_world(self._servers, self._folder) as world:
            self.story.prepare(world)
            for number, step in enumerate(self.story.steps(world)):
                step.take(world, note=True)
                points += ((number, point) for point in points_in(world))
            for step in self.story.steps(world)[-1:]:
                step.take(world)
            accounts = world.accounts()
            balanced = balance(accounts.entries, accounts)
            assert (balanced.lost, balanced.doubled, accounts.doubtful) == ((), (), 0), balanced
            assert [] == list(self.story.faults(world))
        return Undisturbed(tuple(own_part(self.story, points)), accounts.entries)

    def die_at(self, number: int, point: Point, undisturbed: Undisturbed, totals: Totals) -> None:
        """Die there, do all again that was not done, and hold the accounts against those of a life without a death."""
        with a_world(self._servers, self._folder) as world:
            self.story.prepare(world)
            steps = self.story.steps(world)
            for step in steps[:number]:
                step.take(world)
            died = steps[number].take(world, dies_at=point) == KILLED
            for step in self.story.steps(world)[number:]:
                step.take(world)
            accounts = world.accounts()
            balanced = balance(undisturbed.entries, accounts)
            where = f"{self.story.name}, at {point[0]} {point[1]}: "
            totals.points += 1
            totals.died += died
            totals.doubtful += accounts.doubtful
            totals.lost += (where + each for each in balanced.lost)
            totals.doubled += (where + each for each in balanced.doubled)
            totals.faults += (where + each for each in self.story.faults(world))


def points_in(world: World) -> Iterator[Point]:
    """Yield the points that a life has passed since this was last asked."""
    seen: Counter[str] = Counter()
    for name in world.effects_file.read_text().splitlines():
        seen[name] += 1
        yield name, seen[name]
    world.effects_file.unlink()


def own_part(story: Story, points: Sequence[tuple[int, Point]]) -> Sequence[tuple[int, Point]]:
    """Leave out what other stories have gone through."""
    names = [name for _, (name, _) in points]
    first = names.index(story.begins) if story.begins else 0
    return points[first : names.index(story.ends, first) if story.ends else None]


def live_through(lives: Lives, most: int | None = None) -> Totals:
    """Die at every point of a story, or at ``most`` of them and at those that once did harm."""
    undisturbed, totals = lives.undisturbed(), Totals()
    chosen = spread(undisturbed.points, most)
    chosen += (each for each in undisturbed.points if each[1] in lives.story.tender and each not in chosen)
    for number, point in chosen:
        if not ending.is_set():
            lives.die_at(number, point, undisturbed, totals)
    return totals


def spread(points: Sequence[tuple[int, Point]], most: int | None) -> list[tuple[int, Point]]:
    """Choose points all over a life."""
    if most is None or most >= len(points):
        return list(points)
    return [points[int(len(points) * (SPREAD * each % 1))] for each in range(1, most + 1)]


@contextmanager
def all_servers(folder: Path) -> Iterator[dict[str, Servers]]:
    """Start what both engines need."""
    with ExitStack() as stack:
        dovecot, postgresql = stack.enter_context(Dovecot()), stack.enter_context(Postgresql())
        servers = {}
        for engine in ENGINES:
            smtp, forge = stack.enter_context(CapturingSmtp()), stack.enter_context(Forge())
            (folder / engine).mkdir()
            servers[engine] = Servers(dovecot, smtp, postgresql if engine == "postgresql" else None, forge)
        yield servers


def main(chosen: Sequence[str]) -> int:
    """Die at all points, one engine beside the other."""
    signal.signal(signal.SIGTERM, lambda *_: ending.set())  # the servers end with us
    stories = [story for story in STORIES if not chosen or any(word in story.name for word in chosen)]
    with tempfile.TemporaryDirectory(prefix="mailbot-crashes-") as name, all_servers(Path(name)) as servers:

        def all_of(engine: str) -> list[Totals]:
            return [tell(engine, story, Lives(story, servers[engine], Path(name, engine))) for story in stories if engine in story.engines]

        with ThreadPoolExecutor(len(ENGINES)) as pool:
            totals = [each for of_engine in pool.map(all_of, ENGINES) for each in of_engine]
    points, died, doubtful = (sum(getattr(each, name) for each in totals) for name in ("points", "died", "doubtful"))
    lost, doubled, faults = (sum(len(getattr(each, name)) for each in totals) for name in ("lost", "doubled", "faults"))
    print(f"{points} points, {died} deaths, {doubtful} doubtful letters; lost {lost}, doubled {doubled}, faults {faults}")
    return 0 if all(each.is_balanced for each in totals) and not ending.is_set() else 1


def tell(engine: str, story: Story, lives: Lives) -> Totals:
    """Live through a story and print what came of it."""
    began = time.monotonic()
    totals = live_through(lives)
    took = time.monotonic() - began
    sums = f"lost {len(totals.lost)}, doubled {len(totals.doubled)}, faults {len(totals.faults)}"
    figures = f"{totals.points:4} points, {totals.died:4} deaths, {totals.doubtful:3} doubtful"
    print("\n  ".join([f"{engine:10} {story.name:36} {figures}; {sums} ({took:.0f} s)", *totals.lost, *totals.doubled, *totals.faults]))
    sys.stdout.flush()
    return totals


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
