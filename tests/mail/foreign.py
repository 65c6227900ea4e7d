"""Some hundreds of odd messages, made here (H37-H56, H70-H79): ordinary letters and requests in every dress that mail has been seen in,
robots, bounces and lists that say they are, and senders that nobody can name. Each has the outcome that it must have.

Where single bytes matter a message is a file beside this one.
"""

import base64
import quopri
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

INBOX = "info@alit.example"
MARK = "Отказ от уведомлений"


@dataclass(frozen=True, slots=True)
class Letter:
    """What a person writes, before it is dressed; a subject that says nothing leaves all to the text."""

    subject: str
    text: str


LETTERS = {
    "ordinary": {
        "kk": Letter("Сәлеметсіз бе", "Жеткізу туралы шарт қосымшада, сейсенбіде қол қоямыз."),
        "ru": Letter("Здравствуйте", "Счёт за июнь во вложении, отгрузка во вторник."),
        "en": Letter("Hello", "The figures for June are attached, we meet on Tuesday."),
    },
    "request": {
        "kk": Letter("Сәлеметсіз бе", "Дербес деректерімді жойыңыз."),
        "ru": Letter("Здравствуйте", "Прошу удалить мои персональные данные."),
        "en": Letter("Hello", "Please delete my personal data."),
    },
}


@dataclass(frozen=True, slots=True)
class Foreign:
    """A message as it comes, and what it must be taken for."""

    name: str
    raw: bytes
    outcome: str


def foreign() -> Iterator[Foreign]:
    """Yield all of them, each from a sender and under a Message-ID of its own, so that none counts as a copy of another."""
    made = [*_charsets(), *_dressed(), *_subjects(), *_robots(), *_envelopes(), *_senders()]
    for number, (name, outcome, raw) in enumerate(made):
        yield Foreign(name, raw.replace(b"SENDER", b"person%d@client.example" % number).replace(b"UNIQUE", b"m%d" % number), outcome)


Made = tuple[str, str, bytes]


def head(subject: bytes, *more: bytes, sender: bytes = b"From: SENDER") -> bytes:
    """Write a header, its blank line not."""
    fields = (b"Message-ID: <UNIQUE@client.example>", b"Date: Mon, 1 Jun 2026 10:00:00 +0500", b"To: info@alit.example", sender)
    return b"".join(field + b"\r\n" for field in (*fields, b"Subject: " + subject, *more))


def plain(subject: bytes, text: bytes, *more: bytes) -> bytes:
    """Write the simplest message."""
    return head(subject, b"MIME-Version: 1.0", *more) + b"\r\n" + text + b"\r\n"


# --- What a text is written in ------------------------------------------------------------------------------------------------------

CHARSETS = (
    "utf-8",
    "koi8-r",
    "windows-1251",
    "iso-8859-5",
    "cp866",
    "mac-cyrillic",
    "kz-1048",
    "ptcp154",
    "utf-16",
    "utf-7",
    "UTF8",
    "cp-1251",
)
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "8bit": lambda octets: octets,
    "base64": base64.encodebytes,
    "quoted-printable": quopri.encodestring,
}


def _charsets() -> Iterator[Made]:
    for (outcome, language, letter), charset, encoding in product(_letters(), CHARSETS, ENCODINGS):
        octets = _encoded(letter.text, charset)
        if octets is None or (charset == "utf-16" and encoding != "base64"):
            continue
        content = (f"Content-Type: text/plain; charset={charset}".encode(), f"Content-Transfer-Encoding: {encoding}".encode())
        yield f"{outcome} {language} {charset} {encoding}", outcome, plain(word(letter.subject), ENCODINGS[encoding](octets), *content)
    for outcome, charset in product(LETTERS, ("koi8-r", "windows-1251")):  # the nineties: nothing says what it is
        letter = LETTERS[outcome]["ru"]
        subject, text = letter.subject.encode(charset), (letter.text + "\r\nИванова Мария Петровна, Алматы").encode(charset)
        yield f"{outcome} unlabelled {charset}", outcome, plain(subject, text)
        yield f"{outcome} mislabelled {charset}", outcome, plain(subject, text, b"Content-Type: text/plain; charset=us-ascii")


