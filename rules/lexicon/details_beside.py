"""What stands right before or right behind a value and makes it the old or the new one.

Patterns of the left end where the value begins; patterns of the right begin where it ends. Where another value follows in the
sentence, it stands at the end of the right as ``VALUE``.
"""

import re

from rules.lexicon.details_words import BESIDE_VALUES, VALUE, either, same_letters

_KAZAKH = str.maketrans({letter: same_letters(letter) for letter in "әғқңөұүһі"})


def _pattern(before: str, alternatives: tuple[str, ...], after: str = "") -> re.Pattern[str]:
    return re.compile(f"{before}(?:{'|'.join(alternatives).translate(_KAZAKH)}){after}")


BESIDE_WORDS = re.compile(rf"(?<!\w)(?:{either(BESIDE_VALUES)})(?!\w)")

# --- Left -----------------------------------------------------------------------------------------------------------------------

_GAP = rf"[\s\"'(:-]*(?:(?:{either(BESIDE_VALUES)})[\s\"'(:-]+){{0,4}}[\s\"'(:]*$"

LEFT_OLD = _pattern(
    r"(?<!\w)",
    (
        r"instead\s+of|in\s+place\s+of|rather\s+than|(?:and|but)?\s*not|from|replac(?:e|es|ing)|was(?:\s+called)?",
        r"вместо|взамен|(?:а|и)?\s*не|со?|заменяет|сменил[аи]?",
    ),
    _GAP,
)
LEFT_NEW = _pattern(
    "",
    (
        r"(?<!\w)(?:should\s+(?:be|read|say)|must\s+be|needs?\s+to\s+be|has\s+to\s+be|is\s+now|now\s+is|but|becomes?|became)",
        r"(?<!\w)(?:а|нужно|надо|следует(?:\s+\w+)?|должн\w+(?:\s+(?:быть|стоять|читаться))?|правильно|верно|теперь|стал[ао]?)",
        r"(?<!\w)(?:chang|updat|correct|amend|switch|fix|replac|edit|set)\w*(?:\s+\w+){0,6}?\s+(?:to|as|with|by)",
        r"(?<!\w)(?:измен|замен|поменя|смен|исправ|обнов|перепи|переимен|переоформ|меня)\w*(?:\s+[\w-]+){0,6}?\s+на",
        r"->|=>|→|⇒|>>",
    ),
    _GAP,
)
GOVERNS = re.compile(rf"(?<!\w)(?:на|to|as|with|by|into|деп|в|как)\s*[\"'(:]*\s*(?:(?:{either(BESIDE_VALUES)})\s+){{0,3}}[\"'(:]*$")

# --- Right ----------------------------------------------------------------------------------------------------------------------

_EDGE = r"[\s\"')]*(?:[(:-]+\s*)?"
_IS_MY = r"(?:(?:,\s*)?(?:this|that|which|it|это|ол|бұл)\s+)?(?:is\s+|was\s+|-\s*|это\s+)?(?:my\s+|the\s+|мой\s+|моя\s+|мое\s+|менің\s+)?"
_NEXT = rf"[\"'(]*(?:{VALUE}|$)"
_NOT_OF_THE_NEXT = rf"(?![\s\w:]*{VALUE})"

RIGHT_OLD = _pattern(
    _EDGE,
    (
        rf"{_IS_MY}(?:old|former|previous|стар\w+|прежн\w+|бывш\w+|ескі\w*|бұрынғы\w*){_NOT_OF_THE_NEXT}",
        r"(?:is\s+|are\s+|was\s+)?(?:no\s+longer|not\s+(?:in\s+use|valid|mine|working|active|correct|right)|wrong|incorrect|misspel|closed"
        r"|disconnected|lost|dead|gone|hacked|expired|cancelled|out\s+of)",
        r"(?:was\s+)?(?:changed|replaced)\s+(?:to|with|by)",
        r"(?:уже\s+|мне\s+)?(?:больше\s+)?не\s+(?:работа|актуал|действ|использ|пользу|мо[йя]|принадлеж|верн|правильн|обслужив|отвеча)",
        r"(?:уже\s+)?(?:неактуал|неверн|неправильн|недейств|недоступ|ошиб|удал(?:ите|ить|ен)|убер|убрать|отключ|заблокирован|утерян|потерян"
        r"|устарел|закрыт|закро|взломан)",
        r"(?:замен|измен|исправ|поменя|смен)\w+\s+(?:\w+\s+)?(?:на|номером|адресом)(?!\w)",
        rf"(?:номером|телефоном|адресом|почтой)\s*{VALUE}",
        rf"(?:to|на)\s*{_NEXT}",
        r"(?:дұрыс\s+|енді\s+)?емес(?!\w)|(?:енді\s+)?(?:жұмыс\s+)?істемейді|қате|қолданыста\s+жоқ|жоқ(?!\w)|ауысты(?!\w)",
        r"(?:болып\s+|деп\s+)(?:қате\s+|қысқа\s+)?(?:жазыл(?!сын|уы)|тіркел(?!сін|уі)|көрсетіл(?!сін|уі)|жазып|жазған|тұр|енгізіл|кет)",
        r"-?(?:ның|нің|дың|дің|тың|тің)?\s*орнына|-?(?:дан|ден|тан|тен|нан|нен)(?!\w)|еді(?!\w)|болатын(?!\w)|болған(?!\w)",
        r"деген(?:нің|нен|ді|і)(?!\w)|нөмірінен|поштасынан|өшір|сөндірілген|жабыл|өшіп|өшті|жоғал|қолданба|пайдаланба",
        rf"(?:нөмірін|поштасын|телефонын)\s[^,;]*{VALUE}|-?(?:ны|ні|ды|ді|ты|ті)(?!\w)[^,;]*{VALUE}",
        r"->|=>|→|⇒|>>",
    ),
)
RIGHT_NEW = _pattern(
    _EDGE,
    (
        rf"{_IS_MY}(?:new|нов\w+|жаңа\w*){_NOT_OF_THE_NEXT}",
        r"is\s+(?:my|the)\s+(?:correct|right|actual|current)|(?:from\s+)?now(?!\w)|instead(?!\w)|rather\s+than|replaces",
        r"теперь|заменяет|вместо|взамен|,?\s*а\s+не\s+",
        rf",?\s*(?:(?:and\s+|but\s+)?not|а?\s*не)\s*{_NEXT}",
        r"деп\s+(?:түзе|жазыңыз|жазсаңыз|жазылсын|жазылуы|тіркелсін|тіркелуі|көрсетілсін|өзгерт|ауыстыр|жаңарт|көрсетіңіз|тіркеңіз"
        r"|енгізіңіз|алмастыр|жазу|санаңыз)",
        r"болуы\s+(?:керек|тиіс)|болып\s+(?:өзгер|ауыс|түзет)|болды(?!\w)|болсын|дегенге(?!\w)",
        r"-?(?:ға|ге|қа|ке)\s+(?:өзгер|ауыс|түзе|алмас|жаңарт|қоңырау|хабарлас|жаз|жібер)",
        r"(?:нөмір|пошта|телефон|адрес|мекенжай)\w*(?:не|на|ға|ге)(?!\w)",
    ),
)
RIGHT_CONFIRMED = _pattern(
    _EDGE,
    (
        r"(?:is|are)\s+(?:correct|right|fine|ok)(?!\w)",
        r"верн(?:а|о|ы|ый|ая)(?!\w)|правильн(?:о|а|ая|ый)(?!\w)|дұрыс(?!\w)(?!\s+емес)",
    ),
)
"""«X верна»: the new value where there is a wrong one, else only a word that nothing is to be changed."""
