"""How the words of a sentence make a demand: an act and the object it is done to.

The object stands after the act in Russian and English, before it in Kazakh. A word that is not ours between the two means that the act
is done to something else ("withdrawal of the bid"); so does a word that makes the object another thing ("personal data webinar").
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rules.lexicon.grid import CONTRARY, GRID, WEAK_ACTS
from rules.lexicon.scope import consent_kind, is_strange
from rules.lexicon.senses import ACTS, Sense
from rules.lexicon.words import Word
from rules.vocabulary import Certainty, Language, RequestType

Words = tuple[Word, ...]

_FOREIGN = frozenset({Sense.POLICY, Sense.OTHERS, Sense.STATE_BODY, Sense.AUTHORITY, Sense.SUBSCRIBE, Sense.GATHERING, Sense.BUSINESS})
_NOT_ACROSS = {Sense.CHANGE: frozenset({Sense.PROCESSING})}
"""Changes in the processing of data are not changes of the data."""
LONGEST_SENTENCE = 80
"""Words of a sentence that are weighed against each other: without an end, every act would be held against every word (H55)."""
_SENTENCE_ENDS = frozenset(".!?;\n")


@dataclass(frozen=True, slots=True)
class Demand:
    """A type of request that the words of a sentence make, and the words that made it."""

    type: RequestType
    matched: str
    language: Language | None
    certainty: Certainty
    object_at: int
    is_weak: bool = False


def sentences(words: Words) -> list[Words]:
    """Return ``words`` as sentences, without what ends them."""
    found: list[Words] = []
    start = 0
    for position, word in enumerate(words):
        if word.text in _SENTENCE_ENDS:
            found.append(words[start:position])
            start = position + 1
    found.append(words[start:])
    return [sentence for sentence in found if sentence]


def demands(sentence: Words) -> list[Demand]:
    """Return what ``sentence`` demands, each act with its object, in the order of the acts."""
    sentence = sentence[:LONGEST_SENTENCE]
    if has(sentence, Sense.INSTRUCTION) or (has(sentence, Sense.IF) and has(sentence, Sense.TAKEN_BACK)):
        return []  # a footer: "click here", "if this reached you by mistake"
    found = [demand for at, word in enumerate(sentence) if word.senses & ACTS for demand in _demands_at(sentence, at)]
    claimed = {demand.object_at for demand in found if not demand.is_weak}
    return [demand for demand in found if not demand.is_weak or not (demand.object_at in claimed or _is_only_named(demand, claimed))]


def _is_only_named(demand: Demand, claimed: set[int]) -> bool:
    """Tell whether information is what another act is done to: "stop using information about me"."""
    return bool(claimed) and demand.type is RequestType.ACCESS and demand.matched.startswith(_INFORMATION)


_INFORMATION = ("сведен", "информац", "information", "ақпарат")


def has(words: Iterable[Word], *senses: Sense) -> bool:
    """Tell whether any of ``words`` has any of ``senses``."""
    for word in words:  # noqa: SIM110  the most called function of recognition: any() takes half as long again
        if word.senses and not word.senses.isdisjoint(senses):
            return True
    return False


_EMPTY = frozenset({Sense.EMPTY})
_COMMONPLACE = frozenset({Sense.EMPTY, Sense.BUSINESS, Sense.SMALL, Sense.BREAK, Sense.THANKS, Sense.MY, Sense.ME})


def tells(word: Word) -> bool:
    """Tell whether ``word`` is one of ours, and not one that stands in every letter."""
    return not word.senses <= _COMMONPLACE


def is_clean(sentence: Words) -> bool:
    """Tell whether every word of ``sentence`` is ours, so that nothing else can be meant."""
    for word in sentence:  # noqa: SIM110  as above
        if not word.senses or word.senses & _FOREIGN or word.senses == _EMPTY:
            return False
    return True


def is_own(sentence: Words, at: int) -> bool:
    """Tell whether the thing at ``at`` is called personal, or the writer's own."""
    if _named(sentence, at, Sense.YOUR, before=3, after=1):
        return False
    return _named(sentence, at, Sense.MY, before=4, after=4) or _named(sentence, at, Sense.PERSONAL, before=3, after=0)


def stands_alone(sentence: Words) -> bool:
    """Tell whether ``sentence`` is only "stop"."""
    return any(word.text in _ENOUGH for word in sentence) and _stands_alone(sentence, 0, Sense.STOP)