def _encoded(text: str, charset: str) -> bytes | None:
    codec = {"UTF8": "utf-8", "cp-1251": "cp1251", "kz-1048": "kz1048"}.get(charset, charset)
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        return None


def _letters() -> Iterator[tuple[str, str, Letter]]:
    for outcome, by_language in LETTERS.items():
        for language, letter in by_language.items():
            yield outcome, language, letter


# --- What a text is packed in -------------------------------------------------------------------------------------------------------

UTF8 = b"Content-Type: text/plain; charset=utf-8\r\n"
MIXED = b"Content-Type: multipart/mixed; boundary=b"
PICTURE = b"Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n"


def _mixed(*parts: bytes, kind: bytes = MIXED) -> tuple[tuple[bytes, ...], bytes]:
    return (kind,), b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--"


DRESSES: dict[str, Callable[[bytes], tuple[tuple[bytes, ...], bytes]]] = {
    "no type": lambda text: ((), text),
    "type without subtype": lambda text: ((b"Content-Type: text; charset=utf-8",), text),
    "empty charset": lambda text: ((b"Content-Type: text/plain; charset=",), text),
    "charset none": lambda text: ((b"Content-Type: text/plain; charset=none",), text),
    "unknown charset": lambda text: ((b"Content-Type: text/plain; charset=X-UNKNOWN",), text),
    "unknown encoding": lambda text: ((b"Content-Transfer-Encoding: x-unknown",), text),
    "base64 spelt loosely": lambda text: ((UTF8[:-2], b"Content-Transfer-Encoding: BASE64; x=y"), base64.b64encode(text)),
    "quoted-printable spelt loosely": lambda text: (
        (UTF8[:-2], b"Content-Transfer-Encoding: Quoted-Printable (x)"),
        quopri.encodestring(text),
    ),
    "base64 without padding": lambda text: ((UTF8[:-2], b"Content-Transfer-Encoding: base64"), base64.b64encode(text).rstrip(b"=")),
    "base64 a letter a line": lambda text: (
        (UTF8[:-2], b"Content-Transfer-Encoding: base64"),
        b"\r\n".join(bytes([octet]) for octet in base64.b64encode(text)),
    ),
    "base64 with junk": lambda text: ((UTF8[:-2], b"Content-Transfer-Encoding: base64"), b"!!" + base64.b64encode(text) + b"\r\n-- \r\n"),
    "two types": lambda text: ((UTF8[:-2], b"Content-Type: application/pdf"), text),
    "mixed": lambda text: _mixed(UTF8 + b"\r\n" + text, PICTURE),
    "picture first": lambda text: _mixed(PICTURE, UTF8 + b"\r\n" + text),
    "part without header": lambda text: _mixed(b"\r\n" + text),
    "capital types": lambda text: _mixed(UTF8.upper() + b"\r\n" + text, kind=b"CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY=b"),
    "quoted boundary": lambda text: _mixed(UTF8 + b"\r\n" + text, kind=b'Content-Type: multipart/mixed; boundary = "b" ; charset="x'),
    "related": lambda text: _mixed(UTF8 + b"\r\n" + text, PICTURE, kind=b"Content-Type: multipart/related; boundary=b; type=text/html"),
    "unknown multipart": lambda text: _mixed(UTF8 + b"\r\n" + text, kind=b"Content-Type: multipart/x-odd; boundary=b"),
    "signed": lambda text: _mixed(
        UTF8 + b"\r\n" + text, b"Content-Type: application/pgp-signature\r\n\r\nx", kind=b"Content-Type: multipart/signed; boundary=b"
    ),
    "no final boundary": lambda text: ((MIXED,), b"--b\r\n" + UTF8 + b"\r\n" + text),
    "no boundary parameter": lambda text: ((b"Content-Type: multipart/mixed",), b"--q\r\n" + UTF8 + b"\r\n" + text),
    "boundary that never comes": lambda text: ((MIXED,), text),
    "preamble and epilogue": lambda text: ((MIXED,), b"This is MIME.\r\n--b\r\n" + UTF8 + b"\r\n" + text + b"\r\n--b--\r\nbye"),
    "nine deep": lambda text: (
        (b"Content-Type: multipart/mixed; boundary=b0",),
        b"".join(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(8))
        + b"--b8\r\n" + UTF8 + b"\r\n" + text,
    ),
    "html": lambda text: ((b"Content-Type: text/html; charset=utf-8",), b"<html><style>p{}</style><p>" + text + b"</html>"),
    "html in tables": lambda text: ((b"Content-Type: text/html; charset=utf-8",), b"<table>" * 30 + b"<tr><td>" + text),
    "html unclosed": lambda text: ((b"Content-Type: text/html; charset=utf-8",), b"<p><b><i>" + text + b"</div></p></x><"),
    "blank text beside html": lambda text: _mixed(
        UTF8 + b"\r\n \r\n",
        b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>" + text,
        kind=b"Content-Type: multipart/alternative; boundary=b",
    ),
    "nul bytes": lambda text: ((UTF8[:-2],), b"\0" + text + b"\0\0"),
    "control characters": lambda text: ((UTF8[:-2],), b"\x01\x1b[0m\x07" + text + b"\x1a"),
    "byte order mark": lambda text: ((UTF8[:-2],), b"\xef\xbb\xbf" + text),
    "a long line behind": lambda text: ((UTF8[:-2],), text + b"\r\n\r\n" + b"=" * 20_000),
    "three hundred stamps": lambda text: ((UTF8[:-2], *(b"Received: from a by b; Mon, 1 Jun 2026 10:00:00 +0500",) * 300), text),
    "empty fields": lambda text: ((UTF8[:-2], b"Cc:", b"Reply-To:", b"References:", b"In-Reply-To: ", b"Sender:", b"Date:"), text),
}  # fmt: skip

