"""The secret of a digest: how it travels, and which messages bring it back (H67). What is ordered with it is ``mailbot.ordering``."""

import re
from collections.abc import Mapping

from mailbot.arrival import Arrival
from mailbot.desk import Desk
from rules.addresses import mailbox_key
from rules.automatic import OwnMail, Screening, screen
from rules.confirmation import NO_CODE, codes_in
from rules.decide import ToDigest
from rules.fingerprint import Keys
from rules.message import read_header
from rules.normal_form import unwrapped
from storage.digests import DIGEST_MARK, SECRET_IN_ID, NewOrders, Opened

SUBJECT_MARK = "mailbot · "
"""How the subject begins of whatever is written to staff."""

BLANKED = NO_CODE
"""What stands in an order where its secret stood."""

MOST_WORDS = 60_000
"""Characters of an answer that are kept until it is carried out: what was quoted stands behind them."""

_FORWARDED = re.compile(
    r"^[-_*\s]*(?:(?:begin )?forwarded (?:message|by)"
    r"|(?:начало )?(?:пересылаемо|пересланно|перенаправленно|переадресованно)(?:е|го) (?:сообщени|письм)"
    r"|(?:қайта )?жіберілген (?:хабар|хат)|бағытталған (?:хабар|хат))",
    re.IGNORECASE | re.MULTILINE,
)


def message_id_with(secret: str, domain: str) -> str:
    """Return a Message-ID that answers bring back in In-Reply-To and References."""
    return f"{DIGEST_MARK}{secret}@{domain}>"


def id_in_store(keys: Keys, message_id: str) -> str:
    """Return the Message-ID by which the outbox knows a letter: the hash stands for the secret, which the store does not keep."""
    return SECRET_IN_ID.sub(lambda found: f"{DIGEST_MARK}{keys.of_code(found[1]).hex()}@", message_id)


def opened_with(arrival: Arrival, opened: Mapping[bytes, Opened]) -> Opened | None:
    """Return what a message opens whose sender was given the secret that it brings back: rather an answer of ours than the digest."""
    found = [opened[code] for code in arrival.codes if code in opened and opened[code].reader_key == arrival.pointers.sender_key]
    return max(found, key=lambda each: each.answers or 0, default=None)


def answers_how(arrival: Arrival, opened: Mapping[bytes, Opened]) -> ToDigest | None:
    """Say how a message answers a digest; what is forwarded, and what only looks like an answer, does so in vain."""
    if opened_with(arrival, opened) is not None:
        return ToDigest.IN_VAIN if _is_forwarded(arrival) else ToDigest.GENUINE
    names_one = any(code in opened for code in arrival.codes) or answers_digest(arrival)
    return ToDigest.IN_VAIN if names_one or unwrapped(arrival.message.subject).core.startswith(SUBJECT_MARK) else None


def answers_digest(arrival: Arrival) -> bool:
    """Tell whether a message names one of the Message-IDs that only staff were given."""
    return any(each.startswith(DIGEST_MARK) for each in arrival.pointers.answered_ids)


def screened_as_staff(desk: Desk, arrival: Arrival) -> Screening | None:
    """Screen an answer whose reader has one of our own addresses: that alone makes no letter of ours of it, its mark does."""
    screening, sender = arrival.screening, arrival.message.sender
    if screening is None or screening.reason != "own_address" or sender is None:
        return screening
    return screen(read_header(arrival.header), OwnMail(desk.own.addresses - {mailbox_key(sender)}))  # the message may be lightened by now


def orders_in(arrival: Arrival, opened: Opened) -> NewOrders:
    """Return what a message orders, as it is kept: without the secrets that it brings back."""
    message = arrival.message
    return NewOrders(
        opened=opened,
        place=arrival.place,
        received_at=arrival.received,
        standing=arrival.vouched.standing,
        message_id=message.message_id,
        subject=_blanked(message.subject),
        text=_blanked((message.text or "")[:MOST_WORDS]),
    )


def _is_forwarded(arrival: Arrival) -> bool:
    """Tell whether a message passes a digest on: whoever wrote the words above it, they are meant for somebody else."""
    return unwrapped(arrival.message.subject).is_forward or _FORWARDED.search(arrival.message.text or "") is not None


def _blanked(text: str) -> str:
    """Return a text without secrets, and without what PostgreSQL does not keep."""
    text = text.replace("\0", "")
    for code in codes_in(text):
        text = re.sub(code, BLANKED, text, flags=re.IGNORECASE)
    return text
