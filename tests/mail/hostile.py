"""Mail made to hurt its reader, worse than ``tests/rules/test_bombs.py`` has it (H54, H55): up to ten megabytes each.

``python -m tests.mail.hostile`` reads each once and prints what it took: seconds of the processor, megabytes, outcome. It dies at the
first that needs more memory than a message may.
"""

import base64
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

from mailbot.judging import Judge
from mailbot.policies import load_policy

MOST_MEGABYTES = 200
MEGABYTE = 1_000_000
MB10 = 10 * MEGABYTE

_HEAD = b"From: anna@client.example\r\nTo: info@alit.kz\r\nMessage-ID: <bomb@client.example>\r\n"
_MIXED = _HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def _nested(levels: int) -> bytes:
    return _HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels))


def _text(piece: bytes, size: int, *fields: bytes, kind: bytes = b"text/plain; charset=utf-8") -> bytes:
    head = _HEAD + b"Content-Type: " + kind + b"\r\n" + b"".join(field + b"\r\n" for field in fields)
    return head + b"\r\n" + piece * (size // len(piece))


def _html(piece: bytes, size: int = MEGABYTE) -> bytes:
    return _text(piece, size, kind=b"text/html; charset=utf-8")


def _coded(piece: bytes, encoding: bytes, kind: bytes = b"text/plain; charset=utf-8") -> bytes:
    return _text(piece, MB10, b"Content-Transfer-Encoding: " + encoding, kind=kind)


def _field(name: bytes, piece: bytes, size: int) -> bytes:
    return _HEAD + name + piece * (size // len(piece)) + b"\r\n\r\nhi"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "3,000 nested parts": lambda: _nested(3000),
    "30,000 nested parts": lambda: _nested(30_000),
    "nested parts of one boundary": lambda: _HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 20_000,
    "9 levels, 10 MB of false delimiters": lambda: _nested(9) + b"\n--q" * 2_400_000,
    "100,000 parts": lambda: _MIXED + b"--b\r\n\r\nx\r\n" * 100_000,
    "490 parts of large headers": lambda: _MIXED + (b"--b\r\n" + b"a:b\r\n" * 4000) * 490,
    "490 parts of markup": lambda: _MIXED + (b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<p>x" * 5000) * 490,
    "480 multiparts without parts": lambda: _MIXED + (b"--b\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n" + b"\n--zz" * 4000) * 480,
    "20,000 messages in messages": lambda: _HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
    "a boundary of 8,000 letters": lambda: (
        _HEAD + b"Content-Type: multipart/mixed; boundary=" + b"b" * 7900 + b"\r\n" + b"\n--bbb" * 400_000
    ),
    "20,000 fields": lambda: _HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
    "10 MB of fields": lambda: _field(b"", b"X: y\r\n", MB10),
    "10 MB of folds": lambda: _field(b"X: y", b"\r\n y", MB10),
    "10 MB of lines that are no field": lambda: _field(b"", b"none\r\n", MB10),
    "500 open brackets": lambda: _HEAD.replace(b"anna", b"(" * 500 + b"anna") + b"\r\n",
    "60 KB of parameters": lambda: _field(b"Content-Type: text/plain", b"; a*0*=x", 60_000),
    "a million continuations": lambda: (
        _HEAD + b"Content-Type: text/plain" + b"".join(b"; name*%d*=x" % n for n in range(650_000)) + b"\r\n\r\nhi"
    ),
    "a subject of 100 KB": lambda: _field(b"Subject: ", b"x ", 100_000),
    "a subject of words": lambda: _field(b"Subject: ", b"=?utf-8?q?x?==?koi8-r?b?eA==?=", 400_000),
    "a word of 2 MB": lambda: _HEAD + b"Subject: =?utf-8?b?" + base64.b64encode("ы".encode() * MEGABYTE) + b"?=\r\n\r\nhi",
    "500,000 Message-IDs": lambda: _field(b"References: ", b"<a@b>", 500_000),
    "a line of 10 MB": lambda: _text(b"a", MB10),
    "10 MB of quotation": lambda: _text(b"> \n", MB10),
    "10 MB of vertical tabs": lambda: _text(b"\x0b", MB10),
    "10 MB of phones": lambda: _text(b"1 2 3 4 5 6 7 8 9 ", MB10, b"Subject: Personal Data Update"),
    "10 MB of addresses": lambda: _text(b"a@", MB10, b"Subject: Personal Data Update"),
    "10 MB of ligatures": lambda: _text("\ufdfa".encode(), MB10),
    "base64 of junk": lambda: _coded(bytes(range(256)), b"base64"),
    "base64 of 10 MB": lambda: _coded(b"QUJD" * 19 + b"\r\n", b"base64", b"application/pdf; name=x.pdf"),
    "quoted-printable of spaces": lambda: _coded(b"= ", b"quoted-printable"),
    "quoted-printable of padded line ends": lambda: _coded(b"a= \n", b"quoted-printable", b"application/pdf; name=x.pdf"),
    "utf-7 that never ends": lambda: _coded(b"+", b"8bit", b"text/plain; charset=utf-7"),
    "200,000 nested tags": lambda: _html(b"<div>"),
    "nested quotations": lambda: _html(b"<blockquote>x"),
    "hidden paragraphs": lambda: _html(b"<p hidden>x"),
    "unclosed scripts": lambda: _html(b"<script></script"),
    "character references": lambda: _html(b"&amp"),
    "a style without end": lambda: _html(b"<p style='" + b"display:" * 50_000),
    "10 MB of NUL": lambda: b"\0" * MB10,
    "10 MB of CR": lambda: b"\r" * MB10,
    "10 MB of bytes": lambda: bytes(n * 7919 % 253 for n in range(MEGABYTE)) * 10,
}


def main() -> None:
    """Read each, one after another, as ``mailbot classify`` does; the memory that may be asked for is limited by the system."""
    judge = Judge(load_policy("kazger"))
    judge.judge(b"Subject: Personal Data Update\r\n\r\nMy new phone is +7 700 000 00 01, my e-mail anna@new.example")
    for name, made in HOSTILE.items():
        raw = made()
        _limit_memory()
        begun = time.process_time()
        outcome = judge.judge(raw).outcome
        took = time.process_time() - begun
        _lift_limit()
        print(json.dumps({"name": name, "seconds": took, "outcome": outcome}), flush=True)


def _limit_memory() -> None:
    taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MOST_MEGABYTES * MEGABYTE, resource.RLIM_INFINITY))


def _lift_limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