def is_dangling(sentence: Words) -> bool:
    """Tell whether an act is done to something of the writer's that we have no word for ("delete my story")."""
    return any(
        word.senses & CONTRARY.keys()
        and any(Sense.MY in near.senses for near in sentence[at + 1 : at + 3])
        and reach(sentence, at, 1, _OBJECTS) == _BLOCKED
        for at, word in enumerate(sentence)
    )


_KEPT_APART = _FOREIGN | {Sense.YOUR, Sense.INSTRUCTION, Sense.RELATIVE}
_PERSONS_OWN = frozenset({Sense.DATA, Sense.CONSENT, Sense.CONTACT, Sense.ACCOUNT, Sense.PROCESSING, Sense.TRANSFER})


def likely(sentence: Words) -> list[RequestType]:
    """Return what ``sentence`` may ask: an act and something called personal or the writer's own, whatever stands between them."""
    sentence = sentence[:LONGEST_SENTENCE]
    if has(sentence, Sense.IF, *_KEPT_APART) or not has(sentence, Sense.MY, Sense.PERSONAL, Sense.UNBLOCK):
        return []
    own = [word.senses for word in sentence if word.senses & _PERSONS_OWN]
    acts = [act for word in sentence for act in word.senses & GRID.keys() - WEAK_ACTS - {Sense.NOT}]
    found = [GRID[act][sense] for act in acts for senses in own for sense in senses & GRID[act].keys()]
    return list(dict.fromkeys(found))


def _demands_at(sentence: Words, at: int) -> Iterable[Demand]:
    word = sentence[at]
    if Sense.NOT not in word.senses and is_denied(sentence, at):
        return
    for act in word.senses & GRID.keys():
        if Sense.NOT in word.senses and (act is not Sense.NOT or Sense.STOP in word.senses):
            continue  # what is not to be stopped («тоқтатпа») is not refused either
        object_at = _object_of(sentence, at, act)
        kind = _kind(sentence, at, act, object_at)
        if kind:
            first, last = sorted((at, at if object_at is None else object_at))
            matched = " ".join(part.text for part in sentence[first : last + 1])
            strong = word.of_law and (object_at is None or sentence[object_at].of_law)
            certainty = Certainty.NEAR if strong else Certainty.GUESS
            yield Demand(kind, matched, word.language, certainty, at if object_at is None else object_at, _is_weak(word, act))


def _is_weak(word: Word, act: Sense) -> bool:
    """Tell whether the act gives way to another done to the same thing; who asks for a copy first wants both."""
    return act in WEAK_ACTS and not word.text.startswith(_COPY)


_COPY = ("copy", "copies", "копи", "көшірме", "пришлите", "вышлите", "покажите", "выгрузк", "send me", "show me")
_OBJECTS = frozenset(sense for objects in GRID.values() for sense in objects)
_BLOCKED = -1


def _kind(sentence: Words, at: int, act: Sense, object_at: int | None) -> RequestType | None:
    if object_at is None:
        return RequestType.OPT_OUT if _stands_alone(sentence, at, act) else None
    objects = sentence[object_at].senses & GRID[act].keys()
    for sense in GRID[act]:  # in the order of the grid
        if sense in objects and _is_settled(sentence, at, act, object_at, sense):
            return _kind_of(sentence, act, object_at, sense)
    return None


def _kind_of(sentence: Words, act: Sense, object_at: int, sense: Sense) -> RequestType | None:
    if sense is Sense.CONSENT:
        return consent_kind(sentence, object_at)
    if sense is Sense.SEND and has(sentence, Sense.THIRD_PARTY):
        return RequestType.RESTRICT_TRANSFER
    if sense is Sense.PROCESSING and has(sentence, Sense.AUTOMATED):
        return GRID[act].get(Sense.AUTOMATED, GRID[act][sense])
    return GRID[act][sense]


