"""The letters to data subjects, as finished bytes: what happened, by when the rest will, and how to correct us.

Takes decisions as given and claims as done only what it is told is done (H113). The words stand in ``templates/`` and
``mailbot.wording``; queueing and sending belong to others. Nothing of an incoming message but its message ids gets in.
"""

import re
import unicodedata
from base64 import decodebytes, encodebytes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mailbot.wording import TEMPLATES, read_wording
from rules.automatic import LOOP_MARK_FIELD
from rules.confirmation import ALPHABET, CODE_LENGTH, NO_CODE
from rules.details_change import Field
from rules.details_form import HEADINGS, LABELS, held_fields
from rules.policy import Policy
from rules.vocabulary import Asked, Duty, Language, LetterKind, RequestType

BILINGUAL = (Language.KK, Language.RU)
"""A person whose language is not known gets one letter in both of these."""

ASKED_DUTY = {
    RequestType.UPDATE: Duty.AMEND,
    RequestType.REVOKE_CONSENT: Duty.STOP_PROCESSING,
    RequestType.STOP_PROCESSING: Duty.STOP_PROCESSING,
    RequestType.OBJECT_AUTOMATED: Duty.ANSWER,
    RequestType.OPT_OUT: Duty.STOP_MESSAGES,
    RequestType.ACCESS: Duty.ANSWER,
    RequestType.BLOCK: Duty.BLOCK,
    RequestType.UNBLOCK: Duty.UNBLOCK,
    RequestType.DESTROY: Duty.DESTROY,
    RequestType.RESTRICT_TRANSFER: Duty.STOP_TRANSFER,
    RequestType.AUTHORITY_INQUIRY: Duty.ANSWER,
    RequestType.QUESTION: Duty.ANSWER,
}
"""What has to be done before a person has got what the request asks for."""

REFERENCES_KEPT = 20
_BLANK = NO_CODE.encode()
CODE_IN_SUBJECT = re.compile(rb"\r\n ([%b]{%d})\r\n" % (ALPHABET.encode(), CODE_LENGTH))
LINE_MAX = 998  # RFC 5322 section 2.1.1
ADDRESS_MAX = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets

# Neither may hold "=?": CPython reads an encoded word, line ends and all, even inside these (H89).
MESSAGE_ID = re.compile(r"<(?!.*=\?)[!-;=?-~]{1,250}>")
DOT_ATOM_ADDRESS = re.compile(
    r"(?!.*=\?)[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[a-z\d-]+(?:\.[a-z\d-]+)*", re.ASCII | re.IGNORECASE
)
PLAIN_FILE_NAME = re.compile(r"[\w-]{1,60}\.[a-z]{1,8}", re.ASCII)
BOUNDARY = "mailbot-answer"  # base64 has no hyphens
TEXT_FIELDS = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
NOT_FOR_A_HEADER = re.compile(r"[^ -~\r\n]")


class UndeliverableAddress(ValueError):
    """No letter can go to this address: it is malformed, or needs SMTPUTF8 (RFC 6531)."""


class LetterMistake(Exception):
    """A letter would have said or carried what it must not; it was not written."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a letter is written and everything it may say.

    ``type`` None: a person will read the letter first. ``language`` None: one letter in Kazakh and Russian.
    ``clause`` is named only if ``clause_is_policys``. ``done`` is what is recorded as done; ``elsewhere`` means that
    other systems have still to follow. ``in_reply_to`` and ``references`` are those of the person's letter.
    ``ground``, ``kept`` and ``answer`` are the staff's own words, in the person's language; of an answer to an access request
    ``kept`` names the enclosed files: without any, nothing is held. ``changes`` are the details that an update was understood to
    name, without their values (H69, H83); where there are none, its acknowledgement asks back with a form.
    """

    kind: LetterKind
    type: RequestType | None
    language: Language | None
    reference: str
    recipient: str
    clause: str | None = None
    clause_is_policys: bool = False
    done: frozenset[Duty] = frozenset()
    elsewhere: bool = False
    due: date | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    ground: str = ""
    kept: str = ""
    kept_until: date | None = None
    done_on: date | None = None
    answer: str = ""
    changes: tuple[Field, ...] = ()
    code: str | None = None
    """The one-time code with which the recipient says that it was they who asked (H66)."""
    confirm_by: date | None = None
    asked: Asked = Asked.SENDER
    shown: str = ""
    """A new address, masked."""
    goes_on: bool = False
    """A part is refused, and the rest of what was asked for is still to be done."""
    for_another: bool = False
    """It is asked for another person, and nothing shows the right to do so."""
    stopped: bool = False
    """Messages to the person are stopped."""

    @property
    def achieved(self) -> bool:
        """Tell whether the very thing that was asked for is recorded as done."""
        return self.type is not None and ASKED_DUTY[self.type] in self.done


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished letter with its envelope; ``content`` is what goes over the wire, before dot-stuffing."""

    kind: LetterKind
    language: Language | None
    recipient: str
    envelope_sender: str
    message_id: str
    subject: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that a letter carries."""

    name: str
    maintype: str
    subtype: str
    content: str


