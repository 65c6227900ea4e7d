"""What may be meant and is not plainly said: for a person to read, or a question in general."""

import re

from rules.evidence.reading import (
    ANY_TYPE,
    HEARD_ANYHOW,
    Reading,
    held,
    joined_text,
    question_in,
    request_for,
)
from rules.evidence.spelling import in_other_alphabet, typed_otherwise
from rules.lexicon.grid import GRID
from rules.lexicon.letter import Letter
from rules.lexicon.marks import Marks
from rules.lexicon.senses import Sense
from rules.lexicon.sentence import Words, has, is_clean, likely, sentences
from rules.vocabulary import Certainty, RequestType


def hold_likely_demand(letter: Letter, _marks: Marks) -> Reading | None:
    """An act and the person's own data, consent or contact stand in one sentence, but words that are not ours stand between them."""
    said = letter.telling[:HEARD_ANYHOW]
    texts = (*sentences(letter.subject), *said, *(letter.subject + sentence for sentence in said))
    types = [kind for text in texts for kind in likely(text)]
    return held("It names the person's own data and an act, but not plainly what is asked.", tuple(types)) if types else None


OTHER_LANGUAGES = re.compile(
    r"\b(?:(?:meine[rns]?|personenbezogenen?r?) daten|einwilligung|datenauskunft|abmeld\w+|abbestell\w+|löschen sie|löschung"  # German
    r"|mes données|données personnelles|désinscri\w+"
    r"|kişisel veri\w*|shaxsiy ma'?lumot\w*|персональн\w+ даних|моїх даних|згод[аиу] на обробку)\b"
)


def hold_other_language(letter: Letter, _marks: Marks) -> Reading | None:
    """Personal data are named in a language that is not read here: whoever reads it can tell."""
    found = OTHER_LANGUAGES.search(letter.written.lower())
    return held("It names personal data in a language that is not read here.", ANY_TYPE) if found else None


def ask_generally(letter: Letter, marks: Marks) -> Reading | None:
    """Somebody asks about the handling of personal data, in general or of the own ones, in whatever words besides."""
    if reading := next(filter(None, (_asked_generally(text, marks) for text in (letter.subject, *letter.telling[:HEARD_ANYHOW]))), None):
        return reading
    typed = (*typed_otherwise(letter.unwrapped.core), in_other_alphabet(letter.texts)) if letter.texts else ()
    return next(filter(None, (question_in(text, marks) or _asked_generally(text, marks) for text in typed)), None)


def _asked_generally(text: Words, marks: Marks) -> Reading | None:
    asking = {Sense.QUESTION, Sense.TELL, Sense.HOW_MUCH, Sense.WHENCE}
    matched = joined_text(word.text for word in text if word.senses & asking)
    if not matched or has(text, *_ELSEWHERE):
        return None
    is_of_writer = has(text, Sense.MY) and (has(text, Sense.DATA) or (has(text, Sense.CONTACT) and has(text, Sense.WHENCE)))
    if is_of_writer and has(text, Sense.TELL, Sense.WHENCE):
        return request_for(marks, RequestType.ACCESS, matched, Certainty.GUESS, "It asks what is known of the writer.")
    if has(text, Sense.PERSONAL) and has(text, Sense.DATA, Sense.POLICY, Sense.PROCESSING):
        return request_for(
            marks, RequestType.QUESTION, matched, Certainty.GUESS, "It asks how personal data are handled, and demands nothing."
        )
    if has(text, Sense.WHETHER) and has(text, Sense.UNSUBSCRIBE, Sense.BLOCK) and is_clean(text):
        return request_for(marks, RequestType.QUESTION, matched, Certainty.GUESS, "It asks how one may do it, and demands nothing.")
    return None


_ELSEWHERE = (Sense.GATHERING, Sense.BUSINESS, Sense.COMPLAINT, Sense.INSTRUCTION, Sense.SUBSCRIBE)
_NO_THEME = (Sense.CONSENT, Sense.MAILING, Sense.SEND, Sense.SUBSCRIBE)
_TOO_COMMON = frozenset({Sense.TELL, Sense.NOT, Sense.WRONG, Sense.NEW, Sense.STOP, Sense.OBJECT})
_THEMES = {
    **{act: tuple(dict.fromkeys(objects.values())) for act, objects in GRID.items() if act not in _TOO_COMMON},
    Sense.CONSENT: (RequestType.REVOKE_CONSENT,),
}


def hold_bare_theme(letter: Letter, _marks: Marks) -> Reading | None:
    """Only a theme is named ("personal data"): a person must ask what is wanted."""
    if not letter.subject:
        return None
    if is_clean(letter.subject) and has(letter.subject, Sense.DATA) and not has(letter.subject, Sense.YOUR, *_NO_THEME):
        return held("The subject names personal data but says not what is asked.", ANY_TYPE)
    if letter.body_text.strip(" ?!.\n") or letter.attachments:
        return None
    if has(letter.subject, Sense.REQUEST) and letter.body is not None and letter.is_empty_handed:
        return held("It is called a request and holds nothing.", ANY_TYPE)
    spelt = (
        [letter.subject]
        if any(word.language for word in letter.subject)
        else [*typed_otherwise(letter.unwrapped.core), in_other_alphabet(letter.texts)]
    )
    for text in spelt:
        acts = [act for word in text for act in word.senses & _THEMES.keys()]
        if acts and all(word.senses for word in text) and len(acts) >= sum(word.senses != {Sense.BREAK} for word in text):
            return held("The subject names an act but not what it is asked for.", _THEMES[acts[0]])
    return None
