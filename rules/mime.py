"""MIME structure (RFC 2045, 2046, 2183, 2231): what a part is, and the parts of a multipart.

Written for hostile mail: every step is linear, and every count has an end.
"""

import re
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from rules.charsets import decode, one_line
from rules.encoded_words import decode_header_text
from rules.header import Fields

MAX_PARTS = 500
_MAX_FIELD = 8000
_MAX_NAME = 255

_TYPE = re.compile(r"[ \t]*([\w.+-]{1,80}/[\w.+-]{1,120})[ \t]*(?:;|\Z)", re.ASCII)
_PARAMETER = re.compile(r';[ \t]*+([\w-]{1,60}(?:\*[0-9]{1,3})?\*?)[ \t]*+=[ \t]*+("(?:[^"\\]|\\.)*+"|[^;\s]*+)', re.ASCII)
_ENCODING = re.compile(r'[\s"]*([\w-]*)', re.ASCII)
_PADDED_LINE_END = re.compile(rb"=[ \t]++(?=\r?\n)")
"""A soft line break with spaces behind it, which were added on the way (RFC 2045, 6.7)."""
_SLICE = 64 * 1024
_ESCAPED = re.compile(r"\\(.)")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_FIRST_DELIMITER = re.compile(rb"^--(\S[^\r\n]{0,200})\r?\n[Cc]ontent-", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a part says it is: type/subtype in lower case, its parameters, and how it wants to be shown."""

    type: str
    parameters: dict[str, str]
    disposition: str
    name: str
    encoding: str

    @property
    def charset(self) -> str:
        """Return the charset parameter, US-ASCII where there is none (RFC 2046, 4.1.2)."""
        return self.parameters.get("charset", "us-ascii")


class Part(NamedTuple):
    """A stretch of a message. Parts nest in parts, so none is copied before its content is wanted."""

    raw: bytes
    start: int
    end: int

    def content(self, most: int | None = None) -> bytes:
        """Return the bytes of the part, not more than ``most``."""
        return self.raw[self.start : self.end if most is None else min(self.end, self.start + most)]


class Split(NamedTuple):
    """The parts of a multipart body, and whether there were more than anybody means."""

    parts: list[Part]
    too_many: bool = False


def read_kind(fields: Fields, unless_told: str = "text/plain") -> Kind:
    """Return what a part is; what no program could mean is text/plain (RFC 2045, 5.2), in a digest a message (RFC 2046, 5.1.5)."""
    content_type = fields.first("content-type")[:_MAX_FIELD]
    shown = fields.first("content-disposition")[:_MAX_FIELD]
    match = _TYPE.match(content_type)
    parameters = _parameters(content_type)
    return Kind(
        match[1].lower() if match else unless_told,
        parameters,
        shown.partition(";")[0].strip().lower(),
        named(_parameters(shown), "filename") or named(parameters, "name"),
        fields.first("content-transfer-encoding"),
    )


def decoded(content: bytes, encoding: str) -> bytes:
    """Undo a transfer encoding; content that was cut off in the middle keeps what is whole."""
    token = _ENCODING.match(encoding)  # without the quotes, comments and parameters that mailers add
    match token[1].lower() if token else "":
        case "base64":
            return _from_base64(content)
        case "quoted-printable":
            return b"".join(a2b_qp(_PADDED_LINE_END.sub(b"=", lines)) for lines in _slices(content))
        case _:
            return content


def split_parts(body: Part, boundary: str) -> Split:
    """Return the parts between the delimiter lines of a multipart (RFC 2046, 5.1.1).

    Where the boundary is missing or never occurs, the first line that looks like a delimiter names it (H42).
    """
    mark = b"--" + boundary.rstrip().encode("latin-1", "replace")
    if not boundary or _find_line(body, mark, body.start) < 0:
        guessed = _FIRST_DELIMITER.search(body.raw, body.start, body.end)
        if guessed is None:
            return Split([])
        mark = b"--" + guessed[1].rstrip()
    return _between(body, mark)


def _between(body: Part, mark: bytes) -> Split:
    parts: list[Part] = []
    start: int | None = None
    at = _find_line(body, mark, body.start)
    for _ in range(2 * MAX_PARTS):
        if at < 0 or len(parts) > MAX_PARTS:
            break
        line_end = body.raw.find(b"\n", at, body.end)
        line_end = body.end if line_end < 0 else line_end
        tail = body.raw[at + len(mark) : min(line_end, at + len(mark) + 100)].rstrip()
        if tail in (b"", b"--"):
            if start is not None:
                parts.append(_part_before(body, start, at))
            if tail:
                return Split(parts)
            start = min(line_end + 1, body.end)
        at = _find_line(body, mark, line_end)
    if at >= 0:
        return Split(parts[:MAX_PARTS], too_many=True)
    return Split(parts if start is None else [*parts, body._replace(start=start)])


def _find_line(body: Part, mark: bytes, start: int) -> int:
    """Return where the next line that begins with ``mark`` begins, -1 without one."""
    if start == body.start and body.raw.startswith(mark, start, body.end):
        return start
    at = body.raw.find(b"\n" + mark, start, body.end)
    return at + 1 if at >= 0 else -1


def _part_before(body: Part, start: int, delimiter: int) -> Part:
    """Return the part that ends before a delimiter line: the line end before that belongs to the delimiter."""
    end = max(delimiter - 1, start)
    return Part(body.raw, start, end - 1 if end > start and body.raw[end - 1 : end] == b"\r" else end)


def _slices(content: bytes) -> Iterator[bytes]:
    """Cut content behind line ends: a substitution makes a piece a match, in 10 MB at once many times their size (H54)."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start + _SLICE) + 1 or len(content)
        yield content[start:end]
        start = end


def _from_base64(content: bytes) -> bytes:
    content = content.translate(None, _NOT_BASE64).partition(b"=")[0]
    content = content[:-1] if len(content) % 4 == 1 else content
    return a2b_base64(content + b"=" * (-len(content) % 4))


def _parameters(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in _PARAMETER.findall(value):
        plain = _ESCAPED.sub(r"\1", text[1:-1]) if text[:1] == '"' and len(text) > 1 else text
        found.setdefault(name.lower(), plain)
    return found


def named(parameters: dict[str, str], name: str) -> str:
    """Return a file name in any of the forms that mailers give it (RFC 2231, 3 and 4), cut to a bearable length."""
    if name in parameters:
        return decode_header_text(parameters[name]).text[:_MAX_NAME]
    if not any(key.startswith(f"{name}*") for key in parameters):
        return ""
    pieces = [parameters[key] for key in (f"{name}*", f"{name}*0*", f"{name}*0") if key in parameters][:1]
    for number in range(1, 100):
        piece = parameters.get(f"{name}*{number}*", parameters.get(f"{name}*{number}"))
        if piece is None:
            break
        pieces.append(piece)
    charset, quote, rest = "".join(pieces).partition("'")
    text = rest.partition("'")[2] if quote else charset
    octets = unquote_to_bytes(text.encode("latin-1", "replace"))
    return one_line(decode(octets, charset if quote else "utf-8").text)[:_MAX_NAME]
