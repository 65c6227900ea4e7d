"""A message in the form that recognition reads: its subject and its sender's own lines as words with their senses.

Owns what can be told of a letter without asking what it demands: whether its subject says anything, and in which language it is written.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from rules.lexicon.grid import CONTRARY
from rules.lexicon.senses import ACTS, Sense
from rules.lexicon.sentence import Words, demands, has, is_clean, sentences, tells
from rules.lexicon.words import AS_WRITTEN, Word
from rules.normal_form import BODY_LIMIT, Unwrapped, folded, plain, unwrapped, words
from rules.vocabulary import Language

_SAYS_NOTHING = frozenset(
    {Sense.SMALL, Sense.THANKS, Sense.BREAK, Sense.REQUEST, Sense.ME, Sense.MY, Sense.QUESTION, Sense.WANT, Sense.EMPTY}
)
_THANKS_WITHIN = 10
_VALUE = re.compile(r"@|\d{4}")
"""What an answer holds that brings a new number or address."""
_NEARLY_NOTHING = 2
"""Words of a subject that are not ours and yet leave all to the body, where none is of ordinary business."""
_POLITE = frozenset({Sense.SMALL, Sense.THANKS, Sense.BREAK})
_LONGEST_NAME = 60
_DATIVE = ("ға", "ге", "қа", "ке")
_ACTING = ACTS | CONTRARY.keys() | {Sense.TAKEN_BACK, Sense.CANCEL}


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """A message in the form that the evidence reads. ``body`` is None where it was not read.

    ``telling`` are the sentences of the body in which a word of ours stands, ``acting`` those of them that name an act: most of
    what people write holds neither.
    """

    written: str
    unwrapped: Unwrapped
    texts: tuple[str, ...]
    subject: Words
    body: tuple[Words, ...] | None
    telling: tuple[Words, ...]
    acting: tuple[Words, ...]
    body_text: str
    attachments: tuple[str, ...]
    own_words: str
    as_written: "Letter | None" = None
    """The letter itself, where this is one that is read by the skeletons of its words: they are like no others."""

    @property
    def is_empty_handed(self) -> bool:
        """Whether the subject is empty or says nothing: a greeting, "letter", "request", one or two words that mean nothing to us."""
        strange = [word for word in self.subject if not word.senses & _SAYS_NOTHING]
        return len(strange) <= _NEARLY_NOTHING and not any(word.senses or word.language for word in strange)

    @property
    def leaves_it_to_the_body(self) -> bool:
        """Whether the subject says nothing, only names a theme of ours, or answers a mailing."""
        return self.is_empty_handed or is_clean(self.subject) or (self.unwrapped.is_reply and has(self.subject, Sense.MAILING))

    @property
    def only_thanks(self) -> bool:
        """Whether the letter is an answer that only says thanks."""
        answers = self.unwrapped.is_reply or (self.subject and all(word.senses & {Sense.THANKS, Sense.BREAK} for word in self.subject))
        if not answers or not self.body or _VALUE.search(self.body_text):
            return False
        said = [word for sentence in self.body for word in sentence]
        if all(word.senses & _POLITE for word in said):
            return has(said, Sense.THANKS)
        at = next((number for number, word in enumerate(said[:_THANKS_WITHIN]) if Sense.THANKS in word.senses), None)
        asked = has(said[:at], Sense.REQUEST, Sense.WANT, Sense.INQUIRY)  # "Please handle my request. Thank you": in advance
        thanked = at is not None and not asked
        return thanked and all(_is_thanked_for(sentence) or not demands(sentence) for sentence in self.acting)

    def as_one(self) -> tuple[Words, ...]:
        """Return the body's sentences, the first one joined to a subject that only names a theme."""
        if not self.body or self.is_empty_handed or not is_clean(self.subject):
            return self.telling
        return (self.subject + self.body[0], *self.telling)


def _is_thanked_for(sentence: Words) -> bool:
    """Tell whether what ``sentence`` names is thanked for, in Kazakh: «жаңартқаныңызға рақмет»."""
    return any(
        Sense.THANKS in word.senses and (before.text.endswith(_DATIVE) or before.text == "үшін") for before, word in pairwise(sentence)
    )


_NAME = re.compile(r"\s*(?:\s-|[,/|(])\s*(?:(?:от|from)\s+)?(?P<name>[^\W\d_][\w.'-]*(?:\s+[^\W\d_][\w.'-]*){0,2})\s*\)?$")


