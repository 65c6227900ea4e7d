"""What a message asks for: the policy's marks, then the law's words, then people's, in Kazakh, Russian and English.

``EVIDENCE`` is the order of the evidence: the first that finds something decides. ``DOUBTS`` then say what the letter's own words make of a
request. Words and what they mean stand in ``rules.lexicon``, spelling in ``rules.normal_form``; whether a message is automatic is left to
the header fields and ``rules.automatic``.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from rules.lexicon.grid import CONTRARY, GRID
from rules.lexicon.letter import Letter, is_latin, language_of, opened
from rules.lexicon.marks import Marks
from rules.lexicon.senses import ACTS, Sense
from rules.lexicon.sentence import Demand, Words, demands, denied, has, is_clean, is_dangling, is_own, is_taken_back, sentences
from rules.lexicon.words import AS_WRITTEN, IN_LATIN, WITHOUT_KAZAKH_LETTERS
from rules.normal_form import SUBJECT_LIMIT, folded, other_layouts, plain, skeleton, unwrapped, words
from rules.policy import Mark, Policy
from rules.vocabulary import Certainty, Language, Outcome, RequestType


@dataclass(frozen=True, slots=True)
class Reading:
    """What recognition makes of a message: request, held or ordinary, and why."""

    outcome: Outcome
    type: RequestType | None = None
    language: Language | None = None
    matched: str | None = None
    clause: str | None = None
    certainty: Certainty | None = None
    reason: str = ""
    may_be: tuple[RequestType, ...] = ()
    from_template: bool = False


class Glance(StrEnum):
    """What a subject alone tells: whether the body is needed."""

    NOTHING = "nothing"
    EMPTY_HANDED = "empty_handed"
    MATCH = "match"


SUBJECTS_REMEMBERED = 1024
"""Most mail of an inbox belongs to threads, and a thread keeps its subject."""


class Recogniser:
    """Reads messages under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._marks = Marks(policy)
        self._glanced = lru_cache(SUBJECTS_REMEMBERED)(self._glance)

    def glance(self, subject: str) -> Glance:
        """Tell from the subject alone whether the message may be a request."""
        return self._glanced(subject)

    def _glance(self, subject: str) -> Glance:
        letter = opened(subject, None)
        if _AUTOMATIC.match(letter.written.lstrip()):
            return Glance.NOTHING
        if letter.is_empty_handed:
            return Glance.EMPTY_HANDED
        if has(letter.subject, *_TELLING) or is_clean(letter.subject):
            return Glance.MATCH
        evidence = EVIDENCE if has(letter.subject, *_ASKING) else MISSPELT
        return Glance.MATCH if any(hear(letter, self._marks) for hear in evidence) else Glance.NOTHING

    def recognise(self, subject: str, own_words: str | None, attachments: Sequence[str] = (), *, forwards: bool = False) -> Reading:
        """Return what the message asks, from its subject and the words that its sender wrote (None: not read).

        ``forwards`` tells that a message of somebody else lies in it or under it.
        """
        letter = opened(subject, own_words, attachments)
        reading = next(filter(None, (evidence(letter, self._marks) for evidence in EVIDENCE)), _NOTHING_FOUND)
        if reading.outcome is Outcome.ORDINARY:
            return reading
        reading = replace(reading, language=language_of(letter, reading.language))
        if reading.outcome is Outcome.HELD:
            return reading
        if forwards and letter.unwrapped.is_forward and not any(map(demands, letter.acting)):
            return _doubted(reading, "It is forwarded, and the sender's own words ask for nothing.")
        reading = next(filter(None, (doubt(letter, reading) for doubt in DOUBTS)), reading)
        return replace(reading, clause=self._marks.clause_for(reading.type)) if reading.type and not reading.clause else reading


# --- The evidence, in the order in which it is heard --------------------------------------------------------------------------------


Evidence = Callable[[Letter, Marks], Reading | None]

