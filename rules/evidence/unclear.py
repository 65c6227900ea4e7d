"""What may be meant and is not plainly said: for a person to read, unless the letter is like those that ask just this; or a question."""

import re
from itertools import pairwise

from rules.evidence.alike import settle
from rules.evidence.reading import (
    ANY_TYPE,
    HEARD_ANYHOW,
    Reading,
    held,
    joined_text,
    request_for,
)
from rules.lexicon.grid import GRID
from rules.lexicon.letter import Letter
from rules.lexicon.marks import Marks
from rules.lexicon.senses import ACTS, Sense
from rules.lexicon.sentence import Words, has, is_clean, likely, sentences
from rules.vocabulary import Certainty, RequestType


def hold_likely_demand(letter: Letter, marks: Marks) -> Reading | None:
    """An act and the person's own data, consent or contact stand in one sentence, but words that are not ours stand between them."""
    said = letter.telling[:HEARD_ANYHOW]
    if any(has(text, Sense.GATHERING) and not has(text, Sense.MY) for text in said):
        return None
    pairs = (*(letter.subject + sentence for sentence in said), *(before + after for before, after in pairwise(said)))
    types = [kind for text in (*sentences(letter.subject), *said, *pairs) for kind in likely(text)]
    if letter.subject and is_clean(letter.subject) and has(letter.subject, *ACTS) and len(set(types)) == 1:
        matched = " ".join(word.text for word in letter.subject)
        reason = f"The subject names an act and the body the writer's own data: “{matched}”."
        return request_for(marks, types[0], matched, Certainty.GUESS, reason)
    if not types and _asks_to_correct(letter):
        return held("It asks to correct something, and does not say plainly what.", (RequestType.UPDATE,))
    if not types:
        return None
    unclear = held("It names the person's own data and an act, but not plainly what is asked.", tuple(types))
    return settle(letter, types, marks) or unclear


OTHER_LANGUAGES = re.compile(
    r"\b(?:(?:meine[rns]?|personenbezogenen?r?) daten|einwilligung|datenauskunft|abmeld\w+|abbestell\w+|löschen sie|löschung"  # German
    r"|mes données|données personnelles|désinscri\w+"
    r"|kişisel veri\w*|shaxsiy ma'?lumot\w*"
    r"|dan(?:e|ych) osobow\w+|шахсий маълумот\w*|маълумотлар\w*"
    r"|персональн\w+ даних|моїх даних|згод[аиу] на обробку)\b|个人(?:信息|数据)|我的数据"
)


def _asks_to_correct(letter: Letter) -> bool:
    """Tell whether somebody asks, under a subject that says nothing, to correct what we hold: "I am with two l's, please fix that"."""
    if not letter.is_empty_handed:
        return False
    said = [word for sentence in letter.body or () for word in sentence]
    names_writer = has(said, Sense.ME, Sense.MY, Sense.BASE, Sense.CONTACT) or any(word.text in _WRITER for word in said)
    return has(said, Sense.CHANGE) and names_writer and not has(said, *_ELSEWHERE, Sense.OUR, Sense.OTHERS)


_WRITER = frozenset({"i", "i'm", "я", "мен"})


def hold_other_language(letter: Letter, _marks: Marks) -> Reading | None:
    """Personal data are named in a language that is not read here: whoever reads it can tell."""
    said = f"{letter.written}\n{letter.body_text}" if letter.leaves_it_to_the_body else letter.written
    found = OTHER_LANGUAGES.search(said.lower())
    return held("It names personal data in a language that is not read here.", ANY_TYPE) if found else None


def ask_generally(letter: Letter, marks: Marks) -> Reading | None:
    """Somebody asks about the handling of personal data, in general or of the own ones, in whatever words besides."""
    texts, is_asked = (letter.subject, *letter.telling[:HEARD_ANYHOW]), "?" in letter.written or "?" in letter.body_text
    found = (_asked_generally(text, marks, is_asked=is_asked) for text in texts)
    return next(filter(None, found), None)


