"""What stands right before or right behind a value and makes it the old or the new one.

Patterns of the left end where the value begins; patterns of the right begin where it ends. Where another value follows in the
sentence, it stands at the end of the right as ``VALUE``.
"""

import re

from rules.lexicon.details_words import BESIDE_VALUES, VALUE, WORD_BEGINS, either, same_letters

_KAZAKH = str.maketrans({letter: same_letters(letter) for letter in "әғқңөұүһі"})


def _pattern(before: str, alternatives: tuple[str, ...], after: str = "") -> re.Pattern[str]:
    return re.compile(f"{before}(?:{'|'.join(alternatives).translate(_KAZAKH)}){after}")


_KAZAKH_WISH = r"(?:қой|бер|ал|жібер|таста)(?:ы|і)?(?:ң(?:ыз|із|дар|дер)|саң|сең|шы|ші|сын|сін|у)\w*"
BESIDE_WORDS = re.compile(rf"{WORD_BEGINS}(?:{either(BESIDE_VALUES)})(?!\w)")

# --- Left -----------------------------------------------------------------------------------------------------------------------

_GAP = rf"[\s\"'(:-]*(?:(?:{either(BESIDE_VALUES)})[\s\"'(:-]+){{0,4}}[\s\"'(:]*$"

LEFT_OLD = _pattern(
    r"(?<!\w)",
    (
        r"instead\s+of|in\s+place\s+of|in\s+lieu\s+of|rather\s+than|(?:and|but)?\s*not|from|replac(?:e|es|ing)|was(?:\s+called)?",
        r"вместо|взамен|(?:а|и)?\s*не|со?(?!\s+(?:номером|телефоном|адресом|почтой|фамилией|именем|отчеством)(?!\w))|заменяет",
        r"обраща(?:ются|етесь)|называ(?:ют|ете)|пиш(?:ете|ут)|записал[аи]?|в\s+вашей\s+\w+(?:\s+я)?|у\s+вас(?:\s+(?:стоит|значится|указан\w*|записан\w*))?",
        r"(?:has|have|lists?|shows?|know)\s+me\s+(?:down\s+)?as|you(?:'ve|\s+have)?\s+(?:got|keep|kept|show|write|wrote|put|spell|spelt|spelled|used|print|printed|address)|some(?:one|body)\s+(?:called|named)|still\s+says?",
        r"in\s+your\s+\w+(?:\s+(?:is|it's|says))?|(?:addressed|was|were|letters?|come|came)\s+to|(?:идут|приход\w+|начина\w+)\W+(?:со?\s+\W*)?(?:уважаем|дорог)\w+",
        r"(?<!identity )(?:it|account|profile|record|card|field|file|system|badge|ticket|contract|portal|receipt|letter|certificate)"
        r"(?:\s+for\s+\w+(?:\s+\w+)?)?\s+(?:says|shows|reads)",
        r"appears?(?:\s+there)?\s+as|(?<!\w)в\s+(?:\w+\s+){1,2}я|сізд(?:ер)?(?:де|егі)|s/",
    ),
    _GAP,
)
LEFT_NEW = _pattern(
    "",
    (
        r"(?<!\w)(?:should\s+(?:be|read|say|(?:now\s+)?be\s+(?:listed|recorded|shown|entered|spelt|spelled|written)\s+as)|to\s+read|to\s+(?:now\s+)?be\s+(?:listed|recorded|shown|entered|spelt|spelled|written)\s+as|must\s+(?:be|read|say)|needs?\s+to\s+be|has\s+to\s+be|is\s+now|now\s+is|and\s+(?:it\s+)?is|i\s+am\s+now|i'm\s+now|now\s+i(?:\s+am|'m)|but|becomes?|became|(?:one|address|number)\s+to\s+(?:keep|use|record|have)(?:\s+\w+){0,2}\s+is|i\s+(?:now\s+)?go\s+by|known\s+as|make\s+(?:it|that)|(?:should|must|needs?\s+to)\s+(?:now\s+)?become|i(?:'d|\s+would)\s+(?:like|prefer|rather\s+have)|i\s+want)",
        r"(?<!\w)(?:married|divorced|вышла\s+замуж|развел\w+|тұрмысқа\s+шы\w+)[^.:]{0,30}?\s(?:my\s+(?:surname|last\s+name|family\s+name)\s+is|фамилия)",
        r"(?<!\w)(?:обраща\w+|называ\w+|запи\w+|пишите|теперь)\W[^.:]{0,30}?по\s+фамилии|а\s+я(?:\s+всю\s+жизнь|\s+всегда|\s+на\s+самом\s+деле|\s+вообще-то)?",
        r"(?<!\w)(?:а|нужно|надо|следует(?:\s+\w+)?|должн\w+(?:\s+(?:быть|стоять|читаться))?|правильно|верно|теперь?(?:\s+я)?|енді\s+мен|стал[ао]?)",
        r"(?<!\w)(?:chang|updat|correct|amend|switch|fix|replac|edit|set)\w*(?:\s+\w+){0,6}?\s+(?:to|as|with|by)",
        r"(?<!\w)(?:resum\w*|took|taken|adopt\w*|(?:revert\w*|back)\s+to|верну\w+\s+(?:к|себе)|взял[аи]?|принял[аи]?)(?:\s+(?:my\s+)?maiden|\s+девич\w+)?",
        r"(?<!\w)(?:back\s+to|return\w*\s+to|revert\w*\s+to|resum\w*|верн\w+|взяла|ношу|қайтар\w*)\s+(?:(?:my|the|свою|себе|мою|снова)\s+)*(?:maiden|birth|девич\w+|қыз)\s+"
        r"(?:(?:family\s+|last\s+)?name|surname|фамили\w+|тегім\w*)[,:]?",
        r"(?<!\w)(?:(?:back|revert\w*|return\w*)\s+to\s+(?:my\s+|the\s+)?(?:old|former|previous)|(?:верн\w+|обратно)(?:\s+(?:на|мне|мой|мою)){0,2}\s+(?:стар|прежн)\w+)",
        r"(?<!\w)(?:swap|exchang)\w*(?:\s+\w+){0,6}?\s+for",
        r"(?<!\w)(?:измен|замен|поменя|смен|исправ|обнов|перепи|переимен|переоформ|меня)\w*(?:\s+[\w-]+){0,6}?\s+на",
        r"(?<!\w)(?:писать|spell|то\s+есть|i\.?e\.?)|емес(?:пін|піз)?\s*,?(?:\s*ал)?(?!\w)|->|=>|→|⇒|>>",
    ),
    _GAP,
)
LEFT_ME = _pattern(
    r"(?<!\w)",
    (
        r"i(?:\s+am|'m)\s+(?:now|again)|now\s+i(?:\s+am|'m)|became|i\s+(?:now\s+)?go\s+by|known\s+as",
        r"теперь\s+я|я\s+(?:теперь|снова|опять|уже)|стала?",
        r"мен\s+енді|енді\s+мен",
    ),
    _GAP,
)
"""Whoever is now called so: of a surname, that is enough."""
_COMES = r"(?:приход|уход|поступа|ид[уе]т)\w*\s+(?:\w+\s+){0,2}(?:на|по)|(?:go(?:es|ing)?|com(?:es?|ing)|arrives?)\s+(?:\w+\s+){0,2}to"
ARRIVES = _pattern(r"(?<!\w)", (_COMES,), _GAP)
"""Where letters and calls come in as yet, unless it is wished for."""
INSTEAD = re.compile(r"(?<!\w)(?:вместо|взамен|instead\s+of|replac\w+|from|со?)\s+$")
GOVERNS = re.compile(rf"(?<!\w)(?:на|к|to|as|with|by|into|деп|в|как)\s*[\"'(:]*\s*(?:(?:{either(BESIDE_VALUES)})\s+){{0,3}}[\"'(:]*$")