_AUTOMATIC = re.compile(
    r"(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response)|out of (?:the )?office|автоответ|автоматический ответ|автоматты жауап|"
    r"undeliver|mail delivery|delivery (?:status|has failed|failure)|returned mail|failure notice|недоставлен|не доставлено|жеткізілмеді|"
    r"(?:read|not read|прочитано|не прочитано|оқылды|accepted|declined|tentative|принято|отклонено|қабылданды)\s?:)",
    re.IGNORECASE,
)


def pass_over_automatic_mail(letter: Letter, _marks: Marks) -> Reading | None:
    """An answering machine or a bounce says so at the start of the subject (H77)."""
    if _AUTOMATIC.match(letter.written.lstrip()):
        return Reading(Outcome.ORDINARY, reason="The subject is that of an automatic message.")
    return None


def name_mark_exactly(letter: Letter, marks: Marks) -> Reading | None:
    """The subject is the operator's own mark."""
    mark = marks.exact(letter.written)
    return _by_mark(mark, Certainty.EXACT, "The subject is the mark that the policy names.") if mark else None


def name_mark_nearly(letter: Letter, marks: Marks) -> Reading | None:
    """The subject is the mark with a prefix, a tail or a slip of the pen."""
    mark = marks.exact(letter.unwrapped.core) or marks.near(letter.texts, letter.unwrapped.core)
    if mark is None or has(letter.subject, Sense.QUESTION) or _is_turned(letter.subject):
        return None
    if any(demand.type is not mark.type for demand in _demands(letter.subject)):
        return None
    return _by_mark(mark, Certainty.NEAR, "The subject is nearly the mark that the policy names.")


def hear_authority(letter: Letter, marks: Marks) -> Reading | None:
    """The authorised body asks (Law 94-V art. 25(2)(3-1)); another state body is for a person to answer."""
    asks = has(letter.subject, Sense.REQUEST, Sense.DATA, Sense.TELL)
    if not asks or has(letter.subject, Sense.COMPLAINT):
        return None
    if has(letter.subject, Sense.AUTHORITY):
        matched = _text(word.text for word in letter.subject if Sense.AUTHORITY in word.senses)
        return _request(marks, RequestType.AUTHORITY_INQUIRY, matched, Certainty.NEAR, "The authorised body is named in the subject.")
    if has(letter.subject, Sense.STATE_BODY):
        return _held("A state body that is not the authorised one is named.", (RequestType.AUTHORITY_INQUIRY,))
    return None


def hear_complaint(letter: Letter, _marks: Marks) -> Reading | None:
    """A complaint about personal data is for a person, whatever else it asks."""
    texts = (letter.subject, *letter.telling)
    if has(letter.subject, Sense.COMPLAINT) and any(has(text, *_PRIVATE) for text in texts):
        return _held("It is a complaint about personal data.", _ANY_TYPE)
    return None


def hear_taking_back(letter: Letter, _marks: Marks) -> Reading | None:
    """An earlier letter is taken back, or an act is denied ("do not delete my data")."""
    if not any(_is_turned(sentence) for sentence in sentences(letter.subject)):
        return None
    if not has(letter.subject, *_TELLING):
        return None
    return _held("The subject takes a request back or says what must not be done.", _ANY_TYPE)


def hear_question(letter: Letter, marks: Marks) -> Reading | None:
    """Somebody asks whether or how one may do something, or what is meant."""
    return _question(letter.subject, marks)


def read_subject(letter: Letter, marks: Marks) -> Reading | None:
    """The subject uses the law's words or people's."""
    found = _demands(letter.subject)
    if found and any(is_dangling(sentence) for sentence in sentences(letter.subject)):
        return _held("Besides one demand the subject makes another that is not understood.", tuple(demand.type for demand in found))
    return _by_demands(found, marks, "The subject asks for it")


