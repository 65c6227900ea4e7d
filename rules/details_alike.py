"""How like each value of a letter is to those that people ask to record: a second reading beside ``rules.details_roles``.

Patterns know the wordings that somebody thought of. ``values.tsv`` holds, for the pieces of the words around a value and for what the
patterns make of it, how much each speaks for its being the new one, learnt from labelled letters (``make learn``). The values of one
field compete with each other, and with there being nothing to record (conditional logit).
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from rules.details_change import Change, Field
from rules.details_text import NAME_PARTS, Mention, Role
from rules.lexicon.details_words import VALUE, same_letters

UNLIKELY = 0.7
"""The chance beneath which a value is not proposed, whatever the words beside it say: a person is asked back."""

UNLIKELY_BESIDE_OLD = 0.5
"""The same where the words tell the old one as well."""

LIKELY = 0.75
"""The chance above which a value is proposed that no pattern proposes, or another one."""

EVERY = ""
"""The piece that every value has."""

Value = tuple[Field, str]

_WORDS, _BESIDE = 8, 2
_PIECE, _STEM, _ENDING = 6, 3, 2
_QUARTERS, _MOST_TIMES = 4, 3
_TOKEN = re.compile(r"\w+|->|[→:;.!?|,()/-]")
_SENTENCE_ENDS = frozenset(".!?|;")
_LETTER = re.compile(r"[^\W\d_]{3}")
_IS_LINE = re.compile(r"\W*(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Told:
    """What the words of a letter tell: its values with their roles, and the changes that these make."""

    text: str
    title: str
    sender: str | None
    found: Sequence[Mention]
    changes: tuple[Change, ...]


def weighed(told: Told) -> tuple[Change, ...]:
    """Return the changes of a letter: of each field the value that is likely to be meant, if one is."""
    if all(each.role is Role.NEW and each.is_beside and each.is_named for each in told.found):
        return told.changes  # as in our form
    proposed = {(change.field, change.new): change for change in told.changes}
    likely = [value for value, chance in chances(told).items() if chance > _needed(proposed.get(value))]
    return tuple(proposed.get(value) or Change(value[0], _old_one(told.found, value), value[1]) for value in likely)


def _needed(change: Change | None) -> float:
    """Return the chance that a value needs: less where the words tell the old one as well."""
    if change is None:
        return LIKELY
    return UNLIKELY if change.old is None else UNLIKELY_BESIDE_OLD


def _old_one(found: Sequence[Mention], new: Value) -> str | None:
    """Return the old value of a field, if just one is called so."""
    called = {each.value for each in found if each.field is new[0] and each.role in (Role.OLD, Role.CURRENT)} - {new[1]}
    return called.pop() if len(called) == 1 else None


def chances(told: Told) -> dict[Value, float]:
    """Return the chance of each value to be the new one of its field."""
    weights = _learnt()
    scores = {value: score(pieces & weights.keys(), weights) for value, pieces in pieces_of(told).items()}
    return {
        value: chance
        for field in dict.fromkeys(field for field, _ in scores)
        for value, chance in shares({value: scores[value] for value in scores if value[0] is field}).items()
    }


def score(pieces: Iterable[str], weights: Mapping[str, float]) -> float:
    """Return how much known pieces speak for a value; many of them weigh no more for being many."""
    known = [weights[piece] for piece in pieces]
    return weights[EVERY] + math.fsum(known) / math.sqrt(max(1, len(known)))


def shares(scores: Mapping[Value, float]) -> dict[Value, float]:
    """Return the chances of competing values, of which the one that nothing is recorded has the score 0."""
    most = max(0.0, *scores.values())
    degrees = {value: math.exp(score - most) for value, score in scores.items()}
    total = math.exp(-most) + math.fsum(degrees.values())
    return {value: degree / total for value, degree in degrees.items()}


# --- Pieces ---------------------------------------------------------------------------------------------------------------------------


def pieces_of(told: Told, *, with_roles: bool = True) -> dict[Value, set[str]]:
    """Return the pieces of each value; those of its role are left out of letters on which the patterns were tuned."""
    words, places = _words_and_places(told)
    subject = {f"s:{word[: _STEM + 1]}" for word in _TOKEN.findall(same_letters(told.title))}
    pieces = dict[Value, set[str]]()
    for mention in told.found:
        around = pieces.setdefault((mention.field, mention.value), set())
        around |= subject | _words_around(words, places[mention.start]) | _of_place(mention, told)
    for value in pieces:
        pieces[value] |= _of_all(value, pieces, told)
        if with_roles:
            pieces[value] |= _of_role(value, told)
    return pieces


def _words_and_places(told: Told) -> tuple[list[str], dict[int, int]]:
    """Return the words of the text with a mark for each value, and the number of each mark by the place of its value."""
    letters = same_letters(told.text).replace("\n", "|")
    words, places, at = list[str](), dict[int, int](), 0
    for mention in sorted(told.found, key=lambda each: (each.start, -each.end)):
        if mention.start >= at:
            words += _TOKEN.findall(letters[at : mention.start])
            words.append(VALUE + mention.field)
            at = mention.end
        places.setdefault(mention.start, len(words) - 1)
    return words + _TOKEN.findall(letters[at:]), places


def _words_around(words: Sequence[str], place: int) -> set[str]:
    pieces = set[str]()
    for side, beside in (("<", words[max(0, place - _WORDS) : place][::-1]), (">", words[place + 1 : place + 1 + _WORDS])):
        is_same_sentence = True
        for word in beside:
            is_same_sentence = is_same_sentence and word not in _SENTENCE_ENDS
            pieces.add(f"{side}{word[:_PIECE]}")
            if is_same_sentence:
                pieces.add(f"{side}.{word[:_PIECE]}")
        pieces.update(f"{side}{side}{word[:_PIECE]}" for word in beside[:_BESIDE])
        pieces.update(f"{side}1{word[:_PIECE]}" for word in beside[:1])
        pieces.update(f"{side}{one[:_STEM]} {other[:_STEM]}" for one, other in pairwise(beside))
    return pieces


def _of_place(mention: Mention, told: Told) -> set[str]:
    """Return where a value stands, and how a name is spelt."""
    before, behind = told.text[: mention.start], told.text[mention.end :]
    is_line = _IS_LINE.match(behind) and not re.search(r"\w", before.rpartition("\n")[2])
    pieces = {f"{_QUARTERS * mention.start // max(1, len(told.text))}/{_QUARTERS}", f"line {bool(is_line)}"}
    if not _LETTER.search(behind):
        pieces.add("last")
    if mention.field in NAME_PARTS:
        words = same_letters(told.text[mention.start : mention.end]).split()
        pieces |= {f"{len(words)} words", f"{mention.field} whole {mention.is_whole} unnamed {mention.is_unnamed}"}
        pieces.update(f"-{word[-ending:]}" for word in words for ending in (_ENDING, _ENDING + 1))
    return pieces


def _of_all(value: Value, all_values: Iterable[Value], told: Told) -> set[str]:
    """Return which of the values of its field it is, and how often it stands there."""
    field, written = value
    alike = [each for each in all_values if each[0] is field]
    times = sum((each.field, each.value) == value for each in told.found)
    kind = "name" if field in NAME_PARTS else "contact"
    pieces = {str(field), kind, f"{len(alike)}", f"{kind} {alike.index(value)}/{len(alike)}", f"times {min(_MOST_TIMES, times)}"}
    return pieces | {f"sender {written == told.sender}"} if field is Field.EMAIL else pieces


def _of_role(value: Value, told: Told) -> set[str]:
    """Return what the patterns make of a value, by itself and beside the others of its field."""
    field, written = value
    kind = "name" if field in NAME_PARTS else "contact"
    proposed = {(change.field, change.new) for change in told.changes}
    is_told = value in proposed
    others = {each.role.name for each in told.found if each.field is field and each.value != written}
    pieces = {f"told {is_told}", f"told {is_told} {kind}", f"told {is_told} {field}"}
    pieces |= {f"told {is_told} of {bool(proposed)}", f"told {is_told} among {any(each[0] is field for each in proposed)}"}
    for each in told.found:
        if (each.field, each.value) == value:
            role = each.role.name
            pieces |= {role, f"{role} {kind} {each.is_beside}", f"{role} named {each.is_named}", f"{role} aside {each.is_aside}"}
            pieces.update(f"{role} beside {other}" for other in others)
            pieces.update(f"by {trace}" for trace in each.traces)
    return pieces | {f"beside {other}" for other in others}


# --- What was learnt ------------------------------------------------------------------------------------------------------------------


def line_of(piece: str, weight: float) -> str:
    """Return what was learnt of a piece as a line of ``values.tsv``."""
    return f"{piece}\t{weight:.1f}"


@cache
def _learnt() -> dict[str, float]:
    with files("rules").joinpath("values.tsv").open("r", encoding="utf-8") as file:
        next(file)  # what the columns are
        lines = (line.rstrip("\n").split("\t") for line in file)
        return {piece: float(weight) for piece, weight in lines}
