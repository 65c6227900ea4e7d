"""In words: whom mailbot believed, on what grounds, and what was asked back of whom and answered."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from rules.details_change import Change
    from storage.confirmations import Confirmation
    from storage.register import Registered

PROOFS = {
    "no_authserv_id": "the configuration names no authserv_id, so that no result is believed",
    "no_results": "no mail server wrote what it found out about the sender",
    "other_authserv_id": "only a mail server that is not ours wrote what it found out",
    "unreadable_results": "what the mail server wrote cannot be read",
    "dmarc_fail": "the domain of From disowns the message (DMARC)",
    "sender_in_doubt": "two programs may read two different senders or subjects",
    "old_signature": "it was signed long before it came, and may have been sent again by anybody",
    "dkim": "a signature of the domain of From covers the message (DKIM)",
    "spf": "the server that sent it may send for the domain of From (SPF)",
    "dmarc": "the domain of From owns the message (DMARC)",
    "body_length_limit": "the signature covers only the beginning of the text",
    "fields_not_signed": "the signature leaves From or Subject out",
    "unreadable_signature": "a signature cannot be read",
    "no_signature": "a signature was found good, but there is none in the message",
    "spf_fail": "the server that sent it may not send for the domain of From (SPF)",
    "dkim_fail": "a signature of the domain of From is wrong (DKIM)",
    "not_aligned": "only another domain than that of From vouches for it",
    "no_pass": "no check passed",
}
ROLES = {"sender": "the sender", "old": "the old address", "new": "the new address"}


def believed(request: "Registered") -> str:
    """Say what the sender is taken for, and why."""
    return f"sender: {request.standing}" + (f", {PROOFS[request.proof]}" if request.proof else "")


def asked_back(
    request: "Registered", asked: "Sequence[Confirmation]", changes: "Sequence[Change]", zone: ZoneInfo, now: datetime
) -> Iterator[str]:
    """Yield who was asked, the address masked, and what came back."""
    from mailbot.digest_words import masked
    from rules.details_change import Field

    named = next((change for change in changes if change.field is Field.EMAIL), None)
    addresses = {"sender": request.sender, "old": named.old if named else None, "new": named.new if named else None}
    for question in asked:
        address = addresses[question.role]
        yield f"asked back: {ROLES[question.role]}{f' ({masked(address)})' if address else ''}: {_answered(question, zone, now)}"


def _answered(question: "Confirmation", zone: ZoneInfo, now: datetime) -> str:
    if question.answered_at:
        return f"{question.answer}, {question.answered_at.astimezone(zone):%Y-%m-%d %H:%M %z}"
    until = f"{question.expires_at.astimezone(zone):%Y-%m-%d %H:%M %z}"
    return f"no answer came by {until}" if question.expires_at <= now else f"no answer yet, asked until {until}"