def find_mark_in_body(letter: Letter, marks: Marks) -> Reading | None:
    """The mark stands in the first lines of the body, where the subject says nothing else."""
    if not letter.body or not letter.leaves_it_to_the_body or (marks.all_tell and not letter.telling):
        return None
    for line in [line[:SUBJECT_LIMIT] for line in letter.body_text.splitlines() if line.strip()][:3]:
        core = unwrapped(line).core
        if mark := marks.exact(core) or marks.near(tuple(words(folded(core))), core):
            return _by_mark(mark, Certainty.NEAR, "The mark that the policy names stands in the first lines of the body.")
    return None


def read_body(letter: Letter, marks: Marks) -> Reading | None:
    """The body asks, where the subject is empty, says nothing, or only names a theme."""
    if not letter.body or not letter.leaves_it_to_the_body:
        return None
    together = letter.as_one()
    found = [demand for sentence in together for demand in demands(sentence)]
    if _LINK.search(letter.body_text):  # "unsubscribe: https://…" is the footer of somebody's advertising
        found = [demand for demand in found if demand.type is not RequestType.OPT_OUT]
    asked = next(filter(None, (_question(sentence, marks) for sentence in together)), None)
    if any(_is_turned(sentence) for sentence in letter.telling) and found:
        return _held("The body takes a request back or says what must not be done.", tuple(demand.type for demand in found))
    return asked or _by_demands(found, marks, "The body asks for it, and the subject says nothing else")


def read_misspelt_subject(letter: Letter, marks: Marks) -> Reading | None:
    """The subject uses the law's words with a slip in a word that a mark holds."""
    corrected = tuple(word.text if word.language or word.senses else marks.corrected(word.text) for word in letter.subject)
    if corrected == tuple(word.text for word in letter.subject):
        return None
    return _by_demands(_demands(AS_WRITTEN.read(corrected)), marks, "But for a slip of the pen the subject asks for it")


def read_other_layout(letter: Letter, marks: Marks) -> Reading | None:
    """The subject was typed with another keyboard layout switched on."""
    if any(word.language for word in letter.subject):
        return None
    for typed in other_layouts(letter.unwrapped.core.lower()):
        found = _demands(AS_WRITTEN.read(tuple(words(folded(typed)))))
        if found:
            return _by_demands(_guessed(found), marks, "Typed with another keyboard layout, the subject asks for it")
    return None


def read_other_alphabet(letter: Letter, marks: Marks) -> Reading | None:
    """The subject is Russian or Kazakh in Latin letters, or Kazakh without its own letters."""
    lexicon = IN_LATIN if is_latin(letter.texts) else WITHOUT_KAZAKH_LETTERS
    found = _demands(lexicon.read([skeleton(text) or text for text in letter.texts]))
    return _by_demands(_guessed(found), marks, "In another alphabet the subject asks for it")


def read_attachment_names(letter: Letter, _marks: Marks) -> Reading | None:
    """The name of an attachment asks, where subject and body say nothing; what it holds is not read."""
    if not letter.leaves_it_to_the_body:
        return None
    names = (AS_WRITTEN.read(words(folded(plain(name.rpartition(".")[0].replace("_", " "))))) for name in letter.attachments)
    types = [demand.type for name in names for demand in _demands(name)]
    return _held("Only the name of an attachment asks for something.", tuple(types)) if types else None


def hold_bare_theme(letter: Letter, _marks: Marks) -> Reading | None:
    """Only a theme is named ("personal data"): a person must ask what is wanted."""
    if not letter.subject or not is_clean(letter.subject) or has(letter.subject, *_NO_THEME):
        return None
    if has(letter.subject, Sense.DATA) and not has(letter.subject, Sense.YOUR):
        return _held("The subject names personal data but says not what is asked.", _ANY_TYPE)
    acts = [act for word in letter.subject for act in word.senses & GRID.keys() - _TOO_COMMON]
    if len(acts) == len(letter.subject) and not letter.body_text.strip():
        return _held("The subject names an act but not what it is asked for.", tuple(dict.fromkeys(GRID[acts[0]].values())))
    return None


