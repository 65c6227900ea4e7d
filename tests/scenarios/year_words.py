"""What people and staff write in the simulated year, in three languages: subjects that ask, answers, orders."""

from rules.vocabulary import Language, RequestType

LANGUAGES = (Language.EN, Language.RU, Language.KK)
Said = tuple[str, str, str]
"""The same in English, Russian and Kazakh."""

ASKS: dict[RequestType, Said] = {
    RequestType.UPDATE: ("Updating personal data", "Актуализация персональных данных", "Дербес деректерді жаңарту"),
    RequestType.REVOKE_CONSENT: ("Withdrawal of Consent", "Заявление об отзыве согласия", "Келісімді кері қайтарып алу"),
    RequestType.STOP_PROCESSING: (
        "Request to stop processing personal data",
        "Требование о прекращении обработки персональных данных",
        "Дербес деректерді өңдеуді тоқтату туралы өтініш",
    ),
    RequestType.OBJECT_AUTOMATED: (
        "Objection to automated processing of my data",
        "Возражение против автоматизированной обработки",
        "Автоматтандырылған өңдеуге қарсылық",
    ),
    RequestType.OPT_OUT: ("unsubscribe", "Отказ от рассылки", "Хабарландырулардан бас тарту"),
    RequestType.ACCESS: ("Personal Data Access Request", "Запрос о доступе к персональным данным", "Дербес деректерге қол жеткізу"),
    RequestType.BLOCK: ("Blocking of personal data", "Блокирование персональных данных", "Дербес деректерді блоқтау"),
    RequestType.UNBLOCK: (
        "Please lift the block on my personal data",
        "Снять блокирование персональных данных",
        "Деректерімді бұғаттан шығарыңыз",
    ),
    RequestType.DESTROY: (
        "Request for the destruction of personal data",
        "Уничтожение персональных данных",
        "Дербес деректерімді жойыңыз",
    ),
    RequestType.RESTRICT_TRANSFER: (
        "Prohibition on transfer of my personal data",
        "Запрет на передачу персональных данных",
        "Дербес деректерді үшінші тұлғаларға беруге тыйым",
    ),
    RequestType.AUTHORITY_INQUIRY: (
        "Inquiry of the authorised body, request for information",
        "Запрос уполномоченного органа по защите прав субъектов персональных данных",
        "Ақпараттық қауіпсіздік комитетінің сұрау салуы",
    ),
    RequestType.QUESTION: ("Question about personal data", "Вопрос по персональным данным", "Дербес деректерді қалай жоюға болады?"),
}
UNCLEAR: Said = ("Personal data", "Персональные данные", "Дербес деректер")
NAMES: Said = ("Aigul Exampleva", "Айгуль Примерова", "Айгүл Мысалова")
NEW_PHONE: Said = (
    "My phone number has changed. New number: {new}",
    "У меня изменился номер телефона. Новый номер: {new}",
    "Телефон нөмірім өзгерді. Жаңа нөмір: {new}",
)
NEW_ADDRESS: Said = (
    "My e-mail has changed. New e-mail: {new}",
    "У меня изменилась почта. Новая почта: {new}",
    "Поштам өзгерді. Жаңа пошта: {new}",
)
YES: Said = ("YES", "ДА", "ИӘ")
NO: Said = ("NO", "НЕТ", "ЖОҚ")
PERHAPS: Said = ("Who is this?", "А кто это?", "Бұл кім?")
IMPATIENT: Said = ("Any news?", "Есть новости?", "Жаңалық бар ма?")


DONE: Said = ("{n} done {of}", "{n} готово {of}", "{n} орындалды {of}")
APPROVE: Said = ("{n} approve {of}", "{n} одобряю {of}", "{n} мақұлдаймын {of}")
REFUSE: Said = (
    "{n} refuse the contract is not performed, art. 8(2)",
    "{n} отказать: договор не исполнен, ст. 8(2)",
    "{n} бас тарту: шарт орындалмаған, 8(2)-бап",
)
LAPSE: Said = ("{n} lapse no answer came", "{n} без ответа: отправитель молчит", "{n} жауапсыз: жіберуші үндемейді")
WITHDRAWN: Said = ("{n} withdrawn", "{n} отозван", "{n} қайтарып алды")
ORDINARY: Said = ("{n} ordinary", "{n} обычное", "{n} әдеттегі хат")
TYPE: Said = ("{n} {of}", "{n} {of}", "{n} {of}")
RELEASE: Said = ("{n} release", "{n} выдать", "{n} жіберу")
NOTHING_HELD: Said = ("{n} release nothing", "{n} выдать ничего нет", "{n} жіберу ештеңе жоқ")
TERM: Said = ("{n} term {of}", "{n} срок {of}", "{n} мерзім {of}")
POSTPONE: Said = ("{n} postpone {of}", "{n} отложить до {of}", "{n} кейінге {of}")


def body(kind: RequestType | None, language: int, number: int, draw: float) -> str:
    """Write the text of a letter; an update says what is to be changed, or nothing of it."""
    details = ""
    if kind is RequestType.UPDATE and draw <= 0.75:
        details = NEW_PHONE[language].format(new=f"+7 700 900 {number // 100:02d} {number % 100:02d}")
    elif kind is RequestType.UPDATE and draw <= 0.9:
        details = NEW_ADDRESS[language].format(new=f"new{number}@example.com")
    return f"{details}\r\n{NAMES[language]}"
