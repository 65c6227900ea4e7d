"""The desk: everything that taking in mail needs and that stays the same from message to message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_urlsafe
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mailbot.config import Config, Limits, read_moved_days
from mailbot.letters import LetterOffice
from mailbot.policies import load_policy
from rules.addresses import mailbox_key
from rules.automatic import OwnMail
from rules.deadlines import Deadlines
from rules.fingerprint import Keys
from rules.policy import Policy
from rules.recognition import Recogniser
from rules.working_days import Calendar
from storage.database import Database, open_database
from storage.evidence import keys_of
from storage.subscribers import set_systems

OWN_SYSTEM = "mailbot"
"""The name of mailbot's own subscriber store among the systems."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a message is judged by, and where the judgement is written."""

    policy: Policy
    zone: ZoneInfo
    database: Database
    keys: Keys
    recogniser: Recogniser
    own: OwnMail
    deadlines: Deadlines
    law_deadlines: Deadlines
    """By when the law alone wants it, where the policy promises nothing."""
    letters: LetterOffice
    limits: Limits
    authserv_ids: Mapping[str, str | None]
    """By inbox, under which name its mail server writes what it found out about senders."""
    auto: bool
    """What an aligned sender withdraws is carried out without staff."""
    systems: tuple[str, ...]
    by_view: frozenset[str]
    """The systems that read whom a message may be sent to in mailbot's own store, at each sending."""
    by_command: frozenset[str]
    """The systems that a command of the operator tells what is due."""
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Acting:
    """Who of staff acts, at which desk, in which transaction: whoever opens it says how much belongs together."""

    tx: Connection
    desk: Desk
    who: str


def set_up_desk(config: Config, now: Callable[[], datetime], database: Database | None = None) -> Desk:
    """Open the store and load the policy; raise ``ConfigurationMistake`` or ``StoreFailure`` with a sentence.

    ``database`` is a store that is open already, in place of the configured one.
    """
    policy = load_policy(config.operator.policy)
    zone = ZoneInfo(config.operator.timezone)
    systems = (OWN_SYSTEM, *(system.name for system in config.system))
    calendar = Calendar(policy.law.country, read_moved_days(config.operator.calendar_overrides))
    database = database or open_database(config.store.url)
    with database.write() as tx:
        keys = keys_of(tx)
        set_systems(tx, {OWN_SYSTEM: "own"} | {system.name: system.mode for system in config.system}, now())
    addresses = {config.smtp.sender, *(address for inbox in config.inbox for address in (inbox.address, *inbox.aliases))}
    return Desk(
        policy=policy,
        zone=zone,
        database=database,
        keys=keys,
        recogniser=Recogniser(policy),
        own=OwnMail(frozenset(map(mailbox_key, addresses))),
        deadlines=Deadlines(policy, calendar, zone, systems, [party.name for party in config.third_party]),
        law_deadlines=Deadlines(replace(policy, limits=()), calendar, zone, systems),
        letters=LetterOffice(policy, config.smtp.sender, config.smtp.envelope_sender or config.smtp.sender, lambda: token_urlsafe(16)),
        limits=config.limits,
        authserv_ids={inbox.address: inbox.authserv_id for inbox in config.inbox},
        auto=config.operator.withdrawals == "auto",
        systems=systems,
        by_view=frozenset(system.name for system in config.system if system.mode == "view"),
        by_command=frozenset(system.name for system in config.system if system.mode == "command"),
        now=now,
    )
