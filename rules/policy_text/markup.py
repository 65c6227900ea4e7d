"""HTML becomes text in which the numbers of lists and the targets of links stand where a reader of the page sees or follows them."""

import html
import re
from urllib.parse import unquote

from rules.visible_text import visible_text

LINK = re.compile(r"⟦(?P<target>[^⟦⟧]*)⟧")
"""A link's target, behind its text."""
CELL = "│"
"""What stands between two cells of a table."""

# What is unclosed swallows the rest, as in a browser, so nothing is looked at twice.
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<dropped>script|style|template)\b[^>]*(?:>|\Z).*?(?:</(?P=dropped)[^>]*(?:>|\Z)|\Z)"
    r"|<(?P<close>/?)(?P<name>ol|ul|menu|li|a|td|th)\b(?P<rest>[^>]*)(?:>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""(?<![\w-])(?P<name>href|start|value|type)\s*=\s*(?:"(?P<d>[^"]*)"|'(?P<s>[^']*)'|(?P<bare>[^\s"'>]+))""", re.I)
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|div|p|ol|ul|h[1-6]|table|article|section)\b[^>]*>", re.IGNORECASE)
_HEAD = 4_000
_DEPTH = 5


def is_html(text: str) -> bool:
    """Tell markup from plain text."""
    return _HTML.search(text[:_HEAD]) is not None


def text_of(markup: str, numbering: "Numbering") -> str:
    """Return what the page says, a line for each block, with links and the numbers of lists written out."""
    at, pieces = 0, []
    for tag in _TAG.finditer(markup):
        pieces.append(markup[at : tag.start()])
        at = tag.end()
        pieces.append(numbering.written(tag) if tag["name"] else " ")
    return visible_text("".join([*pieces, markup[at:]]))


class Numbering:
    """Counts the items of ordered lists, one inside the other as in 5.2, and remembers the link that is open."""

    def __init__(self, *, counts: bool) -> None:
        self._counts = counts
        self._lists: list[int | None] = []
        self._items: list[str] = []
        self._target = ""

    def written(self, tag: re.Match[str]) -> str:
        """Return a tag with what it makes visible."""
        name = tag["name"].lower()
        match name:
            case "a":
                return tag[0] + self._link(tag)
            case "td" | "th":
                return f" {CELL} {tag[0]}" if tag["close"] else tag[0]
            case "li":
                return tag[0] if tag["close"] else f"{tag[0]}{self._item(tag)} "
        self._list(tag, name)
        return tag[0]

    def _link(self, tag: re.Match[str]) -> str:
        before, self._target = self._target, "" if tag["close"] else _attributes(tag).get("href", "")
        shown = unquote(before.replace("+", "%2B")) if before.lower().startswith("mailto:") else before
        return f" ⟦{html.escape(_bracketless(shown))}⟧ " if shown else ""

    def _list(self, tag: re.Match[str], name: str) -> None:
        if tag["close"]:
            if self._lists:
                self._lists.pop()
                del self._items[len(self._lists) :]
            return
        attributes = _attributes(tag)
        counts = self._counts and name == "ol" and attributes.get("type", "1") == "1"
        self._lists.append(_whole(attributes.get("start", "1"), 1) - 1 if counts else None)

    def _item(self, tag: re.Match[str]) -> str:
        if not self._lists:
            return ""
        del self._items[len(self._lists) - 1 :]
        counted = self._lists[-1]
        if counted is None:
            self._items.append("")
            return "•"
        self._lists[-1] = number = _whole(_attributes(tag).get("value", ""), counted + 1)
        self._items.append(str(number))
        return ".".join(filter(None, self._items[:_DEPTH])) + "."


def _attributes(tag: re.Match[str]) -> dict[str, str]:
    return {
        found["name"].lower(): html.unescape(found["d"] or found["s"] or found["bare"] or "") for found in _ATTRIBUTE.finditer(tag["rest"])
    }


def _whole(written: str, otherwise: int) -> int:
    return int(written) if re.fullmatch(r"\d{1,4}", written, re.ASCII) else otherwise


def _bracketless(target: str) -> str:
    return " ".join(target.translate({ord("⟦"): None, ord("⟧"): None}).split())[:500]