LINE_ENDS: dict[str, Callable[[bytes], bytes]] = {
    "bare lf": lambda raw: raw.replace(b"\r\n", b"\n"),
    "bare cr": lambda raw: raw.replace(b"\r\n", b"\r"),
    "leading empty lines": lambda raw: b"\r\n\r\n" + raw,
    "mbox line": lambda raw: b"From a@b Mon Jun  1 10:00:00 2026\r\n" + raw,
    "escaped mbox line": lambda raw: b">From a@b Mon Jun  1 10:00:00 2026\r\n" + raw,
}


def _dressed() -> Iterator[Made]:
    for (outcome, language, letter), (name, dress) in product(_letters(), DRESSES.items()):
        fields, body = dress(letter.text.encode())
        yield f"{outcome} {language} {name}", outcome, head(word(letter.subject), *fields) + b"\r\n" + body + b"\r\n"
    for (outcome, language, letter), (name, changed) in product(_letters(), LINE_ENDS.items()):
        yield f"{outcome} {language} {name}", outcome, changed(plain(word(letter.subject), letter.text.encode(), UTF8[:-2]))


# --- How a subject is spelt ---------------------------------------------------------------------------------------------------------


def word(text: str, charset: str = "utf-8", encoding: str = "b") -> bytes:
    """Return an encoded word (RFC 2047); text of ASCII alone stays as it is."""
    if text.isascii():
        return text.encode()
    octets = text.encode(charset)
    payload = base64.b64encode(octets) if encoding == "b" else b"".join(b"=%02X" % octet for octet in octets)
    return b"=?%s?%s?%s?=" % (charset.encode(), encoding.encode(), payload)


