"""``mailbot cases``: what staff corrected, as cases for those who look after recognition, without what names a person.

What is taken out is what a program can find. A person reads the cases before they are sent on, and is told so.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from mailbot.cli.terms import ConfigOption, print_lines, read_day, settings_in, store_of
from rules.normal_form import plain

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.corrections import Correction
    from storage.register import Registered

cases_app = typer.Typer(name="cases", help="What staff corrected, for those who look after recognition.", no_args_is_help=True)

LONGEST = 4000
"""Characters of a message that a case holds."""

READ_FIRST = "read every case before you send it on: names of others, places and circumstances may still stand in it\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A message without what names its sender, and what staff say it is."""

    operator: str
    language: str
    subject: str
    body: str
    expected: str
    why: str


@cases_app.callback()
def cases() -> None:
    """What staff corrected, for those who look after recognition."""


@cases_app.command("export")
def export(
    config: ConfigOption = None,
    *,
    since: Annotated[str | None, typer.Option("--since", metavar="DAY", help="Only what was corrected on this day or later.")] = None,
) -> None:
    """Print what staff corrected as labelled cases, in TOML.

    Addresses, telephone numbers, long numbers, links and the sender's own name are taken out. Read the cases before you send them on.
    """
    first = read_day(since, "--since") if since else None
    settings = settings_in(config)
    begin = datetime.combine(first, time(), ZoneInfo(settings.operator.timezone)) if first else None
    with store_of(settings) as database, database.read() as tx:
        from storage import corrections

        kept = corrections.corrected_since(tx, begin)
        first_of_each = {correction.reference: correction for correction in reversed(kept)}  # later ones correct what staff said
        found = [(each, _case(tx, each)) for _, each in sorted(first_of_each.items())]
    ready = [case for _, case in found if case is not None]
    print_lines(line for case in ready for line in _toml(case))
    if untyped := [correction.reference for correction, case in found if case is None]:
        sys.stderr.write(f"left out, for nobody has said what they are: {', '.join(untyped)} (`mailbot requests mark`)\n")
    if ready:
        sys.stderr.write(READ_FIRST)
    else:
        print_lines(["# There is no case to export: nobody has corrected anything" + (f" since {first}." if first else " yet.")])


def _case(tx: "Connection", correction: "Correction") -> Case | None:
    """Return what was corrected as a case, by what the register says today; None while nobody has said what it is."""
    from rules.encoded_words import decode_header_text
    from rules.message import read_header
    from rules.own_words import own_words
    from storage import evidence, register

    request = register.find_request(tx, correction.reference)
    messages = evidence.messages_of(tx, correction.reference)
    expected = _expected(request) if request else None
    if request is None or expected is None or not messages:
        return None
    message = read_header(messages[0].header)
    names = (
        decode_header_text(" ".join(message.fields.get("from", ()))).text.replace("_", " ") + " " + (request.sender or "").partition("@")[0]
    )
    nameless = Nameless(names)
    was = f"{correction.was_outcome}{f' ({correction.was_type})' if correction.was_type else ''}"
    return Case(
        operator=request.policy,
        language=request.language or "",
        subject=nameless.text(message.subject),
        body=nameless.text(own_words(messages[0].text or "")),
        expected=expected,
        why=nameless.text(f"Staff say so. mailbot made of it: {was}: {correction.was_reason}"),
    )


def _expected(request: "Registered") -> str | None:
    """Return the label of a case: the type that the request has today, ``none`` where it was none; None while it is held."""
    from rules.vocabulary import Outcome, State

    if request.state is State.NO_REQUEST:
        return "none"
    return str(request.type) if request.outcome is Outcome.REQUEST and request.type else None


def _toml(case: Case) -> Iterator[str]:
    """Yield a case as a table in TOML; what cannot be seen is marked where it is printed."""
    yield "[[case]]"
    for key, value in asdict(case).items():
        first, *more = value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", " ").split("\n")
        if more:
            yield from (f'{key} = """', first, *more[:-1], f'{more[-1]}"""')
        else:
            yield f'{key} = "{first}"'
    yield ""


# --- what names a person -----------------------------------------------------------------------------------------------------------

NAME, MAIL, PHONE, LINK = "Имя", "name@example.com", "+7 700 000 00 00", "https://example.com"

