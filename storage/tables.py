"""All tables, constraints and indexes, on one page. Moments are aware UTC; days are the operator's.

Our own words have a length; what people, servers and configurations say has none, for PostgreSQL refuses what SQLite would keep.
A change here is a new file in ``migrations/versions``, and ``database.SCHEMA`` names it.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored as UTC; a naive one is a mistake of ours and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware moment into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Hand out an aware moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer, "sqlite")
"""Row numbers and UIDs: a UID fills 32 unsigned bits, more than PostgreSQL's integer holds."""

# Conditions of partial indexes. A query repeats them word for word: SQLite uses such an index for nothing else.
FILING_DUE = text("filing = 'due'")
LETTER_WAITS = text("state IN ('queued', 'deferred')")
LETTER_TO_ENTER = text("settled_at IS NOT NULL AND reference IS NOT NULL AND (entered_at IS NULL OR entered_at <> settled_at)")
GOES_ON = text("ended_at IS NULL")
NOT_LIFTED = text("lifted_at IS NULL")


def _place() -> list[Column[object]]:
    """Return the four columns that together name a message in a mailbox (RFC 3501, 2.3.1.1)."""
    return [
        Column("inbox", Text, nullable=False),
        Column("folder", Text, nullable=False),
        Column("uidvalidity", Number, nullable=False),
        Column("uid", Number, nullable=False),
    ]


# --- the store itself ------------------------------------------------------------------------------------------------
secrets = Table("secrets", metadata, Column("name", String(40), primary_key=True), Column("value", LargeBinary, nullable=False))

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Moment, nullable=False),
)

counters = Table("counters", metadata, Column("name", String(40), primary_key=True), Column("value", Number, nullable=False))

# --- the ledger of mail ----------------------------------------------------------------------------------------------
cursors = Table(
    "cursors",
    metadata,
    Column("inbox", Text, primary_key=True),
    Column("folder", Text, primary_key=True),
    Column("uidvalidity", Number, nullable=False),
    Column("last_uid", Number, nullable=False),
    Column("start_at", Moment, nullable=False),
    Column("last_pass_at", Moment),
    Column("renumbered_at", Moment),  # set when UIDVALIDITY changed: what is older than this was, or may have been, seen
    Column("renumbered_below", Number, nullable=False, default=0),
    Column("trying_from", Number),  # the batch that was begun and not yet recorded,
    Column("trying_to", Number),  # and how often it was begun
    Column("tries", Integer, nullable=False, default=0),
    Column("hangups", Integer, nullable=False, default=0),  # how often the server failed in the middle of it
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Number, primary_key=True),
    *_place(),
    Column("fingerprint", LargeBinary(16), nullable=False),  # keyed hash of (Message-ID, Date, From, Subject, size)
    Column("received_at", Moment, nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(60), nullable=False),
    Column("reference", String(20)),
    Column("filing", String(10)),  # null: nothing to file; "due"; "done"
    UniqueConstraint("inbox", "folder", "uidvalidity", "uid"),
    Index(None, "fingerprint"),
    Index(None, "reference"),
    Index("ix_ledger_filing_due", "inbox", "folder", "uidvalidity", "uid", sqlite_where=FILING_DUE, postgresql_where=FILING_DUE),
)

pending = Table(
    "pending",
    metadata,
    *(Column(column.name, column.type, primary_key=True) for column in _place()),
    Column("tries", Integer, nullable=False),
    Column("reason", String(60), nullable=False),
    Column("since", Moment, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Number, primary_key=True),
    *_place(),
    Column("reference", String(20)),
    Column("received_at", Moment, nullable=False),
    Column("sender_key", LargeBinary(16)),
    Column("message_key", LargeBinary(16)),  # keyed hash of Message-ID
    Column("text_key", LargeBinary(16)),  # keyed hash of subject and text
    Column("domain_key", LargeBinary(16)),  # keyed hash of the sender's organisation, or mailbox at a public provider
    Column("header", LargeBinary, nullable=False),
    Column("text", Text),
    Column("attachments", JSON, nullable=False),
    Column("raw", LargeBinary),  # of shunted messages, and of small ones without attachments: as they came
    UniqueConstraint("inbox", "folder", "uidvalidity", "uid"),
    Index(None, "message_key"),
    Index(None, "reference"),
    Index(None, "text_key"),
)

