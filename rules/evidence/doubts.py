"""What the letter's own words make of a request that was found: they may contradict it, widen it, or speak for another."""

import re
from dataclasses import replace

from rules.evidence.alike import AS_LIKELY
from rules.evidence.reading import (
    CONTACT_VALUE,
    FOR_ANOTHER,
    TELLING,
    Reading,
    absorbed,
    doubted,
    is_plain_update,
    names_another,
)
from rules.lexicon.letter import Letter
from rules.lexicon.senses import Sense
from rules.lexicon.sentence import Words, demands, has, tells
from rules.lexicon.turned import denied, is_taken_back
from rules.likeness import likeness
from rules.vocabulary import Certainty, Language, Outcome, RequestType


def hear_another_person(letter: Letter, reading: Reading) -> Reading | None:
    """Who asks for somebody else must show the right to (Law 94-V art. 24); changes that ``rules.details`` finds are the writer's own."""
    if reading.type in _OF_OTHERS:
        return None
    if any(names_another(text) for text in (letter.subject, *letter.telling)):
        return None if is_plain_update(letter, reading) else doubted(reading, FOR_ANOTHER)
    return None


_OF_OTHERS = (RequestType.AUTHORITY_INQUIRY, RequestType.QUESTION)
"""What is asked about somebody else as well."""


def hear_matter(letter: Letter, reading: Reading) -> Reading | None:
    """A template, a ticket or a button that does not work is spoken of, not asked for."""
    if reading.certainty is Certainty.EXACT or not any(has(text, Sense.MATTER) for text in (letter.subject, *(letter.body or ()))):
        return None
    if is_plain_update(letter, reading):
        return None
    return doubted(reading, "It may be about a text or a program, and ask for nothing itself.")


_DEVICE = re.compile(r"\b(?:new|нов\w+|жаңа|жана|zhana) (?:phone|telephone|телефон|telefon)")
_NUMBERED = re.compile(r"number|номер|нөмір|nomer|nomir|\d\d|@")


def hear_device(letter: Letter, reading: Reading) -> Reading | None:
    """A new telephone is a thing as well: without a number it may be that it does not work."""
    if reading.type is not RequestType.UPDATE or reading.certainty is not Certainty.GUESS or not _DEVICE.search(reading.matched or ""):
        return None
    said = f"{letter.written}\n{letter.body_text}".lower()
    return (
        None
        if _NUMBERED.search(said)
        else doubted(reading, "The subject does not say whose data are meant, and the body is about something else.")
    )


_AWAY = re.compile(
    r"\b(?:(?:on|annual|sick|maternity|parental) (?:leave|vacation|holiday)|out of (?:the )?office|away from (?:the office|my desk)"
    r"|в (?:ежегодном |очередном |декретном )?отпуске|на больничном|в командировке|буду отсутствовать|отсутствую на рабочем"
    r"|демалыста(?:мын|мыз)?|іссапарда(?:мын|мыз)?)\b"
)
_TAKEN_IN = re.compile(
    r"\b(?:your (?:request|message|e-?mail|ticket|inquiry)|ваш[еа]? (?:обращение|письмо|заявка|сообщение|запрос)"
    r"|өтінішіңіз|хатыңыз|хабарламаңыз|сұрауыңыз)\b"
    r"[^.!?]{0,120}\b(?:(?:has been|was|is) (?:received|registered|created|logged)|принят[ао]?|получен[ао]?|зарегистрирован[ао]?"
    r"|қабылданды|тіркелді)\b"
    r"|\b(?:automatic|automated|auto)[- ]?(?:reply|response|message)\b|\bавтоматическ(?:ое|ий) (?:сообщение|ответ|письмо)"
)


def hear_machine(letter: Letter, reading: Reading) -> Reading | None:
    """A machine answers that does not say so in its header: somebody is on leave, or a ticket was opened (H82)."""
    said = letter.body_text.lower()
    is_away = _AWAY.search(said) and not any(map(demands, letter.acting))
    if not is_away and not _TAKEN_IN.search(said):
        return None
    return replace(doubted(reading, "It reads like the answer of a machine."), is_plausible=False)


_SOMEBODY = re.compile(
    r"\b(?:i|i['’]?(?:m|ve|d|ll)|my|me|mine|myself|we|our|ours|us|please|pls|plz|kindly|dear|hello|hi|hey|thanks|thank|regards|sincerely)\b"
)
_ENGLISH = re.compile(r"\b(?:the|of|is|are|and|when|which)\b")
"""What no Russian or Kazakh in Latin letters has."""
_OF_PROGRAMS = re.compile(
    r"[{}\\`]|\w\(\)|\w\(\w+(?:, ?\w|=)|\w::|::\w|(?<![-=])[-=]>|(?<![=!])[=!]=(?!=)|</\w|/\*|\*/|[$#@]\w+[\[{(]"
    r"|\bself\.|\b(?:null|args|param|dict|str)\b|[a-z]_[a-z]"
)
_A_PROGRAM = 4
"""Marks of a programming language that no letter to a firm has."""
_A_LETTER = 25
"""Words up to which a letter may speak for itself: "Delete all data of account 123"."""


