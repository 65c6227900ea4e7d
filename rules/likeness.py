"""How like a letter is to letters that ask for something about personal data: a second reading beside ``rules.evidence``.

People find words that no lexicon has, and still most of their words stand in letters like theirs. For every piece of a word that two
labelled letters hold, ``likeness.tsv`` tells how much it speaks for a request (logistic regression), and in how many letters of each
type it stands (naive Bayes). ``make learn`` writes it from ``tests/cases``.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain, islice, pairwise

from rules.lexicon.letter import Letter
from rules.vocabulary import Language, RequestType

WORDS_WEIGHED = 60
"""Words of a body that are weighed: who asks does so early, and a long text costs no more than a short one (H55)."""

EVERY = ""
"""The piece that every letter has."""

_WORDS_TOLD = 4
_SHORT, _LONG, _ENDING = 4, 6, 3
_FEW = 10
_MANY_STRANGE, _MOST = 6, 0.8
_SURELY_ENGLISH = 4
_UNSEEN = 0.3
"""What a piece counts for among letters of a type in which it was never seen."""


@lru_cache(8)
def likeness(letter: Letter) -> float:
    """Return how like ``letter`` is to those that ask, from 0 to 1; several pieces of evidence ask about the same letter."""
    if letter.as_written is not None:
        return likeness(letter.as_written)
    weights, _ = _learnt()
    known = all_pieces(letter) & weights.keys()
    total = math.fsum(map(weights.__getitem__, known))
    return 1 / (1 + math.exp(-weights[EVERY] - total / length_of(len(known))))


def words_alike(letter: Letter) -> str:
    """Return the words of ``letter`` that make it like those that ask."""
    weights, _ = _learnt()
    by_word = dict[str, float]()
    for place, words in _words(letter):
        for word in (word for word in words if word.isalpha() and len(word) >= _SHORT):
            weight = sum(weights.get(piece, 0.0) for piece in _pieces(place, word[:_LONG], word[-_ENDING:]))
            by_word[word] = max(weight, by_word.get(word, weight))
    heaviest = sorted(by_word, key=by_word.__getitem__, reverse=True)[:_WORDS_TOLD]
    return " ".join(word for word in by_word if word in heaviest)


def known_words(letter: Letter) -> int:
    """Return how many words of ``letter`` other letters have too."""
    weights, _ = _learnt()
    return sum(word.isalpha() and word[:_LONG] in weights for _, words in _words(letter) for word in words)


def is_strange(letter: Letter) -> bool:
    """Tell whether ``letter`` is English in so many words that no labelled one has that it is like nothing: a program, a match report.

    In the other languages people spell as they please, and strange words are theirs.
    """
    every, known = sum(word.isalpha() for _, words in _words(letter) for word in words), known_words(letter)
    if every - known < _MANY_STRANGE or known >= _MOST * every:
        return False
    return sum(word.language is Language.EN for word in chain.from_iterable(letter.body or ())) >= _SURELY_ENGLISH


def length_of(pieces: int) -> float:
    """Return what the weights of so many pieces are divided by: a long letter weighs no more for being long, a few words weigh little."""
    return math.sqrt(max(pieces, _FEW))


def kind_of(letter: Letter) -> tuple[RequestType, float]:
    """Return the type of request that ``letter`` is most like, and how far that type leads the next (0: not at all)."""
    counted = _learnt()[1].keys()
    known = [_letters_with(piece) for piece in sorted(all_pieces(letter) & counted)]
    letters, likely = _letters_with(EVERY), dict[RequestType, float]()
    for kind, total in _pieces_of_all().items():
        every = math.log(total + _UNSEEN * len(counted))
        likely[kind] = math.log(letters[kind]) + sum(math.log(counts[kind] + _UNSEEN) - every for counts in known)
    best, second = sorted(likely, key=likely.__getitem__, reverse=True)[:2]
    return best, (likely[best] - likely[second]) / math.sqrt(len(known) + 1)


def all_pieces(letter: Letter) -> set[str]:
    """Return the pieces of the words of ``letter``, and how each word goes together with the next one."""
    pieces = set[str]()
    for place, words in _words(letter):
        for word in set(words):
            pieces.update(_pieces(place, word[:_LONG], word[-_ENDING:] if len(word) > _SHORT else ""))
        pieces.update([f"{word} {following}" for word, following in pairwise([word[:_ENDING] for word in words])])
    return pieces


def _words(letter: Letter) -> tuple[tuple[str, Sequence[str]], ...]:
    said = " ".join([word.text for word in islice(chain.from_iterable(letter.body or ()), WORDS_WEIGHED)])
    return ("s", letter.texts), ("b", said.split(maxsplit=WORDS_WEIGHED)[:WORDS_WEIGHED])


@lru_cache(8192)
def _pieces(place: str, beginning: str, ending: str) -> tuple[str, ...]:
    """Return the pieces of a word: its beginnings, the shorter one also with its place, and its ending if it is not all beginning."""
    pieces = (beginning[:_SHORT], f"{place}:{beginning[:_SHORT]}")
    return (*pieces, beginning, f"-{ending}") if ending else pieces


# --- What was learnt ------------------------------------------------------------------------------------------------------------------


def line_of(piece: str, weight: float, counts: Counter[str]) -> str:
    """Return what was learnt of a piece as a line of ``likeness.tsv``."""
    return f"{piece}\t{weight:.1f}\t{' '.join(f'{kind}={counts[kind]}' for kind in sorted(counts))}"


def load() -> None:
    """Read what was learnt now, and not at the first letter."""
    _learnt()
    _pieces_of_all()


@cache
def _learnt() -> tuple[dict[str, float], dict[str, str]]:
    """Return the weight of each piece, and the counts of each as they are written: few letters come so far that they are read."""
    weights, told, numbers = dict[str, float](), dict[str, str](), dict[str, float]()
    with files("rules").joinpath("likeness.tsv").open("r", encoding="utf-8") as file:
        next(file)  # what the columns are
        for line in file:
            piece, weight, counts = line.rstrip("\n").split("\t")
            weights[piece] = numbers.setdefault(weight, float(weight))  # there are few different ones, and many pieces
            if counts:
                told[piece] = counts
    return weights, told


@lru_cache(4096)
def _letters_with(piece: str) -> Counter[RequestType]:
    """Return in how many letters of each type ``piece`` stands."""
    pairs = (each.split("=") for each in _learnt()[1][piece].split())
    return Counter({RequestType(kind): int(letters) for kind, letters in pairs})


@cache
def _pieces_of_all() -> Counter[RequestType]:
    """Return how many pieces the letters of each type have together."""
    pairs = Counter(chain.from_iterable(counts.split() for piece, counts in _learnt()[1].items() if piece != EVERY))
    told = Counter[RequestType]()
    for pair, pieces in pairs.items():
        kind, _, letters = pair.partition("=")
        told[RequestType(kind)] += int(letters) * pieces
    return told
