"""Reads the file a policy stands in, or says in a sentence why it cannot be read."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from mailbot.errors import Problem
from rules.charsets import decode, guess

LARGEST = 2_000_000
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
_HEAD = 4_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PROGRAMS = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a document of Word or another office program",
    b"\xd0\xcf\x11\xe0": "a document of Word",
    b"{\\rtf": "a document in RTF",
}


class PolicyFile(NamedTuple):
    """The text of a policy, and the digest of the file it was read from."""

    text: str
    sha256: str


def read_policy_file(path: Path) -> PolicyFile:
    """Return what stands in a file; raise ``Problem`` where that is no text."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as refused:
        raise Problem(f"{path} cannot be read: {(refused.strerror or 'unknown error').lower()}") from None
    if len(content) > LARGEST:
        raise Problem(f"{path} is larger than 2 MB: that is no policy; save its text alone")
    for beginning, kind in _PROGRAMS.items():
        if content.lstrip().startswith(beginning):
            raise Problem(f"{path} is {kind}: save it as text or HTML, and read that")
    text = _text(content, path)
    if not any(map(str.isalpha, text)):
        raise Problem(f"{path} is empty: it holds no words")
    return PolicyFile(text, hashlib.sha256(content).hexdigest())


def _text(content: bytes, path: Path) -> str:
    if content.startswith(_UTF16):
        return content.decode("utf-16", "replace")
    if b"\0" in content:
        raise Problem(f"{path} is no text: save it as text or HTML, and read that")
    named = _CHARSET.search(content[:_HEAD])
    decoded = decode(content, named[1].decode("ascii")) if named else guess(content)
    if not decoded.sure:
        raise Problem(f"{path}: its charset cannot be told; save it as UTF-8")
    return decoded.text
