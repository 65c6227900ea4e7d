"""Who the operator is, where it is written to, and which laws the policy names."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from rules.details_spelling import Setting, Writer, nominatives
from rules.policy_text.findings import Caution
from rules.policy_text.kinds import type_of
from rules.policy_text.markup import LINK
from rules.policy_text.outline import Sentence
from rules.policy_text.words import AUTHORITY, FOREIGN_LAW

ADDRESS = re.compile(r"(?<![\w.%+/-])[\w%+-]++(?:\.[\w%+-]++)*+@[\w-]++(?:\.[\w-]++)++(?![\w@])")
_HIDDEN = re.compile(
    r"(?<![\w.@+-])(?P<name>[\w+-]{1,64}(?:\.[\w+-]{1,64}){0,4}+)(?P<at>@|\s?[\[({]\s?(?:at|dog|собака|@)\s?[\])}]\s?|[·•]at[·•])"
    r"(?P<domain>[\w-]+(?:(?:[·•.]|\s?[\[({]\s?(?:dot|точка|\.)\s?[\])}]\s?)[\w-]+)+)",
    re.IGNORECASE,
)
_HIDDEN_DOT = re.compile(r"[·•]|\s?[\[({]\s?(?:dot|точка|\.)\s?[\])}]\s?", re.IGNORECASE)
_TEMPLATE = re.compile(
    r"(?:\{\{|\{%|\[|<|%)\s*[\w .-]*(?:e-?mail|почт|пошта)[\w .-]*\s*(?:\}\}|%\}|\]|>|%)",
    re.IGNORECASE,
)
_NEAR = 60
_CALLED_NEAR = 160
MOST = 6
"""Names of firms in a sentence that are weighed."""
_ELSEWHERE = re.compile(
    r"(?:хостинг|провайдер|обработчик|подрядчик|партн[её]р|третьи\w* лиц|ваканси|резюме|пресс|реклам\w+ (?:отдел|"
    r"служб)|поставщик|hosting|provider|processor|"
    r"vendor|partner|third part|job|career|vacanc|press\b|supplier|сайт\w* разработ|developer|жеткізуші|серіктес|"
    r"бос орын|например|for example|e\.g\.|мысалы)",
    re.IGNORECASE,
)

_OTHER_BOX = re.compile(
    r"(?<!\w)(?:sales|booking|orders?|billing|продаж\w*|брон\w*|заказ\w* (?:по|на)|отдел кадров|бухгалтер\w*|броньдау|"
    r"брондау|тапсырыс)\w*\s*[:—–-]",
    re.IGNORECASE,
)
_OTHER_NAME = re.compile(r"(?:bookings?|bron|sales|orders?|zakaz|jobs?|hr|press|billing|zapis|shop)@", re.IGNORECASE)
_OF_REQUESTS = re.compile(
    r"персональн|данн|соглас|запрос|обращ|вопрос|просьб|разъясн|заявлени|personal|data|consent|request|question|privacy|дерек|келісім|"
    r"сұрақ|өтініш|сұрау",
    re.IGNORECASE,
)
_OF_LETTERS = re.compile(
    r"связ|контакт|почт|письм|напиш|написа|пиш|отказ|contact|write|e-?mail|letter|reach|ask|хат|пошта|байланыс|жазыңыз", re.IGNORECASE
)
_FORMS_BEFORE = (
    r"(?:ТОО|АО|НАО|ООО|ОАО|ЗАО|ПАО|ИП|ЧП|ГККП|КГКП|КГП(?: на ПХВ)?|ГКП(?: на ПХВ)?|КГУ|ГУ|РГП(?: на ПХВ)?|РГУ|ОФ|ОО|"
    r"ОЮЛ|КХ|Частн\w+ школ\w+|"
    r"Товариществ\w+ с ограниченной ответственностью|Обществ\w+ с ограниченной ответственностью|Акционерн\w+ обществ\w+|"
    r"[Ии]ндивидуальн\w+ предпринимател\w+|Общественн\w+ (?:фонд|объединени)\w*|Частн\w+ (?:фонд|учреждени)\w*|"
    r"ЖШС|ЖК|Жеке кәсіпкер|IE|Individual Entrepreneur|Sole Proprietor|(?:Corporate|Public|Private|Charitable) Fund|"
    r"Public Association|Joint Stock Company|Limited Liability (?:Partnership|Company)|LLP|LLC|JSC)"
)
_FORMS_AFTER = (
    r"(?:ЖШС|АҚ|ЖАҚ|КеАҚ|КЕАҚ|ЖК|КММ|МММ|КМҚК|МКҚК|РМК|ШЖҚ РМК|ШЖҚ КМК|КМК|ҚҚ|ҚБ|ҚЕ|"
    r"[Жж]ауапкершілігі шектеулі серіктестігі|[Аа]кционерлік қоғамы|[Ққ]оғамдық қоры|[Жж]еке кәсіпкері|мекемесі|қоры|"
    r"(?:ауыл шаруашылығы )?кооперативі|"
    r"қоғамы|"
    r"LLP|LLC|L\.L\.C\.|Ltd\.?|Limited|Inc\.?|JSC|PLC|GmbH|Foundation|Limited Liability Partnership|Joint Stock Company)"
)
_QUOTED = r"(?:«[^«»\n]{2,80}»|“[^“”\n]{2,80}”|„[^„“”\n]{2,80}[“”]|\"[^\"\n]{2,80}\")"
_PROPER = r"[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ][\w.'’&-]*"
_NAME = re.compile(
    rf"(?:(?P<before>(?<!\w){_FORMS_BEFORE}\s+(?:{_QUOTED}|{_PROPER}(?:\s+{_PROPER}){{0,3}}))"
    rf"|(?P<after>(?:{_QUOTED}|(?<!\w){_PROPER}(?:\s+(?:{_PROPER}|&|and|and|of)){{0,4}}),?\s+{_FORMS_AFTER}(?=(?:н?і[нң]|нде|не|ні|мен|нен|нің)?(?!\w))))"
)
_CALLS = re.compile(
    r"^[^.;]{0,80}?[(,]?\s*(?:[(«\"“]|далее|hereinafter|бұдан әрі|the |(?:referred to )?as)[^.;)]{0,40}?(?:Оператор|"
    r"Operator|Администрац|Компани|Company|Controller|we\b|us\b|мы\b|біз\b|далее|hereinafter|бұдан әрі|\"the |“the )",
    re.IGNORECASE,
)
_IS_OPERATOR = re.compile(
    r"(?:Оператор\w*|Operator|Controller|Data controller|Компани\w|run by|operated by|owned by|принадлежит|владелец|"
    r"владельц\w+)[^.;]{0,60}$",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"(?:^|[\s(])(?:Оператор|Operator|(?:Data )?[Cc]ontroller|Администрация сайта)\s*(?:[—–:-]|is|are|является|"
    r":)\s*(?P<name>[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ«“\"][^.;,(]{2,80}?)(?=\s*[.;,(]|$)"
    r"|(?P<own>[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ«“\"][^.;,()—–:]{2,60}?)\s*\((?:далее|hereinafter|бұдан әрі)[^)]*(?:Оператор|Operator|Компани|Company)"
)
_PERSON = "Индивидуальный предприниматель"
_GOVERNED_PERSON = re.compile(rf"{_PERSON} ([^«“\"]+(?:ович|евич|овн|евн|ичн)(?:[ауеы]|ем|ой)\b.*)$")
_BASE_FORMS = (
    (re.compile(r"^[Ии]ндивидуальн\w+ предпринимател\w+"), _PERSON),
    (re.compile(r"^Товариществ\w+ с"), "Товарищество с"),
    (re.compile(r"^Обществ\w+ с"), "Общество с"),
    (re.compile(r"^Акционерн\w+ обществ\w+"), "Акционерное общество"),
    (re.compile(r"^Общественн\w+ фонд\w*"), "Общественный фонд"),
)


def operator_in(sentences: Sequence[Sentence]) -> str | None:
    """Return the operator's name as the policy states it: the firm that it calls the operator, else the first that it names."""
    best: tuple[int, str] | None = None
    for sentence in sentences:
        if AUTHORITY.search(sentence.text):
            continue
        for found in islice(_NAME.finditer(sentence.text), MOST):
            before, after = sentence.text[: found.start()][-_CALLED_NEAR:], sentence.text[found.end() :][:_CALLED_NEAR]
            if _ELSEWHERE.search(before[-_NEAR:]):
                continue
            rank = 0 if _CALLS.match(after) or _IS_OPERATOR.search(before) else 1
            if best is None or rank < best[0]:
                best = rank, _nominative(" ".join(found[0].split()))
    if best is None or best[0]:
        for sentence in sentences:
            if named := _CALLED.search(sentence.text):
                name = (named["name"] or named["own"]).strip()
                if (
                    not re.match(r"(?:лицо|a person|the person|тұлға|юридическ|государственн|организаци)", name, re.IGNORECASE)
                    and len(name.split()) <= 6
                ):
                    return best[1] if best and best[1] in sentence.text else name
    return best[1] if best else None


