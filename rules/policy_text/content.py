"""Which data a policy says it holds, and for what. Both are for a person to compare; nothing is decided by them."""

import re
from collections.abc import Iterable

from rules.policy_text.markup import CELL
from rules.policy_text.outline import Sentence
from rules.policy_text.words import LETTER, stems

DATA: dict[str, re.Pattern[str]] = {
    "full_name": stems(r"ф\.?\s?и\.?\s?о(?!\w)|full name|names?\b(?! of)|имя и фамили|аты-жөні|имя"),
    "surname": stems(r"фамили|surname|last name|family name|тегі(?!\w)|тегіңіз"),
    "given_name": stems(r"имя(?!\w)|имени(?!\w)|given name|first name|аты(?!\w|-)|есімі"),
    "patronymic": stems(r"отчеств|patronymic|middle name|әкесінің аты"),
    "birth_date": stems(r"дат\w+ рождени|год\w* рождени|date of birth|birth ?da(?:te|y)|year of birth|туған (?:жыл|күн)"),
    "phone": stems(r"телефон|(?:tele)?phone|mobile number|ұялы"),
    "email": stems(r"электронн\w+ (?:почт|адрес)|адрес\w* эл|e-?mail|электрондық пошта|эл\. пошта|эл\. почт"),
    "postal_address": stems(
        r"адрес\w* (?:доставк|проживан|регистрац|места|уборк)|(?:почтов|домашн)\w+ адрес",
        r"(?:postal|delivery|home|street|shipping) address|тұрғылықты|мекенжайы(?!\w)",
    ),
    "iin": stems(r"иин(?!\w)|iin(?!\w)|жсн(?!\w)|individual identification number"),
    "id_document": stems(
        r"удостоверени\w+ личности|паспорт(?! здоровья)|документ\w*, удостовер|identity (?:document|card)|passport|id card",
        r"жеке куәлі[кг]",
    ),
    "photo": stems(r"фото|photo|сурет"),
    "bank_card": stems(r"банковск\w+ карт|bank card|card number|банк картас"),
    "car_plate": stems(r"(?:гос)?номер\w* (?:авто|машин)|госномер|car plate|licen[cs]e plate|көлік нөмір|plate number"),
    "job": stems(r"мест\w+ работы|должност|place of work|workplace|employer|position\b|job title|жұмыс орны|лауазым"),
    "signature": stems(r"подпис(?:ь|и)(?!\w)|signatures?\b|қолтаңба"),
    "cookies": stems(r"cookie|куки"),
    "ip_address": stems(r"ip[- ]адрес|ip[- ]address|ip мекенжай"),
    "health": stems(r"здоровь|диагноз|health|денсаулық"),
    "gender": stems(r"пол(?!\w)|gender|sex\b|жынысы"),
    "citizenship": stems(r"гражданств|citizenship|nationality|азаматтығ"),
    "education": stems(r"образовани|education|place of study|degree|мест\w+ уч[её]бы|білімі(?!\w)|оқу орны"),
}
_DATA_HEADING = re.compile(r"(?:данн|data|information|дерек|мәлімет|collect|собира|сведени)", re.IGNORECASE)
_PURPOSE_HEADING = re.compile(r"(?:^|\W)(?:цел[иья]|зачем|purpose|why we|мақсат)", re.IGNORECASE)
_PURPOSES = re.compile(r"^\s*(?:Цел[иь]|Purposes?|Мақсат(?:тар|ы)?)[^:—–]{0,60}[:—–]\s*(?P<list>.+)$", re.IGNORECASE | re.DOTALL)
_LIST_OF_DATA = 2
_LONGEST = 120


def data_in(sentences: Iterable[Sentence]) -> tuple[str, ...]:
    """Return the kinds of data, from sentences that list some; what people are told to write is no list of data held."""
    found: dict[str, None] = {}
    for sentence in sentences:
        if (
            "@" in sentence.text
            or sentence.is_heading
            or not (_DATA_HEADING.search(sentence.heading) or _DATA_HEADING.search(sentence.text))
        ):
            continue
        named = [kind for kind, pattern in DATA.items() if pattern.search(sentence.text)]
        lists = "," in sentence.text or len(sentence.text) <= _LONGEST
        if (len(named) >= _LIST_OF_DATA and lists) or (
            named
            and _DATA_HEADING.search(sentence.heading)
            and (sentence.is_item or CELL in sentence.text or not LETTER.search(sentence.text))
        ):
            found.update(dict.fromkeys(_without_doubles(named)))
    return tuple(_without_doubles(list(found)))


def _without_doubles(named: list[str]) -> list[str]:
    """Leave out the full name where its parts are named."""
    return (
        [kind for kind in named if kind != "full_name" or not {"surname", "given_name"} <= set(named)]
        if "surname" in named
        else [kind for kind in named if kind != "given_name" or "full_name" not in named]
    )


def purposes_in(sentences: Iterable[Sentence]) -> tuple[str, ...]:
    """Return the purposes as the policy words them, from a list of them or from under such a heading."""
    found: dict[str, None] = {}
    itemised = ""
    for sentence in sentences:
        if listed := _PURPOSES.match(sentence.text):
            found.update(dict.fromkeys(map(_bare, re.split(r"[,;]\s+", listed["list"]))))
        elif _is_purpose(sentence) and (sentence.is_item or sentence.heading != itemised):
            itemised = sentence.heading if sentence.is_item else itemised
            found.update(dict.fromkeys(map(_bare, re.split(r";\s+", sentence.text))))
    return tuple(filter(None, found))


def _is_purpose(sentence: Sentence) -> bool:
    heading = sentence.heading
    return bool(
        not sentence.is_heading
        and len(sentence.text) <= _LONGEST
        and _PURPOSE_HEADING.search(heading)
        and not _DATA_HEADING.search(heading)
    )


def _bare(purpose: str) -> str:
    return re.sub(r"^(?:To|Для|и|and)\s+", "", purpose.strip(" .;,")).strip()
