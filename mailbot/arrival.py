"""A message on its way in: what was fetched of it so far, and what was made of that: read, screened, recognised."""

from dataclasses import dataclass, replace
from datetime import datetime

from mailbot.desk import Desk
from mailbot.judging import asked_changes, recognised
from rules.addresses import mailbox_key
from rules.authentication import Proof, Vouched, vouch
from rules.automatic import Kind, Screening, screen
from rules.body import UNREADABLE
from rules.confirmation import codes_in
from rules.delivery_report import DeliveryReport, read_delivery_report
from rules.details_change import Change
from rules.matching import Pointers
from rules.message import Message, read_header
from rules.place import Place
from rules.recognition import Reading
from rules.vocabulary import Outcome, RequestType, Standing

TAKEN_FOR_SPAM = "taken_for_spam"
"""The flag of a request that the server marked as spam or put among it: staff read why nothing was answered (H78)."""

OWN_MARK = "<mailbot."
"""How the Message-ID of every letter of ours begins."""

NOBODY_VOUCHED = Vouched(Standing.UNPROVEN, Proof.NO_RESULTS)

NOTHING_ASKED = Reading(Outcome.ORDINARY, reason="the subject asks for nothing")


@dataclass(slots=True)
class Arrival:
    """A message on its way in: what was fetched of it so far and what was made of that."""

    place: Place
    received: datetime
    size: int
    header: bytes
    message: Message
    screening: Screening | None
    pointers: Pointers
    flags: frozenset[str]
    reading: Reading = NOTHING_ASKED
    raw: bytes | None = None
    shunt_reason: str | None = None
    changes: tuple[Change, ...] = ()
    """What an update asks to change."""
    codes: tuple[bytes, ...] = ()
    """The keys of what may be one-time codes in it."""
    vouched: Vouched = NOBODY_VOUCHED
    report: DeliveryReport | None = None
    """What it reports of a letter that bears our mark."""
    head: Message | None = None
    """What was read of the header, where that is of usual size and until the message is weighed."""
    is_weighed: bool = False


def read_arrival(
    desk: Desk, place: Place, received: datetime, size: int, header: bytes, message: Message, flags: frozenset[str]
) -> Arrival:
    """Screen a message whose header was read, and hash what may tie it to others."""
    screening = screen(message, desk.own)
    if screening is not None and screening.kind is Kind.SPAM:
        flags |= {TAKEN_FOR_SPAM}
    return Arrival(place, received, size, header, message, screening, pointers_of(desk, message), flags)


def lies_in_spam(arrival: Arrival) -> None:
    """Take a message that lies in the spam folder as if the server had marked it (H78)."""
    if arrival.screening is None or not arrival.screening.automatic:
        arrival.screening = Screening(Kind.SPAM, "lies_in_spam_folder")
        arrival.flags |= {TAKEN_FOR_SPAM}


def age_flags(desk: Desk, received: datetime) -> frozenset[str]:
    """Say of old mail that it is: it is registered for staff, and not acknowledged (H9)."""
    most = desk.limits.acknowledge_up_to_days
    return frozenset({"too_old"}) if most and (desk.now() - received).days >= most else frozenset()


def with_body(desk: Desk, arrival: Arrival, message: Message) -> None:
    """Put what was read of a message's body beside its header, and say what the person asks in it."""
    if arrival.screening is None or not arrival.screening.automatic:
        arrival.reading = recognised(desk.recogniser, message)
    arrival.message = message if message.text is not None else replace(message, text="")  # it was read, and says nothing
    arrival.flags = (arrival.flags - {UNREADABLE}) | (message.defects & {UNREADABLE})
    arrival.pointers = replace(arrival.pointers, text_key=text_key(desk, message))


def is_delivery_report(arrival: Arrival) -> bool:
    """Tell whether a message is one in which a machine may say what became of a letter (H87)."""
    return arrival.screening is not None and (arrival.screening.kind, arrival.screening.reason) == (Kind.BOUNCE, "multipart_report")


def with_report(arrival: Arrival, raw: bytes) -> None:
    """Read a delivery report; one about a letter of ours answers that letter (H86)."""
    report = read_delivery_report(raw)
    if report is not None and report.message_id.startswith(OWN_MARK):
        arrival.report = report
        arrival.pointers = replace(arrival.pointers, answered_ids=(report.message_id, *arrival.pointers.answered_ids))


def weigh(desk: Desk, arrival: Arrival) -> None:
    """Find out of a message that was read what it asks to change, which codes it brings back, and who vouches for its sender."""
    message, reading = arrival.message, arrival.reading
    if arrival.is_weighed or arrival.shunt_reason or message.text is None:
        return
    arrival.is_weighed = True
    said = f"{message.subject}\n{' '.join(arrival.pointers.answered_ids)}\n{message.text}"
    arrival.codes = tuple(desk.keys.of_code(code) for code in codes_in(said))
    arrival.changes = asked_changes(message) if (reading.outcome, reading.type) == (Outcome.REQUEST, RequestType.UPDATE) else ()
    authserv_id = desk.authserv_ids.get(arrival.place.inbox)
    if authserv_id and (arrival.codes or reading.outcome is not Outcome.ORDINARY):
        arrival.vouched = vouch(arrival.head or read_header(arrival.header), authserv_id)
    arrival.head = None


def fingerprint_of(desk: Desk, arrival: Arrival) -> bytes:
    """Return what recognises the message again in a renumbered mailbox."""
    fields = arrival.message.fields
    date, sender, subject = (fields.get(name, ("",))[0] for name in ("date", "from", "subject"))
    return desk.keys.of_message(arrival.message.message_id, date, sender, subject, arrival.size)


def pointers_of(desk: Desk, message: Message) -> Pointers:
    """Return what may tie a message to others, hashed as the store hashes it."""
    keys, answered = desk.keys, (*message.in_reply_to, *message.references[-20:])
    identity = message.message_id or _identity_without_id(message)
    return Pointers(
        sender_key=keys.of_address(mailbox_key(message.sender)) if message.sender else None,
        message_key=keys.of_message_id(identity),
        text_key=None,
        answered_keys=tuple(keys.of_message_id(each) for each in answered if not each.startswith(OWN_MARK)),
        answered_ids=tuple(each for each in answered if each.startswith(OWN_MARK)),
        subject=message.subject,
    )


def _identity_without_id(message: Message) -> str:
    """Return what identifies a message that has no Message-ID: its own fields, or where it is not even dated the whole header (H26)."""
    fields = message.fields
    chosen = ("date", "from", "subject") if "date" in fields else tuple(sorted(fields))
    return "\0".join(value for name in chosen for value in fields.get(name, ("",)))


def text_key(desk: Desk, message: Message) -> bytes:
    """Return the key of what a message says."""
    return desk.keys.of_text(message.subject, message.text or "")