def _nominative(name: str) -> str:
    for form, base in _BASE_FORMS:
        name = form.sub(base, name)
    if person := _GOVERNED_PERSON.match(name):
        name = " ".join([_PERSON, *nominatives(person[1].split(), Setting(is_governed=False, after="", writer=Writer.SOMEBODY))])
    return name.rstrip(".,")


def inboxes_in(sentences: Iterable[Sentence]) -> tuple[tuple[str, ...], tuple[Caution, ...]]:
    """Return the addresses that requests may be sent to, and what is wrong with the others."""
    for_requests: dict[str, None] = {}
    for_letters: dict[str, None] = {}
    perhaps: dict[str, None] = {}
    cautions: list[Caution] = []
    for sentence in sentences:
        shown = _HIDDEN.sub(_revealed, LINK.sub(" ", sentence.text))
        addresses = [address.lower() for address in ADDRESS.findall(shown)]
        cautions += _wrong_links(sentence, addresses) + _odd_addresses(sentence)
        written_to = dict.fromkeys(addresses or _targets(sentence))
        before = shown[: shown.find("@")][-_NEAR:]
        if not written_to or AUTHORITY.search(sentence.text) or _ELSEWHERE.search(before) or _OTHER_BOX.search(before):
            continue
        if all(map(_OTHER_NAME.match, written_to)):
            perhaps.update(written_to)
        elif _OF_REQUESTS.search(f"{sentence.heading} {shown} {' '.join(written_to)}") or type_of(sentence.text):
            for_requests.update(written_to)
        else:
            (for_letters if _OF_LETTERS.search(f"{sentence.heading} {sentence.context}") else perhaps).update(written_to)
    return tuple(for_requests or for_letters or perhaps), tuple(cautions)