def hear_nobody(letter: Letter, reading: Reading) -> Reading | None:
    """In English prose about things nobody speaks of themselves, and nobody is asked: "this removes the user's data from the list"."""
    is_asked_of_us = reading.by_mark or reading.type is RequestType.AUTHORITY_INQUIRY or has(letter.subject, *TELLING)
    if is_asked_of_us or reading.language is not Language.EN:
        return None
    said = f"{letter.written}\n{letter.body_text}".lower()
    if len(_OF_PROGRAMS.findall(said)) >= _A_PROGRAM:
        return replace(doubted(reading, "It is about a program, or part of one."), is_plausible=False)
    if len(said.split()) <= _A_LETTER or _SOMEBODY.search(said) or not _ENGLISH.search(said):
        return None
    return replace(doubted(reading, "It is a text in which nobody speaks of themselves."), is_plausible=False)


def hear_contradiction(letter: Letter, reading: Reading) -> Reading | None:
    """The body takes back what the subject asks, or says the opposite."""
    subscribes = any(has(sentence, Sense.SUBSCRIBE) for sentence in letter.telling)
    for sentence in letter.telling if subscribes else letter.acting:  # without an act nothing is demanded, denied or taken back
        if has(sentence, Sense.IF) and any(demand.type is reading.type for demand in demands(sentence)):
            return doubted(reading, "It is asked for on a condition.")
        wants_mail = reading.type is RequestType.OPT_OUT and has(sentence, Sense.SUBSCRIBE) and not has(sentence, Sense.NOT)
        if reading.type is RequestType.REVOKE_CONSENT and any(word.text == "take it back" for word in sentence):
            continue
        if is_taken_back(sentence) or reading.type in denied(sentence) or wants_mail:
            return None if is_plain_update(letter, reading) else doubted(reading, "The body contradicts the subject.")
    return None


def hear_second_demand(letter: Letter, reading: Reading) -> Reading | None:
    """The body asks for something else as well."""
    made = [(sentence, demand) for sentence in letter.acting for demand in demands(sentence)]
    asked = {demand.type for _, demand in made if demand.certainty is Certainty.NEAR}
    if reading.type is RequestType.OPT_OUT:  # "unsubscribe, and delete my account": the wider demand, in whatever words
        asked |= {demand.type for sentence, demand in made if demand.type is RequestType.DESTROY and has(sentence, Sense.MY)}
    if reading.type in (None, RequestType.QUESTION, RequestType.AUTHORITY_INQUIRY):
        return None
    if reading.type in (RequestType.DESTROY, RequestType.ACCESS) and _wants_copy_first(letter):
        asked |= {RequestType.DESTROY, RequestType.ACCESS}
    types = absorbed([reading.type, *sorted(asked)])
    if types == [reading.type]:
        return None
    if len(types) == 1:  # the wider demand of the body takes in the subject's
        return replace(reading, type=types[0], clause=None, certainty=Certainty.NEAR, reason="The body asks for more than the subject.")
    return replace(doubted(reading, "The letter makes two different demands."), may_be=tuple(types))


_COPY = re.compile(r"\b(?:копи[юийя]|выгрузк|выписк|copy|copies|export|көшірме)")
_GIVEN = re.compile(
    r"\b(?:дайте|дать|получить|пришлите|вышлите|выдайте|предоставьте|send|give|get a|have a|let me have|post me|provide)"
    r"|(?:бер|жібер)(?:іп|іңіз)|сал(?:ып|ыңыз)"
)


def _wants_copy_first(letter: Letter) -> bool:
    """Tell whether somebody wants to have a copy and the data destroyed."""
    text = f"{letter.written}\n{letter.body_text}".lower()
    erases = any(Sense.ERASE in word.senses and Sense.NOT not in word.senses for said in (letter.subject, *letter.acting) for word in said)
    return erases and _COPY.search(text) is not None and _GIVEN.search(text) is not None


def asks_again(sentence: Words) -> bool:
    return has(sentence, Sense.AGAIN) or bool(demands(sentence))


def hear_other_business(letter: Letter, reading: Reading) -> Reading | None:
    """Short words of the subject may be about ordinary business, and the body tells that they are: "STOP! wrong ramp"."""
    if likeness(letter) >= AS_LIKELY:
        return None
    is_own = has(letter.subject, Sense.ME, Sense.MY, Sense.PERSONAL, Sense.MAILING, Sense.UNSUBSCRIBE, Sense.CONSENT, Sense.POLICY)
    if (
        not reading.by_mark
        and not has(letter.subject, Sense.ME, Sense.MY)
        and any(has(text, Sense.GATHERING) for text in letter.body or ())
    ):
        return Reading(Outcome.ORDINARY, language=reading.language, reason="The body invites to something.")
    is_as_written = any(map(tells, letter.subject))
    tells_value = has(letter.subject, Sense.CONTACT) or CONTACT_VALUE.search(letter.body_text)
    if reading.by_mark or reading.type not in _OF_MANY_THINGS or is_own or tells_value or not is_as_written:
        return None
    said = [word for sentence in letter.body or () for word in sentence]
    if has(said, *_OF_OURS):
        return None
    if has(said, Sense.BUSINESS):
        return Reading(Outcome.ORDINARY, language=reading.language, reason="The body is about ordinary business.")
    strangers = sum(not word.senses for word in said)
    if strangers <= _FEW:
        return None
    return doubted(reading, "The subject does not say whose data are meant, and the body is about something else.")


_OF_OURS = TELLING | {Sense.MY, Sense.ME, Sense.CONTACT, Sense.SEND}
_FEW = 2
_OF_MANY_THINGS = frozenset(
    {RequestType.UPDATE, RequestType.STOP_PROCESSING, RequestType.RESTRICT_TRANSFER, RequestType.OPT_OUT, RequestType.DESTROY}
)
