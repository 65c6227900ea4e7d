"""Where a message lies, and how far a folder has been worked through (RFC 3501, 2.3.1.1)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Place:
    """The four values that together name one message for ever; any three of them do not."""

    inbox: str
    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a folder has been worked through, and which batch was begun and not recorded."""

    inbox: str
    folder: str
    uidvalidity: int
    last_uid: int
    start_at: datetime
    last_pass_at: datetime | None = None
    renumbered_at: datetime | None = None
    renumbered_below: int = 0
    trying_from: int | None = None
    trying_to: int | None = None
    tries: int = 0
    hangups: int = 0
    """How often in a row the server failed in the middle of the batch, which says little against the batch."""

    def place(self, uid: int) -> Place:
        """Return the place of message ``uid`` of this folder."""
        return Place(self.inbox, self.folder, self.uidvalidity, uid)

    def was_renumbered(self, uid: int) -> bool:
        """Tell whether ``uid`` may be an old message under a new number (UIDVALIDITY changed)."""
        return uid < self.renumbered_below