def _revealed(hidden: re.Match[str]) -> str:
    """Return an address that is hidden from robots as people read it."""
    return (
        hidden[0]
        if hidden["at"] == "@" and not _HIDDEN_DOT.search(hidden["domain"])
        else f"{hidden['name']}@{_HIDDEN_DOT.sub('.', hidden['domain'])}"
    )


def _targets(sentence: Sentence) -> list[str]:
    links = (link["target"] for link in LINK.finditer(sentence.text))
    return [target[7:].partition("?")[0].strip().lower() for target in links if target.lower().startswith("mailto:") and "@" in target]


def _wrong_links(sentence: Sentence, shown: list[str]) -> list[Caution]:
    return [
        Caution("another_address", f"the text shows {', '.join(shown)}, and its link writes to {target}", sentence.clause)
        for target in _targets(sentence)
        if shown and target not in shown
    ]


def _odd_addresses(sentence: Sentence) -> list[Caution]:
    shown = LINK.sub(" ", sentence.text)
    hidden = [
        Caution("hidden_address", f"“{found[0]}” was read as {_revealed(found)}", sentence.clause)
        for found in _HIDDEN.finditer(shown)
        if _revealed(found) != found[0]
    ]
    return hidden + [
        Caution("template_address", f"“{found[0]}” is the place for an address, which was not filled in", sentence.clause)
        for found in _TEMPLATE.finditer(shown)
    ]