notes = Table(  # what staff did with messages that have no entry in the register; lines are added and never changed
    "notes",
    metadata,
    Column("id", Number, primary_key=True),
    Column("ledger_id", Number, ForeignKey("ledger.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("what", String(40), nullable=False),
    Column("who", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "ledger_id"),
)

# --- the subscriber store --------------------------------------------------------------------------------------------
subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Number, primary_key=True),
    Column("surname", Text),
    Column("given_name", Text),
    Column("patronymic", Text),
    Column("more", JSON, nullable=False),  # what else the policy lists: place of work, post ...
    Column("blocked_at", Moment),
    Column("since", Moment, nullable=False),
    Column("legal_hold", Text),  # why nothing of it may be destroyed now
    Column("depersonalised_at", Moment),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", Number, primary_key=True),
    Column("subscriber_id", Number, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(10), nullable=False),  # "email" or "phone"
    Column("value", Text, nullable=False),
    Column("key", Text, nullable=False),  # the form in which two equal ones compare equal
    Column("source", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("address_key", LargeBinary(16)),  # of an e-mail address: its keyed hash, for suppressions hold no address
    Column("reference", String(20)),  # the request that brought it
    UniqueConstraint("subscriber_id", "kind", "key"),
    Index(None, "kind", "key"),
    Index(None, "address_key"),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Number, primary_key=True),
    Column("subscriber_id", Number, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("scope", String(20), nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),  # the first day on which it was ended
    Column("evidence", Text),
    Column("ended_by", String(20)),  # the reference of the request that ended it
    Column("expires_on", Date),  # the last day on which it holds by itself
    Column("text_version", Text),
    Column("source", Text),
    Column("legal_ground", Text),
    Column("recipients", Text),
    Index(None, "subscriber_id"),
)

amendments = Table(  # every change of what is on file: who, when, why, and the request behind it
    "amendments",
    metadata,
    Column("id", Number, primary_key=True),
    Column("subscriber_id", Number, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("reference", String(20)),
    Column("field", String(40), nullable=False),  # a detail, "blocked", or "consent:SCOPE"
    Column("old", Text),
    Column("new", Text),
    Column("undone_at", Moment),
    Index(None, "subscriber_id"),
    Index(None, "reference"),
)

destructions = Table(  # who was destroyed or depersonalised, by keyed hash: an import or an old backup must not bring them back
    "destructions",
    metadata,
    Column("id", Number, primary_key=True),
    Column("address_key", LargeBinary(16), nullable=False),
    Column("at", Moment, nullable=False),
    Column("how", String(20), nullable=False),  # "destroyed" or "depersonalised"
    Column("reference", String(20)),
    UniqueConstraint("address_key", "at"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Number, primary_key=True),
    Column("address_key", LargeBinary(16), nullable=False),
    Column("scope", String(20), nullable=False),
    Column("reference", String(20)),
    Column("since", Moment, nullable=False),
    Column("lifted_at", Moment),
    Column("address", Text),  # null once the person was destroyed: the keyed hash stays
    Index("uq_suppressions_active", "address_key", "scope", "reference", unique=True, sqlite_where=NOT_LIFTED, postgresql_where=NOT_LIFTED),
)

systems = Table(
    "systems",
    metadata,
    Column("name", Text, primary_key=True),
    Column("mode", String(10), nullable=False),
    Column("since", Moment, nullable=False),
)

# --- the request register --------------------------------------------------------------------------------------------
requests = Table(
    "requests",
    metadata,
    Column("reference", String(20), primary_key=True),
    Column("type", String(20)),  # null: held, and nobody has said yet what it is
    Column("outcome", String(20), nullable=False),  # "request" or "held"
    Column("state", String(20), nullable=False),
    Column("language", String(2)),
    Column("standing", String(10), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("received_on", Date, nullable=False),
    Column("due", Date),
    Column("postponed_to", Date),
    Column("closed_at", Moment),
    Column("rule", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("matched", Text),
    Column("clause", Text),
    Column("certainty", String(10)),
    Column("may_be", JSON, nullable=False),
    Column("policy", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("sender", Text),
    Column("sender_key", LargeBinary(16)),
    Column("subscriber_id", Number, ForeignKey("subscribers.id", ondelete="SET NULL")),
    Column("flags", JSON, nullable=False),
    *_place(),
    Column("proof", String(30)),  # what the standing rests on
    Column("confirmed_at", Moment),
    Column("legal_hold", Text),  # why nothing of it may be destroyed now
    Column("event", String(30)),  # what staff entered and no mail told: a breach, unlawful processing found ...
    Column("channel", String(10)),  # null: by e-mail; else "post", "phone" or "in_person": its place names no message
    Index(None, "sender_key"),
    Index(None, "state", "due"),
    Index(None, "received_at"),
    Index(None, "subscriber_id"),
)

obligations = Table(
    "obligations",
    metadata,
    Column("id", Number, primary_key=True),
    Column("reference", String(20), ForeignKey("requests.reference", ondelete="CASCADE"), nullable=False),
    Column("what", String(30), nullable=False),
    Column("system", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("starts", String(20), nullable=False),
    Column("due", Date),
    Column("arithmetic", Text, nullable=False),
    Column("losing", JSON, nullable=False),
    Column("met_at", Moment),
    Column("met_by", Text),
    Column("trigger", String(30)),  # the request type or the event that it follows from; null: whatever the message may be
    Column("started_at", Moment),  # the moment that it is counted from; null: that of receipt
    Column("clause", Text),
    Column("mark", String(10)),  # how surely the limit is known
    UniqueConstraint("reference", "what", "system"),
)

changes = Table(  # what an update asks to change, in the order in which it was written; nothing is applied by being here
    "changes",
    metadata,
    Column("id", Number, primary_key=True),
    Column("reference", String(20), ForeignKey("requests.reference", ondelete="CASCADE"), nullable=False),
    Column("field", String(20), nullable=False),
    Column("old", Text),  # null: the letter does not say it
    Column("new", Text, nullable=False),
    Index(None, "reference"),
)

confirmations = Table(  # what was asked back by a letter with a one-time code, and what was answered
    "confirmations",
    metadata,
    Column("id", Number, primary_key=True),
    Column("reference", String(20), ForeignKey("requests.reference", ondelete="CASCADE"), nullable=False),
    Column("role", String(10), nullable=False),  # who is asked: "sender", "old" or "new" (address)
    Column("asked_key", LargeBinary(16), nullable=False),
    Column("code_key", LargeBinary(16), nullable=False, unique=True),  # keyed hash of the code
    Column("asked_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("answered_at", Moment),
    Column("answer", String(10)),  # "yes" or "no"
    UniqueConstraint("reference", "role"),
    Index(None, "asked_key"),
)

waves = Table(  # times in which more unproven requests came than is believed: what cannot be undone waits until staff resume
    "waves",
    metadata,
    Column("id", Number, primary_key=True),
    Column("began_at", Moment, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("ended_at", Moment),
    Column("ended_by", Text),
)

tasks = Table(  # what a command of the operator has to carry out in another system
    "tasks",
    metadata,
    Column("id", Number, primary_key=True),
    Column("reference", String(20), ForeignKey("requests.reference", ondelete="CASCADE"), nullable=False),
    Column("system", Text, nullable=False),
    Column("what", String(30), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("state", String(10), nullable=False),  # "waiting", "claimed", "done" or "failed"
    Column("attempts", Integer, nullable=False, default=0),
    Column("since", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("reply", Text),
    UniqueConstraint("reference", "what", "system"),
    Index(None, "state", "not_before"),
)

events = Table(  # lines are added and never changed; destruction takes only ``who``, ``detail`` and ``salt``
    "events",
    metadata,
    Column("id", Number, primary_key=True),
    Column("reference", String(20), ForeignKey("requests.reference", ondelete="CASCADE"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("what", String(40), nullable=False),
    Column("who", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("salt", LargeBinary(16)),
    Column("payload_hash", LargeBinary(32)),  # of salt, ``who`` and ``detail``
    Column("hash", LargeBinary(32)),  # of the hash before it and of this line: the chain (``storage.chain``)
    Index(None, "reference"),
)

reminders = Table(  # who was reminded of what is due, and at which step: nothing is told twice, and what was missed is made up for
    "reminders",
    metadata,
    Column("id", Number, primary_key=True),
    Column("reference", String(20), ForeignKey("requests.reference", ondelete="CASCADE"), nullable=False),
    Column("due", Date, nullable=False),
    Column("step", String(10), nullable=False),  # working days ahead, or who else was told (rules.reminders.Told)
    Column("at", Moment, nullable=False),
    UniqueConstraint("reference", "due", "step"),
)

alarms = Table(  # what is wrong with the machine, since when, and whether staff were told of its beginning and its end
    "alarms",
    metadata,
    Column("id", Number, primary_key=True),
    Column("what", String(30), nullable=False),
    Column("about", Text, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("detail", Text, nullable=False),
    Column("told_at", Moment),
    Column("ended_at", Moment),
    Column("end_told_at", Moment),
    Index("uq_alarms_going_on", "what", "about", unique=True, sqlite_where=GOES_ON, postgresql_where=GOES_ON),
)

# --- the digest as interface -----------------------------------------------------------------------------------------
digests = Table(  # each digest of each reader: what its numbers mean, and the secret with which it is answered (H67)
    "digests",
    metadata,
    Column("id", Number, primary_key=True),
    Column("day", Date, nullable=False),
    Column("reader", Text, nullable=False),
    Column("reader_key", LargeBinary(16), nullable=False),
    Column("code_key", LargeBinary(16), nullable=False, unique=True),  # keyed hash of the secret
    Column("queued_at", Moment, nullable=False),
    Column("items", JSON, nullable=False),  # [[number, kind, what it names], ...]
    Column("head", LargeBinary(32)),  # of the chain of events, as it is printed in the digest
    Index(None, "reader_key"),
)

orders = Table(  # what staff ordered by answering a digest; carried out line by line after the message was taken in
    "orders",
    metadata,
    Column("id", Number, primary_key=True),
    Column("digest_id", Number, ForeignKey("digests.id"), nullable=False),
    *_place(),
    Column("received_at", Moment, nullable=False),
    Column("standing", String(10), nullable=False),
    Column("message_id", Text),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),  # without the secret that it brought back
    Column("answers", Number, ForeignKey("orders.id")),  # the orders whose answer it answers; null: it answers the digest itself
    Column("answered_at", Moment),  # null: not all of it is carried out
    Column("code_key", LargeBinary(16), unique=True),  # of the secret with which the answer is answered
    UniqueConstraint("inbox", "folder", "uidvalidity", "uid"),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("id", Number, primary_key=True),
    Column("order_id", Number, ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    Column("digest_id", Number, ForeignKey("digests.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("line", Text, nullable=False),
    Column("state", String(15), nullable=False),  # "done", "refused", "not_understood", "told", "asked" or "called_off"
    Column("said", Text, nullable=False),
    Column("act", Text),  # set where it was done: each item and action once
    Column("expires_at", Moment),  # until when what cannot be undone may be confirmed, once
    UniqueConstraint("order_id", "number"),
    UniqueConstraint("digest_id", "act"),
)

corrections = Table(  # what staff say of a message that mailbot had made something else of: candidates for new cases
    "corrections",
    metadata,
    Column("id", Number, primary_key=True),
    Column("reference", String(20), ForeignKey("requests.reference", ondelete="CASCADE"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("was_outcome", String(20), nullable=False),
    Column("was_type", String(20)),
    Column("was_reason", Text, nullable=False),
    Column("says", String(20), nullable=False),  # a type of request, "ordinary", or "request": still to be typed
    Index(None, "reference"),
)

# --- the outbox ------------------------------------------------------------------------------------------------------
letters = Table(
    "letters",
    metadata,
    Column("id", Number, primary_key=True),
    Column("cause", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("reference", String(20)),
    Column("topic", String(20), nullable=False),  # the request type, or "held": one acknowledgement a topic a day
    Column("language", String(5), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("recipient_key", LargeBinary(16), nullable=False),
    Column("domain", Text, nullable=False),
    Column("envelope_sender", Text, nullable=False),
    Column("message_id", Text, nullable=False, unique=True),
    Column("state", String(10), nullable=False),
    Column("capped", Boolean, nullable=False),  # caused by incoming mail, so the caps bind it; False: released by staff
    Column("aligned", Boolean, nullable=False),  # to a sender whose authentication is aligned: half the hourly cap is kept for these
    Column("attempts", Integer, nullable=False, default=0),
    Column("queued_at", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("claimed_at", Moment),
    Column("marked_at", Moment),
    Column("settled_at", Moment),
    Column("reply", Text),
    Column("content", LargeBinary, nullable=False),  # after those that are often asked for: SQLite reads over what stands before a column
    Column("entered_at", Moment),  # the ``settled_at`` that its request's history knows of: who settles it again has it entered again
    UniqueConstraint("cause", "kind"),
    Index("ix_letters_waiting", "not_before", "id", sqlite_where=LETTER_WAITS, postgresql_where=LETTER_WAITS),
    Index(None, "recipient_key"),
    Index(None, "domain", "claimed_at"),
    Index(None, "claimed_at"),
    Index(None, "reference"),
    Index("ix_letters_to_enter", "settled_at", sqlite_where=LETTER_TO_ENTER, postgresql_where=LETTER_TO_ENTER),
)

# --- what other programs read ----------------------------------------------------------------------------------------
MAILABLE = """CREATE VIEW mailable AS
SELECT DISTINCT contacts.value AS address, consents.scope AS scope
FROM contacts JOIN subscribers ON subscribers.id = contacts.subscriber_id JOIN consents ON consents.subscriber_id = subscribers.id
WHERE contacts.kind = 'email' AND contacts.address_key IS NOT NULL AND subscribers.blocked_at IS NULL
AND consents.scope IN ('informing', 'promotion') AND consents.since <= {today}
AND (consents.until IS NULL OR consents.until > {latest}) AND (consents.expires_on IS NULL OR consents.expires_on >= {latest})
AND NOT EXISTS (
    SELECT 1 FROM suppressions WHERE suppressions.address_key = contacts.address_key AND suppressions.lifted_at IS NULL
    AND suppressions.scope IN ('messages', consents.scope)
)"""
"""Whom a message may be sent to, and on which consent. The database knows no time zone of the operator: a consent begins with the day
of Greenwich and ends with the day that begins first on earth (UTC+14), so that nobody is mailed a day too long."""

TODAY = {
    "sqlite": {"today": "date('now')", "latest": "date('now', '+14 hours')"},
    "postgresql": {
        "today": "CAST(CURRENT_TIMESTAMP AT TIME ZONE 'UTC' AS date)",
        "latest": "CAST(CURRENT_TIMESTAMP AT TIME ZONE 'UTC' + INTERVAL '14 hours' AS date)",
    },
}
