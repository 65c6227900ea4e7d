"""The digest on a page: the same numbered items as text and as HTML. What each one says is ``mailbot.digest_words``."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mailbot import digest_machine
from mailbot.calendar_file import calendar_of
from mailbot.digest_destruction import line_of
from mailbot.digest_words import Digest, Face, ItemKind, Line, Numbered, Section, Speaker, named, words_of
from mailbot.wording import TEMPLATES, read_wording
from storage.overview import Traffic

MOST_LISTED, LEAST_OF_EACH = 60, 5
FEW, FIRST_OF_MANY = 20, 7
"""So few items are all told in full. Of more only the first are, for nobody reads so much, and mail clients cut off a mail of 100 kB."""

WIDTH = 78


@dataclass(frozen=True, slots=True)
class Block:
    """A section as people read it: its numbered items, and how many more there are."""

    section: Section
    size: int
    lines: Sequence[tuple[int, Line]]


@dataclass(frozen=True, slots=True)
class Page:
    """A finished digest."""

    subject: str
    text: str
    html: str
    items: tuple[Numbered, ...] = ()
    """What the numbers stand for that can be ordered about."""
    calendar: str = ""
    """The due dates as a calendar file; empty where nothing is due."""


def write_page(digest: Digest, face: Face) -> Page:
    """Write the digest in both forms."""
    speaker = Speaker(words_of(face.language), digest, face)
    blocks = _blocks(digest, speaker)
    values = {
        "w": speaker.words,
        "face": face,
        "say": speaker,
        "blocks": blocks,
        "counts": speaker.counts(),
        "alerts": list(_alerts(digest, speaker)),
        "is_quiet": not any(
            (digest.wave, digest.not_read, digest.capped, digest.tasks, digest.over, *(number for _, number, _ in speaker.counts()))
        ),
        "written": f"{read_wording(face.language).spell(digest.now.date())}, {digest.now:%H:%M}",
        "mail": list(digest_machine.mail(speaker)),
        "month": digest_machine.month(speaker),
    }
    html = environment().get_template("digest/digest.html.j2").render(values)
    text = environment().get_template("digest/digest.txt.j2").render(values)
    numbered = [Numbered(number, line.kind, line.name) for block in blocks for number, line in block.lines]
    items = tuple(each for each in numbered if each.kind is not ItemKind.REMARK)
    return Page(speaker.subject(), wrapped(text), html, items, calendar_of(speaker))


def wrapped(text: str) -> str:
    """Break the lines of a text to its width; what follows stands under the words, not under the number."""
    return "\n".join(_broken(line) for line in text.splitlines()) + "\n"


def _broken(line: str) -> str:
    margin = re.match(r" *(?:\d+\. )?", line)
    hanging = " " * (margin.end() if margin else 0)
    return textwrap.fill(line, WIDTH, subsequent_indent=hanging, break_on_hyphens=False)


def _alerts(digest: Digest, speaker: Speaker) -> Iterable[tuple[str, str]]:
    """Yield what stands above everything else, and what to do about it: a wave, and mailboxes that nobody reads."""
    words = speaker.words
    if wave := digest.wave:
        told = words["wave"]["told"].format(when=speaker.when(wave.wave.began_at), came=wave.came, stopped=len(wave.stopped))
        yield told, words["wave"]["cure"]
    for folder in digest.not_read:
        seen, inbox = digest.traffic.get(folder, Traffic()).last_pass_at, named(folder)
        told = words["mail"]["lost"].format(inbox=inbox, when=speaker.when(seen)) if seen else words["mail"]["never"].format(inbox=inbox)
        yield told, words["mail"]["cure"]


def _blocks(digest: Digest, speaker: Speaker) -> list[Block]:
    """Set the items under their headings, numbered through; what is too much is told in brief, and then only counted."""
    room, numbers = allotted({section: digest.size_of(section) for section in Section}), count(1)
    in_full, blocks = FIRST_OF_MANY if sum(room.values()) > FEW else FEW, []
    for section in Section:
        if size := digest.size_of(section):
            lines = [(next(numbers), line) for line in islice(_lines(digest, speaker, section), room[section])]
            told = [(number, line if number <= in_full else line.in_brief()) for number, line in lines]
            blocks.append(Block(section, size, told))
    return blocks


def _lines(digest: Digest, speaker: Speaker, section: Section) -> Iterable[Line]:
    match section:
        case Section.SET_ASIDE:
            return (digest_machine.unread(speaker, aside) for aside in digest.set_aside)
        case Section.TASKS:
            return (digest_machine.in_vain(speaker, task) for task in digest.tasks)
        case Section.UNDELIVERED | Section.CAPPED:
            stuck = digest.undelivered if section is Section.UNDELIVERED else digest.capped
            return (digest_machine.letter(speaker, letter) for letter in stuck)
        case Section.DESTRUCTION:
            return (line_of(speaker, over) for over in digest.over)
    return (speaker.request(section, item) for item in digest.items.get(section, ()))


def allotted(sizes: Mapping[Section, int]) -> dict[Section, int]:
    """Return how many items of each section are listed: a few of each, the rest of the room to the most urgent."""
    room = {section: min(size, LEAST_OF_EACH) for section, size in sizes.items()}
    for section in Section:
        room[section] += min(sizes[section] - room[section], MOST_LISTED - sum(room.values()))
    return room


@lru_cache
def environment() -> Environment:
    """Return the templates' environment: a missing value is an error, and whatever goes into HTML is escaped (H102)."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=select_autoescape(("html.j2",)),
        trim_blocks=True,
        lstrip_blocks=True,
    )
