"""What a consent was given for, and what makes a thing another one than the law means."""

from collections.abc import Sequence

from rules.lexicon.grid import CONSENT_SCOPES
from rules.lexicon.senses import Sense
from rules.lexicon.words import Word
from rules.vocabulary import Language, RequestType

Words = Sequence[Word]

_DATIVE = ("ға", "ге", "қа", "ке", "на", "не")

_ANOTHER_THING = frozenset({Sense.GATHERING, Sense.BUSINESS})


def is_strange(word: Word) -> bool:
    """Tell whether a word makes what stands beside it another thing: one that is not ours, or of ordinary business."""
    return not word.senses or (not word.senses.isdisjoint(_ANOTHER_THING) and word.senses <= _ONLY_BUSINESS)


_ONLY_BUSINESS = _ANOTHER_THING | {Sense.EMPTY}


def consent_kind(sentence: Words, at: int) -> RequestType | None:
    """Return what the withdrawal of the consent at ``at`` comes to; None when it is a consent to something else."""
    if sentence[at].language is Language.KK and at:
        return _scope_before(sentence, at)
    position = at + 1
    while position < len(sentence) and sentence[position].senses & {Sense.MY, Sense.ME, Sense.SMALL} and not _is_scope(sentence[position]):
        position += 1
    if position >= len(sentence) or Sense.SCOPE not in sentence[position].senses:
        return RequestType.REVOKE_CONSENT
    for word in sentence[position + 1 :]:
        for scope, kind in CONSENT_SCOPES.items():
            if scope in word.senses:
                return kind
        if is_strange(word):
            return None
    return RequestType.REVOKE_CONSENT


def _is_scope(word: Word) -> bool:
    return Sense.SCOPE in word.senses


def _part_after(sentence: Words, at: int) -> RequestType | None:
    """Return the only scope for which a consent is taken back: «келісімімді жарнама бөлігінде»."""
    behind = sentence[at + 1 :]
    if not any(word.text.startswith("бөлігі") for word in behind):
        return None
    named = (scope for word in behind for scope in (Sense.MAILING, Sense.SEND, Sense.TRANSFER) if scope in word.senses)
    return next((CONSENT_SCOPES[scope] for scope in named), None)


def _scope_before(sentence: Words, at: int) -> RequestType | None:
    narrow = _part_after(sentence, at)
    if narrow is not None:
        return narrow
    found: list[RequestType] = []
    for word in reversed(sentence[:at]):
        if not found or not word.senses & {Sense.DATA, Sense.PERSONAL}:  # «деректерді беруге»: data are only what is passed on
            found += [kind for scope, kind in CONSENT_SCOPES.items() if scope in word.senses][:1]
        if is_strange(word):
            if not found and word.text.endswith(_DATIVE):
                return None
            break
    return RequestType.REVOKE_CONSENT if not found or RequestType.REVOKE_CONSENT in found else found[0]
