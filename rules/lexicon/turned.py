"""What a sentence takes back or denies: an earlier letter ("cancel my opt-out"), or an act ("do not delete my data")."""

from rules.lexicon.grid import CONTRARY
from rules.lexicon.senses import Sense
from rules.lexicon.sentence import Words, demands, has, is_clean, is_denied, reach
from rules.vocabulary import Language, RequestType


def is_turned(sentence: Words) -> bool:
    """Tell whether ``sentence`` takes something back or denies an act."""
    return is_taken_back(sentence) or bool(denied(sentence))


def denied(sentence: Words) -> set[RequestType]:
    """Return the types that ``sentence`` says are not wanted ("do not delete my data")."""
    return {
        CONTRARY[act]
        for at, word in enumerate(sentence)
        for act in word.senses & CONTRARY.keys()
        if Sense.NOT in word.senses or is_denied(sentence, at)
    }


def is_taken_back(sentence: Words) -> bool:
    """Tell whether ``sentence`` takes back an earlier letter ("cancel my opt-out")."""
    if has(sentence, Sense.TAKEN_BACK):
        if has(sentence, Sense.IF):  # "if this reached you by mistake" is a footer
            return False
        back = [word for word in sentence if Sense.TAKEN_BACK in word.senses]
        of_ours = has(sentence, Sense.MAILING, Sense.CONSENT, Sense.DATA) and not demands(sentence)
        if any(word.text.startswith(_REST) for word in sentence):
            return False  # "the rest stays in force"
        if has(sentence, Sense.BUSINESS, Sense.ACCOUNT) and all(word.text.startswith(_AS_BEFORE) for word in back):
            return False  # "the contract stays as it is"
        is_reason = not of_ours and all(word.text.startswith(_CHANGED_MIND) for word in back)  # "changed my mind about the flat"
        return is_clean(sentence) or not is_reason
    for at, word in enumerate(sentence):
        if Sense.CANCEL in word.senses and _is_done_to(sentence, at, _ASKED_EARLIER | {Sense.UNSUBSCRIBE, Sense.REVOKE, Sense.REFUSE}):
            return True
        if Sense.REVOKE in word.senses and has(sentence, Sense.MY) and _is_done_to(sentence, at, _ASKED_EARLIER):
            return True
    return False


def is_change_of_mind(sentence: Words) -> bool:
    """Tell whether ``sentence`` says no more than that somebody thinks otherwise now."""
    back = [word for word in sentence if Sense.TAKEN_BACK in word.senses]
    return bool(back) and all(word.text.startswith(_CHANGED_MIND) for word in back)


_REST = ("остальн", "rest", "everything else", "қалған")
_AS_BEFORE = ("as it is", "everything stays", "stays as", "keep everything", "как было", "как есть", "сол қалпында")
_CHANGED_MIND = ("передумал", "ойым", "changed my mind", "change my mind")


_ASKED_EARLIER = frozenset({Sense.REQUEST})


def _is_done_to(sentence: Words, at: int, wanted: frozenset[Sense]) -> bool:
    ahead = -1 if sentence[at].language is Language.KK else 1
    hit = reach(sentence, at, ahead, wanted, stops=frozenset({Sense.CONSENT, Sense.DATA, Sense.MAILING}))
    return hit is not None and hit >= 0
