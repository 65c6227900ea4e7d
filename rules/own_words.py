"""The words of a message that its sender wrote: no quotation, no forwarded message, no signature (H51).

Linear: each line is looked at once, with a few lines after it at most.
"""

import re

from rules.message import Message

_WRAPPED_AT = 60
_QUOTE_MARKS = frozenset(">|")
_HEADER_WITHIN = 6

_SAYS = (
    "wrote:",
    "writes:",
    "пишет:",
    "писал:",
    "писала:",
    "писал(а):",
    "написал:",
    "написала:",
    "написал(а):",
    "жазды:",
    "жазған:",
)
_BEGINS_WITH_DATE = re.compile(r"[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}\b")
_WHEN_OR_WHO = re.compile(r"[0-9@<]")
_MARKER = re.compile(
    r"(?P<signature>(?:с (?:глубоким )?уважением|с наилучшими пожеланиями|всего доброго"
    r"|(?:best|kind|warm|with best|with kind) regards|regards|sincerely|yours (?:sincerely|faithfully|truly)"
    r"|(?:зор )?құрметпен|ізгі ниетпен)\b[ ,.!]*)"
    r"|(?P<copied>[*_ ]*(?:from|от|от кого|отправитель|кімнен)[* ]*:)"
    r"|(?P<divider>--\Z"  # RFC 3676, 4.3
    r"|(?:-{2,} ?|begin )(?:original message|original appointment|forwarded (?:message|by)|исходное сообщение"
    r"|(?:пересылаемое|пересланное|перенаправленное) сообщение|бастапқы хабар|түпнұсқа хабар"
    r"|(?:қайта )?жіберілген хабар|бағытталған хабар)"
    r"|начало (?:переадресованного|пересылаемого|пересланного) сообщения)"
)
_OTHER_FIELD = re.compile(
    r"[*_ ]*(?:(?P<when>sent|date|отправлено|дата|жіберіл(?:ді|ген)(?: күні| уақыты)?|күні)"
    r"|to|cc|subject|кому|копия|тема|кімге|көшірме|тақырыбы?)[* ]*:"
)
_MAX_MARKER = 80
_MARKER_STARTS = frozenset("-_*bfокнсвkrswyзқі")
"""First letters (lower case) of the lines that a divider, a copied header or a signature can begin with."""


def own_words(text: str) -> str:
    """Return the lines that the sender wrote, in order."""
    lines = text.splitlines()
    own: list[str] = []
    for number, line in enumerate(lines):
        bare = line.strip()
        if not bare or bare[0] in _QUOTE_MARKS:
            own.append("")
            continue
        if bare[-1] == ":" and _is_attribution(lines, number):
            _drop_begun_attribution(own)
            if not _quote_follows(lines, number):
                break
            continue
        if bare[0].lower() in _MARKER_STARTS and _ends_own_words(lines, number, bare):
            break
        own.append(line.rstrip())
    return _squeezed(own)


def rejoined(text: str) -> str:
    """Return the text with the lines joined again that a mail program broke: the next word had no room (RFC 3676, 4.1)."""
    pieces: list[str] = []
    before = ""
    for line in text.split("\n"):
        was_broken = line[:1].islower() and len(f"{before} {line.partition(' ')[0]}") > _WRAPPED_AT
        pieces += (" " if was_broken else "\n", line)
        before = line
    return "".join(pieces[1:])


def carries_another(message: Message) -> bool:
    """Tell whether a message carries one of somebody else, in its text or attached (H51)."""
    return any(each.type == "message/rfc822" for each in message.attachments) or holds_forwarded(message.text or "")


def holds_forwarded(text: str) -> bool:
    """Tell whether a message of somebody else, or the copied header of one, stands in the text."""
    for line in text.splitlines():
        bare = line.strip().lower()
        if bare and bare[0] in _MARKER_STARTS and (marker := _MARKER.match(bare)):
            divider = marker["divider"]
            if marker["copied"] or (divider and divider != "--"):
                return True
    return False


def first_words(text: str, *, lines: int = 3) -> str:
    """Return the first lines that the sender wrote, empty ones not counted."""
    written = [line.strip() for line in own_words(text).splitlines() if line.strip()]
    return "\n".join(written[:lines])


def _is_attribution(lines: list[str], number: int) -> bool:
    """Tell whether a line announces a quotation: «On … wrote:», «… пишет:», «… жазды:»; it may be broken in two."""
    line = lines[number].strip()
    if "@" in line and (line.endswith(">:") or _BEGINS_WITH_DATE.match(line)):
        return True
    if not line.lower().endswith(_SAYS):
        return False
    before = lines[number - 1] if number else ""
    return bool(_WHEN_OR_WHO.search(line) or _begins_attribution(before) or _quote_follows(lines, number))


def _begins_attribution(line: str) -> bool:
    return line.startswith(("On ", "Am ", "Le ")) and bool(_WHEN_OR_WHO.search(line))


def _drop_begun_attribution(own: list[str]) -> None:
    """Take back the first half of an attribution that was broken in two."""
    if own and _begins_attribution(own[-1]):
        own.pop()


def _quote_follows(lines: list[str], number: int) -> bool:
    """Tell whether the next line that holds anything is quoted with a mark; then own words may follow it."""
    for line in lines[number + 1 : number + 4]:
        if start := line.lstrip()[:1]:
            return start in _QUOTE_MARKS
    return False


def _ends_own_words(lines: list[str], number: int, bare: str) -> bool:
    """Tell whether a signature, a divider or a copied header begins here."""
    marker = _MARKER.match(bare[:_MAX_MARKER].lower())
    if marker is None:
        return False
    if marker.lastgroup == "signature":
        rest = bare[marker.end() : marker.end() + 1]
        return not rest or rest.isupper()  # nothing or a name follows; «С уважением прошу …» goes on
    return marker.lastgroup == "divider" or _is_copied_header(lines, number)


def _is_copied_header(lines: list[str], number: int) -> bool:
    """Tell whether «From:» heads a forwarded message: two more fields follow, one of them the time of sending.

    A formal letter that only begins «От: …» or «Кому: …» is the sender's own.
    """
    fields: list[re.Match[str]] = []
    for line in lines[number + 1 : number + 1 + _HEADER_WITHIN]:
        field = _OTHER_FIELD.match(line[:40].strip().lower())
        if field is None and not fields:
            break
        if field is not None:
            fields.append(field)
    return len(fields) >= 2 and any(field["when"] for field in fields)


def _squeezed(lines: list[str]) -> str:
    """Join lines with at most one empty line between two others."""
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).strip()