class LetterOffice:
    """Writes the letters of one operator. Words are read once, here, and a template is compiled when its first letter is written."""

    def __init__(self, policy: Policy, sender: str, envelope_sender: str, token: Callable[[], str]) -> None:
        """``token`` gives the part of a Message-ID that makes it unique."""
        self._sender = deliverable(sender)
        self._envelope_sender = envelope_sender
        self._token = token
        self._held = held_fields(policy.data_held)
        self._names = {language: operator_name(policy, language) for language in Language}
        self._from = {language: mailbox(name, self._sender) for language, name in self._names.items()}
        self._wordings = {language: read_wording(language) for language in Language}
        self._subjects = {kind: self._encoded_subjects(kind) for kind in LetterKind}
        self._templates = plain_text_environment()

    def compose(self, occasion: Occasion, now: datetime) -> Letter:
        """Write the letter for ``occasion``; raise ``UndeliverableAddress`` or ``LetterMistake`` rather than a wrong one."""
        refuse_untruth(occasion)
        recipient = deliverable(occasion.recipient)
        message_id = f"<mailbot.{self._token()}@{self._sender.rpartition('@')[2]}>"
        code = f"\r\n {occasion.code}" if occasion.code else ""
        fields = {
            "From": self._from[occasion.language or BILINGUAL[0]],
            "To": recipient,
            "Subject": f"{self._subjects[occasion.kind][occasion.language]}\r\n {occasion.reference}{code}",
            "Date": format_datetime(now),
            "Message-ID": message_id,
            **thread_fields(occasion),
            **automatic_fields(occasion),
        }
        return Letter(
            kind=occasion.kind,
            language=occasion.language,
            recipient=recipient,
            envelope_sender=self._envelope_sender,
            message_id=message_id,
            subject=f"{self._subject(occasion.kind, occasion.language)} {occasion.reference}",
            content=finished(fields, self._text(occasion)),
        )

    def _text(self, occasion: Occasion) -> str:
        if occasion.language:
            return self._text_in(occasion.language, occasion)
        return self._templates.get_template("bilingual.j2").render(
            {language.value: self._text_in(language, occasion) for language in BILINGUAL}
        )

    def _text_in(self, language: Language, occasion: Occasion) -> str:
        wording = self._wordings[language]
        return self._templates.get_template(f"{language}/{occasion.kind}.j2").render(
            operator=self._names[language],
            words=wording.types[occasion.type],
            reference=occasion.reference,
            clause=occasion.clause if occasion.clause_is_policys else None,
            done=wording.tell(occasion.done),
            done_on=wording.spell(occasion.done_on),
            achieved=occasion.achieved,
            elsewhere=occasion.elsewhere,
            goes_on=occasion.goes_on,
            due=wording.spell(occasion.due),
            ground=plain_text(occasion.ground),
            kept=plain_text(occasion.kept),
            kept_until=wording.spell(occasion.kept_until),
            answer=plain_text(occasion.answer),
            changes=", ".join(dict.fromkeys(LABELS[language][field].lower() for field in occasion.changes)),
            code=occasion.code,
            confirm_by=wording.spell(occasion.confirm_by),
            asked=occasion.asked,
            shown=plain_text(occasion.shown),
            authority=wording.authority if occasion.for_another else "",
            stopped=occasion.stopped,
            heading=HEADINGS[language],
            form=[f"{LABELS[language][field]}:" for field in self._held] if asks_back(occasion) else [],
        )

    def _subject(self, kind: LetterKind, language: Language | None) -> str:
        languages = (language,) if language else BILINGUAL
        return " / ".join(self._wordings[each].subjects[kind] for each in languages) + ":"

    def _encoded_subjects(self, kind: LetterKind) -> dict[Language | None, str]:
        return {language: encoded(self._subject(kind, language), "Subject") for language in (*Language, None)}


