"""A message in the form that recognition reads: its subject and its sender's own lines as words with their senses.

Owns what can be told of a letter without asking what it demands: whether its subject says anything, and in which language it is written.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rules.lexicon.grid import CONTRARY
from rules.lexicon.senses import ACTS, Sense
from rules.lexicon.sentence import Words, has, is_clean, sentences, tells
from rules.lexicon.words import AS_WRITTEN, Word
from rules.normal_form import BODY_LIMIT, Unwrapped, folded, plain, unwrapped, words
from rules.vocabulary import Language

_SAYS_NOTHING = frozenset({Sense.SMALL, Sense.THANKS, Sense.BREAK, Sense.REQUEST, Sense.ME, Sense.MY, Sense.QUESTION, Sense.WANT})
_POLITE = frozenset({Sense.SMALL, Sense.THANKS, Sense.BREAK})
_ACTING = ACTS | CONTRARY.keys() | {Sense.TAKEN_BACK, Sense.CANCEL}


@dataclass(frozen=True, slots=True)
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

    @property
    def is_empty_handed(self) -> bool:
        """Whether the subject is empty or says nothing: a greeting, "letter", "request"."""
        return all(word.senses & _SAYS_NOTHING for word in self.subject)

    @property
    def leaves_it_to_the_body(self) -> bool:
        """Whether the subject says nothing, only names a theme of ours, or answers a mailing."""
        return is_clean(self.subject) or (self.unwrapped.is_reply and has(self.subject, Sense.MAILING))

    @property
    def only_thanks(self) -> bool:
        """Whether the letter is an answer that only says thanks."""
        said = [word for sentence in self.body or () for word in sentence]
        return self.unwrapped.is_reply and has(said, Sense.THANKS) and all(word.senses & _POLITE for word in said)

    def as_one(self) -> tuple[Words, ...]:
        """Return the body's sentences, the first one joined to a subject that only names a theme."""
        if not self.body or self.is_empty_handed or not is_clean(self.subject):
            return self.telling
        return (self.subject + self.body[0], *self.telling)


def opened(subject: str, own_words: str | None, attachments: Iterable[str] = ()) -> Letter:
    """Return a message as a ``Letter``."""
    written = plain(subject)
    wrapped = unwrapped(written)
    texts = tuple(words(folded(wrapped.core)))
    body_text = plain(own_words, BODY_LIMIT) if own_words else ""
    body = None if own_words is None else tuple(sentences(AS_WRITTEN.read(words(folded(body_text)))))
    telling = tuple(sentence for sentence in body or () if any(map(tells, sentence)))
    acting = tuple(sentence for sentence in telling if has(sentence, *_ACTING))
    return Letter(written, wrapped, texts, AS_WRITTEN.read(texts), body, telling, acting, body_text, tuple(attachments))


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


def is_latin(texts: Iterable[str]) -> bool:
    """Tell whether ``texts`` are written in Latin letters, be it with the accents of a Kazakh alphabet."""
    return not any(_CYRILLIC.search(text) for text in texts)
