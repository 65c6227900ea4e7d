"""The body of a message: the text a person wrote, and what is kept of everything attached to it.

Attached and enclosed messages, partial and external bodies are attachments: never searched, assembled or fetched (H51, H52).
"""

import re
from codecs import getincrementaldecoder
from dataclasses import dataclass, field
from hashlib import sha256

from rules.charsets import UNKNOWN_CHARSET, clean_lines, decode
from rules.header import Fields, find_head_end, read_fields
from rules.mime import MAX_PARTS, Kind, Part, decoded, read_kind, split_parts
from rules.visible_text import visible_text

MAX_TEXT = 256 * 1024
"""Characters of text that are kept; the rest of a longer one is not read."""

STUB = 600
"""Bytes of a plain text, as it is coded, up to which it may only say that the message stands in the HTML beside it."""

_MAX_CODED = 6 * MAX_TEXT
_MAX_DEPTH = 10
_MAX_PART_HEAD = 16 * 1024
_SEALED = (
    "application/ms-tnef",
    "application/vnd.ms-tnef",
    "application/pkcs7-mime",
    "application/x-pkcs7-mime",
    "application/pgp-encrypted",
)
_SEALED_NAMES = (".p7m", "winmail.dat")
_WORD = re.compile(r"\w+")
_INLINE_PGP = "\n-----BEGIN PGP MESSAGE-----"
_TRIES_UTF8 = frozenset({"utf-8", "us-ascii"})

UNREADABLE = "unreadable_body"
"""Something is there, and none of it is text that can be read."""

SEALED = "sealed_body"
"""What is there may be text, and only its addressee can open it."""

TOO_MANY_PARTS = "too_many_parts"
"""There is more than is looked at: a bomb (H54)."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is kept of an attachment: never its content."""

    name: str
    type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a body holds. ``text`` is None where none could be read."""

    text: str | None
    attachments: tuple[Attachment, ...]
    defects: frozenset[str]


@dataclass(slots=True)
class _Findings:
    plain: list[str] = field(default_factory=list)
    rich: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    defects: set[str] = field(default_factory=set)
    parts: int = 0
    text_bytes: int = 0
    plain_bytes: int = 0

    def text(self) -> str:
        """Return what a person reads: the plain text, with the HTML where that says much that a short plain text does not."""
        plain = "\n".join(text for text in self.plain if text.strip())
        rich = "\n".join(text for text in self.rich if text.strip())
        if not plain or not rich or self.plain_bytes > STUB:
            return plain or rich
        said, shown = set(_WORD.findall(plain)), set(_WORD.findall(rich[:MAX_TEXT]))
        if 2 * len(shown & said) >= len(shown):
            return plain
        return rich if said <= shown else f"{plain}\n{rich}"


def read_body(fields: Fields, body: bytes) -> Body:
    """Return the text of a whole message (plain, else HTML as it is seen) and what is attached."""
    found = _Findings()
    _collect(read_kind(fields), Part(body, 0, len(body)), found, depth=0)
    text = found.text()[:MAX_TEXT] if found.plain or found.rich else None
    if found.attachments and not text:
        text = None
        found.defects.add(UNREADABLE)
        if any(map(_is_sealed, found.attachments)):
            found.defects.add(SEALED)
    return Body(text, tuple(found.attachments), frozenset(found.defects))


def text_of_part(content: bytes, subtype: str, charset: str, encoding: str) -> tuple[str, frozenset[str]]:
    """Return the text of one text part and its defects. The content may have been cut off anywhere."""
    octets = decoded(content[:_MAX_CODED], encoding)
    decoded_text = decode(octets, charset)
    if decoded_text.known and charset.lower() not in _TRIES_UTF8 and _is_utf8(octets):
        decoded_text = decode(octets, "utf-8")
    text = clean_lines(decoded_text.text)
    defects = set() if decoded_text.known else {UNKNOWN_CHARSET}
    if not decoded_text.sure:
        defects.add("undecodable_text")
    if subtype.lower() == "html":
        text = visible_text(text)
    if _INLINE_PGP in "\n" + text:
        defects |= {UNREADABLE, SEALED}
    if len(text) > MAX_TEXT or len(content) > _MAX_CODED:
        defects.add("text_cut")
    return text[:MAX_TEXT], frozenset(defects)


def _is_utf8(octets: bytes) -> bool:
    """Tell whether bytes are UTF-8, whatever is said of them: no other charset gives such by chance (H39)."""
    try:
        return not octets.isascii() and bool(getincrementaldecoder("utf-8")().decode(octets))
    except ValueError:
        return False


def _collect(kind: Kind, body: Part, found: _Findings, depth: int) -> None:
    found.parts += 1
    if found.parts > MAX_PARTS:
        found.defects.add(TOO_MANY_PARTS)
    elif kind.type.startswith("multipart/") and _collect_parts(kind, body, found, depth):
        return
    elif _is_text(kind, depth):
        _collect_text(kind, body, found)
    else:
        content = decoded(body.content(), kind.encoding)
        found.attachments.append(Attachment(kind.name, kind.type, len(content), sha256(content).hexdigest()))


def _collect_parts(kind: Kind, body: Part, found: _Findings, depth: int) -> bool:
    """Collect the parts of a multipart; tell whether it has any."""
    if depth >= _MAX_DEPTH:
        found.defects.add(TOO_MANY_PARTS)
        return True
    split = split_parts(body, kind.parameters.get("boundary", ""))
    if split.too_many:
        found.defects.add(TOO_MANY_PARTS)
    if not split.parts:
        found.defects.add("no_parts")
    unless_told = "message/rfc822" if kind.type == "multipart/digest" else "text/plain"
    for part in split.parts:
        fields, inner = _open(part)
        _collect(read_kind(fields, unless_told), inner, found, depth + 1)
    return bool(split.parts)


def _open(part: Part) -> tuple[Fields, Part]:
    """Return the fields of a part and its body, which begins at the first line that is no field."""
    head_end, body_start = find_head_end(part.raw, part.start, part.end)
    fields = read_fields(part.raw[part.start : min(head_end, part.start + _MAX_PART_HEAD)])
    body = part._replace(start=body_start)
    if fields.rest:
        content = fields.rest + body.content(_MAX_CODED)
        body = Part(content, 0, len(content))
    return fields, body


def _is_text(kind: Kind, depth: int) -> bool:
    """Tell whether a part is shown as text; one that is the whole message is, and a multipart that has no parts (H42)."""
    shown = depth == 0 or kind.disposition != "attachment"
    return (shown and kind.type in ("text/plain", "text/html")) or kind.type.startswith("multipart/")


def _is_sealed(attachment: Attachment) -> bool:
    return attachment.type in _SEALED or attachment.name.lower().endswith(_SEALED_NAMES)


def _collect_text(kind: Kind, body: Part, found: _Findings) -> None:
    if found.text_bytes >= _MAX_CODED:
        found.defects.add("text_cut")
        return
    content = body.content(_MAX_CODED + 1)
    found.text_bytes += len(content)
    text, defects = text_of_part(content, kind.type.partition("/")[2], kind.charset, kind.encoding)
    if kind.type == "text/html":
        found.rich.append(text)
    else:
        found.plain.append(text)
        found.plain_bytes += len(content)
    found.defects |= defects
