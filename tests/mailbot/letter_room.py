"""An office of an invented operator, and letters out of it, for the tests of the letters."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import count, product
from typing import Any

from mailbot.letters import Letter, LetterOffice, Occasion
from rules.policy import Law, Policy
from rules.vocabulary import Duty, Language, LetterKind, RequestType

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
DUE = date(2026, 12, 11)
REFERENCE = "2026-00042-K"
NAMES = {Language.KK: "«Үлгі» ЖШС", Language.RU: "ТОО «Образец»", Language.EN: "Sample LLP"}
LANGUAGES = (*Language, None)
TYPES = (*RequestType, None)
OF_ONE_TYPE = {LetterKind.CONFIRMATION: RequestType.UPDATE, LetterKind.NOTICE: RequestType.UPDATE, LetterKind.ANSWER: RequestType.ACCESS}
OF_EVERY_TYPE = tuple(kind for kind in LetterKind if kind not in OF_ONE_TYPE)
EVERY_LETTER = (
    *product(OF_EVERY_TYPE, TYPES, LANGUAGES),
    *((kind, request_type, language) for kind, request_type in OF_ONE_TYPE.items() for language in LANGUAGES),
)
CODE = "0123456789abcdefghjkmnpqrs"


def an_office(names: dict[Language, str] = NAMES) -> LetterOffice:
    """Open an office that numbers its letters 1, 2, 3 …"""
    tokens: Iterator[int] = count(1)
    return LetterOffice(a_policy(names), "info@sample.example", "bounces@sample.example", lambda: str(next(tokens)))


def a_policy(names: dict[Language, str]) -> Policy:
    """Return a policy that says nothing but who the operator is."""
    return Policy(
        name="sample",
        law=Law(name="kz-94v", title="", country="KZ", limits=(), articles={}),
        operator=names,
        inboxes=("info@sample.example",),
        languages=tuple(names),
        marks=(),
        limits=(),
        clauses={},
        data_held=(),
        purposes=(),
        third_parties=(),
        in_force_from=None,
        source_url="",
        sha256="",
        version="1",
    )


def an_occasion(
    kind: LetterKind = LetterKind.ACKNOWLEDGEMENT,
    request_type: RequestType | None = RequestType.ACCESS,
    language: Language | None = Language.EN,
    recipient: str = "aigul@example.com",
    **facts: Any,
) -> Occasion:
    """Return an occasion that the law and the register bear out, whatever its kind."""
    borne_out: dict[LetterKind, dict[str, Any]] = {
        LetterKind.ACKNOWLEDGEMENT: {},
        LetterKind.REFUSAL: {"ground": "Art. 8(2)"},
        LetterKind.LAPSE: {"ground": "Art. 10(2)"},
        LetterKind.COMPLETION: {"done": frozenset({Duty.ANSWER})},
        LetterKind.CONFIRMATION: {"code": CODE, "confirm_by": DUE},
        LetterKind.NOTICE: {"shown": "n…@e…e.com"},
    }
    return Occasion(kind, request_type, language, REFERENCE, recipient, **{**borne_out.get(kind, {}), **facts})


def read(letter: Letter) -> EmailMessage:
    """Read a letter as a stranger's mail client would."""
    message = message_from_bytes(letter.content, _class=EmailMessage, policy=default)
    assert not message.defects
    return message


def text_of(letter: Letter) -> str:
    """Return what the person reads."""
    text = read(letter).get_content()
    assert isinstance(text, str)
    return text.replace("\r\n", "\n")