# "it says X instead of Y": X is wrong, unless it is wished for
SHOWN = _pattern(r"(?<!\w)", (r"says|shows|reads|you\s+have|wrote|стоит|значится|указа[лн]\w*|(?:на|за)писа[лн]\w*|напечата[лн]\w*",), _GAP)
INSTEAD_OF = re.compile(r"[\s\"),]*(?:instead\s+of|rather\s+than|вместо)(?!\w)")
WISHED = re.compile(r"(?<!\w)(?:should|must|please|чтобы|долж|нужно|надо|прошу|пусть|хочу)")

# --- Right ----------------------------------------------------------------------------------------------------------------------

_EDGE = r"[\s\"')]*(?:[(:-]+\s*)?"
_IS_MY = r"(?:(?:,\s*)?(?:this|that|which|it|это|ол|бұл)\s+)?(?:is\s+|was\s+|-\s*|это\s+)?(?:my\s+|the\s+|мой\s+|моя\s+|мое\s+|менің\s+)?"
_NEXT = rf"[\"'(]*(?:{VALUE}|$)"
_IS_ALL = rf"(?!\w)(?:\s+(?:one|{either(BESIDE_VALUES)}))?\s*(?:[^\w\s]|$)"
_NOT_OF_THE_NEXT = rf"(?![\s\w:]*{VALUE})"