def refuse_untruth(occasion: Occasion) -> None:
    """Raise ``LetterMistake`` where the law or the register does not bear the letter out."""
    if occasion.kind in (LetterKind.REFUSAL, LetterKind.LAPSE) and not occasion.ground.strip():
        raise LetterMistake(f"a {occasion.kind} needs a written ground")  # Law 94-V art. 8(7): motivated
    if occasion.kind is LetterKind.COMPLETION and occasion.elsewhere:
        raise LetterMistake("a completion was to be announced while other systems have still to follow")
    if occasion.kind is LetterKind.COMPLETION and not (occasion.done or occasion.answer.strip()):
        raise LetterMistake("a completion was to be announced, and nothing is recorded as done")


def asks_back(occasion: Occasion) -> bool:
    """Tell whether an update does not say what is to be changed."""
    is_update = occasion.kind is LetterKind.ACKNOWLEDGEMENT and occasion.type is RequestType.UPDATE
    return is_update and not occasion.changes and not occasion.achieved


def deliverable(address: str) -> str:
    """Return ``address`` as RCPT and To can carry it, an IDN domain as A-labels; the message of the error holds no address."""
    local, _, domain = address.rpartition("@")
    plain = f"{local}@{domain if domain.isascii() else a_labels(domain)}"
    if not local.isascii():
        raise UndeliverableAddress("the part before the @ is not ASCII")
    if len(plain) > ADDRESS_MAX or not DOT_ATOM_ADDRESS.fullmatch(plain):
        raise UndeliverableAddress("the address is not a plain one (RFC 5321 Mailbox with a Dot-string)")
    return plain


def a_labels(domain: str) -> str:
    """Return an internationalised domain in its ASCII form (IDNA 2008, so that ß does not become ss)."""
    from email_validator import EmailNotValidError, validate_email  # slow to import, and few domains need it

    try:
        return validate_email(f"postmaster@{domain}", check_deliverability=False).ascii_domain
    except EmailNotValidError:
        raise UndeliverableAddress("the domain is not an internationalised domain name") from None


def thread_fields(occasion: Occasion) -> dict[str, str]:
    """Return the fields that file the letter under the person's own (RFC 5322 section 3.6.4), sound message ids only."""
    parent = occasion.in_reply_to or ""
    newest_first = dict.fromkeys(filter(MESSAGE_ID.fullmatch, [parent, *reversed(occasion.references)]))
    kept = list(newest_first)[:REFERENCES_KEPT]
    return {
        **({"In-Reply-To": parent} if parent in newest_first else {}),
        **({"References": "\r\n ".join(reversed(kept))} if kept else {}),
    }


def automatic_fields(occasion: Occasion) -> dict[str, str]:
    """Return the fields that keep machines from answering (RFC 3834 section 5), and those of the body."""
    is_reply = occasion.kind is LetterKind.ACKNOWLEDGEMENT
    return {
        "Auto-Submitted": "auto-replied" if is_reply else "auto-generated",
        "X-Auto-Response-Suppress": "All",
        LOOP_MARK_FIELD: occasion.reference,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "base64",
        "Content-Language": ", ".join([occasion.language] if occasion.language else BILINGUAL),
    }


