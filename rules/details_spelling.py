"""How names are spelt: in the nominative, part by part.

A name is kept as the person spells it but for its first letter and its case ending; where an ending may be either, it stays.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import Enum, auto
from functools import lru_cache

from rules.details_change import Field
from rules.lexicon.details_words import FEMININE, MASCULINE, same_letters

_PATRONYMIC = re.compile(
    r"\w+(?:(?:вич|ұлы|улы|қызы|кызы|uly|ūly|qyzy|kyzy|v[iy]ch)(?:[ауе]|ем)?|(?:вн|ичн|нишн)(?:а|у|ы|е|ой)|vna|ichna)\Z", re.IGNORECASE
)
_SURNAME = re.compile(
    r"[\w'-]+(?:[оеё]в(?:а|у|ой|ым)?|(?:с|ц)к(?:ий|ая|ого|ую|им)|[eo]v|[eo][vw]a|sky|skaya)\Z",
    re.IGNORECASE,
)
_FAMILY = re.compile(r"(?:[оеё]ва?|ина|[eo]v|[eo][vw]a)\Z", re.IGNORECASE)
_ALIKE = 0.7
_ENDINGS = {
    "ова": "ову овой овою", "ева": "еву евой евою", "ёва": "ёву ёвой", "ина": "ину иной", "ына": "ыну ыной", "ская": "скую", "цкая": "цкую",
    "ов": "овым", "ев": "евым", "ёв": "ёвым", "ин": "иным", "ский": "ским скому ского", "цкий": "цким цкому цкого",
    "овна": "овну овной овны овне", "евна": "евну евной евны евне", "ична": "ичну ичной ичны ичне",
    "ович": "овича овичу овичем овиче", "евич": "евича евичу евичем евиче",
    "ұлы": "ұлына ұлын ұлының", "улы": "улына улын улынын", "қызы": "қызына қызын қызының", "кызы": "кызына кызын кызынын",
}  # fmt: skip
_TO_NOMINATIVE = {ending: nominative for nominative, endings in _ENDINGS.items() for ending in endings.split()}
_ENDS_MASCULINE = re.compile(r"(?:[оеё]в|[иы]н|[уюя]к|ян|ич|е[цркнмй]|а[нтрйс]|и[йлрдс]|у[рсл]|о[нрл]|ыл|[лр]ь)\Z")
_ALWAYS_MASCULINE = re.compile(r"\w(?:ч[уи]к|ню?к|ич)а\Z")
_MALE_NAMES = frozenset(
    """
    александр алексей анатолий андрей антон арман аскар асхат бауыржан богдан борис вадим валерий василий виктор виталий владимир геннадий
    георгий глеб григорий данияр дархан даулет денис дмитрий дамир евгений егор ерлан ербол жандос иван игорь илья кайрат кирилл константин
    леонид максим марат михаил мурат николай нурлан олег олжас павел петр рамазан роман руслан рустам санжар сергей серик станислав степан
    талгат тимур тимофей федор юрий ярослав ален алмас азамат аян берик бекзат нурсултан санат самат ержан семен артем ринат темир айдос
    """.split()  # noqa: SIM905
)

_ALSO_A_WOMANS = frozenset(("александра", "валерия", "евгения", "руслана"))
_MALE_ENDINGS = {"а": ("",), "я": ("й", "ь"), "ом": ("",), "ем": ("й", "ь")}
_IS_OF_MAN = re.compile(r"(?:вич[ауе]?|вичем|[ұу]лы(?:на|н|ның)?|uly)\Z", re.IGNORECASE)


class Writer(Enum):
    """Who writes, as far as the words show."""

    WOMAN = auto()
    MAN = auto()
    SOMEBODY = auto()


@dataclass(frozen=True, slots=True)
class Setting:
    """What of a sentence tells the case of a name in it: whether a Russian preposition governs it, and what follows."""

    is_governed: bool
    after: str
    writer: Writer


@lru_cache(1)
def writer_of(text: str) -> Writer:
    """Return who wrote a text: «сменила», «женился» tell."""
    letters = same_letters(text)
    woman, man = bool(FEMININE.search(letters)), bool(MASCULINE.search(letters))
    return Writer.SOMEBODY if woman is man else Writer.WOMAN if woman else Writer.MAN


def is_patronymic(word: str) -> bool:
    """Tell whether a word ends as only patronymics do."""
    return bool(_PATRONYMIC.match(word))


def is_surname(word: str) -> bool:
    """Tell whether a word ends as only surnames do."""
    return bool(_SURNAME.match(word))


def is_another_name(old: Sequence[str], new: str) -> bool:
    """Tell whether a name of which no part is spoken of replaces a name, and not a town or a tariff: by its ending, or spelt alike."""
    return bool(_FAMILY.search(new)) or any(
        _FAMILY.search(each) or SequenceMatcher(None, each.lower(), new.lower()).ratio() > _ALIKE for each in old
    )


def parts_of(words: Sequence[str]) -> dict[Field, str]:
    """Return a full name part by part, as far as its endings tell which is which."""
    patronymic = next((number for number, word in enumerate(words[1:], 1) if is_patronymic(word)), None)
    match len(words), patronymic:
        case 3, 2:
            return dict(zip((Field.SURNAME, Field.GIVEN_NAME, Field.PATRONYMIC), words, strict=True))
        case 3, 1:
            return dict(zip((Field.GIVEN_NAME, Field.PATRONYMIC, Field.SURNAME), words, strict=True))
        case 2, 1:
            return dict(zip((Field.GIVEN_NAME, Field.PATRONYMIC), words, strict=True))
        case 2, None if is_surname(words[0]) is not is_surname(words[1]):
            return {Field.SURNAME if is_surname(word) else Field.GIVEN_NAME: word for word in words}
    return {}


def nominatives(run: Sequence[str], setting: Setting) -> list[str]:
    """Return the words of a name as they are recorded; where one of them shows a case, the others stand in it too."""
    if any(_IS_OF_MAN.search(word) or (_male_name(word.lower()) and word.lower() not in _ALSO_A_WOMANS) for word in run):
        setting = replace(setting, writer=Writer.MAN)
    plain = [_nominative(word, setting) for word in run]
    if len(run) > 1 and plain != [spelt(word) for word in run]:
        return [_nominative(word, replace(setting, is_governed=True)) for word in run]
    return plain


def spelt(word: str) -> str:
    """Return a name with a capital letter at its beginning; one typed in capitals, or in none, keeps one only."""
    if word.isupper() or word.islower():
        return "-".join(part[:1].upper() + part[1:].lower() for part in word.split("-"))
    return word


def _nominative(word: str, setting: Setting) -> str:
    first, hyphen, rest = spelt(word).partition("-")
    if hyphen and rest:  # «на Шаблонову-Эталонову»
        return f"{_nominative(first, setting)}-{_nominative(rest, setting)}"
    word = spelt(word)
    for length in (6, 5, 4, 3):
        if len(word) > length + 1 and (nominative := _TO_NOMINATIVE.get(word[-length:])):
            return word[:-length] + nominative
    return _ungoverned(word, setting.writer) if setting.is_governed else _without_kazakh_ending(word, setting.after)


def _ungoverned(word: str, writer: Writer) -> str:
    """Take off what a Russian preposition put on: «на Анну», «вместо Ивана», «с Трафаретова»."""
    stem, last = word[:-1], word[-1:]
    if last in "уюы":
        return stem + ("я" if last == "ю" else "а")
    if male := _male_name(word.lower()):
        return word[:1] + male[1:]
    is_man = writer is Writer.MAN and _ENDS_MASCULINE.search(stem)
    return stem if last == "а" and (is_man or _ALWAYS_MASCULINE.search(word)) else word


def _male_name(letters: str) -> str | None:
    """Return the man's name of which a word is the genitive or the instrumental: «Ивана», «Тимуром», «Сергеем»."""
    for ending, others in _MALE_ENDINGS.items():
        stem = letters.removesuffix(ending)
        found = [stem + other for other in others if stem != letters and (stem + other).replace("ё", "е") in _MALE_NAMES]
        if found:
            return found[0]
    return None