def _subjects() -> Iterator[Made]:
    """The mark of the policy in every spelling: the text says nothing."""
    for charset, encoding in product(("utf-8", "koi8-r", "windows-1251", "iso-8859-5"), ("b", "q")):
        halves = word(MARK[:7], charset, encoding), word(MARK[7:], charset, encoding)
        letters = b" ".join(word(letter, charset, encoding) for letter in MARK if letter != " ")
        spelt = {"whole": word(MARK, charset, encoding), "in halves": b" ".join(halves), "folded": b"\r\n\t".join(halves)}
        spelt |= {"after Re": b"Re: " + word(MARK, charset, encoding), "no space": b"".join(halves), "letter by letter": letters}
        for name, subject in spelt.items():
            yield f"subject {charset} {encoding} {name}", "request", plain(subject, b"Regards")
    for charset in ("utf-8", "koi8-r", "windows-1251"):
        yield f"subject raw {charset}", "request", plain(MARK.encode(charset), b"Regards")


# --- Robots and lists: whatever they say, nobody asks -------------------------------------------------------------------------------

ROBOT_FIELDS = (
    *("Auto-Submitted: auto-replied", "AUTO-SUBMITTED: Auto-Generated", "Auto-Submitted: auto-notified; owner=x", "Auto-Submitted:"),
    *("Auto-Submitted: (robot) auto-replied", "Auto-Submitted : auto-generated", "Auto-Submitted:\r\n\tauto-replied"),
    *("Return-Path: <>", "Return-Path:<>", "Return-path: < >", "Return-Path: <> (null)", "Return-Path: <>\x01", "Return-Path:"),
    *("Precedence: bulk", "Precedence: junk", "Precedence: list", "PRECEDENCE: Auto_Reply", "Precedence: bulk (x)"),
    *("List-Id: <a.example>", "List-Unsubscribe: <mailto:x@a.example>", "List-Post: NO", "list-archive: <x>", "List-Owner:"),
    *("Mailing-List: contact a@b.example; run by ezmlm", "X-Autoreply: yes", "X-Autorespond: x", "X-Failed-Recipients: a@b.example"),
    *("X-Autoresponder: x", "X-Auto-Reply-From: a@b.example", "X-Mailbot-Loop: 1", "Sender: mailer-daemon@b.example"),
    *("Content-Type: multipart/report; report-type=delivery-status; boundary=b", "Content-Type: multipart/report"),
    "Content-Type: Multipart/Report;\r\n\treport-type=disposition-notification",
    "Content-Type: multipart/report; report-type=feedback-report",
)  # fmt: skip
ROBOTS = (
    *("MAILER-DAEMON@b.example", "Mail Delivery System <MAILER-DAEMON@b.example>", "<mailer-daemon@[10.0.0.1]>", "MAILER-DAEMON"),
    *("postmaster@b.example", "Postmaster <POSTMASTER+x@b.example>", "Mail-Daemon@b.example", "info@alit.example", "INFO@ALIT.EXAMPLE"),
)
ROBOT_SUBJECTS = (
    *(
        "Automatic reply: x",
        "Auto-Reply: x",
        "Autoreply: x",
        "Out of Office: x",
        "Out of the office",
        "Vacation notice: x",
        "Autoresponse: x",
    ),
    *("Автоответ: x", "Автоматический ответ: x", "Вне офиса: x", "Автоматты жауап: x", "Автожауап: x", "Автоматты түрде жауап беру: x"),
    *("Undeliverable: x", "Undelivered Mail Returned to Sender", "Mail delivery failed: returning message to sender", "failure notice"),
    *(
        "Returned mail: User unknown",
        "Delivery Status Notification (Failure)",
        "Message Delivery Failure",
        "Mail System Error - Returned Mail",
    ),
    *("Недоставленное сообщение", "Не удалось доставить сообщение", "Сообщение не доставлено", "Жеткізілмеген хат", "Delivery Failure"),
    *("Mail Delivery Warning", "DELIVERY FAILURE: User unknown", "Warning: could not send message for past 4 hours", "Nondeliverable mail"),
    *("Read: x", "Not read: x", "Прочитано: x", "Оқылды: x", "Mail delivery delayed", "Delivery Notification: Delivery has failed"),
    *("Delivery failure notification", "Warning: message 1abcDE-000123-4f delayed 24 hours", "Undeliverable mail", "Undelivered mail: x"),
)


