"""Finds the phrases that people are told to write as the subject of a letter.

A phrase in quotation marks, in bold or in a column of its own is such a mark only with a word that introduces it ("marked",
«с пометкой», «белгісімен»), and only for a letter by e-mail. Russian and English introduce before it, Kazakh mostly after it.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from urllib.parse import parse_qs

from rules.policy_text.findings import ANY, PARTIAL, SubjectPhrase
from rules.policy_text.kinds import is_part, type_of, type_of_phrase
from rules.policy_text.markup import CELL, LINK, SHOWN_OFF
from rules.policy_text.names import ADDRESS
from rules.policy_text.outline import Sentence
from rules.policy_text.words import BY_POST, ENVELOPE, EVERY, LETTER, THEME
from rules.vocabulary import Language

LONGEST = 120
MOST = 12
"""Quotations of a sentence that are weighed; a mark is not looked for among more."""

_QUOTED = re.compile(
    r"«([^«»]{1,200})»|“([^“”]{1,200})[”“]|„([^„“”]{1,200})[“”]|‹([^‹›]{1,200})›|\"([^\"]{1,200})\"|``([^`']{1,200})''|"
    r"(?<!\w)['‘]([^'‘’]{3,200})['’](?!\w)|⟪([^⟪⟫]{2,200}(?<!:))⟫"
)
_FIELD_IN_QUOTES = re.compile(r"[«“\"„'‘⟪](тема|subject|тақырып|тақырыбы|тема письма|subject line)[»”\"“'’⟫]", re.IGNORECASE)
_LINE = r"(?:e-?mail |letter |message )?(?:subject|title|heading|header)s?"
_BEFORE = re.compile(
    r"(?:помет\w+|отмет(?:к|ив|ь)\w*|метк\w+|помеч\w+|озаглав\w+|заголов\w+|назовите|назвав|назвать"
    r"|(?<!на )(?<!по )тем(?:а|ой|у|е|ы|ами|ах)?(?!\w)"
    rf"|marked|mark|note|label|reference"
    rf"|(?:with|bearing) (?:the|a) (?:words?|phrase|text)|(?:with|in|as|under) (?:the |a |your |its )?{_LINE}"
    r"|subject (?:line|field)|subject(?= (?:is|should|must|reads?|of the)| ?:? ?$)|subjects|titled?|entitled|headed|heading|header"
    r"|тақыры[пб]\w*|белгі(?:сі|сін)?)"
    r"[^.;«»“”\"„]{0,45}$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"[\s,)]*(?:(?:(?:деген|деп|атты|сөз\w*|мәтін\w*|және|тиісті)\s+){0,2}(?:хат\w*\s+)?(?:белгі\w*|тақыры[пб]\w*|пометк\w*)|деген хат"
    r"|деп (?:белгіле|ата[пл]|[^.«»]{0,30}тақыры[пб])"
    rf"|(?:as|in|on|into) (?:the|a|your|its)? ?{_LINE}|(?:mark|subject)\b"
    r"|(?:в|как|во) (?:тем[еау]|заголовк\w+|пол[ея] тем|строк[еу] тем|качестве темы))",
    re.IGNORECASE,
)
_CHAIN = re.compile(
    r"\s*(?:,|/|;|или|либо|и|or|and|немесе|және|не|соответственно|for [\w\s]{1,40}|(?:if|если|егер)[^«»“”\"]{1,80}|"
    r"для [\w\s]{1,40}|по-\w+|in \w+|\w+ша|\([^()]{0,60}\)|\s|[-–—:])*$",
    re.IGNORECASE,
)
_OTHER_BEFORE = re.compile(
    r"(?:(?:в тексте|в теле|body|in the text|мәтінінде|мәтініне)[^.«»“”\"]{0,40}"
    r"|(?:не (?:принима|рассматрива|является|счита|использ|нужно|надо|требу|пиш)|больше не|прежн|ранее|раньше|"
    r"not (?:accepted|use|need|required|necessary|a )|no longer|formerly|used to|do not|don't|without|instead of|вместо|без пометк|"
    r"без тем|белгісіз|қажет емес|қабылданба).*"
    r"|(?:семинар|вебинар|лекци|курс|выпуск|рассылк|webinar|seminar|lecture|course|newsletter|дәріс)\w*\s*[—–:-]?\s*)$",
    re.IGNORECASE | re.DOTALL,
)
_OTHER_AFTER = re.compile(
    r"\s*(?:в тексте|в теле|in the (?:body|text)|(?:деп )?хат мәтін)|"
    r"[^.;«“\"]{0,30}?(?:не (?:рассм|прин|явл|да[её]т|обраб|меня|уско|использ)|"
    r"больше не|is not|are not|isn't|no longer|does not|қабылданба|қаралма)",
    re.IGNORECASE,
)
_REPLY = re.compile(
    r"(?:ответ(?:ьте|ив|ить|ом)|в ответ|repl(?:y|ying)|answer(?:ing)?|жауап (?:ретінде|бер\w*|жаз\w*))[^.«»“”\"]{0,40}$", re.IGNORECASE
)
_SUBJECT = re.compile(r"subject|тем[аоуе]|тақыры[пб]", re.IGNORECASE)
_FROM_US = re.compile(
    r"(?<!\w)(?:получите|придёт|придет|поступит|приходит|(?:мы|оператор)\s+(?:\w+\s+)?(?:отправ|пришл|присыл|отвеч|ответ|направ)|"
    r"you(?:'ll| will)? receive|we (?:will )?(?:then )?(?:send|reply|answer|confirm|write)|"
    r"our (?:answer|reply|letters?|e-?mails?|messages?|newsletters?|offers?)|наш\w* (?:письм|ответ|рассыл)|"
    r"(?:хат|жауап) келеді|біз\w* (?:хат|жауап)|аласыз|сізге)",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?:fields?|пол[яей]+\b(?! тем)|section|раздел\w*|documents?|документ\w*|folder|папк\w*|файл\w*|buttons?|кнопк\w*|"
    r"checkbox|галочк\w*|стать[ия]\w*|глав[аеуы]\w*|рубрик\w*|бөлім\w*|батырма\w*|webinar\w*)\s+(?:\w+\s+){0,2}$",
    re.IGNORECASE,
)
_MARKED_WITH = re.compile(
    r"(?:marked|titled|entitled|headed|под заголовком|с пометкой|с заголовком|с темой)\s*(?:with|as)?\s*$", re.IGNORECASE
)
_CAPITAL = "A-ZА-ЯЁӘҒҚҢӨҰҮҺІ"
_UNQUOTED = re.compile(
    r"(?:(?<!data )subject|(?<!\w)тем[аеуы](?!\w)|(?<!\w)тақыры[пб]\w*)[^.:;«“\"]{0,40}?"
    r"(?:\s*:|\s[—–-](?=\s)|\s(?:is|should be|must be|reads?))\s+"
    rf"(?P<phrase>[{_CAPITAL}][^.;:,«»“”\"()│⟦⟧]{{2,100}})",
    re.IGNORECASE,
)
_CAPITALS = re.compile(rf"(?P<phrase>[{_CAPITAL}][{_CAPITAL}-]{{2,}}(?: [{_CAPITAL}-]{{2,}}){{0,5}})")
_BEFORE_CAPITALS = re.compile(r"(?:subject(?: line)?|тем(?:а|ой|е)(?: письма)?|пометкой|marked)\s*:?\s*$", re.IGNORECASE)
_COLUMN = re.compile(r"(?<!\w)(?:subject|title|тем[аеуы](?!\w)|пометк|mark(?!\w)|тақыры[пб]|белгі)", re.IGNORECASE)
_HEAD = 40
_AROUND = 250
_UNCERTAIN = frozenset({"question", "authority_inquiry", None})
_EDGES = " \t⟪⟫«»“”„\"'’‘‹›.,;:!…—–-"


@dataclass(frozen=True, slots=True)
class Quotation:
    """A phrase that is set apart from its sentence."""

    phrase: str
    start: int
    end: int


def quotations(text: str) -> list[Quotation]:
    """Return what stands in quotation marks or stands out."""
    found = islice(_QUOTED.finditer(text), MOST)
    return [Quotation(bare(each[0]), each.start(), each.end()) for each in found if bare(each[0])]


def bare(phrase: str) -> str:
    """Return a phrase on one line, without quotes and end stop."""
    return " ".join(SHOWN_OFF.sub(r"\g<words>", phrase).split()).strip(_EDGES)


def phrases_in(sentences: Iterable[Sentence], inboxes: Collection[str]) -> list[SubjectPhrase]:
    """Return the marks that the policy names, each once a clause; what is to be sent elsewhere than to its inboxes is none."""
    found: dict[tuple[str, str, str | None], SubjectPhrase] = {}
    columns = _Columns()
    for sentence in sentences:
        row = list(columns.named_in(sentence))
        addresses = {address.lower() for address in ADDRESS.findall(sentence.text)}
        if ENVELOPE.search(sentence.text) or (addresses and inboxes and not addresses & set(inboxes)):
            continue
        for phrase in [*(row or _named_in(sentence)), *_linked(sentence)]:
            if (kind := _type(phrase, sentence)) and (row or _is_by_mail(sentence)):
                mark = SubjectPhrase(kind, phrase, sentence.clause, language_of(phrase, sentence.context), sentence.text)
                found.setdefault((kind, phrase.casefold(), sentence.clause), mark)
    return list(found.values())


def _named_in(sentence: Sentence) -> Iterator[str]:
    text = _FIELD_IN_QUOTES.sub(r"\1", sentence.shown)
    quoted = quotations(text)
    introduced: set[int] = set()
    is_listed = sentence.is_item and _BEFORE.search(sentence.lead) is not None
    for number, quotation in enumerate(quoted):
        before, after = _plain(text[quoted[number - 1].end if number else 0 : quotation.start]), _plain(text[quotation.end :])
        is_introduced = (
            _BEFORE.search(before)
            or _AFTER.match(after)
            or (number - 1 in introduced and _CHAIN.match(before))
            or (is_listed and number == 0)
            or _leads_to_kazakh(quoted, number, text)
        )
        if is_introduced and not _is_other(text, quotation):
            introduced.add(number)
            yield quotation.phrase
    if not introduced:
        yield from _unquoted(sentence)


def _plain(text: str) -> str:
    return text.replace("⟪", "").replace("⟫", "")


def _leads_to_kazakh(quoted: list[Quotation], number: int, text: str) -> bool:
    """Tell whether the phrase is one of several before a word that introduces them all («…» немесе «…» белгісімен)."""
    for one, two in pairwise(quoted[number:]):
        if not _CHAIN.match(text[one.end : two.start]):
            return False
        if _AFTER.match(text[two.end :]):
            return True
    return False


def _unquoted(sentence: Sentence) -> Iterator[str]:
    text = sentence.text
    if (found := _UNQUOTED.search(text)) and found["phrase"][0].isupper() and len(found["phrase"].split()) <= 9:
        phrase = bare(found["phrase"])
        if not _OTHER_BEFORE.search(text[: found.start("phrase")][-50:]):
            yield phrase
        return
    for capitals in _CAPITALS.finditer(text):
        before, after = text[: capitals.start()][-_HEAD:], text[capitals.end() :]
        if (_AFTER.match(after) or _BEFORE_CAPITALS.search(before)) and type_of_phrase(capitals[0]):
            yield capitals[0]


def _is_other(text: str, quotation: Quotation) -> bool:
    """Tell whether the phrase is no subject of a letter to the operator."""
    before, after = _plain(text[max(0, quotation.start - 120) : quotation.start]), _plain(text[quotation.end :])
    near = before[-50:]
    return bool(
        len(quotation.phrase) > LONGEST
        or _OTHER_BEFORE.search(near)
        or _OTHER_AFTER.match(after)
        or (_REPLY.search(near) and not _SUBJECT.search(near))
        or _PLACE.search(_MARKED_WITH.sub("", near))
        or _FROM_US.search(before)
        or _FROM_US.search(after[:_HEAD])
    )


def _is_by_mail(sentence: Sentence) -> bool:
    is_by_post = BY_POST.search(sentence.text) and "@" not in sentence.text
    return bool(LETTER.search(f"{sentence.lead} {sentence.context}")) and not is_by_post


def _type(phrase: str, sentence: Sentence) -> str | None:
    """Return what a mark stands for: by its own words, else by the clause that names it."""
    named = type_of_phrase(phrase)
    if is_part(phrase) or (named in {"revoke_consent", None} and is_part(_near(phrase, sentence.text))):
        return PARTIAL
    if named not in _UNCERTAIN:
        return named
    start, _, end = sentence.text.partition(phrase)
    around = f"{start[-_AROUND:]} {end[:_AROUND]}"
    before = sentence.lead if sentence.is_item else sentence.before[-300:]
    if EVERY.search(around) or (THEME.search(phrase) and (EVERY.search(before) or not type_of(around))):
        return ANY
    kinds = (type_of(around), type_of(before), type_of_phrase(sentence.heading))
    return next((kind for kind in kinds if kind not in _UNCERTAIN), named)


def _near(phrase: str, text: str) -> str:
    """Return what is said of one phrase in a sentence that may name several."""
    at = text.find(phrase)
    since = max((quotation.end for quotation in quotations(text) if quotation.end <= at), default=0)
    return text[since : max(at, 0)]


def _linked(sentence: Sentence) -> Iterator[str]:
    """Yield the subjects that links to write a letter fill in (mailto:…?subject=)."""
    for link in islice(LINK.finditer(sentence.text), MOST):
        address, _, query = link["target"].partition("?")
        if address.lower().startswith("mailto:"):
            subjects = parse_qs(query.replace("Subject=", "subject=").replace("+", "%2B")).get("subject", [])
            speaks = {type_of(sentence.text), *map(type_of_phrase, subjects)} - _UNCERTAIN
            yield from (bare(subject) for subject in subjects if bare(subject) and speaks)


class _Columns:
    """Tables: a heading tells which column holds the subjects."""

    def __init__(self) -> None:
        self._column: int | None = None

    def named_in(self, sentence: Sentence) -> Iterator[str]:
        cells = [LINK.sub("", cell).strip() for cell in sentence.shown.split(CELL)]
        if len(cells) < 2:
            self._column = None
        elif self._column is None:
            self._column = next(
                (n for n, cell in enumerate(cells) if len(cell) <= _HEAD and _COLUMN.search(cell) and not quotations(cell)), None
            )
        elif self._column < len(cells):
            cell = cells[self._column]
            quoted = quotations(cell)
            phrase = quoted[0].phrase if quoted and quoted[0].start == 0 else bare(cell)
            if any(map(str.isalpha, phrase)) and len(phrase) <= LONGEST and not re.search(r"[@:(]|—|–", phrase):
                yield phrase


def language_of(phrase: str, context: str) -> Language:
    """Return the language a phrase is in; what is written alike in Russian and Kazakh is taken for the language around it."""
    if not re.search("[а-яёәғқңөұүһі]", phrase, re.IGNORECASE):
        return Language.EN
    return Language.KK if re.search("[әғқңөұүһі]", f"{phrase} {context[-400:]}", re.IGNORECASE) else Language.RU
