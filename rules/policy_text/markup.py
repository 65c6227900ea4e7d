"""HTML becomes text that keeps what a reader of the page sees: targets of links, cells, headings, what stands out."""

import html
import re
from urllib.parse import unquote

from rules.visible_text import visible_text

LINK = re.compile(r"⟦(?P<target>[^⟦⟧]*)⟧")
"""A link's target, behind its text."""
CELL = "│"
"""What stands between two cells of a table."""
SHOWN_OFF = re.compile(r"⟪(?P<words>[^⟪⟫]*)⟫")
"""Words in bold, in italics or as code: a mark may stand so instead of in quotation marks."""

# What is unclosed swallows the rest, as in a browser, so nothing is looked at twice.
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<dropped>script|style|template)\b[^>]*(?:>|\Z).*?(?:</(?P=dropped)[^>]*(?:>|\Z)|\Z)"
    r"|<(?P<close>/?)(?P<name>li|a|td|th|tr|br|p|div|h[1-6]|b|strong|i|em|u|code|kbd|mark|q)\b(?P<rest>[^>]*)(?:>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_HREF = re.compile(r"""(?<![\w-])href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|div|p|ol|ul|h[1-6]|table|article|section)\b[^>]*>", re.IGNORECASE)
_HEAD = 4_000


def is_html(text: str) -> bool:
    """Tell markup from plain text."""
    return _HTML.search(text[:_HEAD]) is not None


def text_of(markup: str) -> str:
    """Return what the page says, a line for each block; the numbers that a browser makes for lists are no part of the text."""
    at, pieces, page = 0, [], _Page()
    for tag in _TAG.finditer(markup):
        pieces.append(markup[at : tag.start()])
        at = tag.end()
        pieces.append(page.written(tag) if tag["name"] else " ")
    return visible_text("".join([*pieces, markup[at:]]))


class _Page:
    """Remembers the link and the cell that are open."""

    def __init__(self) -> None:
        self._target = ""
        self._in_cell = False

    def written(self, tag: re.Match[str]) -> str:
        """Return a tag with what it makes visible."""
        closes = bool(tag["close"])
        match tag["name"].lower():
            case "a":
                return tag[0] + self._link(tag)
            case "td" | "th" | "tr" as name:
                self._in_cell = not closes and name != "tr"
                return f" {CELL} {tag[0]}" if closes and name != "tr" else tag[0]
            case "br" | "p" | "div":
                return " " if self._in_cell else tag[0]
            case "li":
                return tag[0] if closes else f"{tag[0]}• "
            case "q":
                return "”" if closes else "“"
            case heading if heading[0] == "h":
                return tag[0] if closes else f"{tag[0]}# "
        return "⟫" if closes else "⟪"

    def _link(self, tag: re.Match[str]) -> str:
        before, self._target = self._target, "" if tag["close"] else _href(tag)
        shown = unquote(before.replace("+", "%2B")) if before.lower().startswith("mailto:") else before
        return f" ⟦{html.escape(_bracketless(shown))}⟧ " if shown else ""


def _href(tag: re.Match[str]) -> str:
    found = _HREF.search(tag["rest"])
    return html.unescape(next(filter(None, found.groups()), "")) if found else ""


def _bracketless(target: str) -> str:
    return " ".join(target.translate({ord("⟦"): None, ord("⟧"): None}).split())[:500]