def _unnamed(core: str) -> str:
    """Return a subject without the name that its writer set off behind it ("Access request - Petrov")."""
    behind = _NAME.search(core[-_LONGEST_NAME:]) if core else None
    if behind is None:
        return core
    name = behind["name"]
    is_name = all(word[:1].isupper() for word in name.split()) and not any(word.language for word in AS_WRITTEN.read(words(folded(name))))
    return core[: len(core) - len(behind[0])] if is_name else core


def opened(subject: str, own_words: str | None, attachments: Iterable[str] = ()) -> Letter:
    """Return a message as a ``Letter``."""
    written = plain(subject)
    wrapped = unwrapped(written)
    texts = tuple(words(folded(_unnamed(wrapped.core))))
    body_text = plain(own_words, BODY_LIMIT) if own_words else ""
    letter = Letter(written, wrapped, texts, AS_WRITTEN.read(texts), None, (), (), body_text, tuple(attachments), own_words or "")
    return letter if own_words is None else with_body(letter, AS_WRITTEN.read(words(folded(_LINE_GOES_ON.sub(" ", body_text)))))


_LINE_GOES_ON = re.compile(r"\n(?<=\w\n)(?=[a-zа-яәғқңөұүһі])")


def with_body(letter: Letter, read: Words) -> Letter:
    """Return the letter with its body as it was read."""
    body = _joined(sentences(read))
    telling = tuple(sentence for sentence in body if any(map(tells, sentence)))
    acting = tuple(sentence for sentence in telling if any(not _ACTING.isdisjoint(word.senses) for word in sentence))
    return replace(letter, body=body, telling=telling, acting=acting)


def _joined(said: Iterable[Words]) -> tuple[Words, ...]:
    """Return sentences, one that only names an act joined to the one before it: "You still use my data. Stop that, please."."""
    joined: list[Words] = []
    for sentence in said:
        leans = joined and is_clean(sentence) and has(sentence, *_LEFT_HANGING) and not has(sentence, *_OBJECTS)
        if leans and has(joined[-1], *_LEANT_ON):
            joined[-1] += sentence
        else:
            joined.append(sentence)
    return tuple(joined)


_LEANT_ON = (Sense.DATA, Sense.PROCESSING, Sense.CONTACT, Sense.CONSENT, Sense.ACCOUNT)
_LEFT_HANGING = ACTS - {Sense.TELL, Sense.WHENCE, Sense.WRONG, Sense.NEW}
_OBJECTS = (Sense.DATA, Sense.CONTACT, Sense.CONSENT, Sense.ACCOUNT, Sense.MAILING, Sense.LIST)


# --- Language -----------------------------------------------------------------------------------------------------------------------

_KAZAKH_LETTER = re.compile("[әғқңөұүһі]")
_CYRILLIC = re.compile("[а-яәғқңөұүһі]")
_LATIN = re.compile("[a-z]")
_ENOUGH_LETTERS = 12
_WORDS_HEARD = 60


def language_of(letter: Letter, of_match: Language | None) -> Language | None:
    """Return the language of the person's own words, else the subject's; the words that matched tell what letters cannot."""
    body = [word for sentence in letter.body or () for word in sentence][:_WORDS_HEARD]
    if sum(len(word.text) for word in body if word.text.isalpha()) >= _ENOUGH_LETTERS:
        spoken = _spoken(body)
        return of_match if of_match and spoken is Language.EN and not _knows_english(body) else spoken
    return of_match or _spoken(letter.subject) or _spoken(body)


def _spoken(text: Iterable[Word]) -> Language | None:
    spoken = list(text)
    letters = "".join(word.text for word in spoken)
    cyrillic, latin = len(_CYRILLIC.findall(letters)), len(_LATIN.findall(letters))
    if cyrillic <= latin:
        return Language.EN if latin else None
    kazakh = sum(bool(word.senses and word.language is Language.KK) or _KAZAKH_LETTER.search(word.text) is not None for word in spoken)
    russian = sum(bool(word.senses and word.language is Language.RU) for word in spoken)
    if kazakh == russian:
        return Language.KK if _KAZAKH_LETTER.search(letters) else Language.RU
    return Language.KK if kazakh > russian else Language.RU


def _knows_english(text: Iterable[Word]) -> bool:
    return any(word.language is Language.EN for word in text)


def has_kazakh_letter(text: str) -> bool:
    """Tell whether ``text`` has a letter that only Kazakh writes."""
    return _KAZAKH_LETTER.search(text) is not None


def is_latin(texts: Iterable[str]) -> bool:
    """Tell whether ``texts`` are written in Latin letters, be it with the accents of a Kazakh alphabet."""
    return not any(_CYRILLIC.search(text) for text in texts)