EVIDENCE: tuple[Evidence, ...] = (
    pass_over_automatic_mail,
    name_mark_exactly,
    name_mark_nearly,
    hear_authority,
    hear_complaint,
    hear_taking_back,
    hear_question,
    read_subject,
    find_mark_in_body,
    read_body,
    read_misspelt_subject,
    read_other_layout,
    read_other_alphabet,
    read_attachment_names,
    hold_bare_theme,
)

MISSPELT: tuple[Evidence, ...] = (name_mark_nearly, read_misspelt_subject, read_other_layout, read_other_alphabet)
"""What alone can find something in a subject that names, as it is written, nothing that can be asked."""


# --- What the letter's own words make of a request ----------------------------------------------------------------------------------


Doubt = Callable[[Letter, Reading], Reading | None]


def hear_thanks(letter: Letter, reading: Reading) -> Reading | None:
    """An answer that only says thanks asks nothing."""
    if letter.only_thanks:
        return Reading(Outcome.ORDINARY, language=reading.language, reason="It is an answer that only says thanks.")
    return None


def hear_another_person(letter: Letter, reading: Reading) -> Reading | None:
    """Who asks for somebody else must show the right to (Law 94-V art. 24)."""
    if any(_names_another(text) for text in (letter.subject, *letter.telling)):
        return _doubted(reading, "It is asked for another person.")
    return None


def hear_contradiction(letter: Letter, reading: Reading) -> Reading | None:
    """The body takes back what the subject asks, or says the opposite."""
    for sentence in letter.acting:
        if is_taken_back(sentence) or reading.type in denied(sentence):
            return _doubted(reading, "The body contradicts the subject.")
    return None


def hear_second_demand(letter: Letter, reading: Reading) -> Reading | None:
    """The body asks for something else as well."""
    asked = {demand.type for sentence in letter.acting for demand in demands(sentence) if demand.certainty is Certainty.NEAR}
    if reading.type is None or reading.type is RequestType.QUESTION:
        return None
    types = _absorbed([reading.type, *sorted(asked)])
    if types == [reading.type]:
        return None
    if len(types) == 1:  # the wider demand of the body takes in the subject's
        return replace(reading, type=types[0], clause=None, certainty=Certainty.NEAR, reason="The body asks for more than the subject.")
    return replace(_doubted(reading, "The letter makes two different demands."), may_be=tuple(types))


DOUBTS: tuple[Doubt, ...] = (hear_thanks, hear_another_person, hear_contradiction, hear_second_demand)


# --- Parts --------------------------------------------------------------------------------------------------------------------------

_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_NOTHING_FOUND = Reading(Outcome.ORDINARY, reason="Nothing in it asks for anything about personal data.")
_ANY_TYPE = tuple(kind for kind in RequestType if kind not in (RequestType.QUESTION, RequestType.AUTHORITY_INQUIRY, RequestType.UNBLOCK))
_NO_THEME = (Sense.CONSENT, Sense.MAILING, Sense.SEND, Sense.SUBSCRIBE)
_TOO_COMMON = frozenset({Sense.TELL, Sense.NOT, Sense.WRONG, Sense.NEW, Sense.STOP, Sense.OBJECT})
_OBJECTS = frozenset(sense for objects in GRID.values() for sense in objects)
_TELLING = (_OBJECTS - {Sense.ME, Sense.CONTACT, Sense.SEND, Sense.LIST}) | {
    Sense.UNSUBSCRIBE,
    Sense.AUTHORITY,
    Sense.STATE_BODY,
    Sense.COMPLAINT,
    Sense.PERSONAL,
}
_ASKING = (ACTS | GRID.keys() | CONTRARY.keys() | _OBJECTS | {Sense.POLICY}) - {Sense.ME}
_PRIVATE = (Sense.LEAK, Sense.DATA, Sense.CONSENT, Sense.PROCESSING, Sense.PERSONAL)

