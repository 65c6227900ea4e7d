"""The second route to staff: a program of the operator, or another relay, so that a fault of the first is heard (I10).

Nothing of it touches the store: it is told by it that the store is away, too.
"""

import asyncio
import os
from dataclasses import dataclass, replace
from datetime import datetime

from mailbot.alerts import ALERT
from mailbot.commands import run
from mailbot.config import AlarmRelay, secret_of
from mailbot.desk import Desk
from mailbot.digest import DigestOrder, ToStaff, letter_to_staff
from mailbot.digest_page import Page, wrapped
from mailbot.errors import Problem
from mailbot.letters import deliverable
from mailbot.logs import log
from mailbot.relays import relay_of
from mailbot.smtp import Connection, Verdict

COMMAND_SECONDS = 60
RELAY_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Notice:
    """What staff are told without delay, in plain text."""

    subject: str
    text: str

    def page(self) -> Page:
        """Return it as it is written in a letter."""
        return Page(self.subject, wrapped(self.text), "")


@dataclass(frozen=True, slots=True)
class SecondRoute:
    """Who is told, and by which other ways than the usual relay."""

    desk: Desk
    order: DigestOrder
    """Whose readers are told; its sender is the usual one."""
    command: tuple[str, ...]
    relay: AlarmRelay | None

    def __bool__(self) -> bool:
        """Tell whether there is such a way."""
        return bool(self.command or (self.relay and self.order.to))

    async def tell(self, notice: Notice, now: datetime) -> bool:
        """Try every way; tell whether one took it. What failed is told in the log, and the caller tries again."""
        ways = [self._by_command(notice)] if self.command else []
        if self.relay and self.order.to:
            ways.append(self._by_relay(self.relay, notice, now))
        return any([await way for way in ways])  # every way, also after one that went well

    async def _by_command(self, notice: Notice) -> bool:
        answer = await run((*self.command, notice.subject), f"{notice.text}\n".encode(), COMMAND_SECONDS)
        if answer.status != os.EX_OK:
            log.warning("alarm_command_failed", status=answer.status)
        return answer.status == os.EX_OK

    async def _by_relay(self, relay: AlarmRelay, notice: Notice, now: datetime) -> bool:
        """Hand a letter to each reader over to the other relay; one that was taken is enough."""
        try:
            async with asyncio.timeout(RELAY_SECONDS):
                verdicts = await self._hand_over(relay, notice, now)
        except (Problem, TimeoutError) as problem:
            log.warning("alarm_relay_away", reason=str(problem) or f"no answer within {RELAY_SECONDS} s")
            return False
        if refused := len(verdicts) - verdicts.count(Verdict.ACCEPTED):
            log.warning("alarm_letters_not_taken", letters=refused)
        return Verdict.ACCEPTED in verdicts

    async def _hand_over(self, relay: AlarmRelay, notice: Notice, now: datetime) -> list[Verdict]:
        connection = Connection(relay_of(relay, secret_of(relay) if relay.user else None))
        order = replace(self.order, sender=deliverable(relay.sender), envelope_sender=relay.sender)
        verdicts = []
        try:
            for to in order.to:
                letter = letter_to_staff(self.desk, order, ToStaff(ALERT, ALERT, to, notice.page()), now)
                if not connection.is_open:
                    await connection.open()
                verdicts.append((await connection.hand_over(relay.sender, to, letter.content, _nothing)).verdict)
            await connection.close()
        finally:
            connection.drop()
        return verdicts


async def _nothing() -> None:
    """Note nothing before DATA: an alarm that comes twice is better than none."""
