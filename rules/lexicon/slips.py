"""Words with one slip of the pen: a letter left out, added, changed, or two neighbours swapped.

Stems are compared with the beginning of a word, which no distance of whole words does; so every form is filed under itself and
under each of its spellings with one letter less, and a word is looked up the same way. Linear in the words, quick in each.
"""

from collections.abc import Iterable

SHORTEST = 5
"""Letters from which on a slip is seen through: of shorter words too many others are one letter away."""

SHORTEST_STEM = 6
"""The same for stems: behind them any ending may stand."""


LONGEST = 24


class Slips:
    """The forms that a misspelt word may be meant for."""

    def __init__(self, exact: Iterable[str], stems: Iterable[str]) -> None:
        """File the forms of at least ``SHORTEST`` letters; an earlier one wins."""
        self._whole = _filed(exact, SHORTEST)
        self._stems = _filed(stems, SHORTEST_STEM)

    def meant(self, text: str) -> str | None:
        """Return the form that ``text`` misspells by one slip, else None; the first letter is never the slip."""
        if not SHORTEST <= len(text) <= LONGEST:
            return None
        if (form := _found(self._whole, text)) is not None:
            return form
        beginnings = (text[:end] for end in range(len(text), SHORTEST - 1, -1))
        return next((form for beginning in beginnings if (form := _found(self._stems, beginning)) is not None), None)


def _filed(forms: Iterable[str], shortest: int) -> dict[str, str]:
    filed: dict[str, str] = {}
    for form in forms:
        if len(form) >= shortest:
            filed.setdefault(form, form)
            for shorter in _shorter(form):
                filed.setdefault(shorter, form)
    return filed


def _found(filed: dict[str, str], text: str) -> str | None:
    if text in filed:
        return filed[text]
    return next((filed[shorter] for shorter in _shorter(text) if shorter in filed and _is_slip(text, filed[shorter])), None)


def _shorter(text: str) -> Iterable[str]:
    """Yield ``text`` with one letter less, the first letter kept."""
    return (text[:at] + text[at + 1 :] for at in range(1, len(text)))


def _is_slip(text: str, form: str) -> bool:
    """Tell whether two spellings that share one with a letter less are one slip apart: letters moved further are not."""
    return len(text) != len(form) or sum(a != b for a, b in zip(text, form, strict=True)) <= 2