def _object_of(sentence: Words, at: int, act: Sense) -> int | None:
    """Return where the object of the act at ``at`` stands; None where it has none or another one."""
    wanted = frozenset(GRID[act])
    if sentence[at].senses & wanted and not (act is Sense.TELL and Sense.MY not in sentence[at].senses):
        return _wider(sentence, at, act)
    ahead, behind = (-1, 1) if sentence[at].language is Language.KK else (1, -1)
    stops = _NOT_ACROSS.get(act, frozenset())
    first = reach(sentence, at, ahead, wanted, stops)
    if first is None and act is Sense.NOT:
        return None
    if first is None or (first == _BLOCKED and not _is_adjacent_stranger(sentence, at, ahead)):
        second = None if act is Sense.NOT else reach(sentence, at, behind, wanted, stops)
        return second if second is not None and second >= 0 else None
    if first == _BLOCKED and act is Sense.TELL:
        return None  # "and send me a note"
    if first == _BLOCKED:
        second = reach(sentence, at, behind, wanted, stops) if act is not Sense.NOT else None
        return second if second is not None and second >= 0 and _named(sentence, second, Sense.MY, before=3, after=1) else None
    return _wider(sentence, first, act)


_TAKEN_OFF = frozenset({Sense.MAILING, Sense.LIST, Sense.AUTOMATED})


def _wider(sentence: Words, object_at: int, act: Sense) -> int:
    """Return the mailing that a person or an address is to be taken off, where one is named after it."""
    if act is not Sense.ERASE or not sentence[object_at].senses & {Sense.ME, Sense.CONTACT, Sense.DATA}:
        return object_at
    step = -1 if sentence[object_at].language is Language.KK and object_at else 1
    for towards in (step, -step):
        further = reach(sentence, object_at, towards, _TAKEN_OFF, stops=ACTS)
        if further is not None and further >= 0 and (Sense.AUTOMATED not in sentence[further].senses or sentence[further].of_law):
            return further
    return object_at


def reach(sentence: Words, at: int, step: int, wanted: frozenset[Sense], stops: frozenset[Sense] = frozenset()) -> int | None:
    """Return the nearest word with a wanted sense, ``_BLOCKED`` if a word that is not ours stands before it."""
    position = at + step
    while 0 <= position < len(sentence):
        senses = sentence[position].senses
        if senses & wanted:
            return position
        if not senses or senses & _FOREIGN or senses & stops or sentence[position].text == ":":
            return _BLOCKED
        position += step
    return None


def _is_adjacent_stranger(sentence: Words, at: int, step: int) -> bool:
    position = at + step
    while 0 <= position < len(sentence) and sentence[position].senses & {Sense.SMALL, Sense.MY, Sense.SCOPE, Sense.WANT}:
        position += step
    return 0 <= position < len(sentence) and is_strange(sentence[position])


def is_denied(sentence: Words, at: int) -> bool:
    """Tell whether the act at ``at`` is denied: "do not delete"."""
    for word in reversed(sentence[max(0, at - 4) : at]):
        if Sense.NOT in word.senses:
            return len(word.senses) == 1 or word.language is not Language.KK
        if not word.senses & {Sense.SMALL, Sense.WANT, Sense.ME} or Sense.BREAK in word.senses:
            return False
    return False


_ENOUGH = frozenset({"stop", "стоп", "хватит", "stop all"})
"""What people answer to a mailing; other words for stopping leave open what is to stop."""


def _stands_alone(sentence: Words, at: int, act: Sense) -> bool:
    """Tell whether the act needs no object to be an opt-out: "unsubscribe", or a letter that says only "stop"."""
    if act is Sense.UNSUBSCRIBE:
        return reach(sentence, at, 1, frozenset()) is None
    if act is not Sense.STOP or not any(word.text in _ENOUGH for word in sentence):
        return False
    return all(word.senses & {Sense.STOP, Sense.SMALL, Sense.NOT, Sense.BREAK} and word.text not in _THIS for word in sentence)


def _named(sentence: Words, at: int, sense: Sense, *, before: int, after: int) -> bool:
    """Tell whether a word with ``sense`` belongs to the thing at ``at``: near it, with nothing foreign between."""
    if sense in sentence[at].senses:
        return True
    for step, span in ((-1, before), (1, after)):
        strangers = 0
        for position in range(at + step, at + step * (span + 1), step):
            if not 0 <= position < len(sentence):
                break
            if sense in sentence[position].senses:
                return True
            strangers += not sentence[position].senses
            if strangers > (sense is Sense.MY and step < 0):  # "my driver account"
                break
    return False


_OF_A_PERSON = frozenset({Sense.DATA, Sense.CONTACT, Sense.ACCOUNT})


