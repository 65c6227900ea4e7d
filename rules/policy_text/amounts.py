"""How long: amounts of time in digits and words, as policies in Russian, Kazakh and English write them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rules.policy_text.words import NOT_A_LIMIT, NOT_A_LIMIT_AFTER, REPEATED, REPEATED_AFTER

MOST = 12
"""Amounts of a sentence that are weighed; one that names more promises nothing."""

_ONES = {
    1: "один одного одному одной одну одна одно первого one first бір",
    2: "два двух двум две двое второго two second екі",
    3: "три трёх трех трем трое третьего three third үш",
    4: "четыре четырёх четырех четверо four fourth төрт",
    5: "пять пяти пятеро пятого five fifth бес",
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
    15: "пятнадцать пятнадцати пятнадцатого fifteen fifteenth",
    16: "шестнадцать шестнадцати sixteen",
    17: "семнадцать семнадцати seventeen",
    18: "восемнадцать восемнадцати eighteen",
    19: "девятнадцать девятнадцати nineteen",
}
_TENS = {
    10: "десять десяти десятого ten tenth он",
    20: "двадцать двадцати двадцатого twenty twentieth жиырма",
    30: "тридцать тридцати тридцатого thirty thirtieth отыз",
    40: "сорок сорока forty қырық",
    50: "пятьдесят пятидесяти fifty елу",
    60: "шестьдесят шестидесяти sixty алпыс",
    70: "семьдесят семидесяти seventy жетпіс",
    80: "восемьдесят восьмидесяти eighty сексен",
    90: "девяносто ninety тоқсан",
    100: "сто ста hundred жүз",
}
_VALUES = {form: value for table in (_ONES, _TEENS, _TENS) for value, forms in table.items() for form in forms.split()}


def _any(values: dict[int, str]) -> str:
    return "|".join(sorted((form for forms in values.values() for form in forms.split()), key=len, reverse=True))


_WORD = rf"(?:(?:{_any(_TENS)})[\s-]+(?:{_any(_ONES)})|{_any(_TEENS)}|{_any(_TENS)}|{_any(_ONES)})"
_ENDING = r"(?:\s?-?(?:ти|х|и|ми|го|м|дневн\w+|st|nd|rd|th))?"
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
    "days": r"дн(?:я|ей|и|ям|евн\w+)|день|сут(?:ок|ки)|days?|күн\w*|тәулік\w*",
}
_UNIT = "|".join(f"(?P<{name}>{forms})" for name, forms in UNITS.items())
_CALENDAR = re.compile(r"(?:күнтізбелік|календарных)\s+$", re.IGNORECASE)
_FULL = r"(?:(?:полн\w+|следующ\w+|последующ\w+|банковск\w+|full|consecutive|further|clear|более|толық|келесі)\s+)?"
_LIMIT = re.compile(rf"{_AMOUNT}[\s-]*{_FULL}(?:{_UNIT})(?!\w)(?P<owner>['’]s?)?", re.IGNORECASE)

_WITHIN = (
    r"(?:в\s+течени[еи]|не\s+позднее|не\s+позже|не\s+более|спустя|на\s+протяжении|within|not\s+later\s+than|"
    r"no\s+later\s+than|for|after|in\s+under|in|за)\s+"
)
_ALONE = {
    "working_days": r"рабочего\s+дня|(?:business|working)\s+day",
    "hours": r"часа?|hour",
    "weeks": r"недел[ию]|week",
    "months": r"месяца?|month",
    "years": r"года|year",
    "days": r"дня|день|сут(?:ок|ки)|day|calendar day",
}
_ALONE_NAMED = "|".join(f"(?P<{name}>{forms})" for name, forms in _ALONE.items())
_ONE = re.compile(
    rf"(?<!\w){_WITHIN}(?:(?:a|an|the|одн\w+|полного|full)\s+)?(?:{_ALONE_NAMED})(?!\w)"
    r"|(?<!\w)a\s+(?P<months_>month|year)\s+(?:after|from|later)"
    r"|(?<!\w)(?:(?P<weeks_>апта)|(?P<years_>жыл))\s+(?:ішінде|бойы|өткен)|(?<!\w)(?<!\d\s)(?P<hours_>сағат)\s+ішінде",
    re.IGNORECASE,
)
_COMPOUND = re.compile(
    rf"(?<!\w)(?P<many>{_WORD}|)"
    r"(?:(?P<days>дневн)|(?P<weeks>недельн)|(?P<months>месячн)|(?P<years>годичн|летн)|(?P<hours>часов))(?:ый|ого|ому|ом|ый|ая)(?!\w)",
    re.IGNORECASE,
)
_EVERY = re.compile(
    r"(?<!\w)(?:раз в|кажд\w+|once (?:a|every)|every|each)\s+(?:(?P<years>год|year)|(?P<months>месяц|month)|"
    r"(?P<weeks>недел\w+|week)|(?P<days>день|day))(?!\w)"
    r"|(?<!\w)(?:(?P<years_>жыл|annually|yearly|ежегодно)|(?P<months_>ай|monthly|ежемесячно)|(?P<weeks_>апта|weekly|"
    r"еженедельно))(?:(?<=ly)|(?<=но)|\s+сайын)"
    r"|(?<!\w)(?:(?P<years__>жылына)|(?P<months__>айына)|(?P<weeks__>аптасына))\s+бір\s+рет",
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
    r"(?:дәл\s+)?сол\s+күн\w*|(?:түскен|алынған|алған|берілген|келген|жіберілген)\s+күні(?!нен)|сол\s+күнгі)"
    r"|(?P<immediately>немедленно|незамедлительно|тотчас|сразу(?=\s+(?:после|же|по|прекра|удал))|immediately|at\s+once|"
    r"right\s+away|instantly|straight\s+away"
    r"|forthwith|дереу|бірден|кідіріссіз|(?<!нен\s)(?<!нан\s)кешіктірмей|шұғыл))(?!\w)",
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
            yield Span(_value(found["many"] or "одно"), _named(found, UNITS), found.start(), found.end())
    for found in _EVERY.finditer(sentence):
        yield Span(1, next(name.rstrip("_") for name, text in found.groupdict().items() if text), found.start(), found.end(), repeats=True)
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