# --- Kazakh case endings --------------------------------------------------------------------------------------------------------

_DATIVE = re.compile(r"(?:ға|ге|қа|ке)\Z")
_GENITIVE = re.compile(r"(?:ның|нің|дың|дің|тың|тің)\Z")
_ABLATIVE = re.compile(r"(?:дан|ден|тан|тен|нан|нен)\Z")
_ACCUSATIVE = re.compile(r"(?<!бер)(?<!кел)(?<!тұр)(?:ны|ні|ды|ді|ты|ті)\Z")
_CASE = re.compile(r"(?:[ғқгк][ае]|[ндт](?:ың|ің|ан|ен|ы|і))\Z")
_CHANGES = re.compile(r"[\"\s]*(?:озгер|ауыс|тузе|алмас|жанарт|кайт|орал|кош)")
_NOT_TO = re.compile(r"[\"\s]*емес\s*,?\s*(?:ал\s+)?\"?\w+(?:га|ге|ка|ке)(?!\w)")
_TO_ANOTHER = re.compile(r"[\"\s]*\w+\"?-?(?:[гк][ае]|[ыи]н[ае])(?!\w)")
_AS_ANOTHER = re.compile(r"[\"\s]*\w+\"?\s+деп(?!\w)")
_PREDICATE = re.compile(r"(?:[мбп]ын|[мбп]ін)\Z")
_SHORTEST = 5


def is_replaced(word: str, after: str) -> bool:
    """Tell whether a name stands in the case of what is changed into the next one: «Мысаловадан Үлгіеваға», «Аселді Әсел деп»."""
    if len(word) < _SHORTEST:
        return False
    return bool((_ABLATIVE.search(word) and _TO_ANOTHER.match(after)) or (_ACCUSATIVE.search(word) and _AS_ANOTHER.match(after)))


def is_replacing(word: str, after: str) -> bool:
    """Tell whether a name stands in the case of what something is changed into: «Үлгіеваға өзгертіңіз»."""
    return len(word) >= _SHORTEST and bool(_DATIVE.search(word) and _CHANGES.match(after))


def _without_kazakh_ending(word: str, after: str) -> str:
    """Take off a Kazakh ending where the sentence shows that it is one."""
    bare = _CASE.sub("", word)
    if bare != word and _FAMILY.search(bare):
        return bare
    if is_replaced(word, after):
        return _ABLATIVE.sub("", word) if _ABLATIVE.search(word) else _ACCUSATIVE.sub("", word)
    if is_replacing(word, after) or (len(word) >= _SHORTEST and _NOT_TO.match(after)):
        return _DATIVE.sub("", word)
    if len(word) > _SHORTEST and _PREDICATE.search(word):  # «мен Үлгіевпін»
        return word[:-3]
    return _GENITIVE.sub("", word) if after.lstrip('" ').startswith("орнына") else word
