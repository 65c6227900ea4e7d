"""Finds the ways other than a marked letter by which requests are taken."""

import re
from collections.abc import Collection, Iterable, Iterator

from rules.policy_text.findings import ANY, Channel, SubjectPhrase
from rules.policy_text.kinds import type_of, types_in
from rules.policy_text.markup import LINK
from rules.policy_text.names import ADDRESS
from rules.policy_text.outline import Sentence
from rules.policy_text.words import AUTHORITY, LETTER, stems

_REST = r"[^.;,]{0,40}"
_WAYS: dict[str, re.Pattern[str]] = {
    "account": stems(
        r"личн\w+ кабинет\w*|настройк\w+ (?:профил|аккаунт)\w*|профиль [→>]",
        rf"settings{_REST}|(?:personal |your |ticket )?account\b(?: settings| page)?|profile\b|on the \w+ page|жеке кабинет\w*",
    ),
    "link": stems(
        rf"(?:ссылк|кнопк){_REST}|(?:web-?)?форм[уы] (?:на|[\w.]+/){_REST}|(?:unsubscribe |opt-out )?(?:link|button)\b{_REST}",
        rf"[«“\"](?:unsubscribe|отписаться)[»”\"]{_REST}|(?:сілтеме|батырма){_REST}",
    ),
    "office": stems(
        rf"(?:в|любое) (?:офис|регистратур|отделени|учебн\w+ част|канцеляри){_REST}|(?:лично|устно)(?!\w){_REST}|в кабинет\w* [\w№]+",
        rf"кабинет \d+|in person{_REST}|at the [\w ]{{0,20}}(?:office|reception|desk|tent|counter){_REST}|at our office|кеңсе{_REST}",
        r"жеке өзі|тіркеу орны",
    ),
    "edoc": stems(
        r"электронн\w+ документ\w*|эцп|электронн\w+ (?:цифров\w+ )?подпис\w*|electronic document|electronic (?:digital )?signature",
        r"электрондық құжат\w*|эцқ",
    ),
    "post": stems(
        r"(?:обычной |простой )?почтой(?! [\w.]+@)|почтов\w+ (?:адрес|отправлени)\w*[^.;]{0,60}|заказн\w+ письм\w*|бумаг\w*: [^;]{0,60}",
        r"по адресу:?\s*(?:г\.|город|\d|ул|республик)[^;]{0,80}|by (?:registered |ordinary )?(?:post|mail)\b|postal address[^.;]{0,60}",
        r"registered letter|поштамен|пошталық\w*",
    ),
    "phone": stems(
        rf"по телефону{_REST}|позвон\w*{_REST}|контакт-центр{_REST}|by (?:tele)?phone{_REST}|call(?:ing)? (?:us|the|\+){_REST}",
        rf"телефон арқылы|қоңырау шал\w*{_REST}",
    ),
    "sms": stems(r"(?:sms|смс|text message)\b[^.;]{0,40}"),
    "messenger": stems(rf"(?:whatsapp|telegram|viber|мессенджер|messenger){_REST}"),
}
_PLACES = frozenset({"office", "edoc", "post", "phone", "messenger", "email_free"})
_IN_THE_LETTER = frozenset({"link", "account"})
"""Ways that a sentence with a mark only seems to offer: its link writes the letter, and its mark may name the account."""
_REQUEST = re.compile(r"запрос|обращени|заявлени|request|letter|өтініш|сұрау|хат", re.IGNORECASE)
_SAID = re.compile(
    r"[«“\"](?P<quoted>[^«»“”\"]{2,80})[»”\"]|"
    r"(?:words?|message|слов\w*) (?P<bare>[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ]{2,}(?: [A-ZА-ЯЁӘҒҚҢӨҰҮҺІ]{2,}){0,4})"
)
_REPLY = re.compile(r"(?:ответ(?:ьте|ив|ить|ом|ным)|repl(?:y|ying)|answer(?:ing)? (?:to|the)|жауап (?:ретінде|бер|жаз))", re.IGNORECASE)
_BODY = re.compile(r"(?:в тексте|в теле|in the (?:text|body)|мәтінінде|мәтініне)", re.IGNORECASE)
_DENIED = re.compile(
    r"(?:не (?:принима|рассматрива|нуж|обраб|меня)|нельзя|not (?:accepted|possible|needed|taken)|take no|"
    r"cannot be|are not|isn't|қабылданба|қажет емес)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"можно|може(?:т|те)|сообщ|вправе|направ|отправ|обращ|пиш|напиш|отказ|откаж|отпис|пода[тюёе]|принима|наж[им]|перейд|приход|спрашива|"
    r"ответьте|для |чтобы|разъяснен|пояснен|вопрос|свяж|контакт|через |кому удобнее|"
    r"you (?:may|can)|may |can |to |write|send|ask|click|press|contact|questions?|end with|requests?|by |bot |open |use |follow |"
    r"алады|болады|жібер|жаз|хабарлас|үшін|сұрақ|басыңыз|арқылы|өтініш",
    re.IGNORECASE,
)


