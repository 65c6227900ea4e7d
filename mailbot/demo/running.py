"""Runs the daemon for one operator between the demo's mail servers, and judges what became of each sample.

It is the real daemon, as ``mailbot run --once`` starts it, with a store that lies in a folder of its own and is gone afterwards.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from mailbot.config import Config
from mailbot.daemon import Works, utc_now
from mailbot.demo.samples import Sample, compose
from mailbot.demo.servers import LOOPBACK, PASSWORD, USER, ImapServer, SmtpServer, imap_server, smtp_server
from mailbot.desk import set_up_desk
from mailbot.digest import digest_order, show_digest
from mailbot.errors import Problem
from mailbot.policies import load_policy
from mailbot.report import Report
from rules.policy import Policy
from rules.vocabulary import Outcome, RequestType
from storage import register
from storage.register import Registered
from storage.tables import ledger

FILED = frozenset({Outcome.REQUEST, Outcome.HELD})
"""What is marked as answered once its letter is accepted; no other mail is touched."""

OLDEST, APART = timedelta(hours=8), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A sample that lay in the inbox: what became of it (None: it was lost), and its flags on the server."""

    sample: Sample
    outcome: Outcome | None
    type: RequestType | None
    flags: frozenset[str]

    @property
    def mistakes(self) -> list[str]:
        """Say what went wrong with it, if anything."""
        named = f"“{self.sample.subject}” of {self.sample.sender}"
        ended = self.type if self.outcome is Outcome.REQUEST else self.outcome
        found = [] if ended == self.sample.expected else [f"{named}: expected {self.sample.expected}, ended as {ended or 'nothing'}"]
        return found + ([f"{named}: is no request and was marked"] if self.flags and self.outcome not in FILED else [])


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one operator's mail."""

    policy: Policy
    arrived: Mapping[int, Arrived]
    """By UID."""
    requests: tuple[Registered, ...]
    letters: tuple[EmailMessage, ...]
    """What was sent to the people who wrote."""
    problems: tuple[Problem, ...]
    digest: str
    """What the staff are told, as HTML."""

    @property
    def mistakes(self) -> list[str]:
        """Say what did not go as it must: nothing."""
        return [mistake for each in self.arrived.values() for mistake in each.mistakes] + [str(problem) for problem in self.problems]


async def play(policy_name: str, samples: Sequence[Sample]) -> Played:
    """Deliver the samples to one operator in two posts, the second with the answers to letters of the first, and run after each."""
    policy, delivered, problems = load_policy(policy_name), dict[int, Sample](), list[Problem]()
    posts = [[sample for sample in samples if (sample.answers is not None) is late] for late in (False, True)]
    with TemporaryDirectory(prefix="mailbot-demo-") as folder:
        async with imap_server() as imap, smtp_server() as smtp:
            config = _config(policy, Path(folder), imap, smtp)
            problems += (await _go_round(config)).problems  # start = "now": the first round only remembers where the inbox ends
            for post in posts:
                delivered |= await _deliver(post, policy, imap, smtp, len(delivered))
                problems += (await _go_round(config)).problems
            flags = await imap.flags()
        desk = set_up_desk(config, utc_now)
        try:
            with desk.database.read() as tx:
                requests = register.list_requests(tx)
                outcomes = {row.uid: Outcome(row.outcome) for row in tx.execute(select(ledger.c.uid, ledger.c.outcome))}
            types = {request.place.uid: request.type for request in requests}
            arrived = {uid: Arrived(sample, outcomes.get(uid), types.get(uid), flags[uid]) for uid, sample in delivered.items()}
            page = show_digest(desk, digest_order(config), desk.now())
            letters = tuple(letter for letter in smtp.letters if "In-Reply-To" in letter)
            return Played(policy, arrived, requests, letters, tuple(problems), page.html)
        finally:
            desk.database.close()


async def _deliver(post: Sequence[Sample], policy: Policy, imap: ImapServer, smtp: SmtpServer, before: int) -> dict[int, Sample]:
    """Put samples into the inbox; return them by UID."""
    oldest, delivered = utc_now() - OLDEST, dict[int, Sample]()
    for number, sample in enumerate(post, start=before):
        received = oldest + number * APART
        message = compose(sample, policy.inboxes[0], f"<sample.{number}@example.com>", received, smtp.letters)
        delivered[await imap.put(message, received)] = sample
    return delivered


async def _go_round(config: Config) -> Report:
    """Do what ``mailbot run --once`` does. When interrupted, end in order: nothing is written once the folder is gone."""
    works = Works(config)
    round_ = asyncio.ensure_future(works.once())
    try:
        return await asyncio.shield(round_)
    except asyncio.CancelledError:
        works.stop.set()
        await round_
        raise


def _config(policy: Policy, folder: Path, imap: ImapServer, smtp: SmtpServer) -> Config:
    secret = folder / "imap.password"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD, encoding="utf-8")
    inbox = {"address": policy.inboxes[0], "host": LOOPBACK, "port": imap.port, "tls": "none", "user": USER, "password_file": secret}
    return Config.model_validate(
        {
            "operator": {"policy": policy.name},
            "store": {"url": f"sqlite:///{folder}/demo.db"},
            "inbox": [inbox],
            "smtp": {"host": LOOPBACK, "port": smtp.port, "tls": "none", "sender": policy.inboxes[0]},
            "staff": {"digest_to": ["officer@example.com"], "language": "en"},
        }
    )