_ABSORBED: dict[RequestType, frozenset[RequestType]] = {
    RequestType.REVOKE_CONSENT: frozenset(
        {RequestType.STOP_PROCESSING, RequestType.DESTROY, RequestType.OPT_OUT, RequestType.RESTRICT_TRANSFER, RequestType.OBJECT_AUTOMATED}
    ),
    RequestType.DESTROY: frozenset({RequestType.OPT_OUT}),
    RequestType.OBJECT_AUTOMATED: frozenset({RequestType.STOP_PROCESSING}),
    RequestType.STOP_PROCESSING: frozenset({RequestType.OPT_OUT, RequestType.RESTRICT_TRANSFER}),
    RequestType.UNBLOCK: frozenset({RequestType.BLOCK}),
}
"""What asking for one thing asks for anyway."""


def _demands(text: Words) -> list[Demand]:
    return [demand for sentence in sentences(text) for demand in demands(sentence)]


def _guessed(found: Iterable[Demand]) -> list[Demand]:
    return [replace(demand, certainty=Certainty.GUESS) for demand in found]


def _absorbed(types: Iterable[RequestType]) -> list[RequestType]:
    """Return ``types`` once each, without those that another of them asks for anyway."""
    once = list(dict.fromkeys(types))
    return [kind for kind in once if not any(kind in _ABSORBED.get(other, ()) for other in once)]


def _by_mark(mark: Mark, certainty: Certainty, reason: str) -> Reading:
    return Reading(
        Outcome.REQUEST,
        mark.type,
        mark.language,
        matched=mark.phrase,
        clause=mark.clause,
        certainty=certainty,
        reason=reason,
        from_template=mark.from_template,
    )


def _by_demands(found: Sequence[Demand], marks: Marks, reason: str) -> Reading | None:
    types = _absorbed(demand.type for demand in found)
    if not types:
        return None
    if len(types) > 1:
        return replace(_held("Two different demands are made.", tuple(types)), language=found[0].language)
    deciding = min((demand for demand in found if demand.type is types[0]), key=lambda demand: demand.certainty is Certainty.GUESS)
    whose = "people's words" if deciding.certainty is Certainty.GUESS else "the law's words"
    reading = _request(marks, deciding.type, deciding.matched, deciding.certainty, f"{reason}, in {whose}.")
    return replace(reading, language=deciding.language)


def _request(marks: Marks, kind: RequestType, matched: str, certainty: Certainty, reason: str) -> Reading:
    return Reading(Outcome.REQUEST, kind, matched=matched, clause=marks.clause_for(kind), certainty=certainty, reason=reason)


def _held(reason: str, may_be: tuple[RequestType, ...]) -> Reading:
    types = tuple(dict.fromkeys(may_be))
    return Reading(Outcome.HELD, types[0] if len(types) == 1 else None, reason=reason, may_be=types)


def _doubted(reading: Reading, reason: str) -> Reading:
    return replace(reading, outcome=Outcome.HELD, reason=reason, may_be=(reading.type,) if reading.type else ())


def _text(parts: Iterable[str]) -> str:
    return " ".join(parts)


def _is_turned(sentence: Words) -> bool:
    return is_taken_back(sentence) or bool(denied(sentence))


def _question(text: Words, marks: Marks) -> Reading | None:
    """Return the question that ``text`` asks about personal data; the wish to see one's data is access, unless one asks how."""
    if not has(text, Sense.QUESTION, Sense.WHETHER):
        return None
    types = {demand.type for demand in _demands(text)}
    about = (
        types
        or (has(text, Sense.POLICY, Sense.CONSENT) and all(word.senses for word in text))
        or any(Sense.DATA in word.senses and is_own(text, at) for at, word in enumerate(text))
    )
    if not about or (types == {RequestType.ACCESS} and not has(text, Sense.WHETHER)):
        return None
    matched = _text(word.text for word in text if word.senses & {Sense.QUESTION, Sense.WHETHER})
    return _request(marks, RequestType.QUESTION, matched, Certainty.NEAR, "It asks a question about personal data and demands nothing.")


def _names_another(text: Words) -> bool:
    return any(
        Sense.RELATIVE in word.senses and any(Sense.MY in near.senses for near in text[max(0, at - 2) : at + 1])
        for at, word in enumerate(text)
    )