def channels_in(sentences: Iterable[Sentence], marks: Iterable[SubjectPhrase], inboxes: Collection[str]) -> list[Channel]:
    """Return the channels, each once a clause."""
    marked = {mark.type for mark in marks}
    with_marks = {mark.sentence for mark in marks}
    found: dict[tuple[str, str, str | None], Channel] = {}
    for sentence in sentences:
        if sentence.is_heading or AUTHORITY.search(sentence.text) or not (_ASKS.search(sentence.text) or sentence.is_item):
            continue
        if not (ways := dict(_ways(sentence, inboxes))):
            continue
        kind = _kind(sentence, marked, alone=not ways.keys() <= _PLACES)
        has_mark = sentence.text in with_marks
        for way, detail in ways.items() if kind else ():
            if not (has_mark and way in _IN_THE_LETTER) and not (way == "email_free" and (has_mark or kind in marked)):
                found.setdefault((str(kind), way, sentence.clause), Channel(str(kind), way, detail, sentence.clause, sentence.text))
    return list(found.values())


def _kind(sentence: Sentence, marked: Collection[str], *, alone: bool) -> str | None:
    """Return what is asked for this way: by the sentence, or by those before it where it only says where to go."""
    kind = next((kind for kind in types_in(sentence.text) if kind != "authority_inquiry"), None)
    if kind or (ANY in marked and _REQUEST.search(sentence.text)):
        return kind or ANY
    return None if alone else type_of(sentence.before[-200:]) or type_of(sentence.heading)


def _ways(sentence: Sentence, inboxes: Collection[str]) -> Iterator[tuple[str, str]]:
    text = LINK.sub(" ", sentence.text)
    answer = _answer(text)
    found = {way: _allowed(pattern, text) for way, pattern in _WAYS.items()}
    if found["account"]:
        found["link"] = None
    if answer:
        found["sms"] = None
        yield answer
    yield from ((way, detail) for way, detail in found.items() if detail)
    address = next((address for address in map(str.lower, ADDRESS.findall(text)) if address in inboxes), None)
    if address and not answer and (LETTER.search(text) or "question" in types_in(text)):
        yield "email_free", address


def _answer(text: str) -> tuple[str, str] | None:
    """Return the word that is to be answered with, or to stand in the text of a letter."""
    way = "body_phrase" if _BODY.search(text) else "reply_word" if _REPLY.search(text) else None
    said = _SAID.search(text) if way else None
    return (way, said["quoted"] or said["bare"]) if way and said else None


def _allowed(pattern: re.Pattern[str], text: str) -> str | None:
    for found in pattern.finditer(text):
        if not _DENIED.search(text[max(0, found.start() - 30) : found.end() + 60]):
            return " ".join(found[0].split())
    return None
