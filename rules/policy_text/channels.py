"""Finds the ways other than a marked letter by which requests are taken."""

import re
from collections.abc import Collection, Iterable, Iterator

from rules.policy_text.findings import Channel, SubjectPhrase
from rules.policy_text.kinds import types_in
from rules.policy_text.markup import LINK
from rules.policy_text.names import ADDRESS
from rules.policy_text.outline import Sentence
from rules.policy_text.words import AUTHORITY, LETTER, stems

_WAYS: dict[str, re.Pattern[str]] = {
    "link": stems(
        r"(?:ссылк|по ссылке)[^.;,]{0,30}|кнопк[^.;,]{0,30}",
        r"(?:unsubscribe |opt-out )?(?:link|button)\b[^.;,]{0,40}",
        r"[«“\"](?:unsubscribe|отписаться)[»”\"][^.;,]{0,40}|сілтеме[^.;,]{0,30}|батырма\w*",
    ),
    "account": stems(
        r"личн\w+ кабинет\w*|настройк\w+ (?:профил|аккаунт)\w*",
        r"settings[^.;,]{0,20}|(?:personal |your )?account\b(?: settings| page)?|profile\b",
        r"жеке кабинет\w*",
    ),
    "office": stems(
        r"в офис\w*[^.;,]{0,40}|лично(?!\w)[^.;]{0,40}|в кабинет\w* [\w№]+|кабинет \d+",
        r"in person[^.;,]{0,40}|at (?:the|our) (?:office|reception|desk)[^.;,]{0,30}",
        r"кеңсе[^.;,]{0,40}|жеке өзі",
    ),
    "edoc": stems(
        r"электронн\w+ документ\w*|эцп|электронн\w+ (?:цифров\w+ )?подпис\w*",
        r"electronic document|electronic (?:digital )?signature",
        r"электрондық құжат\w*|эцқ",
    ),
    "post": stems(
        r"(?:обычной |простой )?почтой(?! [\w.]+@)|почтов\w+ (?:адрес|отправлени)\w*[^.;]{0,60}|заказн\w+ письм\w*",
        r"по адресу:?\s*(?:г\.|город|\d|ул|республик)[^;]{0,80}|письмом по адресу[^;]{0,80}",
        r"by (?:registered |ordinary )?(?:post|mail)\b|postal address[^.;]{0,60}|registered letter",
        r"поштамен|пошталық\w*",
    ),
    "phone": stems(
        r"по телефону[^.;,]{0,30}|позвон\w*[^.;,]{0,30}",
        r"by (?:tele)?phone[^.;,]{0,30}|call(?:ing)? (?:us|the|\+)[^.;,]{0,30}",
        r"телефон арқылы|қоңырау шал\w*[^.;,]{0,30}",
    ),
    "sms": stems(r"sms\b[^.;]{0,40}", r"смс\b[^.;]{0,40}"),
    "messenger": stems(r"whatsapp[^.;,]{0,30}|telegram[^.;,]{0,30}|viber", r"мессенджер\w*", r"messenger"),
}
_PLACES = frozenset({"office", "edoc", "post", "phone", "messenger", "email_free"})
_REQUEST = re.compile(r"запрос|обращени|заявлени|request|letter|өтініш|сұрау|хат", re.IGNORECASE)
_SAID = re.compile(
    r"[«“\"](?P<quoted>[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ][^«»“”\"]{1,40})[»”\"]|(?:words?|"
    r"слов\w*) (?P<bare>[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ]{3,}(?: [A-ZА-ЯЁӘҒҚҢӨҰҮҺІ]{2,}){0,4})"
)
_REPLY = re.compile(r"(?:ответ(?:ьте|ив|ить|ом|ным)|repl(?:y|ying)|answer(?:ing)? (?:to|the)|жауап (?:ретінде|бер|жаз))", re.IGNORECASE)
_BODY = re.compile(r"(?:в тексте|в теле|in the (?:text|body)|мәтінінде|мәтініне)", re.IGNORECASE)
_DENIED = re.compile(
    r"(?:не (?:принима|рассматрива|нуж|обраб)|not (?:accepted|possible|needed|taken)|cannot be|are not|isn't|қабылданба|қажет емес)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:можно|може(?:т|те)|сообщит|вправе|направ|отправ|обращ|пиш|напиш|откаж|отказ|отпис|подат|подают|подаё|принима|"
    r"нажм|нажат|перейд|для |чтобы|разъяснен|вопрос|свяж|контакт|"
    r"you (?:may|can)|may |can |to |write|send|ask|click|contact|questions?|end with|requests?|by |bot |open |use |"
    r"алады|болады|жібер|жаз|хабарлас|үшін|сұрақ|басыңыз|арқылы|өтініш)",
    re.IGNORECASE,
)


def channels_in(sentences: Iterable[Sentence], marks: Iterable[SubjectPhrase]) -> list[Channel]:
    """Return the channels, each once a clause."""
    marked = {mark.type for mark in marks}
    with_marks = {mark.sentence for mark in marks}
    found: dict[tuple[str, str, str | None], Channel] = {}
    for sentence in sentences:
        if sentence.is_heading or AUTHORITY.search(sentence.text) or not (_ASKS.search(sentence.text) or sentence.is_item):
            continue
        ways = dict(_ways(sentence))
        kind = _kind(sentence, marked, alone=not ways.keys() <= _PLACES)
        if kind in marked or sentence.text in with_marks:
            ways.pop("email_free", None)
        if sentence.text in with_marks:  # the link writes the letter, and the mark may name the account
            ways = {way: detail for way, detail in ways.items() if way not in {"link", "account"}}
        for way, detail in ways.items() if kind else ():
            found.setdefault((str(kind), way, sentence.clause), Channel(str(kind), way, detail, sentence.clause, sentence.text))
    return list(found.values())


def _kind(sentence: Sentence, marked: Collection[str], *, alone: bool) -> str | None:
    """Return what is asked for this way: by the sentence, or by those before it where it only says where to go."""
    kinds = [kind for kind in types_in(sentence.text) if kind != "authority_inquiry"]
    if kinds:
        return kinds[0]
    if "any" in marked and _REQUEST.search(sentence.text):
        return "any"
    return None if alone else next(types_in(sentence.before[-200:]), None) or next(types_in(sentence.heading), None)


def _ways(sentence: Sentence) -> Iterator[tuple[str, str]]:
    text = LINK.sub(" ", sentence.text)
    answered = dict(_answers(text))
    yield from answered.items()
    found = {way: _allowed(pattern, text) for way, pattern in _WAYS.items()}
    if found["account"]:
        found["link"] = None
    if answered:
        found["sms"] = None
    yield from ((way, detail) for way, detail in found.items() if detail)
    address = ADDRESS.search(text)
    if address and not answered and (LETTER.search(text) or "question" in types_in(text)):
        yield "email_free", address[0].lower()


def _answers(text: str) -> Iterator[tuple[str, str]]:
    """Yield the word that is to be answered with, or to stand in the text of a letter."""
    said = _SAID.search(text)
    if said and _BODY.search(text):
        yield "body_phrase", said["quoted"] or said["bare"]
    elif said and _REPLY.search(text):
        yield "reply_word", said["quoted"] or said["bare"]


def _allowed(pattern: re.Pattern[str], text: str) -> str | None:
    for found in pattern.finditer(text):
        if not _DENIED.search(text[max(0, found.start() - 30) : found.end() + 60]):
            return " ".join(found[0].split())
    return None
