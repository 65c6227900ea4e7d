"""The text of a policy as sentences, each with the number of its clause and the heading it stands under.

A clause is named by the nearest number before the sentence, as written there. Lines that only the width of the page broke are joined.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rules.charsets import clean_lines
from rules.policy_text.markup import CELL, SHOWN_OFF

LONGEST = 2_000
"""Characters of a sentence; a longer one is cut, so that no text costs more than its length."""
_REMEMBERED = 1_000
_HEADING = 90
_WIDTH = 60
"""A line at least so long was broken by the width of the page."""

_QUIET = str.maketrans(
    dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", "") | {"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": f" {CELL} "}
)
_MARKDOWN = re.compile(r"\*\*([^*\n]{1,150})\*\*|(?<!\w)__([^_\n]{1,150})__(?!\w)|(?<!`)`([^`\n]{1,150})`(?!`)")
_ORNAMENT = re.compile(r"^[\s>#]*(?:[*_]{1,2}(?=[\d\w«\"“]))?|\*\*|__")
_BULLET = re.compile(r"[-–—•·▪◦●*]\s+|\(?[a-zа-яәғқңөұүһі]\)\s+", re.IGNORECASE)
_CHAPTER = r"раздел|глава|часть|chapter|part|тарау|бөлім"
_CALLED = rf"(?:(?:§|п\.|пп\.|ст\.|пункт|подпункт|статья|параграф|section|clause|article|paragraph|{_CHAPTER})\s*)"
_NUMBER = re.compile(
    rf"(?P<called>{_CALLED})?(?P<open>\()?(?P<number>\d{{1,2}}(?:\.\d{{1,3}}){{0,4}}|[IVX]{{1,5}}(?!\w))"
    rf"(?P<stop>[.):]|\s?[-–]?\s?(?:тармақша|тармақ|бап|{_CHAPTER})(?!\w)[.)]?)?(?=(?P<next>[\s{CELL}⟪«\"“(•-]*\w)|\s*$)",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?;:…][»”\"')\]⟫]*\s*$")
_STOP = re.compile(r"[.!?;…]+[»”\"'’)\]⟫]*\s+(?=[«\"“„‘'(\[—–-]*\s?[⟪⟦«\"“]?(?:[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ⟦]|\d{1,2}\.\d))")
_SHORT = re.compile(
    r"(?:^|[\s(«\"“№])(?:\w|ст|п|пп|ч|гл|г|гг|ул|д|тел|т|им|No|Nos|Art|art|Mr|Mrs|Dr|cl|sec|б|т\.е|т\.д|т\.п|e\.g|i\.e|"
    r"etc|Inc|Ltd|Co|St|руб|тг)\.\s+$"
)
_LABELLED = re.compile(
    r"(?<!\w)(?:subject|title|тем[аеыу]|тақыры[пб])\w*[^.:«“\"]{0,40}:\s*[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ][^.:«“\"]{2,80}$", re.IGNORECASE
)
"""A line that ends with a mark of its own: «Тема письма: Отзыв согласия»."""
_NO_HEADING = re.compile(rf"[{CELL}@⟦]|{_END.pattern}|{_LABELLED.pattern}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, where it stands, and what was said before it in the same clause."""

    text: str
    clause: str | None
    heading: str
    before: str
    lead: str = ""
    """What introduces the list that the sentence is an item of."""
    shown: str = ""
    """The sentence with brackets around what stands out in it."""
    is_heading: bool = False
    is_item: bool = False

    @property
    def context(self) -> str:
        """Return the clause up to here."""
        return f"{self.before} {self.text}"


class _Paragraph(NamedTuple):
    text: str
    is_heading: bool


def sentences_of(text: str) -> list[Sentence]:
    """Return the sentences of a policy in their order."""
    quiet = _MARKDOWN.sub(lambda found: f"⟪{found[1] or found[2] or found[3]}⟫", clean_lines(text).translate(_QUIET))
    outline = _Outline()
    return [sentence for paragraph in _paragraphs(quiet.split("\n")) for sentence in outline.sentences(paragraph)]


def _paragraphs(raw_lines: Sequence[str]) -> Iterator[_Paragraph]:
    """Yield lines with those joined to them that only continue them."""
    held, heads, gap = "", False, True
    for number, raw in enumerate(raw_lines):
        line = _line(raw)
        if held and line and not heads and len(held) < LONGEST and _continues(held, line):
            held = f"{held} {line}"
            continue
        if held:
            yield _Paragraph(held, heads)
        following = _line(raw_lines[number + 1]) if gap and number + 1 < len(raw_lines) else ""
        heads = raw.lstrip().startswith("# ") or (following[:1].isupper() and _asks(line))
        held, gap = line, not line
    if held:
        yield _Paragraph(held, heads)


