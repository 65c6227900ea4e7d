"""What the subject says: the operator's marks, then the law's words and people's."""

import re

from rules.evidence.reading import (
    ANY_TYPE,
    FOR_ANOTHER,
    TELLING,
    Reading,
    all_demands,
    by_demands,
    by_mark,
    held,
    joined_text,
    names_another,
    question_in,
    request_for,
    stated,
)
from rules.lexicon.grid import CONTRARY
from rules.lexicon.letter import Letter
from rules.lexicon.marks import Marks
from rules.lexicon.senses import ACTS, Sense
from rules.lexicon.sentence import demands, has, is_clean, is_dangling, sentences, stands_alone
from rules.lexicon.turned import is_change_of_mind, is_turned
from rules.vocabulary import Certainty, Outcome, RequestType

AUTOMATIC = re.compile(
    r"(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response)|out of (?:the )?office|автоответ|автоматический ответ|автоматты жауап|"
    r"automatische antwort|abwesenheitsnotiz|réponse automatique|otomatik yanıt|autoreply|ooo\s?:|\[auto-?reply\]|"
    r"undeliver|unzustellbar|nicht zugestellt|mail delivery|delivery (?:status|has failed|failure)|returned mail|failure notice|"
    r"недоставлен|(?:письмо |сообщение )?не доставлено|(?:хат |хабарлама )?жеткізілмеді|"
    r"демалыстамын\b|іссапардамын\b|"
    r"(?:read|not read|прочитано|не прочитано|оқылды|accepted|declined|tentative|принято|отклонено|қабылданды)\s?:)",
    re.IGNORECASE,
)


def pass_over_automatic_mail(letter: Letter, _marks: Marks) -> Reading | None:
    """An answering machine or a bounce says so at the start of the subject (H77)."""
    if AUTOMATIC.match(letter.written.lstrip()):
        return Reading(Outcome.ORDINARY, reason="The subject is that of an automatic message.")
    return None


def pass_over_thanks(letter: Letter, _marks: Marks) -> Reading | None:
    """An answer that only says thanks asks nothing; a demand or a value in it would."""
    subject = letter.subject
    if subject and letter.body and all(Sense.THANKS in word.senses for word in subject) and letter.body[0][0].text in _FOR:
        return Reading(Outcome.ORDINARY, reason="It is an answer that only says thanks.")
    thanks_for = len(subject) > 1 and Sense.THANKS in subject[0].senses and not any(map(demands, letter.telling))
    return Reading(Outcome.ORDINARY, reason="It is an answer that only says thanks.") if letter.only_thanks or thanks_for else None


_FOR = ("for", "за")


def pass_over_consent(letter: Letter, _marks: Marks) -> Reading | None:
    """Consent is given, and nothing is taken back or refused."""
    texts = (letter.subject, *letter.telling)
    gives = any(has(text, Sense.GIVEN) for text in texts)
    if not gives or any(has(text, *_AGAINST) or any(map(demands, sentences(text))) for text in texts):
        return None
    return Reading(Outcome.ORDINARY, reason="It gives consent.")


_AGAINST = (Sense.REVOKE, Sense.CANCEL, Sense.REFUSE, Sense.OBJECT, Sense.NOT, Sense.STOP, Sense.ERASE, Sense.TAKEN_BACK)


def name_mark_exactly(letter: Letter, marks: Marks) -> Reading | None:
    """The subject is the operator's own mark."""
    mark = marks.exact(letter.written)
    return by_mark(mark, Certainty.EXACT, f"The subject is the mark that clause {mark.clause} names.") if mark else None


def name_mark_nearly(letter: Letter, marks: Marks) -> Reading | None:
    """The subject is the mark with a prefix, a tail or a slip of the pen."""
    mark = marks.exact(letter.unwrapped.core) or marks.near(letter.texts, letter.unwrapped.core)
    if mark is None or has(letter.subject, Sense.QUESTION, Sense.GATHERING) or is_turned(letter.subject):
        return None
    if any(demand.type is not mark.type for demand in all_demands(letter.subject)):
        return None
    return by_mark(mark, Certainty.NEAR, f"The subject is nearly the mark that clause {mark.clause} names: “{mark.phrase}”.")