RIGHT_OLD = _pattern(
    _EDGE,
    (
        rf"{_IS_MY}(?:old|former|previous|стар\w+|прежн\w+|бывш\w+|ескі(?!сі)\w*|бұрынғы(?!сы)\w*){_NOT_OF_THE_NEXT}{_IS_ALL}",
        r"(?:(?:in|on)\s+(?:my|your|the)\s+\w+\s+)?(?:,?\s*(?:it|that|this|which)\s?|,\s*(?=was|is|has))?(?:'?s\s+|(?:is|are|was|has|will)\s+(?:be\s+|been\s+|being\s+)?)?(?:no\s+longer|a\s+(?:typo|mistake)|not\s+(?:in\s+use|valid|mine|my|me|working|active|correct|right)|wrong|incorrect|misspel|clos(?:ed|ing)|what\s+you|the\s+one\s+you"
        r"|shut|bounc(?:es|ed|ing)|switched\s+off|cut\s+off|discontinued|deactivated|blocked|disconnected|lost|dead|gone|hacked|expired|cancelled|out\s+of)",
        r",?\s*котор\w+\s+(?:у\s+вас|(?:был\w*\s+)?(?:указан|записан|числит|внес))|,?\s*(?:which|that)\s+(?:you\s+have|is\s+(?:on\s+file|in\s+your))",
        r"was\s+(?:my|mine)(?!\s+old)|(?:я\s+)?(?:была?|звал\w+|числил\w+)\s+(?:до|раньше|прежде|в\s+браке)|(?:should|must|needs?\s+to)\s+(?:now\s+)?become|был[аио]?\s+(?:у\s+меня|мо[йея]|раньше)",
        r"(?:was\s+)?(?:changed|replaced)\s+(?:to|with|by)",
        r"(?:уже\s+|мне\s+|я\s+)*(?:больше\s+)?не\s+(?:работа|попа|захо|открыва|актуал|действ|использ|пользу|мо[йя]|принадлеж|верн|правильн|обслужив|отвеча)",
        r"(?:уже\s+)?(?:неактуал|неверн|неправильн|недейств|недоступ|ошиб|удал(?:ите|ить|ен)|убер|убрать|отключ|заблокирован|утерян|потерян"
        r"|устарел|закрыт|закро|взломан|возвраща)|,?\s*скоро\s+(?:отключ|закро|удал)|не\s+(?:дохо|доставля|чита|проверя|существ)",
        r"(?:замен|измен|исправ|поменя|смен)\w+\s+(?:\w+\s+)?(?:на|номером|адресом)(?!\w)",
        rf"(?:номером|телефоном|адресом|почтой)\s*{VALUE}",
        rf"(?:to|for|на)\s*{_NEXT}",
        r"(?:дұрыс\s+|енді\s+|(?:менің\s+)?(?:нөмірім|поштам|телефоным)\s+)?емес(?:пін|піз)?(?!\w)|(?:енді\s+)?(?:жұмыс\s+)?істемейді|қате|(?:керек|қажет)\s+емес|қолданыста\s+жоқ|жоқ(?!\w)|ауысты(?!\w)",
        rf"(?:болып\s+|деп\s+)(?:қате\s+|қысқа\s+)?(?:жазыл(?!сын|уы)|жазас|жазыпс|тіркел(?!сін|уі)|көрсетіл(?!сін|уі)|жазып(?!\s+{_KAZAKH_WISH})|жазған|тұр|енгізіл|кет|басып|шығ(?:ып|ар))",
        r"-?(?:ның|нің|дың|дің|тың|тің)?\s*орнына|-?(?:дан|ден|тан|тен|нан|нен)(?!\w)|еді(?!\w)|болды\s*,?\s*(?:ал\s+)?(?:енді|қазір)|болатын(?!\w)|болған(?!\w)",
        r"(?:(?!ескі|бұрынғы)\w+\s+){0,3}(?:алып\s+таста|өшір|жойып|жойы)|деген(?:нің|нен|ді|і)(?!\w)|деп\s+(?:жазба|атама|қолданба)|нөмірінен|поштасынан|өшір|сөндірілген|жабыл|өшіп|өшті|жоғал|қолданба|пайдаланба",
        rf"(?:нөмірін|поштасын|телефонын)\s(?:[^,;]*{VALUE}|(?:өзгерт|ауыстыр|алмастыр))|-?(?:ны|ні|ды|ді|ты|ті)(?!\w)[^,;]*{VALUE}",
        r"(?:нөмір|пошта|телефон)\w*(?:не|на|ға|ге)\s+(?:әлі\s+)?(?:кел(?:еді|іп|е\s)|бар(?:ады|ып)|жіберіл(?:іп|еді)|түс(?:іп|еді))",
        r"->|=>|→|⇒|>>",
    ),
)
RIGHT_NEW = _pattern(
    _EDGE,
    (
        rf"{_IS_MY}(?:new|нов\w+|жаңа\w*){_NOT_OF_THE_NEXT}",
        r"is\s+(?:my|the)\s+(?:correct|right|actual|current)|(?:from\s+)?now(?!\w)|instead(?!\w)|in\s+(?:its|their)\s+(?:place|stead)|rather\s+than|replaces",
        r",?\s*to\s+be\s+(?:added|recorded|entered)(?!\w)",
        r"(?:starting\s+|as\s+)?(?:from|of|since)\s+(?:today|yesterday|this\s+\w+|my\s+(?:wedding|marriage))|со?\s+(?:сегодня|вчера|этого|свадьбы)|бүгіннен",
        r"так\s+(?:прошу|нужно|надо|следует|верно|правильно|должн\w+|и\s+\w+ите)|теперь|(?:,?\s*(?:он|она|оно|it|this)\s+)?(?:заменяет|вместо|взамен)|,?\s*а\s+не\s+",
        r"/(?!\S)",
        rf",?\s*(?:(?:and\s+|but\s+)?not|а?\s*не)\s*{_NEXT}",
        r"деп\s+(?:түзе|жазылуы|тіркелуі|өзгерт|ауыстыр|жаңарт|алмастыр|жазу|\w+(?:ңыз|ңіз|ңдар|ңдер|саңыз|сеңіз|сын|сін)\w*(?!\w))",
        rf"деп\s+\w+\s+{_KAZAKH_WISH}",
        r"болуы\s+(?:керек|тиіс)|болып\s+(?:өзгер|ауыс|түзет)|болды(?!\w)|болсын|дегенге(?!\w)|тегіне\s+(?:қайт|көш|ауыс|өзгер|орал)",
        r"-?(?:ға|ге|қа|ке)\s+(?:өзгер|ауыс|түзе|алмас|жаңарт|қоңырау|хабарлас|жаз|жібер)",
        r"(?:нөмір|пошта|телефон|адрес|мекенжай)\w*(?:не|на|ға|ге)(?!\w)",
    ),
)
RIGHT_CONFIRMED = _pattern(
    _EDGE,
    (
        r"(?:is\s+|are\s+)?(?:correct|right|fine|ok)(?!\w)",
        r"верн(?:а|о|ы|ый|ая)(?!\w)|правильн(?:о|а|ая|ый)(?!\w)|дұрыс(?!\w)(?!\s+емес)",
    ),
)
"""«X верна»: the new value where there is a wrong one, else only a word that nothing is to be changed."""