def _asked_generally(text: Words, marks: Marks, *, is_asked: bool) -> Reading | None:
    asking = {Sense.QUESTION, Sense.TELL, Sense.HOW_MUCH, Sense.WHENCE, Sense.INQUIRY}
    matched = joined_text(word.text for word in text if word.senses & asking)
    if not matched or has(text, *_ELSEWHERE):
        return None
    of_contact = has(text, Sense.CONTACT) and has(text, Sense.WHENCE, Sense.TRANSFER)
    is_of_writer = has(text, Sense.MY) and (has(text, Sense.DATA) or of_contact)
    if is_of_writer and has(text, Sense.TELL, Sense.WHENCE, Sense.INQUIRY) and not has(text, *ACTS - _ASKING):
        return request_for(marks, RequestType.ACCESS, matched, Certainty.GUESS, "It asks what is known of the writer.")
    asks = has(text, Sense.QUESTION, Sense.TELL) or (has(text, Sense.HOW_MUCH) and is_asked)
    if (
        asks
        and not has(text, Sense.YOUR, *ACTS - _ASKING)
        and has(text, Sense.PERSONAL)
        and has(text, Sense.DATA, Sense.POLICY, Sense.PROCESSING)
    ):
        return request_for(
            marks, RequestType.QUESTION, matched, Certainty.GUESS, "It asks how personal data are handled, and demands nothing."
        )
    if has(text, Sense.QUESTION) and has(text, Sense.CLAUSE):
        return request_for(marks, RequestType.QUESTION, matched, Certainty.GUESS, "It asks what a clause of the policy means.")
    asks_how = len(text) > 1 and Sense.WHETHER in text[0].senses and Sense.UNSUBSCRIBE in text[1].senses and not has(text[2:3], Sense.SCOPE)
    if asks_how or (has(text, Sense.WHETHER) and has(text, Sense.UNSUBSCRIBE, Sense.BLOCK) and is_clean(text)):
        return request_for(marks, RequestType.QUESTION, matched, Certainty.GUESS, "It asks how one may do it, and demands nothing.")
    return None


_ASKING = {Sense.TELL, Sense.WHENCE, Sense.NOT, Sense.WRONG, Sense.NEW}
_ELSEWHERE = (Sense.GATHERING, Sense.BUSINESS, Sense.COMPLAINT, Sense.INSTRUCTION, Sense.SUBSCRIBE)
_FEW_STRANGERS = 2
_NO_THEME = (Sense.YOUR, Sense.OUR, Sense.CONSENT, Sense.MAILING, Sense.SEND, Sense.SUBSCRIBE)
_TOO_COMMON = frozenset({Sense.TELL, Sense.NOT, Sense.WRONG, Sense.NEW, Sense.OBJECT})
_THEMES = {
    **{act: tuple(dict.fromkeys(objects.values())) for act, objects in GRID.items() if act not in _TOO_COMMON},
    Sense.CONSENT: (RequestType.REVOKE_CONSENT,),
}


_NO_BODY = 2
"""Words of a body that says nothing either: "yes", "hello"."""


def hold_bare_theme(letter: Letter, _marks: Marks) -> Reading | None:
    """Only a theme is named ("personal data"): a person must ask what is wanted."""
    if not letter.subject:
        return None
    strangers = sum(not word.senses for sentence in letter.body or () for word in sentence)
    is_theirs = has(letter.subject, Sense.MY, Sense.PERSONAL) or strangers <= _FEW_STRANGERS
    if is_theirs and is_clean(letter.subject) and has(letter.subject, Sense.DATA) and not has(letter.subject, *_NO_THEME):
        return held("The subject names personal data but says not what is asked.", ANY_TYPE)
    if sum(map(len, letter.body or ())) > _NO_BODY or letter.attachments:
        return None
    if has(letter.subject, Sense.REQUEST) and letter.body is not None and letter.is_empty_handed:
        return held("It is called a request and holds nothing.", ANY_TYPE)
    acts = [act for word in letter.subject for act in word.senses & _THEMES.keys() if act is not Sense.STOP or len(letter.subject) == 1]
    said = [word for word in letter.subject if word.senses != {Sense.BREAK}]
    if acts and all(word.senses for word in said) and len(acts) >= len(said):
        return held("The subject names an act but not what it is asked for.", _THEMES[acts[0]])
    return None