_LINK = re.compile(r"(?:https?://|www\.)\S+|(?<![\w@.-])[\w-]+(?:\.[\w-]+)+/\S*", re.IGNORECASE)
_MAIL = re.compile(
    r"[^\s<>()\[\]\"',;:«»]{1,64}(?:@|\s?[(\[](?:at|собака)[)\]]\s?)[\w-]+(?:(?:\.|\s?[(\[](?:dot|точка)[)\]]\s?)[\w-]+)+|(?<!\w)@\w{3,}",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w+])(?:\+\d(?:[ ().-]{0,2}\d){7,14}"
    r"|(?:[78][ (.-]{0,2})?\d{3}(?:[ ).-]{0,2}\d{3})(?:[ .-]?\d{2}){2}"
    r"|\d{2,3}-\d{2}-\d{2})(?!\d|-\d)"
)
_LONG_NUMBER = re.compile(r"\d(?:[ .-]?\d){8,}|\d{5,}")
_NAMED = re.compile(
    r"(?P<said>\b(?:меня зовут|фио|фамилия|имя|отчество|с уважением|менің атым|құрметпен|my name is|i am|surname|name|regards)[ :,—-]{1,4})"
    r"(?:[^\W\d_][\w-]+[ ]?){1,3}",
    re.IGNORECASE,
)
"""What stands behind the words with which people say their names."""
_DOUBLE_VOWEL = re.compile(r"([aeiou])\1")
_DIGIT = re.compile(r"\d")
_PATRONYMIC = re.compile(
    r"(?:\b[А-ЯЁӘІҢҒҮҰҚӨҺ][\w-]{1,40}\s{1,3}){0,2}\b[А-ЯЁӘІҢҒҮҰҚӨҺ]\w+(?:ович|евич|овн|евн|ичн)(?:а|у|ы|е|ой|ою|ем|ей)?\b(?:\s{1,3}[А-ЯЁӘІҢҒҮҰҚӨҺ]\w+)?"
    r"|(?:\b[А-ЯЁӘІҢҒҮҰҚӨҺ][\w-]{1,40}\s{1,3}){0,2}\b[А-ЯЁӘІҢҒҮҰҚӨҺ]\w+(?:ұлы|улы|қызы|кызы)\w{0,4}\b"
)
_WORD = re.compile(r"[^\W\d_]{2,}(?:'s)?")
_WORD_OR_PLACEHOLDER = re.compile(rf"{re.escape(LINK)}|{re.escape(MAIL)}|{_WORD.pattern}")
_ENDINGS = "s а я у ю е ы и й о ой ей ою ею ом ем ым ого ому ға ге қа ке ны ні ды ді ты ті ның нің дың дің тың тің дан ден"
"""What stands after a name in Russian and Kazakh cases, and of an English owner."""
_LETTERS = dict(
    zip(
        "абвгғдеёзийіклмнңопрстуұүфһөқәэьъыхжшщчцюя",
        "a b v g g d e e z i i i k l m n n o p r s t u u u f h o k a e _ _ i h j sh sh ch ts iu ia".replace("_", "").split(" "),
        strict=True,
    )
)
_ALIKE = (("kh", "h"), ("zh", "j"), ("gh", "g"), ("q", "k"), ("w", "u"), ("x", "ks"), ("y", "i"), ("'", ""))
"""What people write one way or another when they spell a Kazakh or Russian name in Latin letters."""


LEAST_NAME = 3
_NOBODYS = frozenset({"com", "kz", "ru", "net", "org", "mail", "gmail", "info", "example", "yandex", "bk", "inbox", "list", "icloud"})


class Nameless:
    """Takes out of a text what names a person: whatever looks like an address or a number, and the words of one name."""

    def __init__(self, names: str) -> None:
        """``names`` are the sender's display name and the words of the address."""
        words = {_in_latin(word) for word in _WORD.findall(names.replace("_", " "))} - _NOBODYS
        stems = sorted(re.escape(word.rstrip("aeiou")) + "[aeiou]?" for word in words if len(word) >= LEAST_NAME)
        endings = "|".join(sorted(map(_in_latin, _ENDINGS.split())))
        self._name = re.compile(f"(?:{'|'.join(stems)})(?:{endings})?") if stems else None

    def text(self, text: str) -> str:
        """Return the text without them."""
        text = plain(text, LONGEST)  # numbers come with every kind of space and hyphen between their digits
        for pattern, placeholder in ((_LINK, LINK), (_MAIL, MAIL), (_PHONE, PHONE)):
            text = pattern.sub(placeholder, text)
        text = _LONG_NUMBER.sub(lambda found: _DIGIT.sub("0", found[0]) if found[0] not in PHONE else found[0], text)
        text = _NAMED.sub(lambda found: found["said"] + NAME + " ", text)
        text = _PATRONYMIC.sub(NAME, text)
        return _WORD_OR_PLACEHOLDER.sub(lambda found: NAME if self._names(found[0]) else found[0], text)

    def _names(self, word: str) -> bool:
        return self._name is not None and self._name.fullmatch(_in_latin(word)) is not None


def _in_latin(word: str) -> str:
    """Return how a word sounds, roughly, in Latin letters: «Айгуль» and “Aigul” are one name."""
    sound = "".join(_LETTERS.get(letter, letter) for letter in word.lower())
    for written, meant in _ALIKE:
        sound = sound.replace(written, meant)
    return _DOUBLE_VOWEL.sub(r"\1", sound)
