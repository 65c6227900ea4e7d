"""Alarms: staff hear once that something is wrong with the machine, and once that it is over, by the second route (I10).

What is wrong is ``mailbot.faults``; what was told stands in the store, and of a store that is away in memory. The daemon alone looks:
a round of ``run --once`` says by its exit status what went wrong.
"""

import asyncio
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import lru_cache

from sqlalchemy import Connection

from mailbot.alerts import ALERT
from mailbot.config import Config
from mailbot.desk import Desk
from mailbot.digest import DigestOrder, ToStaff, cause_of, letter_to_staff
from mailbot.digest_words import Words
from mailbot.errors import ConfigurationMistake, TemporaryFailure
from mailbot.faults import Look, Signs, bounds_of
from mailbot.letters import UndeliverableAddress, deliverable
from mailbot.logs import log, where
from mailbot.patience import Patience, Pauses
from mailbot.second_route import Notice, SecondRoute
from mailbot.threads import in_thread
from mailbot.wording import TEMPLATES
from rules.vocabulary import Language
from storage import alarms, outbox
from storage.alarms import MOMENTS, Alarm, Fault, Trouble
from storage.database import StoreFailure

ANSWERS_WITHIN_SECONDS = 60.0
"""How long a look may take: after that something holds the store, and that is told."""

LONGEST_TELLING_SECONDS = 600.0
MOST_SECONDS_BETWEEN_TRIES = 300.0
"""How long at most a route is left alone that failed."""


@lru_cache
def words_of(language: Language) -> Words:
    """Return the table of a language."""
    return tomllib.loads((TEMPLATES / "alarm" / f"{language}.toml").read_text("utf-8"))


