"""Changing what is on file as an update asks: all of it or nothing, the old values kept, the old address told (H63)."""

from collections.abc import Sequence, Set

from sqlalchemy import Connection

from mailbot.desk import OWN_SYSTEM, Desk
from mailbot.digest_words import masked
from mailbot.letters import Occasion
from mailbot.opening import write_letter
from rules.addresses import mailbox_key
from rules.details_change import Change, Field
from rules.vocabulary import Answer, Duty, LetterKind, Outcome
from storage import amendments, confirmations, outbox, register, subscribers
from storage.amendments import Altered, Behind
from storage.register import Registered


def amend(tx: Connection, desk: Desk, request: Registered, behind: Behind, proof: str | None = None) -> str | None:
    """Change what is on file as the request asks and note that; return why that cannot be done, in a sentence, or None once it is.

    ``proof`` is what staff saw in place of a yes from an address that cannot give it.
    """
    changes, agreed = register.changes_of(tx, request.reference), _agreed(tx, request)
    owner = _owner(tx, desk, request, changes, None if proof else agreed)
    if request.outcome is not Outcome.REQUEST or not changes:
        return "the request does not say what is to be changed"
    if owner is None:
        return "its sender is not on file" + (f", and {_NO_YES}" if any(each.field is Field.EMAIL for each in changes) else "")
    if len({change.field for change in changes}) < len(changes):
        return "it names one detail twice"
    with tx.begin_nested() as attempt:
        done = amendments.amend(tx, owner, changes, behind)
        hindrances = [f"{each.field}: {_HINDRANCES[each.why]}" for each in done.conflicts]
        if not (hindrances or proof or _have_agreed(desk, done.altered, agreed)):
            hindrances = [_NO_YES]
        if hindrances:
            attempt.rollback()
            return "; ".join(hindrances)
    register.link_subscriber(tx, request.reference, owner)
    met = [owed.id for owed in request.obligations if (owed.what, owed.system) == (Duty.AMEND, OWN_SYSTEM)]
    register.meet(tx, met, behind.who, behind.at)
    detail = {"fields": [each.field for each in done.altered], **({"proof": proof} if proof else {})}
    register.note(tx, [(request.reference, "amended", behind.who, detail)], behind.at)
    _tell_old_address(tx, desk, request, done.altered)
    return None


def _owner(tx: Connection, desk: Desk, request: Registered, changes: Sequence[Change], agreed: Set[bytes] | None) -> int | None:
    """Return whose file an update is about: the sender's; of a sender who is not on file or writes from the new address, the old one's.

    The old one counts once it has said yes (``agreed``; None: there is other proof).
    """
    sender, addresses = mailbox_key(request.sender or ""), [each for each in changes if each.field is Field.EMAIL]
    if request.subscriber_id is not None and all(mailbox_key(each.new) != sender or each.old is None for each in addresses):
        return request.subscriber_id
    named = [mailbox_key(each.old) for each in addresses if each.old]
    keys = [key for key in named if agreed is None or desk.keys.of_address(key) in agreed] or [sender]
    return next(iter(subscribers.ids_by_email(tx, keys).values()), None)


def _agreed(tx: Connection, request: Registered) -> frozenset[bytes]:
    """Return the keys of the addresses that were asked and said yes."""
    return frozenset(each.asked_key for each in confirmations.of_request(tx, request.reference) if each.answer is Answer.YES)


def _have_agreed(desk: Desk, altered: Sequence[Altered], agreed: Set[bytes]) -> bool:
    """Tell whether every address that was replaced or recorded has said yes itself (H63)."""
    addresses = [address for each in altered if each.field == Field.EMAIL for address in (each.old, each.new) if address]
    return all(desk.keys.of_address(mailbox_key(address)) in agreed for address in addresses)


def _tell_old_address(tx: Connection, desk: Desk, request: Registered, altered: Sequence[Altered]) -> None:
    """Write to the address that was on file that it is no longer, and how to have it back; the new one is shown masked."""
    for each in altered:
        if each.field == Field.EMAIL and each.old and each.new:
            occasion = Occasion(LetterKind.NOTICE, request.type, request.language, request.reference, each.old, shown=masked(each.new))
            letter = write_letter(desk, occasion, desk.now(), capped=False)
            outbox.queue(tx, [letter] if letter else [], desk.now())


_NO_YES = "the old address and the new one have not both said yes (other proof is given by --proof)"
_HINDRANCES = {
    amendments.Hindrance.OTHER_ON_FILE: "what it calls the old value is not on file",
    amendments.Hindrance.SEVERAL_ON_FILE: "several are on file, and it does not say which one",
    amendments.Hindrance.BOTH_ON_FILE: "the old and the new one are on file already",
    amendments.Hindrance.ANOTHER_PERSONS: "it is on file with somebody else",
}
