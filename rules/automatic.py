"""Mail that is never answered: one ordered table of small rules, each with its reason word.

What a machine sent, and our own mail come back, is ``automatic``: recorded, linked, never a request. The other kinds are
read like any message, for a person may stand behind them; they are only never answered.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rules.addresses import mailbox_key
from rules.authentication import organisation_of
from rules.message import Message
from rules.promises import PROVIDERS_ABROAD

LOOP_MARK_FIELD = "X-Mailbot-Loop"
"""The field that every letter of ours carries (H84)."""


class Kind(StrEnum):
    """What sort of mail is never answered."""

    OWN = "own"
    BOUNCE = "bounce"
    READ_RECEIPT = "read_receipt"
    REPORT = "report"
    AUTO_REPLY = "auto_reply"
    LIST = "list"
    BULK = "bulk"
    SPAM = "spam"
    NO_REPLY = "no_reply"
    NOT_TO_US = "not_to_us"


SHORTEST_REFRAIN = 40
"""Characters from which on the same text of two senders is no chance: what people write by a button or in a word is shorter."""
LONGEST_REFRAIN = 2000
"""Characters of a text that are looked at: a robot says the same from its first word on."""
_COMPARED = LONGEST_REFRAIN // 2
"""Characters of what is left of them that are compared, so that a longer name moves no end."""

_READ_LIKE_ANY = frozenset({Kind.SPAM, Kind.NO_REPLY, Kind.NOT_TO_US})


@dataclass(frozen=True, slots=True)
class OwnMail:
    """What our own mail is known by: the keys (``mailbox_key``) of the operator's inboxes, aliases and sender addresses.

    Addresses of staff do not belong here: a request from one of them is a request (H75).
    """

    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Screening:
    """Why a message is never answered."""

    kind: Kind
    reason: str

    @property
    def automatic(self) -> bool:
        """Tell whether no person asks anything here: it is recorded and linked, and never a request."""
        return self.kind not in _READ_LIKE_ANY

    @property
    def acts_allowed(self) -> bool:
        """Tell whether a request may be carried out without a person (H78)."""
        return not self.automatic and self.kind is not Kind.SPAM


_SHARED_DOMAINS = PROVIDERS_ABROAD | frozenset(
    {"mail.kz", "inbox.kz", "nur.kz", "rambler.ru", "internet.ru", "me.com", "msn.com", "aol.com"}
)
_AROUND_A_WORD = ".,;:!?()[]<>*_\"'«»“”„‘’…—–-"

Rule = Callable[[Message, OwnMail], Screening | None]

_REPORTS = {"delivery-status": Kind.BOUNCE, "disposition-notification": Kind.READ_RECEIPT}
_REPORT_TYPE = re.compile(r"report-type[ \t]*=[ \t]*\"?([\w.-]+)", re.IGNORECASE | re.ASCII)
_MAX_CONTENT_TYPE = 8000
_MAX_FROM = 1000

_ROBOT_FIELDS = (
    ("x-failed-recipients", Kind.BOUNCE),
    ("x-autoreply", Kind.AUTO_REPLY),
    ("x-autorespond", Kind.AUTO_REPLY),
    ("x-autoresponder", Kind.AUTO_REPLY),
    ("x-auto-reply-from", Kind.AUTO_REPLY),
)
_PRECEDENCES = {"bulk": Kind.BULK, "junk": Kind.BULK, "list": Kind.LIST, "auto_reply": Kind.AUTO_REPLY}
_MAILER = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon)(?:[+=].*)?@", re.IGNORECASE)
_NO_REPLY = re.compile(
    r"(?:no|not|do[-_.]?not|dont)[-_.]?reply|owner-|[^@]*-(?:request|owner|bounces?)[@+]|bounces?[@+-]|[^@]*[-_.]no-?reply@", re.IGNORECASE
)
_SPAM_FIELDS = (
    ("x-spam-flag", "yes"),
    ("x-spam-status", "yes"),
    ("x-spam", "yes"),
    ("x-spam-action", "add header"),
    ("x-yandex-spam", "4"),
)

_SUBJECTS = re.compile(
    r"(?P<auto_reply>(?:automatic reply|auto[- ]?reply|auto[- ]?response|vacation (?:reply|notice)"
    r"|автоответ|автоматический ответ|автоматическое уведомление|вне офиса|отсутствую на рабочем месте"
    r"|автоматты(?: түрде)? жауап(?: беру)?|автожауап)[ ]?(?:[:.!;,(–—-]|\Z)"
    r"|out of (?:the )?office\b)"
    r"|(?P<bounce>undeliver(?:able|ed)(?: mail\b|:)|mail delivery (?:failed|failure|system|warning|delayed|problem)"
    r"|delivery status notification|returned mail\b"
    r"|message (?:delivery failure|not delivered|undeliverable)|failure notice\Z|delivery (?:has )?failed:"
    r"|delivery failure(?:\Z|:| noti)|delivery notification: delivery|mail system error|mail failure\Z|nondeliverable mail\b"
    r"|warning: (?:could not send message|message [^ ]{1,40} delayed)"
    r"|недоставленное (?:сообщение|письмо)|недоставлено:|не доставлено:|(?:сообщение|письмо) не доставлено"
    r"|не удалось доставить (?:сообщение|письмо|почт)|ошибка доставки (?:сообщения|письма|почты)"
    r"|жеткізілмеген (?:хабар|хат)|жеткізілмеді:|хабар жеткізілмеді)"
    r"|(?P<read_receipt>(?:read|not read|delivered|прочитано|прочтено|не прочитано|доставлено|оқылды|оқылмады|жеткізілді):)"
)


def screen(message: Message, own: OwnMail) -> Screening | None:
    """Return why a message is never answered; None for ordinary mail, which may be."""
    for rule in RULES:
        if screening := rule(message, own):
            return screening
    return None


def refrain(text: str | None) -> str | None:
    """Return what a robot without any mark says each time: its words without names, numbers and addresses (H82).

    None of what many people may say.
    """
    said = (text or "")[:LONGEST_REFRAIN]
    words = (word.strip(_AROUND_A_WORD) for word in (said.lower() if said.isupper() else said).split())
    kept = " ".join(word for word in words if word.isalpha() and not word[0].isupper())[:_COMPARED]
    return kept if len(kept) >= SHORTEST_REFRAIN else None


def voice_of(address: str) -> str:
    """Return what a robot that changes its address keeps: its organisation, and at a public provider its mailbox without a +tag (H82).

    Strangers to each other have mailboxes there, and what they say alike is no robot's refrain.
    """
    local, _, domain = mailbox_key(address).rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if domain in _SHARED_DOMAINS else organisation_of(domain)


def own_mail(message: Message, own: OwnMail) -> Screening | None:
    """H29: our own letter come back, by its mark or its sender."""
    if "x-mailbot-loop" in message.fields:
        return Screening(Kind.OWN, "loop_mark")
    if message.sender and mailbox_key(message.sender) in own.addresses:
        return Screening(Kind.OWN, "own_address")
    return None


def report(message: Message, _own: OwnMail) -> Screening | None:
    """H72: delivery, disposition, feedback and TLS reports (RFC 6522)."""
    content_type = message.fields.get("content-type", ("",))[0][:_MAX_CONTENT_TYPE]
    if not content_type.lower().startswith("multipart/report"):
        return None
    report_type = _REPORT_TYPE.search(content_type)
    return Screening(_REPORTS.get(report_type[1].lower(), Kind.REPORT) if report_type else Kind.REPORT, "multipart_report")


def auto_submitted(message: Message, _own: OwnMail) -> Screening | None:
    """H70: Auto-Submitted with any value but ``no`` (RFC 3834, 5)."""
    for value in message.fields.get("auto-submitted", ()):
        if _keyword(value) != "no":
            return Screening(Kind.AUTO_REPLY, "auto_submitted")
    return None


def null_return_path(message: Message, _own: OwnMail) -> Screening | None:
    """H71: the null reverse-path asks for no answer (RFC 5321, 4.5.5)."""
    return Screening(Kind.BOUNCE, "null_return_path") if message.return_path == "" else None


def mailer_daemon(message: Message, _own: OwnMail) -> Screening | None:
    """H72: mail of a mail system itself, by its From, its Sender or its envelope."""
    named = (address for address in (message.sender, message.sender_field, message.return_path) if address)
    is_mailer = any(_MAILER.match(f"{address}@") for address in named) or (message.sender is None and _names_mailer(message))
    return Screening(Kind.BOUNCE, "mailer_daemon") if is_mailer else None


def _names_mailer(message: Message) -> bool:
    """Tell whether a From that holds no address names a mail system, as "MAILER-DAEMON" alone does."""
    field = message.fields.get("from", ("",))[0][:_MAX_FROM]
    return any(_MAILER.match(f"{each}@") for each in re.split(r"[\s<>\"]+", field))


def robot_field(message: Message, _own: OwnMail) -> Screening | None:
    """H74: fields that only robots write."""
    for name, kind in _ROBOT_FIELDS:
        if name in message.fields:
            return Screening(kind, name.replace("-", "_"))
    return None


def list_mail(message: Message, _own: OwnMail) -> Screening | None:
    """H73: mailing lists and bulk mail (RFC 2919, 2369)."""
    fields = message.fields
    if "mailing-list" in fields or "\nlist-" in "\n" + "\n".join(fields):
        return Screening(Kind.LIST, "list_field")
    for value in fields.get("precedence", ()):
        if kind := _PRECEDENCES.get(_keyword(value).replace("-", "_")):
            return Screening(kind, "precedence")
    return None


def robot_subject(message: Message, _own: OwnMail) -> Screening | None:
    """H77: notices known only by how their subject begins; «Re: Automatic reply» is a person's."""
    match = _SUBJECTS.match(message.subject[:100].lower())
    kind = match.lastgroup if match else None
    return Screening(Kind(kind), f"{kind}_subject") if kind else None