def _line(raw: str) -> str:
    cells = raw.replace("|", CELL) if raw.count("|") > 1 else raw
    line = _ORNAMENT.sub("", cells.rstrip(f" {CELL}")).strip()
    return SHOWN_OFF.sub(lambda found: found["words"] if found["words"][:1].isdigit() or found[0] == line else found[0], line)


def _asks(line: str) -> bool:
    """Tell whether a short line above others is a heading though it ends as a sentence does: "Can you delete me?"."""
    return len(line) <= _WIDTH and line.endswith((".", "?", "!")) and not _BULLET.match(line) and not _NUMBER.match(line)


def _continues(line: str, following: str) -> bool:
    """Tell whether a sentence goes on in the next line."""
    if _BULLET.match(following) or CELL in following or _END.search(line):
        return False
    number = _NUMBER.match(following)
    begins_clause = number is not None and bool(number["called"] or number["stop"] or "." in number["number"])
    starts_small = (following[number.end() :].lstrip() if number and begins_clause else following)[:1].islower()
    if begins_clause:
        return starts_small and len(line) >= _WIDTH
    is_open = line.count("«") > line.count("»") or line.count("“") > line.count("”") or line.count('"') % 2 == 1
    if _LABELLED.search(line) and not starts_small:
        return False
    return is_open or starts_small or line.endswith((",", "-", "—", "–")) or len(line) >= _WIDTH


class _Outline:
    """Where we are in the text: the clause, the heading and the list."""

    def __init__(self) -> None:
        self._clause: str | None = None
        self._bracketed = 0
        self._is_chapter = False
        self._heading = ""
        self._before = ""
        self._lead = ""
        self._is_item = False

    def sentences(self, paragraph: _Paragraph) -> Iterator[Sentence]:
        text = paragraph.text
        self._is_item = _BULLET.match(text) is not None
        text = _BULLET.sub("", text, count=1) if self._is_item else text
        number = self._number(text, is_first=True)
        if number:
            self._enter(number)
            text = text if text.count(CELL) > 1 else text[number.end() :].strip(f" {CELL}")
        if not self._is_item:
            self._lead = ""
        pieces = [text[:LONGEST]] if CELL in text or paragraph.is_heading else list(_pieces(text))
        may_head = len(pieces) == 1 and not self._is_item and (number is None or "." not in number["number"])
        for piece in pieces:
            yield from self._sentence(piece, may_head=may_head, heads=paragraph.is_heading)
        if not self._is_item and text.endswith(":"):
            self._lead = pieces[-1]

    def _sentence(self, piece: str, *, may_head: bool, heads: bool) -> Iterator[Sentence]:
        number = None if may_head or CELL in piece else self._number(piece, is_first=False)
        if number:
            self._enter(number)
            piece = piece[number.end() :].strip(f" {CELL}")
        text = SHOWN_OFF.sub(r"\g<words>", piece)
        if not any(map(str.isalnum, text)):
            return
        is_heading = heads or (may_head and len(text) <= _HEADING and not _NO_HEADING.search(text))
        if is_heading and (heads or text[:1].isupper()):
            self._heading, self._before = text, ""
        yield Sentence(text, self._clause, self._heading, self._before, self._lead, piece, is_heading, self._is_item)
        self._before = f"{self._before} {text}"[-_REMEMBERED:]

    def _enter(self, number: re.Match[str]) -> None:
        name, called, stop = number["number"], number["called"] or "", number["stop"] or ""
        if stop == ")" and not called and name.isdigit():
            if self._clause and not self._is_chapter and int(name) != self._bracketed + 1:
                self._is_item = True
                return
            self._bracketed = int(name)
        else:
            self._bracketed = -1
        self._is_chapter = not name[0].isdigit() or re.search(_CHAPTER, f"{called}{stop}", re.IGNORECASE) is not None
        if name != self._clause:
            self._clause, self._before = name, ""

    def _number(self, piece: str, *, is_first: bool) -> re.Match[str] | None:
        """Return the number that a clause begins with."""
        found = _NUMBER.match(piece)
        if found is None or (not is_first and "." not in found["number"]):
            return None
        name, stop = found["number"], found["stop"]
        if found["open"] and stop != ")":
            return None
        if found["called"] or "." in name:
            return found
        if not name.isdigit():
            return found if stop == "." and name.isupper() else None
        capital = (found["next"] or "x").lstrip(f' {CELL}⟪«"“(•-')[:1].isupper()
        if stop:
            return found if capital or not found["next"] or stop == ")" or len(stop) > 1 else None
        top = (self._clause or "0").partition(".")[0]
        follows = top.isdigit() and int(name) == int(top) + 1
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
