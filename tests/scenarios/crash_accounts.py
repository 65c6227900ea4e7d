"""The accounts of a store and of a relay: what must be the same after any death as in a life without one."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from storage.outbox import LetterState
from storage.tables import letters, metadata
from tests.servers import Envelope

TOLD: Mapping[str, tuple[str, ...]] = {
    "ledger": ("folder", "uid", "outcome", "reason"),
    "receipts": ("folder", "reference"),
    "requests": ("type", "state", "sender", "outcome"),
    "obligations": ("what", "system", "met_by"),
    "letters": ("kind", "recipient"),
    "events": ("what",),
    "changes": ("field", "new"),
    "confirmations": ("role", "answer"),
    "subscribers": ("surname", "given_name"),
    "contacts": ("kind", "value"),
    "consents": ("scope", "since", "until"),
    "amendments": ("field", "old", "new"),
    "suppressions": ("scope", "address"),
    "destructions": ("how",),
    "digests": ("day", "reader"),
    "orders": ("subject", "message_id"),
    "order_lines": ("number", "line", "state"),
    "tasks": ("what", "state"),
    "corrections": ("says",),
    "notes": ("what",),
    "reminders": ("due", "step"),
    "waves": ("counted",),
    "cursors": ("folder", "last_uid", "trying_from", "tries"),
    "pending": ("uid",),
}
"""Every table but those that tell of a run (the lease, counters, alarms), and of each the columns that no death may change."""

ANSWERED = "\\Answered"
"""What a message is marked with once its letter is accepted: where a letter is doubtful, that is not known."""

OF_A_SETTLEMENT = re.compile("letter_is_")
"""Lines of history that tell how a letter ended: a doubtful one has another."""

MESSAGE_ID = re.compile(rb"^Message-ID: (\S+)", re.M | re.I)
WITH_A_SECRET = "<mailbot.digest."
"""How the Message-ID of a letter begins whose secret no store keeps: it is known by whom it goes to."""


@dataclass(slots=True)
class Accounts:
    """What stands in a store, what its letters came to, and what reached the relay; a letter is known by its Message-ID."""

    entries: Counter[str] = field(default_factory=Counter)
    letters: Counter[tuple[str, LetterState]] = field(default_factory=Counter)
    arrived: Counter[str] = field(default_factory=Counter)

    @property
    def doubtful(self) -> int:
        """Return how many letters wait for a person who finds out about them."""
        return sum(count for (_, state), count in self.letters.items() if state is LetterState.DOUBTFUL)


@dataclass(frozen=True, slots=True)
class Balance:
    """What is missing from accounts, and what there is too much of."""

    lost: tuple[str, ...]
    doubled: tuple[str, ...]


def accounts_of(tx: Connection, envelopes: Iterable[Envelope]) -> Accounts:
    """Draw the accounts up."""
    arrived = ((message_id_in(each.content), each.recipients[0]) for each in envelopes)
    accounts = Accounts(arrived=Counter(known_as(*each) for each in arrived))
    for name, columns in TOLD.items():
        table = metadata.tables[name]
        for row in tx.execute(select(*(table.c[column] for column in columns))):
            if not (name == "events" and OF_A_SETTLEMENT.match(row.what)):
                accounts.entries[f"{name}: {', '.join(str(each) for each in row)}"] += 1
    for message_id, recipient, state in tx.execute(select(letters.c.message_id, letters.c.recipient, letters.c.state)):
        accounts.letters[known_as(message_id, recipient), LetterState(state)] += 1
    return accounts


def message_id_in(content: bytes) -> str:
    """Return the Message-ID of a letter as it arrived."""
    found = MESSAGE_ID.search(content)
    return found[1].decode() if found else "none"


def known_as(message_id: str, recipient: str) -> str:
    """Name a letter as the outbox and the relay both know it."""
    return f"letter to {recipient} with a secret" if message_id.startswith(WITH_A_SECRET) else f"letter {message_id}"


def balance(undisturbed: Mapping[str, int], accounts: Accounts) -> Balance:
    """Hold accounts against the entries of a life without a death; each letter is either accepted and arrived once, or doubtful."""
    entries, expected = accounts.entries.copy(), Counter(undisturbed)
    if 0 <= expected[ANSWERED] - entries[ANSWERED] <= accounts.doubtful:
        entries[ANSWERED] = expected[ANSWERED]
    lost, doubled = list((expected - entries).elements()), list((entries - expected).elements())
    lost += (f"{name}: {state}" for name, state in accounts.letters if state not in (LetterState.ACCEPTED, LetterState.DOUBTFUL))
    for name in accounts.arrived.keys() | {name for name, _ in accounts.letters}:
        arrived, accepted = accounts.arrived[name], accounts.letters[name, LetterState.ACCEPTED]
        if arrived < accepted:
            lost.append(f"{name}: accepted {accepted} times, arrived {arrived} times")
        if arrived > accepted + accounts.letters[name, LetterState.DOUBTFUL]:
            doubled.append(f"{name}: accepted {accepted} times, arrived {arrived} times")
    return Balance(tuple(lost), tuple(doubled))