def _robots() -> Iterator[Made]:
    for field in ROBOT_FIELDS:
        yield f"robot {field!r}", "automatic", field.encode("latin-1") + b"\r\n" + plain(word(MARK), b"Please delete my personal data.")
    for sender in ROBOTS:
        raw = head(word(MARK), sender=f"From: {sender}".encode()) + b"\r\nPlease delete my personal data.\r\n"
        yield f"robot {sender}", "automatic", raw
    for subject in ROBOT_SUBJECTS:
        yield f"robot {subject}", "automatic", plain(word(subject), b"Please delete my personal data.\r\n> Delete my personal data.")


# --- Fields that must change nothing, and senders whom nobody can name ----------------------------------------------------------------

HARMLESS = (
    *("To: unlisted-recipients:; (no To-header on input)", "To: <info@alit.example", "To: a b@c d.example"),
    *("To: :;,,<>,", "Cc: \"a@b.example, 'x' <", "Cc: " + "<" * 500, "To: " + "(" * 500, 'To: "\\', "Cc: =?utf-8?q?=00?= <a@b.example>"),
    *("Date: ", "Date: yesterday", "Date: Thu, 1 Jan 1970 00:00:00 GMT", "Date: 1 Jan 99999 00:00:00 Z", "Date: 31 Dec 9999 23:59:60 -23"),
    *("Date: Mon, 1 Jun 26 10:00", "Date: 1 Jun 2126 10:00:00 +9999", "Date: 00 Xyz 0000 99:99:99 +0000", "Date: Пн, 1 июн 2026"),
    *("Message-ID:", "Message-ID: <>", "Message-ID: a b <c", "Message-ID: <é@b.example>", "References: " + "<a@b>" * 900, "In-Reply-To: <"),
    *("Reply-To: other@client.example", "Reply-To: <>", "X: " + "y" * 20_000, "X-\xe9: y", "Content-Disposition: attachment; name*0*=x"),
    *("Disposition-Notification-To: a@b.example", "Return-Receipt-To: a@b.example", "Return-Path: <a@b.example>", "Auto-Submitted: no"),
    *("X-Priority: 1", "Precedence: first-class", "Sender: secretary@b.example", "Received:", "Received: ;;;", "MIME-Version: 9.9 (odd)"),
)  # fmt: skip


def _envelopes() -> Iterator[Made]:
    for outcome, field in product(("ordinary", "request"), HARMLESS):
        letter, name = LETTERS[outcome]["en"], field.partition(":")[0] + ":"
        kept = [line for line in head(letter.subject.encode()).split(b"\r\n")[:-1] if not line.startswith(name.encode("latin-1"))]
        kept.append(field.encode("utf-8" if "П" in field else "latin-1"))
        yield f"{outcome} {field[:60]!r}", outcome, b"\r\n".join([*kept, b"", letter.text.encode(), b""])


DOUBTFUL = (
    *("", "From:", "From: <>", "From: nobody", "From: Anna <anna@", "From: a@b.example <SENDER>", "From: SENDER, other@client.example"),
    *(
        "From: team: SENDER, other@client.example;",
        "From: undisclosed:;",
        "From: SENDER\r\nFrom: other@client.example",
        'From: "Anna <SENDER>',
    ),
    *("From: SENDER\r\nFrom : SENDER", "From: " + "(" * 500 + "SENDER", "From: <@a.example,@b.example:SENDER>", "From: SENDER SENDER"),
    *("From: =?utf-8?q?boss=40bank.example?= <SENDER>", "From: Anna <SENDER> <other@client.example>", "From: SENDER\r\nSubject: other"),
    *("From: " + "a" * 400 + "@b.example", "From: anna @ client . example", "From: Anna SENDER"),
)


def _senders() -> Iterator[Made]:
    for (asks, must_be), field in product((("ordinary", "ordinary"), ("request", "held")), DOUBTFUL):
        letter = LETTERS[asks]["en"]
        raw = head(letter.subject.encode(), sender=field.encode() or b"X: y") + b"\r\n" + letter.text.encode() + b"\r\n"
        yield f"{must_be} {field[:60]!r}", must_be, raw
