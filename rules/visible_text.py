"""The text that a reader of an HTML mail sees, quotations marked with ``>`` as in plain mail.

No parser of the standard library: those take quadratic time on hostile markup. One pass, nothing is ever fetched.
"""

import html
import re

_MAX_DEPTH = 5

# An unclosed comment, script or tag swallows the rest, as in a browser, so nothing is looked at twice.
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<dropped>script|style|title|template)\b[^>]*(?:>|\Z).*?(?:</(?P=dropped)[^>]*(?:>|\Z)|\Z)"
    r"|<(?P<close>/?)(?P<tag>[a-z][a-z0-9]*)[^>]*(?:>|\Z)"
    r"|<[!?/][^>]*(?:>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_LINE_TAG = re.compile("address|article|blockquote|br|center|dd|div|dl|dt|footer|form|h[1-6]|header|hr|li|ol|p|pre|section|table|tr|ul")
_CELL_TAGS = frozenset({"td", "th"})
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});?", re.IGNORECASE)


def visible_text(markup: str) -> str:
    """Return what HTML shows, a line for each block."""
    lines: list[str] = []
    depth = at = 0
    pieces: list[str] = []
    for tag in _MARKUP.finditer(markup):
        pieces.append(markup[at : tag.start()])
        at = tag.end()
        name = (tag["tag"] or "").lower()
        if name in _CELL_TAGS:
            pieces.append(" ")
        elif _LINE_TAG.fullmatch(name):
            lines.append(_line(pieces, depth))
            pieces = []
            if name == "blockquote":
                depth = max(depth + (-1 if tag["close"] else 1), 0)
    lines.append(_line([*pieces, markup[at:]], depth))
    return _without_gaps(lines)


def _line(pieces: list[str], depth: int) -> str:
    text = " ".join("".join(pieces).split())
    if "&" in text:
        text = " ".join(_REFERENCE.sub(lambda found: html.unescape(found[0]), text).split())
    return "> " * min(depth, _MAX_DEPTH) + text if text else ""


def _without_gaps(lines: list[str]) -> str:
    """Join lines with at most one empty line between two others."""
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).strip()
