"""The text of a policy as sentences, each with the number of its clause and the heading it stands under.

A clause is named by the nearest number before the sentence, as written there. Lines that only the width of the page broke are joined.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rules.charsets import clean_lines

LONGEST = 2_000
"""Characters of a sentence; a longer one is cut, so that no text costs more than its length."""
_REMEMBERED = 1_000
_HEADING = 90
_WIDTH = 60
"""A line at least so long was broken by the width of the page."""

_QUIET = str.maketrans(
    dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", "") | {"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " │ "}
)
_ORNAMENT = re.compile(r"^[\s>#]*(?:[*_]{1,2}(?=[\d\w«\"“]))?")
_EMPHASIS = re.compile(r"\*\*|__")
_BULLET = re.compile(r"[-–—•·▪◦●*]\s+")
_CALLED = r"(?:(?:§|п\.|пункт|статья|раздел|глава|section|clause|article|chapter|part)\s*)"
_NUMBER = re.compile(
    rf"(?P<called>{_CALLED})?(?P<number>\d{{1,2}}(?:\.\d{{1,3}}){{0,4}}|[IVX]{{1,5}}(?=\.))"
    r"(?P<stop>[.)]|\s?[-–]\s?(?:тармақ|бап|бөлім|тарау)\w*[.)]?)?(?=(?P<next>[\s│«\"“(•-]*\w)|\s*$)",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?;:…][»”\"')\]]*\s*$")
_STOP = re.compile(r"[.!?;…]+[»”\"'’)\]]*\s+(?=[«\"“„‘'(\[—–-]*\s?(?:[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ⟦]|\d{1,2}\.\d))")
_SHORT = re.compile(
    r"(?:^|[\s(«\"“№])(?:\w|ст|п|пп|ч|гл|г|гг|ул|д|тел|т|им|No|Nos|Art|art|Mr|Mrs|Dr|cl|sec|б|т\.е|т\.д|т\.п|e\.g|i\.e|"
    r"etc|Inc|Ltd|Co|St|руб|тг)\.\s+$"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, where it stands, and what was said before it in the same clause."""

    text: str
    clause: str | None
    heading: str
    before: str
    is_heading: bool = False
    is_item: bool = False

    @property
    def context(self) -> str:
        """Return the clause up to here."""
        return f"{self.before} {self.text}"


def sentences_of(text: str) -> list[Sentence]:
    """Return the sentences of a policy in their order."""
    return list(_Outline().sentences(_paragraphs(clean_lines(text).translate(_QUIET).split("\n"))))


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines with those joined to them that only continue them; an empty one where there is a gap."""
    held = ""
    for raw in lines:
        line = _EMPHASIS.sub("", _ORNAMENT.sub("", raw.rstrip(" │"))).strip()
        if held and line and len(held) < LONGEST and _continues(held, line):
            held = f"{held} {line}"
            continue
        if held:
            yield held
        held = line
    if held:
        yield held


def _continues(line: str, following: str) -> bool:
    """Tell whether a sentence goes on in the next line."""
    if _BULLET.match(following) or "│" in following:
        return False
    number = _NUMBER.match(following)
    begins_clause = number is not None and bool(number["called"] or number["stop"] or "." in number["number"])
    if _END.search(line):
        return False
    starts_small = (following[number.end() :].lstrip() if number and begins_clause else following)[:1].islower()
    if begins_clause:
        return starts_small and len(line) >= _WIDTH
    is_open = line.count("«") > line.count("»") or line.count("“") > line.count("”") or line.count('"') % 2 == 1
    return is_open or starts_small or line.endswith((",", "-", "—", "–")) or len(line) >= _WIDTH


class _Outline:
    """Where we are in the text: the clause and the heading."""

    def __init__(self) -> None:
        self._clause: str | None = None
        self._heading = ""
        self._before = ""
        self._is_item = False

    def sentences(self, paragraphs: Iterable[str]) -> Iterator[Sentence]:
        for paragraph in paragraphs:
            self._is_item = _BULLET.match(paragraph) is not None
            if self._clause is None and not self._is_item:
                self._before = ""
            text = _BULLET.sub("", paragraph, count=1) if self._is_item else paragraph
            number = self._number(text, is_first=True)
            if number:
                self._enter(number)
                text = text[number.end() :].strip(" │")
            pieces = list(_pieces(text))
            may_head = len(pieces) == 1 and not self._is_item and (number is None or "." not in number["number"])
            for piece in pieces:
                yield from self._sentence(piece, may_head=may_head)

    def _sentence(self, piece: str, *, may_head: bool) -> Iterator[Sentence]:
        number = None if may_head else self._number(piece, is_first=False)
        if number:
            self._enter(number)
            piece = piece[number.end() :].strip(" │")
        if not any(map(str.isalnum, piece)):
            return
        is_heading = (
            may_head and len(piece) <= _HEADING and not _END.search(piece) and "│" not in piece and "@" not in piece and "⟦" not in piece
        )
        if is_heading and piece[:1].isupper():
            self._heading, self._before = piece, ""
        yield Sentence(piece, self._clause, self._heading, self._before, is_heading, self._is_item)
        self._before = f"{self._before} {piece}"[-_REMEMBERED:]

    def _enter(self, number: re.Match[str]) -> None:
        name, stop = number["number"], number["stop"] or ""
        if stop == ")" and self._clause and not number["called"]:
            return  # an item of the clause
        if name != self._clause:
            self._clause, self._before = name, ""

    def _number(self, piece: str, *, is_first: bool) -> re.Match[str] | None:
        """Return the number that a clause begins with."""
        found = _NUMBER.match(piece)
        if found is None or (not is_first and "." not in found["number"]):
            return None
        if found["called"] or "." in found["number"]:
            return found
        capital = (found["next"] or "x").lstrip(' │«"“(•-')[:1].isupper()
        if found["stop"]:
            return found if capital or not found["next"] or found["stop"] == ")" else None
        top = (self._clause or "0").partition(".")[0]
        follows = top.isdigit() and found["number"].isdigit() and int(found["number"]) == int(top) + 1
        return found if capital and follows and piece[found.end() : found.end() + 1] != "-" else None


def _pieces(paragraph: str) -> Iterator[str]:
    """Yield the sentences of a paragraph."""
    start = 0
    for stop in _STOP.finditer(paragraph):
        if stop.end() - start > LONGEST or not _SHORT.search(paragraph[max(start, stop.start() - 6) : stop.end()]):
            yield from _cut(paragraph[start : stop.end()].strip())
            start = stop.end()
    yield from _cut(paragraph[start:].strip())


def _cut(sentence: str) -> Iterator[str]:
    for start in range(0, len(sentence), LONGEST):
        yield sentence[start : start + LONGEST]
