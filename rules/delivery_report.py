"""Delivery reports (RFC 3464): which message one is about, and whether it says that the message will never arrive.

Anybody can write one. What it names is believed only where it is a letter that mailbot sent, whose Message-ID nobody guesses (H87).
"""

import re
from dataclasses import dataclass

from rules.header import Fields, read_fields, read_message_id, split_head
from rules.mime import Part, decoded, read_kind, split_parts

_STATUSES = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b", re.ASCII)
_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")

MOST_GROUPS = 50
"""Recipients that a report may tell of; a letter of ours has one."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a report says of the message that it returns."""

    message_id: str
    failure: str | None
    """The status of its final failure (RFC 3463), such as 5.1.1; None: it was only delayed, or did arrive."""


def read_delivery_report(raw: bytes) -> DeliveryReport | None:
    """Read a report, which may have been cut off; None where it does not say which message it is about."""
    head, content = split_head(raw)
    kind = read_kind(read_fields(head))
    if kind.type != "multipart/report":
        return None
    message_id, failure = None, None
    for part in split_parts(Part(content, 0, len(content)), kind.parameters.get("boundary", "")).parts:
        part_head, inner = split_head(part.content())
        told = read_kind(read_fields(part_head))
        inner = decoded(inner, told.encoding)
        if told.type in _STATUSES:
            failure = failure or _failure_in(inner)
        elif told.type in _RETURNED:
            message_id = message_id or read_message_id(read_fields(split_head(inner)[0]).values.get("message-id", ()))
    return DeliveryReport(message_id, failure) if message_id else None


def _failure_in(status: bytes) -> str | None:
    """Return the status of the first recipient for whom delivery has failed for good: "delayed" is no failure (RFC 3464, 2.3.3)."""
    groups = (read_fields(group) for group in _BLANK_LINE.split(status, MOST_GROUPS))
    return next((_code(group) for group in groups if group.first("action").partition("(")[0].strip().lower() == "failed"), None)


def _code(group: Fields) -> str:
    found = _STATUS.search(group.first("status")[:100])
    return found[0] if found else "5.0.0"
