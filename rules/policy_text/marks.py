"""Finds the phrases that people are told to write as the subject of a letter.

A quoted phrase is such a mark only with a word that introduces it ("marked", «с пометкой», «белгісімен»), and only for a letter by
e-mail. Russian and English introduce before the phrase, Kazakh mostly after it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from urllib.parse import parse_qs

from rules.policy_text.findings import ANY, PARTIAL, SubjectPhrase
from rules.policy_text.kinds import is_part, type_of, type_of_phrase
from rules.policy_text.markup import CELL, LINK
from rules.policy_text.outline import Sentence
from rules.policy_text.words import BY_POST, ENVELOPE, EVERY, LETTER, THEME
from rules.vocabulary import Language

LONGEST = 120
MOST = 12
"""Quotations of a sentence that are weighed; a mark is not looked for among more."""

_QUOTED = re.compile(
    r"«([^«»]{1,200})»|“([^“”]{1,200})[”“]|„([^„“”]{1,200})[“”]|‹([^‹›]{1,200})›|\"([^\"]{1,200})\"|``([^`']{1,200})''|"
    r"(?<!\w)['‘]([^'‘’]{3,200})['’](?!\w)"
)
_BEFORE = re.compile(
    r"(?:пометк\w+|пометив|помет(?:ить|ьте)|отметк\w+|метк\w+|помеченн\w+"
    r"|(?<!на )(?<!по )тем(?:а|ой|у|е|ы)(?: письма| сообщения| обращения| e-?mail)?|заголовк\w+|озаглав\w+"
    r"|(?:пол[ея]|строк[еау]) (?:тем\w+|[«\"]тема[»\"])(?: письма)?"
    r"|marked|mark|(?:with|bearing) (?:the|a) (?:note|label|words?|phrase|text)|note|(?:with|in|as|under) (?:the |a |"
    r"your |its )?(?:e-?mail )?subject|subject (?:line|field)|subject(?= (?:is|should|must|reads?|of the)| ?:? ?$)|"
    r"titled?|entitled|headed|heading|header"
    r"|тақырып\w*|тақырыб\w*|белгі(?:сі|сін)?)"
    r"(?:[^.;«»“”\"„]{0,45})$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"^[\s,)]*(?:(?:деген|деп|атты|сөз\w*|мәтіні|мәтінін|және|тиісті)\s+){0,2}(?:хат\w*\s+)?(?:белгі\w*|тақырып\w*|тақырыб\w*|"
    r"хат тақырыб\w*|деген хат)"
    r"|^[\s,)]*(?:as|in|on|into) (?:the|a|your|its)? ?(?:e-?mail |letter |message )?(?:subject|title|heading|header)"
    r"|^[\s,)]*(?:в|как|во) (?:тем[еау]|заголовк\w+|пол[ея] [«\"]?тема|строк[еу] [«\"]?тем|качестве темы)"
    r"|^[\s,)]*деп[^.«»]{0,30}(?:тақырып|тақырыб)|^\s*mark\b",
    re.IGNORECASE,
)
_CHAIN = re.compile(
    r"^\s*(?:,|/|;|или|либо|и|or|and|немесе|және|не|соответственно|for [\w\s]{1,40}|(?:if|если|егер)[^«»“”\"]{1,80}|"
    r"для [\w\s]{1,40}|\([^()]{0,60}\)|\s|[-–—])*$",
    re.IGNORECASE,
)
_BODY = re.compile(r"(?:в тексте|в теле|body|in the text|мәтінінде|мәтініне)[^.«»“”\"]{0,40}$", re.IGNORECASE)
_BODY_AFTER = re.compile(r"^\s*(?:в тексте|в теле|in the (?:body|text)|(?:деп )?хат мәтін)", re.IGNORECASE)
_REPLY = re.compile(
    r"(?:ответ(?:ьте|ив|ить|ом)|в ответ|repl(?:y|ying)|answer(?:ing)?|жауап (?:ретінде|бер\w*|жаз\w*))[^.«»“”\"]{0,40}$", re.IGNORECASE
)
_SMS = re.compile(r"sms|смс|short message|whatsapp|telegram|viber|вотсап|ватсап|вацап", re.IGNORECASE)
_FROM_US = re.compile(
    r"(?:получите|придёт|придет|поступит|приходит|(?:мы|оператор)\s+(?:\w+\s+)?(?:отправ|пришл|присыл|отвеч|ответ|"
    r"направ)|you(?:'ll| will)? receive|we (?:will )?(?:then )?"
    r"(?:send|reply|answer|confirm|write)|our (?:answer|reply|letters?|newsletters?|offers?)|наш\w* (?:письм|ответ|"
    r"рассыл)|(?:хат|жауап) келеді|біз\w* (?:хат|жауап)|аласыз)",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"(?:не (?:принима|рассматрива|является|счита|использ|нужно|надо|требу|пиш)|больше не|прежн|ранее|раньше|"
    r"not (?:accepted|use|need|required|necessary|a )|"
    r"no longer|formerly|used to|do not|don't|without|instead of|вместо|без пометк|без тем|белгісіз|қажет емес|қабылданба)",
    re.IGNORECASE,
)
_REFUSED_AFTER = re.compile(
    r"^[^.;«“\"]{0,30}?(?:не (?:рассм|прин|явл|да[её]т|обраб|меня|уско|использ)|больше не|is not|are not|isn't|"
    r"no longer|does not|қабылданба|қаралма)",
    re.IGNORECASE,
)
_EVENT = re.compile(
    r"(?:семинар|вебинар|лекци|курс|выпуск|рассылк|webinar|seminar|lecture|course|newsletter|дәріс)\w*\s*[—–:-]?\s*$", re.IGNORECASE
)
_FIELDS = re.compile(
    r"(?:fields?|пол[яей]+\b(?! тем)|section|раздел\w*|documents?|документ\w*|folder|папк\w*|buttons?|кнопк\w*|"
    r"checkbox|галочк\w*|стать[ия]\w*|глав[аеуы]\w*|бөлім\w*|батырма\w*|вебинар\w*|лекци\w*|сем[и]нар\w*|"
    r"webinar\w*)\s+(?:\w+\s+){0,2}$",
    re.IGNORECASE,
)
_UNQUOTED = re.compile(
    r"(?:subject(?: line)?|(?:в теме|«тема»|в поле темы)[^.;:«]{0,30}|тем[аы] (?:письма|сообщения|обращения)|тема|"
    r"тақырыбы|хат тақырыбы)\s*(?::|[—–-](?=\s)|is|should be|must be)\s+"
    r"(?P<phrase>[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ][^.;:,«»“”\"()│⟦⟧]{2,100})",
    re.IGNORECASE,
)
_CAPITALS = re.compile(r"(?P<phrase>[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ][A-ZА-ЯЁӘҒҚҢӨҰҮҺІ-]{2,}(?: [A-ZА-ЯЁӘҒҚҢӨҰҮҺІ-]{2,}){0,5})")
_NAMES_OF_THE_FIELD = frozenset({"тема", "subject", "тақырып", "тақырыбы", "тема письма", "subject line"})
_EDGES = " \t«»“”„\"'’‘‹›.,;:!…"


@dataclass(frozen=True, slots=True)
class Quotation:
    """A quoted phrase in its sentence."""

    phrase: str
    start: int
    end: int


def quotations(text: str) -> list[Quotation]:
    """Return what stands in quotation marks."""
    found = islice(_QUOTED.finditer(text), MOST)
    return [
        Quotation(bare(next(filter(None, each.groups()))), each.start(), each.end())
        for each in found
        if bare(each[0]) and bare(each[0]).casefold() not in _NAMES_OF_THE_FIELD
    ]


def bare(phrase: str) -> str:
    """Return a phrase on one line, without quotes and end stop."""
    kept = " ".join(phrase.split()).strip(_EDGES)
    return f"{kept}…" if re.search(r"(?:\.\.\.|…)[»”\"']*\s*$", phrase) and kept else kept


def phrases_in(sentences: Iterable[Sentence]) -> list[SubjectPhrase]:
    """Return the marks that the policy names, each once a clause."""
    found: dict[tuple[str, str, str | None], SubjectPhrase] = {}
    columns = _Columns()
    for sentence in sentences:
        for phrase in [*_named_in(sentence), *columns.named_in(sentence), *_linked(sentence)]:
            if (kind := _type(phrase, sentence)) and _is_by_mail(sentence):
                mark = SubjectPhrase(kind, phrase, sentence.clause, language_of(phrase, sentence.context), sentence.text)
                found.setdefault((kind, phrase.casefold(), sentence.clause), mark)
    return list(found.values())


def _named_in(sentence: Sentence) -> Iterator[str]:
    text = sentence.text
    quoted = quotations(text)
    introduced: set[int] = set()
    for number, quotation in enumerate(quoted):
        since = quoted[number - 1].end if number else 0
        before, after = text[since : quotation.start], text[quotation.end :]
        chained = number - 1 in introduced and _CHAIN.match(before)
        if (_BEFORE.search(before) or _AFTER.match(after) or chained or _leads_to_kazakh(quoted, number, text)) and not _is_other(
            text, quotation
        ):
            introduced.add(number)
            yield quotation.phrase
    if not introduced:
        yield from _unquoted(text, quoted)


def _leads_to_kazakh(quoted: list[Quotation], number: int, text: str) -> bool:
    """Tell whether the phrase is one of several before a word that introduces them all («…» немесе «…» белгісімен)."""
    for one, two in pairwise(quoted[number:]):
        if not _CHAIN.match(text[one.end : two.start]):
            return False
        if _AFTER.match(text[two.end :]):
            return True
    return False


def _unquoted(text: str, quoted: list[Quotation]) -> Iterator[str]:
    if (found := _UNQUOTED.search(text)) and not quoted and len(found["phrase"].split()) <= 9 and type_of_phrase(found["phrase"]):
        yield bare(found["phrase"])
        return
    for capitals in _CAPITALS.finditer(text):
        before, after = text[: capitals.start()], text[capitals.end() :]
        if (
            _AFTER.match(after) or re.search(r"(?:subject(?: line)?|тем(?:а|ой|е)(?: письма)?|пометкой|marked)\s*:?\s*$", before, re.I)
        ) and type_of_phrase(capitals[0]):
            yield capitals[0]


def _is_other(text: str, quotation: Quotation) -> bool:
    """Tell whether the phrase is no subject of a letter to the operator."""
    before, after = text[max(0, quotation.start - 120) : quotation.start], text[quotation.end :]
    near = before[-50:]
    return bool(
        len(quotation.phrase) > LONGEST
        or _BODY.search(near)
        or _BODY_AFTER.match(after)
        or (_REPLY.search(near) and not re.search(r"subject|тем[аоуе]|тақырып", near, re.I))
        or _FIELDS.search(
            re.sub(
                r"(?:marked|titled|entitled|headed|под заголовком|с пометкой|с заголовком|с темой)\s*(?:with|as)?\s*$", "", near, flags=re.I
            )
        )
        or _FROM_US.search(before)
        or _REFUSED.search(near)
        or _REFUSED_AFTER.match(after)
        or _EVENT.search(near)
    )


def _is_by_mail(sentence: Sentence) -> bool:
    return (
        bool(LETTER.search(sentence.context))
        and not ENVELOPE.search(sentence.text)
        and not (BY_POST.search(sentence.text) and "@" not in sentence.text)
    )


def _type(phrase: str, sentence: Sentence) -> str | None:
    """Return what a mark stands for: by its own words, else by the clause that names it."""
    named = type_of_phrase(phrase)
    if is_part(phrase) or (named in {"revoke_consent", None} and is_part(_near(phrase, sentence.text))):
        return PARTIAL
    if named and named not in {"question", "authority_inquiry"}:
        return named
    at = sentence.text.find(phrase)
    around = sentence.text[: max(at, 0)] + sentence.text[at + len(phrase) :] if at >= 0 else sentence.text
    if EVERY.search(around) or (THEME.match(phrase) and (EVERY.search(sentence.before[-300:]) or not type_of(around))):
        return ANY
    return type_of(around) or named or type_of(sentence.before[-300:]) or type_of(sentence.heading)


def _near(phrase: str, text: str) -> str:
    """Return what is said of one phrase in a sentence that may name several."""
    at = text.find(phrase)
    since = max((quotation.end for quotation in quotations(text) if quotation.end <= at), default=0)
    return text[since : max(at, 0)]


def _linked(sentence: Sentence) -> Iterator[str]:
    """Yield the subjects that links to write a letter fill in (mailto:…?subject=)."""
    for link in LINK.finditer(sentence.text):
        address, _, query = link["target"].partition("?")
        if address.lower().startswith("mailto:"):
            for subject in parse_qs(query.replace("Subject=", "subject=").replace("+", "%2B")).get("subject", []):
                if bare(subject) and (type_of_phrase(subject) or type_of(sentence.text)) not in {None, "question"}:
                    yield bare(subject)


class _Columns:
    """Tables: a heading tells which column holds the subjects."""

    def __init__(self) -> None:
        self._column: int | None = None

    def named_in(self, sentence: Sentence) -> Iterator[str]:
        cells = [LINK.sub("", cell).strip() for cell in sentence.text.split(CELL)]
        if len(cells) < 2:
            self._column = None
            return
        heads = [
            n for n, cell in enumerate(cells) if re.search(r"(?:subject|тема|пометка|mark\b|тақырып|белгі)", cell, re.I) and len(cell) <= 40
        ]
        if heads and self._column is None:
            self._column = heads[0]
        elif self._column is not None and self._column < len(cells):
            phrase = bare(cells[self._column])
            if (
                phrase
                and any(map(str.isalpha, phrase))
                and len(phrase) <= LONGEST
                and (type_of_phrase(phrase) or type_of(sentence.text))
                and "@" not in phrase
            ):
                yield phrase


def language_of(phrase: str, context: str) -> Language:
    """Return the language a phrase is in; what is written alike in Russian and Kazakh is taken for the language around it."""
    if not re.search("[а-яёәғқңөұүһі]", phrase, re.IGNORECASE):
        return Language.EN
    return Language.KK if re.search("[әғқңөұүһі]", f"{phrase} {context[-400:]}", re.IGNORECASE) else Language.RU
