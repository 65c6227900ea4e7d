"""How long: amounts of time in digits and words, as policies in Russian, Kazakh and English write them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rules.policy_text.words import NOT_A_LIMIT, NOT_A_LIMIT_AFTER, REPEATED, REPEATED_AFTER

MOST = 12
"""Amounts of a sentence that are weighed; one that names more promises nothing."""

_ONES = {
    1: "один одного одному одной одну одна one бір",
    2: "два двух двум две two екі",
    3: "три трёх трех трем three үш",
    4: "четыре четырёх четырех four төрт",
    5: "пять пяти five бес",
    6: "шесть шести six алты",
    7: "семь семи seven жеті",
    8: "восемь восьми eight сегіз",
    9: "девять девяти nine тоғыз",
}
_TEENS = {
    11: "одиннадцать одиннадцати eleven",
    12: "двенадцать двенадцати twelve",
    13: "тринадцать тринадцати thirteen",
    14: "четырнадцать четырнадцати fourteen",
    15: "пятнадцать пятнадцати fifteen",
    16: "шестнадцать шестнадцати sixteen",
    17: "семнадцать семнадцати seventeen",
    18: "восемнадцать восемнадцати eighteen",
    19: "девятнадцать девятнадцати nineteen",
}
_TENS = {
    10: "десять десяти ten он",
    20: "двадцать двадцати twenty жиырма",
    30: "тридцать тридцати thirty отыз",
    40: "сорок сорока forty қырық",
    50: "пятьдесят пятидесяти fifty елу",
    60: "шестьдесят шестидесяти sixty алпыс",
    70: "семьдесят семидесяти seventy жетпіс",
    80: "восемьдесят восьмидесяти eighty сексен",
    90: "девяносто ninety тоқсан",
    100: "сто ста hundred жүз",
}
_VALUES = {form: value for table in (_ONES, _TEENS, _TENS) for value, forms in table.items() for form in forms.split()}
_COMPOUNDS = {  # "three-day" in one Russian word
    "одно": 1, "двух": 2, "трёх": 3, "трех": 3, "четырёх": 4, "четырех": 4, "пяти": 5, "шести": 6, "семи": 7, "десяти": 10,
    "четырнадцати": 14,
    "пятнадцати": 15, "двадцати": 20, "тридцати": 30, "сорокапяти": 45, "шестидесяти": 60, "девяносто": 90, "": 1,
}  # fmt: skip


def _any(values: dict[int, str]) -> str:
    return "|".join(sorted((form for forms in values.values() for form in forms.split()), key=len, reverse=True))


_WORD = rf"(?:(?:{_any(_TENS)})[\s-]+(?:{_any(_ONES)})|{_any(_TEENS)}|{_any(_TENS)}|{_any(_ONES)})"
_ENDING = r"(?:\s?-?(?:ти|х|и|ми|го|м|дневн\w+))?"
_DIGITS = rf"\d{{1,3}}(?!\d){_ENDING}"
_RANGE = rf"(?:{_DIGITS}\s*(?:[-–—]|до|to|or|или)\s*|{_WORD}\s+(?:до|to|or|или)\s+)?"
_AMOUNT = rf"(?<![\w.,№/-]){_RANGE}(?P<amount>{_DIGITS}|{_WORD})(?!\w)(?:\s*\([^()]{{1,40}}\))?"

UNITS = {
    "working_days": r"(?:рабоч\w+|business|working)[\s-]+(?:дн\w*|день|сут\w+|days?)|рабоче\w*дневн\w+|жұмыс\s+күн\w*",
    "calendar_days": r"календарн\w+\s+(?:дн\w*|день|сут\w+)|calendar[\s-]+days?|күнтізбелік\s+күн\w*",
    "hours": r"час(?:а|ов|ам)?|часов\w+|hours?|hrs?|h|сағат\w*",
    "weeks": r"недел\w+|weeks?|апта\w*",
    "months": r"месяц\w*|months?|ай|айдан|айға|айда|айдың|айлық|айы",
    "years": r"год|года|году|годов|лет|летн\w+|years?|жыл|жылдан|жылға|жылда|жылдық|жылдың|жылы",
    "days": r"дн(?:я|ей|и|ям|евн\w+)|день|сут(?:ок|ки)|days?|күн\w*",
}
_UNIT = "|".join(f"(?P<{name}>{forms})" for name, forms in UNITS.items())
_CALENDAR = re.compile(r"(?:күнтізбелік|календарных)\s+$", re.IGNORECASE)
_FULL = r"(?:(?:полн\w+|следующ\w+|последующ\w+|банковск\w+|full|consecutive|further|clear|более|толық|келесі)\s+)?"
_LIMIT = re.compile(rf"{_AMOUNT}[\s-]*{_FULL}(?:{_UNIT})(?!\w)(?P<owner>['’]s?)?", re.IGNORECASE)

_WITHIN = (
    r"(?:в\s+течени[еи]|не\s+позднее|не\s+позже|не\s+более|спустя|на\s+протяжении|within|not\s+later\s+than|"
    r"no\s+later\s+than|for|after|in\s+under|in)\s+"
)
_ALONE = {
    "working_days": r"рабочего\s+дня|(?:business|working)\s+day",
    "hours": r"часа|hour",
    "weeks": r"недели|week",
    "months": r"месяца|month",
    "years": r"года|year",
    "days": r"дня|суток|day|calendar day",
}
_ALONE_NAMED = "|".join(f"(?P<{name}>{forms})" for name, forms in _ALONE.items())
_ONE = re.compile(
    rf"(?<!\w){_WITHIN}(?:(?:a|an|the|одн\w+|полного|full)\s+)?(?:{_ALONE_NAMED})(?!\w)"
    r"|(?<!\w)a\s+(?P<months_>month|year)\s+(?:after|from|later)"
    r"|(?<!\w)(?:(?P<weeks_>апта)|(?P<years_>жыл))\s+(?:ішінде|бойы|өткен)|(?<!\w)(?<!\d\s)(?P<hours_>сағат)\s+ішінде",
    re.IGNORECASE,
)
_COMPOUND = re.compile(
    rf"(?<!\w)(?P<many>{'|'.join(sorted(filter(None, _COMPOUNDS), key=len, reverse=True))}|)"
    r"(?:(?P<days>дневн)|(?P<weeks>недельн)|(?P<months>месячн)|(?P<years>годичн|летн)|(?P<hours>часов))(?:ый|ого|ому|ом|ый|ая)(?!\w)",
    re.IGNORECASE,
)
_EVERY = re.compile(
    r"(?<!\w)(?:раз в|кажд\w+|once (?:a|every)|every|each)\s+(?:(?P<years>год|year)|(?P<months>месяц|month)|"
    r"(?P<weeks>недел\w+|week)|(?P<days>день|day))(?!\w)"
    r"|(?<!\w)(?:(?P<years_>жыл|annually|yearly|ежегодно)|(?P<months_>ай|monthly|ежемесячно)|(?P<weeks_>апта|weekly|"
    r"еженедельно))(?:(?<=ly)|(?<=но)|\s+сайын)",
    re.IGNORECASE,
)
_HALVES = {
    "half": (6, r"пол(?:у)?года|half\s+a\s+year|half-year|жарты\s+жыл"),
    "more": (18, r"полутора\s+лет|полтора\s+года|полуторагод\w+|a\s+year\s+and\s+a\s+half|бір\s+жарым\s+жыл|eighteen\s+months"),
}
_HALF = re.compile("|".join(rf"(?<!\w)(?P<{name}>{forms})(?!\w)" for name, (_, forms) in _HALVES.items()), re.IGNORECASE)
_WORKING_NEXT = r"(?:следующ\w+\s+рабоч\w+\s+д(?:ень|ня)|next\s+(?:business|working)\s+day|келесі\s+жұмыс\s+күн\w*)"
_PHRASES = re.compile(
    rf"(?<!\w)(?:(?P<next_working>{_WORKING_NEXT})|(?P<next_day>следующ\w+\s+д(?:ень|ня)|next\s+day|келесі\s+күн\w*)"
    r"|(?P<same_day>(?:в|того)\s+тот\s+же\s+(?:рабочий\s+)?день|тем\s+же\s+днём|в\s+день\s+(?!недел)\w{4,}|день\s+в\s+день"
    r"|(?:on\s+)?the\s+same\s+(?:business\s+|working\s+)?day|same[- ]day|on\s+the\s+day\s+(?:of|we|it)|"
    r"(?:дәл\s+)?сол\s+күн\w*|(?!туған)\w+[ғгқк][ае]н\s+күні(?=\s+\w*(?:жой|өшір|тоқта|бер|енгіз))|сол\s+күнгі)"
    r"|(?P<immediately>немедленно|незамедлительно|тотчас|сразу(?=\s+(?:после|же|по|прекра|удал))|immediately|at\s+once|"
    r"right\s+away|instantly|straight\s+away"
    r"|дереу|бірден|кідіріссіз|кешіктірмей|шұғыл))(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """An amount of time, and where in the sentence it stands."""

    amount: int | None
    unit: str
    start: int
    end: int
    repeats: bool = False


def spans_in(sentence: str) -> list[Span]:
    """Return the amounts of time in a sentence in their order; ages and times of day are none."""
    found: list[Span] = []
    for span in sorted(_candidates(sentence), key=lambda span: (span.start, -span.end)):
        if (not found or span.start >= found[-1].end) and not _is_none(sentence, span):
            found.append(replace(span, repeats=True) if _repeats(sentence, span) else span)
    return found[:MOST]


def _candidates(sentence: str) -> Iterator[Span]:
    for found in _LIMIT.finditer(sentence):
        unit = _named(found, UNITS)
        if unit == "days" and _CALENDAR.search(sentence[: found.start()]):
            unit = "calendar_days"
        yield Span(_value(found["amount"]), unit, found.start(), found.end())
    for found in _ONE.finditer(sentence):
        yield Span(1, _unit_of_one(found), found.start(), found.end())
    for found in _COMPOUND.finditer(sentence):
        if found["many"] or re.match(r"\s+срок", sentence[found.end() :]):
            yield Span(_COMPOUNDS[found["many"].lower()], _named(found, UNITS), found.start(), found.end())
    for found in _EVERY.finditer(sentence):
        yield Span(
            1, next(name.removesuffix("_") for name, text in found.groupdict().items() if text), found.start(), found.end(), repeats=True
        )
    for found in _HALF.finditer(sentence):
        yield Span(_HALVES[found.lastgroup or "half"][0], "months", found.start(), found.end())
    for found in _PHRASES.finditer(sentence):
        match found.lastgroup:
            case "next_working":
                yield Span(1, "working_days", found.start(), found.end())
            case "next_day":
                yield Span(1, "days", found.start(), found.end())
            case name:
                yield Span(None, str(name), found.start(), found.end())


def _value(written: str) -> int:
    digits = re.match(r"\d+", written)
    if digits:
        return int(digits[0])
    return sum(_VALUES[word] for word in re.split(r"[\s-]+", written.lower()))


def _named(found: re.Match[str], names: dict[str, str]) -> str:
    groups = found.groupdict()
    return next(name for name in names if groups.get(name))


def _unit_of_one(found: re.Match[str]) -> str:
    if found["months_"]:
        return f"{found['months_'].lower()}s"
    return next(name.removesuffix("_") for name, text in found.groupdict().items() if text)


def _repeats(sentence: str, span: Span) -> bool:
    before, after = sentence[max(0, span.start - 30) : span.start], sentence[span.end : span.end + 25]
    return span.repeats or bool(REPEATED.search(before) or REPEATED_AFTER.match(after))


def _is_none(sentence: str, span: Span) -> bool:
    before, after = sentence[max(0, span.start - 30) : span.start], sentence[span.end : span.end + 25]
    return bool(NOT_A_LIMIT.search(before) or NOT_A_LIMIT_AFTER.match(after)) or (
        span.unit == "hours" and bool(re.search(r"(?<!\w)(?:с|from|сағат)\s+[\d:]*\s*(?:\w+\s+)?$", before))
    )