def _is_settled(sentence: Words, at: int, act: Sense, object_at: int, sense: Sense) -> bool:
    """Tell whether the object is really what the law means by it, and not another thing of the same name."""
    own = is_own(sentence, object_at)
    if _belongs_to_others(sentence, object_at):
        return False
    if has(sentence, Sense.OUR) and sense in _OF_A_PERSON and not has(sentence, Sense.PERSONAL):
        return False
    match sense:
        case Sense.CONSENT:
            return not _named(sentence, object_at, Sense.YOUR, before=1, after=0) and consent_kind(sentence, object_at) is not None
        case Sense.DATA:
            return (own or is_clean(sentence)) and not has(sentence[max(0, object_at - 3) : object_at + 2], Sense.YOUR)
        case Sense.CONTACT | Sense.ACCOUNT:
            mine = _named(sentence, object_at, Sense.MY, before=4, after=2)
            new = _named(sentence, object_at, Sense.NEW, before=2, after=0) and act is Sense.CHANGE
            return mine or new or (is_clean(sentence) and act not in WEAK_ACTS - {Sense.NEW} and not has(sentence, Sense.YOUR))
        case Sense.ME | Sense.BASE:
            return act is Sense.UNSUBSCRIBE or not _is_adjacent_stranger(sentence, object_at, 1)
        case Sense.LIST:
            return not _is_compound(sentence, object_at) and (has(sentence, Sense.ME, Sense.MY, Sense.YOUR) or is_clean(sentence))
        case Sense.SEND | Sense.MAILING:
            return _is_mail_unwanted(sentence, at, act, object_at)
        case Sense.TRANSFER if act is Sense.BLOCK:
            return has(sentence, Sense.DATA, Sense.PERSONAL)
        case Sense.AUTOMATED:
            return has(sentence, Sense.ME, Sense.MY, Sense.DATA) or (sentence[object_at].of_law and is_clean(sentence))
        case _:
            return is_clean(sentence) or any(word.senses & _OF_A_PERSON and is_own(sentence, n) for n, word in enumerate(sentence))


_THIS = frozenset({"it", "this", "этот", "эту", "бұл", "осы", "мына", "bul", "osi", "etot", "etu"})


def _is_mail_unwanted(sentence: Words, at: int, act: Sense, object_at: int) -> bool:
    if act is Sense.NOT and Sense.MAILING in sentence[object_at].senses and object_at - at > 1:
        return has(sentence[at:object_at], Sense.WANT)
    is_sent = Sense.SEND in sentence[object_at].senses
    if is_sent and has(sentence, Sense.CONTACT) and any(word.text in _THIS for word in sentence):
        return False  # "do not write to this number"
    if is_sent and has(sentence, Sense.BULK):
        return True
    sends = [word for word in sentence if Sense.SEND in word.senses]
    if act is Sense.NOT and len(sends) > sum(Sense.NOT in word.senses for word in sentence):
        return False  # "do not write to this address, write to that one"
    if is_sent and has(sentence, Sense.MAILING):
        return True
    step = -1 if sentence[object_at].language is Language.KK else 1
    if is_sent and has(sentence, Sense.BUSINESS) and not has(sentence, Sense.ME, Sense.MAILING):
        return False
    if is_sent and act is Sense.STOP:
        return not has(sentence, Sense.BUSINESS)
    if is_sent:
        return not _is_adjacent_stranger(sentence, object_at, step)
    return Sense.BULK in sentence[object_at].senses or not _is_about_another_thing(sentence, object_at)


def _is_about_another_thing(sentence: Words, at: int) -> bool:
    """Tell whether a notice is one of something that is not ours: "of the arrival of the wagon"."""
    rest = [word for word in sentence[at + 1 :] if word.senses != _SMALL and Sense.SCOPE not in word.senses]
    return bool(rest) and is_strange(rest[0])


_SMALL = frozenset({Sense.SMALL})


def _is_compound(sentence: Words, at: int) -> bool:
    """Tell whether the next word makes the thing at ``at`` part of another ("personal data webinar")."""
    after = sentence[at + 1] if at + 1 < len(sentence) else None
    return after is not None and is_strange(after)


def _belongs_to_others(sentence: Words, at: int) -> bool:
    rest = sentence[at + 1 :]
    while rest and rest[0].senses & {Sense.SMALL, Sense.SCOPE, Sense.PROCESSING}:
        rest = rest[1:]
    if rest and rest[0].senses & {Sense.OTHERS, Sense.POLICY}:
        return True
    is_mine = _named(sentence, at, Sense.MY, before=3, after=0)
    return sentence[at].language is Language.EN and _is_compound(sentence, at) and not is_mine