def other_domains(inboxes: Sequence[str]) -> list[Caution]:
    """Warn of addresses on different domains: one may be another firm's, left in the template."""
    domains = dict.fromkeys(address.rpartition("@")[2] for address in inboxes)
    if len(domains) < 2:
        return []
    return [Caution("several_domains", f"the policy names addresses on {', '.join(domains)}; is each of them yours?")]


_NUMBER = r"(?:№|N|No\.?|Nr\.?)?\s*"
LAWS: dict[str, re.Pattern[str]] = {
    "KZ-94-V": re.compile(
        r"(?<!\d)94\s?[-–‑]\s?[VВ5](?!\w)|О\s+персональных\s+данных\s+и\s+их\s+защите|Personal\s+Data\s+and\s+(?:Their|its)\s+Protection|"
        r"[Дд]ербес\s+деректер\s+және\s+оларды\s+қорғау",
        re.IGNORECASE,
    ),
    "EU-2016/679": re.compile(
        r"(?<!UK )(?<!\w)GDPR|2016/679|General Data Protection Regulation|Общ\w+ регламент\w*\s+(?:\w+\s+)?(?:по|о) защит", re.IGNORECASE
    ),
    "RU-152-FZ": re.compile(
        r"(?<!\d)152\s?[-–‑]\s?(?:ФЗ|FZ)|(?:Федеральн\w+ закон\w*|Federal Law)[^.;]{0,40}[«\"“](?:О персональных данных|"
        r"On Personal Data)[»\"”]",
        re.IGNORECASE,
    ),
    "BY-99-Z": re.compile(r"(?<!\d)99\s?[-–‑]\s?[ЗZ](?!\w)", re.IGNORECASE),
    "KG-58": re.compile(r"[Оо]б информации персонального характера"),
    "UZ-ZRU-547": re.compile(r"(?:ЗРУ|ZRU|O.?RQ)\s?[-–‑]\s?547", re.IGNORECASE),
    "UK-GDPR": re.compile(r"UK GDPR"),
    "US-CCPA": re.compile(r"(?<!\w)CCPA(?!\w)|California Consumer Privacy Act", re.IGNORECASE),
}
_OTHER_KZ = re.compile(r"(?<![\d-])(?P<number>\d{1,3})\s?[-–‑]\s?(?P<roman>[IVXІ]{1,4})(?![\w-])")
_OTHER_RU = re.compile(r"(?<![\d-])(?P<number>\d{1,3})\s?[-–‑]\s?(?:ФЗ|FZ)(?!\w)", re.IGNORECASE)
_FOREIGN = {"RU": "Russia's", "BY": "Belarus's", "KG": "Kyrgyzstan's", "UZ": "Uzbekistan's"}


def laws_in(sentences: Iterable[Sentence]) -> tuple[tuple[str, ...], list[Caution]]:
    """Return the laws that are named, and a warning of each that is not Kazakhstan's or the Union's."""
    found: dict[str, str | None] = {}
    federal: dict[str | None, None] = {}
    for sentence in sentences:
        for name in _laws(sentence.text):
            found.setdefault(name, sentence.clause)
        if FOREIGN_LAW.search(sentence.text):
            federal.setdefault(sentence.clause)
    cautions = [
        Caution("foreign_law", f"the policy refers to {name}, {_FOREIGN[name[:2]]} law", clause)
        for name, clause in found.items()
        if name[:2] in _FOREIGN
    ]
    clauses = [Caution("federal_law", "the policy refers to “federal law”; Kazakhstan has none", clause) for clause in federal]
    return tuple(found), cautions + ([] if any(name.startswith("RU") for name in found) else clauses[:3])


def _laws(text: str) -> Iterable[str]:
    yield from (name for name, pattern in LAWS.items() if pattern.search(text))
    for law in _OTHER_KZ.finditer(text):
        yield f"KZ-{law['number']}-{law['roman'].replace('І', 'I')}"
    for law in _OTHER_RU.finditer(text):
        yield f"RU-{law['number']}-FZ"
