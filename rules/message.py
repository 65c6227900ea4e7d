"""An incoming message as a value, read from bytes that nobody vouches for.

Reading never raises: whatever was wrong stands in ``Message.defects``. Intake reads the header first (``read_header``) and adds
the text of those few messages that need it (``with_text``); ``read`` takes a whole message.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from rules.addresses import addresses_in, only_mailbox, read_sender
from rules.body import Attachment, read_body, text_of_part
from rules.encoded_words import UNDECODABLE, decode_header_text
from rules.header import Fields, read_date, read_fields, read_message_id, read_message_ids, read_return_path, read_stamp, split_head

__all__ = ["Attachment", "Message", "lightened", "read", "read_header", "text_of_part", "with_text"]

MAX_SUBJECT = 10_000
"""Bytes of a raw subject that are read; the rest of a longer one is a defect."""

DOUBTFUL_SENDER = frozenset({"doubled_from", "several_senders", "ambiguous_from", "unreadable_from", "missing_from", "doubled_subject"})
"""Defects with which two programs may read two senders, or two subjects (H44, H45)."""

_MAX_SUBJECTS = 3
_READ_LATER = ("date", "from", "subject")
_RECIPIENT_FIELDS = ("to", "cc", "resent-to", "resent-cc")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was read. Whatever was wrong with it stands in ``defects``.

    Addresses are canonical (``rules.addresses``); display names are not kept. ``fields`` holds every field's unfolded
    raw values, topmost first, one character a byte, wherever in the header they stand; the other attributes hold what
    most programs would read. ``text`` is None where none was fetched or none is readable.
    """

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
    sender_field: str | None = None
    reply_to: tuple[str, ...] = ()
    return_path: str | None = None

    @property
    def date(self) -> datetime | None:
        """Return what the sender calls the date: nothing is decided by it (H41)."""
        return read_date(next(iter(self.fields.get("date", ())), ""))

    @property
    def received_stamp(self) -> datetime | None:
        """Return when the server that wrote the topmost Received field took the message."""
        return read_stamp(self.fields.get("received", ()))


class _Subject(NamedTuple):
    text: str
    defects: frozenset[str]


def read_header(raw: bytes) -> Message:
    """Read the header of a message and nothing else; what follows the header is ignored."""
    head, _ = split_head(_with_line_ends(raw))
    return _from_fields(read_fields(head))


def with_text(message: Message, text: str | None, attachments: Iterable[Attachment], defects: Iterable[str]) -> Message:
    """Return the message with the text and attachments that were fetched after its header."""
    return replace(message, text=text, attachments=tuple(attachments), defects=message.defects | frozenset(defects))


def read(raw: bytes) -> Message:
    """Read a whole message: header, text and what is attached."""
    head, content = split_head(_with_line_ends(raw))
    fields = read_fields(head)
    body = read_body(fields, fields.rest + b"\n" + content if fields.rest else content)
    text = body.text
    if fields.stray:  # it may be what somebody wrote
        text = "\n".join((text_of_part(fields.stray, "plain", "utf-8", "")[0], text or ""))
    return with_text(_from_fields(fields), text, body.attachments, body.defects)


def lightened(message: Message) -> Message:
    """Return a message that was screened without what nobody reads any more: of a large header it is many times the size (H54)."""
    kept = {name: tuple(value[:MAX_SUBJECT] for value in values[:1]) for name, values in message.fields.items() if name in _READ_LATER}
    return replace(message, fields=kept, recipients=frozenset(), from_addresses=(), reply_to=())


def _from_fields(fields: Fields) -> Message:
    values, everywhere = fields.values, fields.everywhere
    sender = read_sender(values.get("from", ()))
    subject = _read_subject(values.get("subject", ()))
    return Message(
        subject=subject.text,
        sender=sender.address,
        from_addresses=sender.addresses,
        recipients=frozenset(_addresses(values, _RECIPIENT_FIELDS)),
        message_id=read_message_id(values.get("message-id", ())),
        in_reply_to=read_message_ids(values.get("in-reply-to", ())),
        references=read_message_ids(values.get("references", ())),
        fields=everywhere,
        defects=fields.defects | sender.defects | subject.defects,
        sender_field=only_mailbox(fields.first("sender")) if "sender" in values else None,
        reply_to=tuple(_addresses(values, ("reply-to",))),
        return_path=read_return_path(everywhere.get("return-path", ())),
    )


def _read_subject(values: tuple[str, ...]) -> _Subject:
    """Decode the subject. Several are read one after another, and no program acts on them alone (H44)."""
    texts: list[str] = []
    defects = {"doubled_subject"} if len(values) > 1 else set()
    for value in values[:_MAX_SUBJECTS]:
        text, found = decode_header_text(value[:MAX_SUBJECT])
        texts.append(text)
        defects.update("undecodable_subject" if defect == UNDECODABLE else defect for defect in found)
        if len(value) > MAX_SUBJECT:
            defects.add("long_subject")
    return _Subject(". ".join(dict.fromkeys(texts)), frozenset(defects))


def _addresses(values: dict[str, tuple[str, ...]], names: Iterable[str]) -> Iterable[str]:
    for name in names:
        for value in values.get(name, ())[:100]:
            yield from addresses_in(value)


def _with_line_ends(raw: bytes) -> bytes:
    """Return the bytes without leading empty lines; a message that knows only CR gets LF (H56)."""
    raw = raw.lstrip(b"\r\n") if raw[:1] in (b"\r", b"\n") else raw
    return raw if b"\n" in raw else raw.replace(b"\r", b"\n")
