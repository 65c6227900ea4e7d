"""An incoming message as a value. (interface stub: to be written)"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is kept of an attachment: never its content."""

    name: str
    type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was read. Whatever was wrong with it stands in ``defects``."""

    subject: str
    sender: str | None
    from_addresses: tuple[str, ...]
    recipients: frozenset[str]
    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    fields: dict[str, tuple[str, ...]]
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    defects: frozenset[str] = frozenset()
