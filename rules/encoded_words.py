"""Unstructured header text as people see it (RFC 2047), from what mailers really send.

Header values come here with one character for each byte (latin-1), as ``rules.header`` leaves them.
"""

import re
from binascii import a2b_base64, a2b_qp
from typing import NamedTuple

from rules.charsets import UNKNOWN_CHARSET, decode, guess, one_line

UNDECODABLE = "undecodable"

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BROKEN_WORD = re.compile(r"=\?[\w*.:-]{1,60}\?[bBqQ]\?")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=]+")


class HeaderText(NamedTuple):
    """A header's text in one clean line, and what was wrong with it."""

    text: str
    defects: frozenset[str] = frozenset()


class _Run(NamedTuple):
    """Neighbouring encoded words of one charset and encoding; plain text has neither."""

    charset: str
    encoding: str
    payload: str


def decode_header_text(value: str) -> HeaderText:
    """Decode encoded words and raw 8-bit bytes of a header value into one clean line."""
    if "=?" not in value and value.isascii():
        return HeaderText(one_line(value))
    texts: list[str] = []
    defects: set[str] = set()
    for run in _runs(value):
        decoded = decode(_octets(run), run.charset) if run.encoding else guess(run.payload.encode("latin-1", "replace"))
        texts.append(decoded.text)
        if not decoded.known:
            defects.add(UNKNOWN_CHARSET)
        if not decoded.sure or (not run.encoding and _BROKEN_WORD.search(run.payload)):
            defects.add(UNDECODABLE)
    return HeaderText(one_line("".join(texts)), frozenset(defects))


def _runs(value: str) -> list[_Run]:
    """Return plain and encoded stretches in order, a character split over two words in one stretch."""
    pieces = _WORD.split(value)
    runs = [_Run("", "", pieces[0])] if pieces[0] else []
    for at in range(1, len(pieces), 4):
        charset, encoding, payload, gap = pieces[at : at + 4]
        charset, encoding = charset.lower(), encoding.lower()
        if runs and (runs[-1].charset, runs[-1].encoding) == (charset, encoding):
            payload = runs.pop().payload + payload
        runs.append(_Run(charset, encoding, payload))
        if gap and not gap.isspace():  # spaces between two words do not count (RFC 2047, 6.2), at the end neither
            runs.append(_Run("", "", gap))
    return runs


def _octets(run: _Run) -> bytes:
    if run.encoding == "q":
        return a2b_qp(run.payload.encode("latin-1", "replace"), header=True)
    return b"".join(_base64(stretch) for stretch in _NOT_BASE64.sub("", run.payload).split("="))


def _base64(stretch: str) -> bytes:
    """Decode base64 that may lack its padding; a single left-over character says nothing."""
    stretch = stretch[:-1] if len(stretch) % 4 == 1 else stretch
    return a2b_base64(stretch + "=" * (-len(stretch) % 4))