def hear_authority(letter: Letter, marks: Marks) -> Reading | None:
    """The authorised body asks (Law 94-V art. 25(2)(3-1)); another state body is for a person to answer."""
    texts = (letter.subject, *letter.telling[:_AUTHORITY_WITHIN])
    if has(letter.subject, Sense.COMPLAINT, Sense.GATHERING) or not any(has(text, *_ASKED_BY_STATE) for text in texts):
        return None
    for text in texts:
        if has(text, Sense.AUTHORITY) and not has(text, Sense.WHETHER, Sense.ME, Sense.GATHERING, Sense.COMPLAINT, Sense.POLICY):
            matched = joined_text(word.text for word in text if Sense.AUTHORITY in word.senses)
            where = "in the subject" if text is letter.subject else "in the body"
            return request_for(marks, RequestType.AUTHORITY_INQUIRY, matched, Certainty.NEAR, f"The authorised body is named {where}.")
    if any(Sense.STATE_BODY in word.senses and Sense.BUSINESS not in word.senses for word in letter.subject):
        return held("A state body that is not the authorised one is named.", (RequestType.AUTHORITY_INQUIRY,))
    return None


_AUTHORITY_WITHIN = 3
_MOST_STRANGERS = 2
_ASKED_BY_STATE = (Sense.CONTACT, Sense.CLAUSE, Sense.REQUEST, Sense.DATA, Sense.TELL, Sense.ORDER)


def hear_complaint(letter: Letter, _marks: Marks) -> Reading | None:
    """A complaint about personal data is for a person, whatever else it asks."""
    texts = (letter.subject, *letter.telling)
    threatens = has(letter.subject, Sense.COMPLAINT, Sense.THREAT) and any(has(text, *_PRIVATE) for text in texts)
    said = [word for text in texts for word in text]
    is_told = has(said, Sense.LEAK) and has(said, Sense.MY, Sense.PERSONAL) and has(said, Sense.CONTACT, Sense.DATA)
    threats = any(Sense.THREAT in word.senses and Sense.COMPLAINT not in word.senses for word in letter.subject)
    threatens |= threats and has(said, Sense.MY, Sense.ME) and not has(said, Sense.BUSINESS)
    if threatens or (is_told and not any(map(demands, texts))):
        return held("It is a complaint about personal data.", ANY_TYPE)
    return None


def hear_taking_back(letter: Letter, _marks: Marks) -> Reading | None:
    """An earlier letter is taken back, or an act is denied ("do not delete my data")."""
    if not any(is_turned(sentence) for sentence in sentences(letter.subject)):
        return None
    if is_change_of_mind(letter.subject) and any(map(demands, letter.acting)):
        return None  # the body says what of
    strangers = sum(not word.senses for word in letter.subject)
    if not has(letter.subject, Sense.REQUEST, *TELLING, *ACTS) and strangers > _MOST_STRANGERS:
        return None
    return held("The subject takes a request back or says what must not be done.", ANY_TYPE)


def hear_representative(letter: Letter, _marks: Marks) -> Reading | None:
    """Who acts for another names that in the subject, and personal data there or in the body (Law 94-V art. 24)."""
    names_data = has(letter.subject, Sense.PERSONAL, Sense.DATA, Sense.CONSENT) or any(has(text, Sense.PERSONAL) for text in letter.telling)
    names_agent = has(letter.subject, Sense.REPRESENTS)
    acts_for_other = has(letter.subject, Sense.UNSUBSCRIBE, *CONTRARY) and not names_agent and names_another(letter.subject)
    if (names_agent and names_data) or acts_for_other:
        return held(FOR_ANOTHER, ANY_TYPE)
    return None


def hear_question(letter: Letter, marks: Marks) -> Reading | None:
    """Somebody asks whether or how one may do something, or what is meant."""
    return question_in(letter.subject, marks)


def read_subject(letter: Letter, marks: Marks) -> Reading | None:
    """The subject uses the law's words or people's."""
    is_title = has(letter.subject, Sense.GATHERING) or (has(letter.subject, Sense.BULK) and has(letter.subject, Sense.WHETHER))
    if is_title and not has(letter.subject, Sense.MY):
        return None  # a course about the withdrawal of consent
    found = stated(letter.subject, letter)
    if any(map(stands_alone, sentences(letter.subject))) and not is_clean(letter.subject):
        return None  # "STOP! wrong ramp"
    if letter.telling and all(Sense.STOP in word.senses or word.senses == {Sense.SMALL} for word in letter.subject):
        return None  # what is to stop stands in the body
    if found and any(is_dangling(sentence) for sentence in sentences(letter.subject)):
        return held("Besides one demand the subject makes another that is not understood.", tuple(demand.type for demand in found))
    return by_demands(found, marks, "The subject asks")


_PRIVATE = (Sense.LEAK, Sense.DATA, Sense.CONSENT, Sense.PROCESSING, Sense.PERSONAL)