def alarm_order(config: Config, order: DigestOrder) -> DigestOrder:
    """Return who is told of alarms: the readers of the digest, unless the configuration names others."""
    try:
        return replace(order, to=tuple(map(deliverable, config.alarm.to)) or order.to)
    except UndeliverableAddress as mistake:
        raise ConfigurationMistake(f"alarm.to holds an address that no letter can reach: {mistake}") from mistake


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found: what is to be told, and whether the usual relay can tell it."""

    waiting: Sequence[Alarm]
    relay_is_away: bool


class Alarms:
    """Looks again and again at what may be wrong, and tells of it."""

    def __init__(self, desk: Desk, config: Config, order: DigestOrder, signs: Callable[[], Signs], pauses: Pauses) -> None:
        """``order`` is the digest's; ``signs`` is asked at each look, in its thread."""
        self._desk = desk
        self._digest = order
        self._order = alarm_order(config, order)
        self._bounds = bounds_of(config)
        self._signs = signs
        self._route = SecondRoute(desk, self._order, config.alarm.command, config.alarm.smtp)
        self._patience = Patience(replace(pauses, longest=min(pauses.longest, MOST_SECONDS_BETWEEN_TRIES)))
        self.answers_within_seconds = ANSWERS_WITHIN_SECONDS
        self._not_before = 0.0
        self._looking: asyncio.Future[Seen] | None = None
        self._told: list[Alarm] = []
        """What was told and is not yet noted as told."""
        self._store: Alarm | None = None
        """That the store is away, which it cannot take itself."""
        self._store_is_told = False

    async def keep(self, beat: Callable[[float, str], None], every_seconds: float) -> None:
        """Look again and again, whatever happens."""
        while True:
            beat(self.answers_within_seconds + LONGEST_TELLING_SECONDS, "looks for faults")
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - our bug: mail is taken in all the same, and the digest tells of faults, too
                log.error("alarms_failed", **where(error))
            await asyncio.sleep(every_seconds)

    async def look(self) -> None:
        """Look once, and tell what there is to tell."""
        try:
            seen = await self._settled()
            if seen.waiting and self._may_try():
                await self._tell(seen)
        except StoreFailure as failure:
            await self._tell_of_store(str(failure))

    async def _settled(self) -> Seen:
        """Look in a thread, which may come to hang with whatever holds the store: then go on waiting for that one."""
        if self._looking is None:
            self._looking = in_thread(self._look)
        await asyncio.wait([self._looking], timeout=self.answers_within_seconds)
        if not self._looking.done():
            raise StoreFailure(f"the store {self._desk.database.address} does not answer")
        looked, self._looking = self._looking, None
        return looked.result()

    def _look(self) -> Seen:
        with self._desk.database.write() as tx:
            now = self._desk.now()  # whoever held the store may have held it for long
            begun_by = now - self._bounds.alert_after
            alarms.are_told(tx, self._told, now)
            if self._store and self._store.began_at <= begun_by:
                alarms.is_over(tx, self._store, now)
            look = Look(tx, self._desk, self._digest, self._bounds, self._signs(), now)
            alarms.settle(tx, look.faults(), now)
            alarms.happen(tx, [*look.set_aside(), *self._unheard(tx, begun_by, now)], now)
            relay_is_away = any(alarm.what is Trouble.RELAY for alarm in alarms.going_on(tx))
            seen = Seen(alarms.to_tell(tx, begun_by), relay_is_away)
        self._told, self._store, self._store_is_told = [], None, False
        return seen

    def _unheard(self, tx: Connection, queued_by: datetime, now: datetime) -> list[Fault]:
        """Return the letters that could not wait and wait: of a wave, of the authority."""
        return [Fault(Trouble.ALERT, str(letter)) for letter in alarms.not_heard(tx, ALERT, queued_by, now)] if self._route else []

    async def _tell(self, seen: Seen) -> None:
        """Tell by the second route; where there is none, or while it fails and the usual relay does not, by that."""
        ours = [alarm for alarm in seen.waiting if alarm.what is not Trouble.ALERT]
        if ours and await self._tell_apart(self._notice(ours), ours):
            self._told += ours
        elif ours and not (self._route and seen.relay_is_away):
            await in_thread(self._queue, ours)
        letters: dict[Notice, list[Alarm]] = {}
        for alarm in seen.waiting:
            if alarm.what is Trouble.ALERT:
                letters.setdefault(await in_thread(self._as_queued, alarm), []).append(alarm)
        for notice, alike in letters.items():
            if await self._tell_apart(notice, alike):
                self._told += alike
        await in_thread(self._note_told)

    async def _tell_apart(self, notice: Notice, told: Sequence[Alarm]) -> bool:
        """Tell by the second route; tell whether it took it."""
        if not self._route:
            return False
        is_taken = await self._route.tell(notice, self._desk.now())
        log.error("alarm", about=[str(alarm.what) for alarm in told], told=is_taken)
        if is_taken:
            self._patience.went_well()
        else:
            self._not_before = asyncio.get_running_loop().time() + self._patience.after(TemporaryFailure("no second route took it"))
        return is_taken

    def _may_try(self) -> bool:
        return asyncio.get_running_loop().time() >= self._not_before

    def _note_told(self) -> None:
        with self._desk.database.write() as tx:
            alarms.are_told(tx, self._told, self._desk.now())
        self._told = []

    def _queue(self, told: Sequence[Alarm]) -> None:
        """Tell by the usual relay: by letters that the outbox takes in the moment in which they count as told."""
        now, page = self._desk.now(), self._notice(told).page()
        first = f"{told[0].id}{'e' if told[0].ended_at else 'b'}"
        letters = [ToStaff(ALERT, cause_of(self._desk, "alarm", first, to), to, page) for to in self._order.to]
        with self._desk.database.write() as tx:
            outbox.queue(tx, [letter_to_staff(self._desk, self._order, letter, now) for letter in letters], now)
            alarms.are_told(tx, told, now)
        log.error("alarm", about=[str(alarm.what) for alarm in told], letters=len(letters))

    def _as_queued(self, alarm: Alarm) -> Notice:
        """Return what the letter says that waits in the outbox."""
        with self._desk.database.read() as tx:
            content = outbox.content_of(tx, int(alarm.about))
        letter = message_from_bytes(content, _class=EmailMessage, policy=default)
        return Notice(str(letter["Subject"]), str(letter.get_content()))

    async def _tell_of_store(self, reason: str) -> None:
        """Tell, from memory, that nothing can be recorded; that it is over is told by the store itself."""
        now = self._desk.now()
        if self._store is None or self._store.began_at > now:
            self._store = Alarm(None, Trouble.STORE, "", now, reason)
        if not self._store_is_told and now - self._store.began_at >= self._bounds.alert_after and self._may_try():
            self._store_is_told = await self._tell_apart(self._notice([self._store]), [self._store])

    def _notice(self, told: Sequence[Alarm]) -> Notice:
        """Put into words what is wrong and what is over, one paragraph each."""
        words, titles = words_of(self._order.language), []
        for alarm in told:
            title = words[alarm.what]["title"]
            titles.append(words["over"].format(title=title) if alarm.ended_at else title)
        domain = self._order.sender.rpartition("@")[2]
        paragraphs = (self._paragraph(words, alarm) for alarm in told)
        return Notice(f"mailbot · {domain}: {', '.join(dict.fromkeys(titles))}", "\n\n".join(paragraphs))

    def _paragraph(self, words: Words, alarm: Alarm) -> str:
        """Say of an alarm since when, what, and what to do; of one that is over, that it is."""
        own, facts = words[alarm.what], {"about": alarm.about, "detail": alarm.detail}
        when = f"{alarm.began_at.astimezone(self._desk.zone):%d.%m.%Y, %H:%M}"
        if alarm.ended_at:
            return str(words["ended"].format(when=when, says=own["over"].format(**facts)))
        lines = [words["happened" if alarm.what in MOMENTS else "begun"].format(when=when, says=own["says"].format(**facts))]
        if alarm.detail and "{detail}" not in own["says"]:
            lines.append(words["saw"].format(detail=alarm.detail))
        lines.append(words["cure"].format(cure=own["cure"].format(**facts)))
        return "\n".join(lines)