def marked_spam(message: Message, _own: OwnMail) -> Screening | None:
    """H78: the server thinks it is spam. A request in it is still a request, for staff."""
    for name, verdict in _SPAM_FIELDS:
        for value in message.fields.get(name, ()):
            if value.lower().startswith(verdict):
                return Screening(Kind.SPAM, "spam_mark")
    return None


def answer_unwanted(message: Message, _own: OwnMail) -> Screening | None:
    """H74, H75: the sender says that nobody reads an answer; people's mail may say so too."""
    if any(_keyword(value) != "none" for value in message.fields.get("x-auto-response-suppress", ())):
        return Screening(Kind.NO_REPLY, "auto_response_suppress")
    if message.sender and _NO_REPLY.match(message.sender):
        return Screening(Kind.NO_REPLY, "no_reply_sender")
    return None


def not_to_us(message: Message, own: OwnMail) -> Screening | None:
    """H76: none of our addresses in To, Cc or their Resent forms (RFC 5230, 4.5)."""
    if any(mailbox_key(address) in own.addresses for address in message.recipients):
        return None
    return Screening(Kind.NOT_TO_US, "not_addressed_to_us")


RULES: tuple[Rule, ...] = (
    own_mail,
    report,
    auto_submitted,
    null_return_path,
    mailer_daemon,
    robot_field,
    list_mail,
    robot_subject,
    marked_spam,
    answer_unwanted,
    not_to_us,
)


def _keyword(value: str) -> str:
    """Return the first word of a field, without comments and parameters (RFC 3834, 5)."""
    value = value[:200].lower()
    while value.startswith("(") and ")" in value:
        value = value.partition(")")[2].lstrip()
    return re.split(r"[ \t;(]", value.strip())[0]
