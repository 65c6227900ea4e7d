"""Proof: the dossier of a request as JSON, and the letters' ends entered in the chain. The page is ``mailbot.proof_page``.

The keys stand in ``docs/evidence.md``; they are added and never change their meaning under one ``format``.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Any

from mailbot.desk import Desk
from mailbot.errors import NoSuchRequest
from rules.life import CLOSED
from rules.message import read
from storage import chain, dossier
from storage.confirmations import Confirmation
from storage.dossier import Dossier, Written
from storage.evidence import KeptMessage
from storage.register import Owed
from storage.verification import Verdict, verify

FORMAT = "mailbot-evidence-1"

Account = Mapping[str, Any]
"""A dossier, its moments on the operator's clock."""


def enter(desk: Desk, now: datetime) -> int:  # noqa: ARG001 - a line tells when its letter ended; the schedule tells everybody the time
    """Enter in the chain how letters ended since the last time; return how many."""
    with desk.database.write() as tx:
        return chain.enter_letters(tx)


def verdict_of(desk: Desk, printed: str | None, now: datetime) -> Verdict:
    """Check the whole chain, and that it has a head that was printed."""
    enter(desk, now)
    with desk.database.read() as tx:
        return verify(tx, printed)


def account_of(desk: Desk, reference: str, now: datetime) -> Account:
    """Return all that is known and proven of a request; raise ``NoSuchRequest``."""
    enter(desk, now)
    with desk.database.read() as tx:
        gathered = dossier.dossier_of(tx, reference)
    if gathered is None:
        raise NoSuchRequest(reference)
    return _account(gathered, desk, now)


def _account(found: Dossier, desk: Desk, now: datetime) -> Account:
    request, zone = found.request, desk.zone
    return {
        "format": FORMAT,
        "made": _local(now, zone),
        "operator": dict(desk.policy.operator),
        "reference": request.reference,
        "type": request.type,
        "event": request.event,
        "channel": request.channel,
        "outcome": request.outcome,
        "state": request.state,
        "language": request.language,
        "sender": request.sender,
        "received": _local(request.received_at, zone),
        "due": request.due.isoformat() if request.due else None,
        "legal_hold": request.legal_hold,
        "understood": {
            **{name: getattr(request, name) for name in ("rule", "reason", "matched", "clause", "certainty", "policy", "policy_version")},
            "may_be": list(request.may_be),
            "flags": list(request.flags),
        },
        "standing": {
            "standing": request.standing,
            "rests_on": request.proof,
            "confirmed": _local(request.confirmed_at, zone),
            "asked": [_asked(each, zone) for each in found.asked],
        },
        "messages": [_message(each, zone) for each in found.messages],
        "obligations": [_owed(each, zone, None if request.state in CLOSED else now) for each in request.obligations],
        "letters": [_letter(each, zone) for each in found.letters],
        "history": [
            {
                "line": line.number,
                "at": _local(line.at, zone),
                "what": line.what,
                "who": line.who,
                "detail": dict(line.detail),
                "hash": line.hash.hex(),
                "proven": line.is_proven,
            }
            for line in found.lines
        ],
        "chain": {
            "lines": found.verdict.lines,
            "head": (found.verdict.head or b"").hex() or None,
            "faults": [asdict(fault) for fault in found.faults],
            "faults_elsewhere": found.verdict.found - len(found.faults),
        },
    }


def _asked(question: Confirmation, zone: tzinfo) -> Account:
    return {"role": question.role, "answer": question.answer, "answered": _local(question.answered_at, zone)}


def _message(message: KeptMessage, zone: tzinfo) -> Account:
    """Return a message as it was kept; of what was destroyed only when it came."""
    return {
        "received": _local(message.received_at, zone),
        "header": message.header.decode("utf-8", "replace"),
        "text": message.text,
        "attachments": list(message.attachments),
    }


def _owed(owed: Owed, zone: tzinfo, now: datetime | None) -> Account:
    """Return an obligation; ``now`` is None where what is open is not owed any more."""
    end = owed.met_at or now
    return {
        **{name: getattr(owed, name) for name in ("what", "system", "source", "clause", "mark", "trigger", "starts", "arithmetic")},
        "started": _local(owed.started_at, zone),
        "due": owed.due.isoformat() if owed.due else None,
        "losing": [dict(each) for each in owed.losing],
        "met": _local(owed.met_at, zone),
        "by": owed.met_by,
        "days_in_hand": (owed.due - end.astimezone(zone).date()).days if owed.due and end else None,
    }


def _letter(letter: Written, zone: tzinfo) -> Account:
    return {
        **{name: getattr(letter, name) for name in ("kind", "language", "state", "recipient", "message_id", "attempts", "reply")},
        "queued": _local(letter.queued_at, zone),
        "marked": _local(letter.marked_at, zone),
        "settled": _local(letter.settled_at, zone),
        "text": read(letter.content).text if letter.content else None,
        "proven": letter.is_proven,
    }


def _local(at: datetime | None, zone: tzinfo) -> str | None:
    return at.astimezone(zone).isoformat(timespec="seconds") if at else None