def finished(fields: dict[str, str], text: str) -> bytes:
    """Return the letter as it goes over the wire, its header read again first (H89)."""
    header = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    refuse_injection(header, list(fields))
    body = encodebytes(f"{text}\n".replace("\n", "\r\n").encode())
    return header.encode("ascii") + b"\r\n" + body.replace(b"\n", b"\r\n")


def enclosing(content: bytes, files: Sequence[Enclosure]) -> bytes:
    """Return a finished letter as the first part of one that carries files as well (RFC 2046, 5.1.3)."""
    header, _, text = content.decode("ascii").partition("\r\n\r\n")
    letter = EmailMessage(policy=SMTP)
    letter.set_content(decodebytes(text.encode()).decode(), cte="base64")
    for file in files:
        if not PLAIN_FILE_NAME.fullmatch(file.name):  # H89
            raise LetterMistake("the name of an enclosed file is not a plain one")
        charset = {"charset": "utf-8"} if file.maintype == "text" else None
        letter.add_attachment(file.content.encode(), file.maintype, file.subtype, filename=file.name, params=charset)
    letter.set_boundary(BOUNDARY)
    mixed = f"{header}\r\n".replace(TEXT_FIELDS, f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"\r\n')
    return mixed.encode() + b"\r\n" + letter.as_bytes().partition(b"\r\n\r\n")[2]


def without_code(content: bytes) -> bytes | None:
    """Return a finished letter without its one-time code, for whoever reads the store must not answer in somebody's name (H66).

    None: it has none.
    """
    header, _, body = content.partition(b"\r\n\r\n")
    code = CODE_IN_SUBJECT.search(header)
    if code is None:
        return None
    text = decodebytes(body).replace(code[1], _BLANK)
    return header.replace(code[1], _BLANK) + b"\r\n\r\n" + encodebytes(text).replace(b"\n", b"\r\n")


def has_lost_its_code(content: bytes) -> bool:
    """Tell whether a letter asks back with a one-time code that was taken out of it: nobody can confirm with what is left."""
    return b"\r\n %b\r\n" % _BLANK in content.partition(b"\r\n\r\n")[0]


def refuse_injection(header: str, intended: list[str]) -> None:
    """Raise ``LetterMistake`` unless a reader of ``header`` finds the intended fields, once each, and nothing else."""
    if NOT_FOR_A_HEADER.search(header):
        raise LetterMistake("a character in the header is not printable ASCII")
    lines = header.splitlines()
    if "".join(f"{line}\r\n" for line in lines) != header:
        raise LetterMistake("a line of the header ends in a bare CR or LF")
    if any(len(line) > LINE_MAX or not line.strip() for line in lines):
        raise LetterMistake("a line of the header is empty or too long")
    if [line.partition(":")[0] for line in lines if not line.startswith(" ")] != intended:
        raise LetterMistake("the header holds other fields than intended")


def operator_name(policy: Policy, language: Language) -> str:
    """Return the operator's name in ``language``, else the first that the policy gives."""
    name = policy.operator.get(language) or next(iter(policy.operator.values()))
    return " ".join(name.split())


def mailbox(name: str, address: str) -> str:
    """Return a From field: a name for people, as an encoded word where it needs one (RFC 2047), and the address."""
    shown = f'"{quote(name)}"' if name.isascii() else encoded(name, "From")
    return f"{shown}\r\n <{address}>"


def encoded(text: str, field: str) -> str:
    """Return ``text`` for the header ``field``, folded into encoded words unless it is ASCII."""
    return text if text.isascii() else Header(text, "utf-8", header_name=field).encode(linesep="\r\n")


def plain_text(words: str) -> str:
    """Return what staff wrote without control, bidi and half characters, which no letter may carry (H38)."""
    lines = (" ".join(line.split()) for line in words.splitlines())
    return "\n".join("".join(filter(is_visible, line)) for line in lines).strip()


def is_visible(character: str) -> bool:
    """Tell whether ``character`` is text: neither control nor format character, surrogate nor unassigned."""
    return not unicodedata.category(character).startswith("C")


def plain_text_environment() -> Environment:
    """Return the templates' environment: a missing value is an error, and nothing is escaped, for nothing is HTML."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        auto_reload=False,
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
    )
