"""An operator's marks: the phrases its policy tells people to write, found as they stand or nearly so."""

from dataclasses import dataclass
from functools import lru_cache

from rules.lexicon.sentence import is_clean, tells
from rules.lexicon.words import AS_WRITTEN
from rules.normal_form import BREAKS, bare, folded, plain, words
from rules.policy import Mark, Policy
from rules.vocabulary import RequestType

_MISSPELT_FROM = 4
_INTRODUCTION = 6
_LONGEST_NAME = 3


@dataclass(frozen=True, slots=True)
class _Spelt:
    mark: Mark
    words: tuple[str, ...]


class Marks:
    """The marks of one policy, compiled once."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        own_first = sorted(policy.marks, key=lambda mark: mark.from_template)
        self._exact = {bare(plain(mark.phrase)): mark for mark in reversed(own_first)}
        self.all_tell = all(any(tells(word) for word in AS_WRITTEN.read(words(folded(plain(mark.phrase))))) for mark in own_first)
        """Whether a text in which no word of ours stands can hold none of the marks."""
        self._spelt = tuple(_Spelt(mark, tuple(words(folded(plain(mark.phrase))))) for mark in own_first)

    def exact(self, text: str) -> Mark | None:
        """Return the mark that plain ``text`` is, but for case, outer quotes, end stop and spaces."""
        return self._exact.get(bare(text))

    def near(self, texts: tuple[str, ...], core: str) -> Mark | None:
        """Return the mark that the words are misspelt, or that stands among them with nothing foreign beside it."""
        own = tuple(text for text in texts if text not in BREAKS)
        for spelt in self._spelt:
            if own == spelt.words or _resembles(own, spelt.words) or _is_within(texts, spelt.words, core):
                return spelt.mark
        return None

    def clause_for(self, request_type: RequestType) -> str | None:
        """Return the clause of the policy's own mark for ``request_type``, else the clause or article that offers it."""
        for spelt in self._spelt:
            if spelt.mark.type is request_type and not spelt.mark.from_template:
                return spelt.mark.clause
        return self.policy.clause_for(request_type)


def _resembles(texts: tuple[str, ...], mark: tuple[str, ...]) -> bool:
    """Tell whether ``texts`` are the words of ``mark`` with a slip in at most half of them."""
    if len(texts) != len(mark):
        return False
    misspelt = [pair for pair in zip(texts, mark, strict=True) if pair[0] != pair[1]]
    return len(misspelt) <= (len(mark) + 1) // 2 and all(is_slip(text, word) for text, word in misspelt)


@lru_cache(maxsize=4096)
def is_slip(text: str, word: str) -> bool:
    """Tell whether ``text`` is ``word`` with one letter left out, added, changed, or two neighbours swapped."""
    if len(word) < _MISSPELT_FROM or abs(len(text) - len(word)) > 1:
        return False
    start = 0
    while start < min(len(text), len(word)) and text[start] == word[start]:
        start += 1
    left, right = text[start:], word[start:]
    if left[1:] == right[1:] or left[1:] == right or left == right[1:]:
        return True
    return left[:2] == right[1::-1] and left[2:] == right[2:]


def _is_within(texts: tuple[str, ...], mark: tuple[str, ...], core: str) -> bool:
    for start in range(min(_INTRODUCTION, len(texts) - len(mark) + 1)):
        end = start + len(mark)
        if texts[start:end] == mark:
            return _are_ours(texts[:start]) and (_is_set_off(texts[end:]) or _is_name(texts[end:], core))
    return False


def _is_set_off(tail: tuple[str, ...]) -> bool:
    return not tail or tail[0] in BREAKS or _are_ours(tail)


def _are_ours(texts: tuple[str, ...]) -> bool:
    return is_clean(AS_WRITTEN.read(texts))


def _is_name(tail: tuple[str, ...], core: str) -> bool:
    """Tell whether ``tail`` is written like a person's name: capitalised after words that are not, or set off by a dash."""
    written = core.split()
    names, before = written[-len(tail) :], written[1 : -len(tail)]
    is_set_off = before[-1:] == ["-"] and len(names) <= _LONGEST_NAME
    return all(name[:1].isupper() for name in names) and (is_set_off or any(word.islower() for word in before))
