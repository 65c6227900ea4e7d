"""The text that a reader of an HTML mail sees, quotations marked with ``>`` as in plain mail.

No parser of the standard library: those take quadratic time on hostile markup. One pass, nothing is ever fetched.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

_MAX_DEPTH = 5

# An unclosed comment, script or tag swallows the rest, as in a browser, so nothing is looked at twice.
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<dropped>script|style|title|template)\b[^>]*(?:>|\Z).*?(?:</(?P=dropped)[^>]*(?:>|\Z)|\Z)"
    r"|<(?P<close>/?)(?P<tag>[a-z][a-z0-9]*)(?P<rest>[^>]*)(?:>|\Z)"
    r"|<[!?/][^>]*(?:>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_LINE_TAG = re.compile("address|article|blockquote|br|center|dd|div|dl|dt|footer|form|h[1-6]|header|hr|li|ol|p|pre|section|table|tr|ul")
_CELL_TAGS = frozenset({"td", "th"})
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});?", re.IGNORECASE)

_HIDING = ("hidden", "display", "font-size")
_MAY_HIDE = re.compile(r"hidden|display\s*+:\s*+none|font-size\s*+:\s*+0", re.IGNORECASE)
_STYLE = re.compile(r"""(?<![\w-])style\s*+=\s*+("[^"]*+|'[^']*+|\S++)""", re.IGNORECASE)
_QUOTED = re.compile(r""""[^"]*+"?|'[^']*+'?""")
_HIDDEN = re.compile(r"(?<![\w=-])hidden(?![\w-])", re.IGNORECASE)
_NOT_DISPLAYED = re.compile(r"(?<![\w-])display\s*+:\s*+none", re.IGNORECASE)
_INVISIBLE = re.compile(r"(?<![\w-])(?:visibility\s*+:\s*+hidden|font-size\s*+:\s*+0(?![.0-9]*[1-9]))", re.IGNORECASE)
_VISIBLE = re.compile(r"(?<![\w-])(?:visibility\s*+:\s*+visible|font-size\s*+:\s*+(?!0(?![.0-9]*[1-9])))", re.IGNORECASE)
_HOLDING_NOTHING = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


def visible_text(markup: str) -> str:
    """Return what HTML shows, a line for each block."""
    lines: list[str] = []
    depth = 0
    pieces: list[str] = []
    for text, tag in _shown(markup):
        pieces.append(text)
        name = (tag["tag"] or "").lower() if tag else ""
        if name in _CELL_TAGS:
            pieces.append(" ")
        elif tag and _LINE_TAG.fullmatch(name):
            lines.append(_line(pieces, depth))
            pieces = []
            if name == "blockquote":
                depth = max(depth + (-1 if tag["close"] else 1), 0)
    lines.append(_line(pieces, depth))
    return _without_gaps(lines)


def _shown(markup: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Yield each tag with the text before it, then the text behind the last one; hidden elements are left out."""
    lowered = markup.lower()
    hides = any(word in lowered for word in _HIDING)
    at = 0
    hidden: _Hidden | None = None
    for tag in _MARKUP.finditer(markup):
        text, at = markup[at : tag.start()], tag.end()
        if hidden and hidden.lasts(tag):
            continue
        yield "" if hidden else text, tag
        hidden = _hidden_by(tag) if hides else None
    if not hidden:
        yield markup[at:], None


@dataclass(slots=True)
class _Hidden:
    """An element whose text is not seen: its name, how many of that name are open in it, and whether one in it may show itself."""

    name: str
    parts_may_show: bool
    open: int = 1

    def lasts(self, tag: re.Match[str]) -> bool:
        """Tell whether what follows a tag is hidden still."""
        name = (tag["tag"] or "").lower()
        if name == self.name:
            self.open += -1 if tag["close"] else 1
        if self.name == "p" and name != "br" and _LINE_TAG.fullmatch(name):  # the end of a paragraph is seldom written
            return False
        return self.open > 0 and not (self.parts_may_show and name and _VISIBLE.search(_style(tag)))


def _hidden_by(tag: re.Match[str]) -> _Hidden | None:
    """Return what a tag hides (HTML, 15.3.1; CSS 2.1, 9.2.4 and 11.2)."""
    if not tag["rest"] or tag["close"] or not _MAY_HIDE.search(tag["rest"]):
        return None
    name = tag["tag"].lower()
    if name in _HOLDING_NOTHING:
        return None
    if _NOT_DISPLAYED.search(_style(tag)) or _HIDDEN.search(_QUOTED.sub("", tag["rest"])):
        return _Hidden(name, parts_may_show=False)
    return _Hidden(name, parts_may_show=True) if _INVISIBLE.search(_style(tag)) else None


def _style(tag: re.Match[str]) -> str:
    found = _STYLE.search(tag["rest"])
    return found[1] if found else ""


def _line(pieces: list[str], depth: int) -> str:
    text = " ".join("".join(pieces).split())
    if "&" in text:
        text = " ".join(_REFERENCE.sub(lambda found: html.unescape(found[0]), text).split())
    return "> " * min(depth, _MAX_DEPTH) + text if text else ""


def _without_gaps(lines: list[str]) -> str:
    """Join lines with at most one empty line between two others."""
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).strip()
