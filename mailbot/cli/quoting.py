"""What commands show of a message: header fields as people see them, and its text. Nothing of it is trusted.

Lines come as they are: ``terms.print_lines`` makes visible what a terminal would obey.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.message import Message

LINES_QUOTED, LONGEST_QUOTE = 12, 200
SAME_FIELDS_SHOWN = 3


def quoted(read_it: Callable[[], "Message"]) -> list[str]:
    """Return sender, subject, date and first lines of a message that may have tripped us: here, and only here, it is read to be shown."""
    try:
        message = read_it()
        return [*header_lines(message, ("From", "Subject", "Date")), *first_lines(message.text or "")]
    except Exception as error:  # noqa: BLE001 - our bug, which is why the message was set aside
        return [f"(it cannot be shown: {type(error).__name__})"]


def header_lines(message: "Message", names: Iterable[str]) -> Iterator[str]:
    """Yield header fields with their encoded words decoded; a field that stands there twice is shown twice."""
    from rules.encoded_words import decode_header_text

    for name in names:
        for value in message.fields.get(name.lower(), ("(none)",))[:SAME_FIELDS_SHOWN]:
            yield f"{name}: {decode_header_text(value).text[:LONGEST_QUOTE]}"


def first_lines(text: str) -> Iterator[str]:
    """Yield the first lines of a text."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    yield from (f"    > {line[:LONGEST_QUOTE]}" for line in lines[:LINES_QUOTED])
    if len(lines) > LINES_QUOTED:
        yield f"    > ... {len(lines) - LINES_QUOTED} more lines"
