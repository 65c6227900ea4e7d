"""Messages that were fetched whole, for the tests of what is made of them at a desk without servers."""

from itertools import count

from mailbot.arrival import Arrival, read_arrival, with_body
from mailbot.desk import Desk
from rules.message import read, read_header
from rules.place import Place
from tests.mailbot.register_room import NOW, PERSON

INBOX = "info@alit.kz"
uids = count(1)


def fetched(desk: Desk, text: str = "Please act.", *, sender: str = PERSON, inbox: str = INBOX, **fields: str) -> Arrival:
    """Return a message that was fetched whole, with nothing but a person's own words in it."""
    uid = next(uids)
    head = {"From": sender, "To": INBOX, "Subject": "A letter", "Message-ID": f"<{uid}@example.com>"}
    head |= {name.replace("_", "-"): value for name, value in fields.items()}
    raw = "\r\n".join([*(f"{name}: {value}" for name, value in head.items() if value), "", text]).encode()
    arrival = read_arrival(desk, Place(inbox, "INBOX", 1, uid), NOW, len(raw), raw, read_header(raw), frozenset())
    with_body(desk, arrival, read(raw))
    return arrival
