"""What was set aside (H22) is taken in again when a person says so.

A message is read again from the bytes that were kept, without any server; where none were kept, from the mailbox. The daemon has no
part in it: what brought it down three times is not put before it again.
"""

import re
from collections.abc import Sequence
from typing import TypeAlias

from mailbot.arrival import Arrival, age_flags, lies_in_spam, read_arrival, with_body
from mailbot.config import Inbox
from mailbot.corrections import read_as_put_there
from mailbot.desk import Desk
from mailbot.errors import Problem
from mailbot.fetching import KEPT_AS_IT_CAME, Fetcher, Lying
from mailbot.imap import Address, Mailbox
from mailbot.intake import take_in
from mailbot.logs import where
from rules.header import split_head
from rules.message import read
from rules.place import Place
from rules.vocabulary import Outcome
from storage import evidence, ledger, register
from storage.database import StoreFailure
from storage.ledger import Entry, SetAside

Inboxes: TypeAlias = Sequence[tuple[Inbox, Address]]


class NotSetAside(Problem):
    """No such message is set aside."""

    def __init__(self, name: str) -> None:
        """Say what was looked for and where the right one stands."""
        super().__init__(f"there is no {name} among what was set aside; `mailbot held list` shows it")


class NotReadAgain(Problem):
    """The message could not be taken in again; it stays set aside."""


def retry(desk: Desk, inboxes: Inboxes, row: int, who: str) -> Entry:
    """Take a message in again, all or nothing, with its original receipt; return the row that the ledger has of it now."""
    with desk.database.read() as tx:
        aside = ledger.find_set_aside(tx, row)
        raw = evidence.raw_at(tx, aside.place) if aside else None
    if aside is None:
        raise NotSetAside(f"m{row}")
    try:
        arrival = _from_bytes(desk, inboxes, aside, raw) if raw else _from_mailbox(desk, inboxes, aside)
        return _take_in_again(desk, inboxes, aside, arrival, who)
    except (Problem, StoreFailure):
        raise
    except Exception as error:  # our bug, as in a round: the message stays where it is, and those behind it get their turn
        told = ", ".join(where(error).values())
        raise NotReadAgain(f"{aside.name} trips mailbot again ({told}) and stays set aside: `mailbot held show {aside.name}`") from error


def _from_bytes(desk: Desk, inboxes: Inboxes, aside: SetAside, raw: bytes) -> Arrival:
    """Read the bytes that were kept."""
    message, flags = read(raw), age_flags(desk, aside.received_at)
    arrival = read_arrival(desk, aside.place, aside.received_at, len(raw), split_head(raw)[0], message, flags)
    of_address = [inbox for inbox, _ in inboxes if inbox.address == aside.place.inbox]
    was_put_there = any(_is_staffs(inbox, aside.place) for inbox in of_address)
    if of_address and not was_put_there and not any(_is_of(inbox, aside.place) for inbox in of_address):
        lies_in_spam(arrival)
    with_body(desk, arrival, message)
    if was_put_there:
        read_as_put_there(desk, arrival)
    if not message.attachments and len(raw) <= KEPT_AS_IT_CAME:
        arrival.raw = raw
    return arrival


def _from_mailbox(desk: Desk, inboxes: Inboxes, aside: SetAside) -> Arrival:
    """Fetch and read the message as a round does."""
    place, lost = aside.place, f"{aside.name}: nothing of it was kept, and "
    of_address = [each for each in inboxes if each[0].address == place.inbox]
    if not of_address:
        raise NotReadAgain(f"{lost}the configuration names {place.inbox} no more")
    inbox, address = next((each for each in of_address if _is_of(each[0], place)), of_address[0])
    was_put_there = _is_staffs(inbox, place)
    lying = Lying.IN_INBOX if was_put_there or _is_of(inbox, place) else Lying.IN_SPAM
    with desk.database.read() as tx:
        cursor = ledger.cursor_of(tx, place.inbox, place.folder)
    mailbox = Mailbox(address)
    try:
        with mailbox.elsewhere(place.folder):
            if cursor is None or not cursor.uidvalidity == mailbox.uidvalidity == place.uidvalidity:
                raise NotReadAgain(f"{lost}the folder has been renumbered: what still lies there comes again under its new number")
            fetched = Fetcher(desk, inbox, mailbox, lying).fetch(cursor, [place.uid])
    finally:
        mailbox.abandon()
    if not fetched.arrivals:
        why = "the mail server still does not deliver it" if fetched.lost else "it no longer lies in the mailbox"
        raise NotReadAgain(f"{lost}{why}; `mailbot held drop {aside.name}` takes it off the list")
    arrival = fetched.arrivals[0]
    if was_put_there:
        read_as_put_there(desk, arrival)
    return arrival


def _is_of(inbox: Inbox, place: Place) -> bool:
    """Tell whether a message lies in the folder of an inbox; else it was heard in another one."""
    return (inbox.address, inbox.folder) == (place.inbox, place.folder)


def _is_staffs(inbox: Inbox, place: Place) -> bool:
    """Tell whether a message lies in the folder into which staff put requests, however the server spells what stands above it."""
    name = inbox.take_in_folder.rpartition("/")[2]
    return inbox.address == place.inbox and not _is_of(inbox, place) and _SEPARATORS.split(place.folder)[-1] == name


_SEPARATORS = re.compile(r"[./\\]")


def _take_in_again(desk: Desk, inboxes: Inboxes, aside: SetAside, arrival: Arrival, who: str) -> Entry:
    """Let the message go the way of every other, and put what became of it in the place of what stood there."""
    files_at_once = any(_is_of(inbox, aside.place) and inbox.filing != "leave" for inbox, _ in inboxes)
    now = desk.now()
    with desk.database.write() as tx:
        if not ledger.is_still_set_aside(tx, aside.row):
            raise NotSetAside(aside.name)
        evidence.forget(tx, aside.place)
        (entry,) = take_in(tx, [arrival], desk, now, file_at_once=files_at_once)
        if entry.outcome is Outcome.SHUNTED:
            raise NotReadAgain(f"{aside.name} still cannot be read ({entry.reason.replace('_', ' ')}) and stays set aside")
        ledger.record_again(tx, aside.row, entry, who, now)
        if entry.reference is not None:
            register.note(tx, [(entry.reference, "read_again", who, {"message": aside.name})], now)
    return entry
