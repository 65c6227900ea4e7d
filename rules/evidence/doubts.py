"""What the letter's own words make of a request that was found: they may contradict it, widen it, or speak for another."""

from dataclasses import replace

from rules.evidence.reading import (
    Reading,
    absorbed,
    doubted,
)
from rules.lexicon.letter import Letter
from rules.lexicon.senses import Sense
from rules.lexicon.sentence import Words, demands, denied, has, is_taken_back
from rules.vocabulary import Certainty, RequestType


def hear_another_person(letter: Letter, reading: Reading) -> Reading | None:
    """Who asks for somebody else must show the right to (Law 94-V art. 24)."""
    if any(names_another(text) for text in (letter.subject, *letter.telling)):
        return doubted(reading, "It is asked for another person.")
    return None


def hear_contradiction(letter: Letter, reading: Reading) -> Reading | None:
    """The body takes back what the subject asks, or says the opposite."""
    for sentence in letter.telling:
        wants_mail = reading.type is RequestType.OPT_OUT and has(sentence, Sense.SUBSCRIBE) and not has(sentence, Sense.NOT)
        if is_taken_back(sentence) or reading.type in denied(sentence) or wants_mail:
            return doubted(reading, "The body contradicts the subject.")
    return None


def hear_second_demand(letter: Letter, reading: Reading) -> Reading | None:
    """The body asks for something else as well."""
    asked = {demand.type for sentence in letter.acting for demand in demands(sentence) if demand.certainty is Certainty.NEAR}
    if reading.type in (None, RequestType.QUESTION, RequestType.AUTHORITY_INQUIRY):
        return None
    types = absorbed([reading.type, *sorted(asked)])
    if types == [reading.type]:
        return None
    if len(types) == 1:  # the wider demand of the body takes in the subject's
        return replace(reading, type=types[0], clause=None, certainty=Certainty.NEAR, reason="The body asks for more than the subject.")
    return replace(doubted(reading, "The letter makes two different demands."), may_be=tuple(types))


def asks_again(sentence: Words) -> bool:
    return has(sentence, Sense.AGAIN) or bool(demands(sentence))


def names_another(text: Words) -> bool:
    """Tell whether ``text`` names a relative of the writer's, or data that are his or hers, or somebody who acts for another."""
    if has(text, Sense.HELPS):  # "my son writes this for me"
        return False
    if has(text, Sense.REPRESENTS):
        return True
    for at, word in enumerate(text):
        of_writer = has(text[max(0, at - 2) : at + 1], Sense.MY) or has(text[max(0, at - 3) : at], Sense.FOR)
        if Sense.RELATIVE in word.senses and of_writer and not _is_denied_in_kazakh(text, at):
            return True
        if Sense.HIS in word.senses and has(text[at + 1 : at + 3], Sense.DATA, Sense.CONSENT, Sense.ACCOUNT):
            return True
    return False


def _is_denied_in_kazakh(text: Words, at: int) -> bool:
    """Tell whether «емес» follows: "not my daughter's"."""
    return at + 1 < len(text) and text[at + 1].text == "емес"
