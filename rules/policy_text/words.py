"""The words by which policies speak of requests, limits and letters, in Russian, Kazakh and English: stems, joined by bars."""

import re

_BETWEEN = r"[^.;«»“”\"]{0,60}?"


def stems(*alternatives: str) -> re.Pattern[str]:
    """Compile stems that begin a word; ``…`` stands for a few words between two of them."""
    joined = "|".join(alternative.replace("…", _BETWEEN) for alternative in alternatives)
    return re.compile(rf"(?<!\w)(?:{joined})", re.IGNORECASE)


_MAILING_RU = r"(?:рассыл|уведомлени|сообщени\w+ об|новост|реклам|акци|предложени|оповещени|спам)"
_MAILING_EN = (
    r"(?:newsletter|mailing|offers?\b|notification|marketing|advert|promotion|news\b|announcement|bulletin|digest|"
    r"issues?\b|e-?mails? about|messages about)"
)
_MAILING_KK = r"(?:хабарлам|хабарландыру|жаңалық|жарнама|таратылым|таратым|ұсыныс|акция|рассылк|жіберілім)"

TYPES: dict[str, re.Pattern[str]] = {
    "unblock": stems(r"разблокир|сня(?:ти|ть)\w*…блокир", r"unblock|lift\w*…(?:block|restriction)", r"бұғаттауды…алып таста|бұғаттан"),
    "object_automated": stems(
        r"возра(?:ж|з)\w+…автоматизир|автоматизированн\w+…(?:возра|оспор|пересмотр)",
        r"object\w*…automated|automated…(?:object|contest|human review|reviewed by a (?:person|human))",
        r"автоматтандырыл\w+…(?:қарсы|наразы)",
    ),
    "restrict_transfer": stems(
        r"(?:запре(?:т|щ)|ограничен|отзыв|отозва|прекра|отказ\w* от)\w*…(?:передач|передав|распростран|трансгранич)",
        r"(?:не передава|не переда)",
        r"(?:prohibit|forbid|restrict|stop|withdraw|object|refus)\w*…(?:transfer|shar(?:e|ing)|disclos|passing)",
        r"(?:no transfer|do not (?:share|transfer|sell)|not to (?:share|transfer))",
        r"(?:беруге|таратуға|жіберуге)…(?:тыйым|қарсы|келісімді)|(?:беруді|таратуды)…(?:шекте|тоқтат|тыйым)",
    ),
    "opt_out": stems(
        r"отпис",
        rf"(?:отказ|откаж|отключ|прекра|отзыв|остано)\w*…{_MAILING_RU}",
        rf"{_MAILING_RU}\w*…(?:отказ|отключ|отпис|прекра)",
        r"unsubscri|opt(?:ing)?[- ]?out",
        rf"(?:{_MAILING_KK}|sms|смс)\w*…(?:келмесін|қажет емес|керек емес)",
        rf"(?:refus|stop|cancel|declin|reject|no longer|no more|turn off|object|end)\w*…{_MAILING_EN}",
        rf"{_MAILING_EN}\w*…(?:unsubscrib|opt|switch(?:ed)? off|turn(?:ed)? off|end|stop|refus)",
        rf"{_MAILING_KK}\w*…(?:бас тарт|тоқтат|шығ|өшір|алмау)",
        r"жазылым\w*…(?:бас тарт|шығ|тоқтат)",
        r"otpis",
        r"бас тарту\W*$",
    ),
    "revoke_consent": stems(
        r"(?:отзыв|отозв|отзов|аннулир|отказ)\w*…(?:соглас|разрешени)|соглас\w*…(?:отзыв|отозв|отзов|аннулир)",
        r"отзыв\w*\s+персональн",
        r"(?:revo|withdr|recall|cancel|retract|tak\w+ back)\w*…consent|consent\w*…(?:revo|withdr|recall|cancel|tak\w+ back)",
        r"келісім\w*…(?:қайтар|кері|бас тарт|жою|күшін)",
        r"otzyv\w*…soglas",
    ),
    "block": stems(
        r"блокир|приостан\w+…обработ",
        r"block(?:ing|ed)?\b|restrict(?:ed|ion)?\b(?! access)|suspen\w+…processing|freez",
        r"бұғатта|бл[оа][кқ]тау|уақытша тоқтат",
    ),
    "destroy": stems(
        r"удал|уничтож|ст(?:ереть|ира)|забвени",
        r"delet|eras(?:e|ur|ing)|destr(?:oy|uct)|forgotten|remov\w*…(?:data|account|profile|record)",
        r"жою|жо[йя]|өшір",
        r"udal",
    ),
    "update": stems(
        r"обнов|актуализ|уточн|исправ|измен\w*…(?:данн|сведени|контакт|номер|адрес|анкет|фамили|имен)",
        r"(?:данн|сведени|контакт|номер|адрес)\w*…измен|дополн\w*…(?:данн|сведени)|внес\w+…изменени|сменил|корректи",
        r"updat|correct|rectif|amend|actuali[sz]|chang\w*…(?:data|detail|contact|number|address|name|information)",
        r"(?:data|detail|contact)\w*…chang|complet\w* your data",
        r"жаңарт|түзе[тч]|өзгер|өзектенд|нақтыла|толықтыр",
        r"aktualiz|obnov",
    ),
    "stop_processing": stems(
        r"(?:прекра|остано)\w*…обработ|обработ\w*…прекра",
        r"(?:stop|ceas|terminat|end|object)\w*…processing|processing…(?:stop|ceas|terminat)",
        r"өңдеуді…тоқтат",
    ),
    "access": stems(
        r"доступ\w*…(?:данн|сведени)|(?:получ|запр|предостав|узна|ознаком)\w*…(?:дел|информаци|сведени|копи|данны|какие|"
        r"что)",
        r"(?:сведени|информаци)\w*…об\w* обработ|копи\w+…данн|выгрузк|(?:какие|что)…(?:храним|данные|знаем|о вас)|"
        r"мои данные",
        r"запрос\w* субъект",
        r"access|cop(?:y|ies) of|(?:learn|know|find out|see|ask|inform)\w*…(?:what|which|we hold|data|copy|information)",
        r"export\w*…data|portab",
        r"ақпарат\w*…(?:ал|бер|сұра|біл)|көшірме|танысу|қол жеткіз|қолжетім|деректер\w*…(?:туралы|білу|сұра|көру)",
        r"мәлімет\w*…(?:ал|бер|сұра|біл)|қандай дерек|менің дерек",
    ),
    "authority_inquiry": stems(r"уполномоченн\w+ орган", r"authori[sz]ed body", r"уәкілетті орган"),
    "question": stems(
        r"вопрос|разъяснени",
        r"question|clarif|inquir|enquir|contact us|anything else",
        r"сұрақ|түсінікт|түсіндірме|сауал|по любым|обратная связь",
    ),
}
"""What a request is about, by the words for it; the first that fits counts."""

EVERY = stems(
    r"(?:любо|люба|любы|любу|кажд|все[хм]? )\w*\s*…(?:запрос|обращени|заявлени|требовани|прав)",
    r"(?:any|every|each|all)…(?:request|demand|application|letter)",
    r"(?:кез келген|барлық|әр)…(?:сұра|өтініш|хат|талап)",
    r"(?:privacy|data (?:subject|protection)|personal data) request",
    r"(?:запрос|обращени)\w*…(?:персональн|субъект)|реализ\w+…прав|осуществл\w+…прав|exercis\w*…right",
)
PART = stems(
    r"частичн|в част[ий]",
    r"partial|in part\b|part of",
    r"ішінара|бір бөлі|(?:только|лишь)…(?:публикац|фото|размещ)|только на ",
    r"(?:if|concerns?) only…(?:publi|photo)|only…(?:publication|photograph)",
    r"тек…(?:жариялау|сурет|фото)",
)
THEME = stems(
    r"(?:запрос(?: по)?|обращение(?: по)?|о|по)?\s*(?:мо[ия]м?х? )?персональн\w+ данн\w+\W*$",
    r"(?:my )?(?:personal )?data(?: protection| request| subject request)?\W*$|privacy(?: request)?\W*$",
    r"дербес дерек\w*(?: бойынша| туралы)?(?: сұрау\w*| өтініш\w*)?\W*$|(?:запрос|обращение) субъекта\W*$",
    r"gdpr(?: request)?\W*$",
)
"""A subject line that names the matter and no request."""

LETTER = stems(
    r"(?:в|во) тем[уеы]\b|строк[еу] [«\"]?тем",
    r"письм|сообщени|почт|запрос|обращени|заявлени|написа|напиш|пиш|направ|отправ|пришл",
    r"e-?mail",
    r"электронн",
    r"letter|message|writ|send|mail|request",
    r"хат|хабарлама|өтініш|сұра|пошта|жібер|жаз",
    r"⟦mailto",
    r"тема письма",
    r"subject line|subject [«“‘\"']",
)

WHATS: dict[str, re.Pattern[str]] = {
    "update": stems(
        r"внос\w+…изменени|внес|измен[яи]|изменени[яей]\w*\s+внос|исправ|обновл|уточн|актуализ",
        r"correct|updat|rectif|amend|chang(?:e|es|ed)\b…(?:made|data|detail|enter|visible|appl)|enter(?:ed)? the change",
        r"енгіз|жаңарт|түзет|өзгерт|өзгеріс|нақтыла",
    ),
    "opt_out": stems(
        r"исключ\w+ из|removed? (?:\w+ )?from (?:the|our) (?:mailing )?list|тізімнен",
        r"рассыл|отпис|реклам|(?:сообщени|уведомлени)\w+ об? (?:акци|нов)",
        r"unsubscri|newsletter|mailing|marketing|opt(?:ing)?[- ]?out|advert|promotion|messages (?:end|stop|cease)",
        r"таратылым|жарнама|рассылк|жазылым|хабарламалар\w*…(?:тоқта|бас тарт)",
    ),
    "unblock": stems(
        r"блокировк\w*…сн(?:ята|има)|block\w*…(?:is|be) (?:lifted|removed)",
        r"разблокир|сн(?:ять|има)\w*…блокир",
        r"unblock|lift\w*…block",
        r"бұғаттау\w*…(?:алып|шеш)",
    ),
    "block": stems(r"заблокир|блокир", r"block|restrict|freez", r"бұғатта|блоктау"),
    "destroy": stems(
        r"remov\w*…(?:data|account|profile|record)",
        r"уничт|удал|обезлич|стира",
        r"delet|eras|destr|shred|wip(?:e|ed)\b",
        r"жойыл|жо[йя]|жою|өшір",
    ),
    "stop_processing": stems(
        r"прекра|отзыв|отозв|останов", r"(?:stop|cease|terminat)|end\w* (?:the )?processing|withdraw|revo", r"тоқтат|қайтарып ал"
    ),
    "answer_subject": stems(
        r"ответ|отвеча|предостав|сообщ|высыла|вышл|отправ|пришл|присыла|рассм[ао]тр|показ|даёт|даем|даём|дает",
        r"answer|repl(?:y|ies)|respon|provid|consider|receive\b…(?:information|copy|answer)|send you|give (?:it|you|the)",
        r"information",
        r"сведени|жауап|бер(?:іле|е|уге)|қарай|қаралады|қарастыр|ақпарат",
    ),
    "notify_subject": stems(
        r"(?:уведом|извещ|информиру|предупре)\w*…(?:субъект|пользовател|вас|клиент|пациент|лиц)",
        r"(?:notify|inform|tell|warn)\w*…(?:you|subject|user|person|client|guest)",
        r"хабардар|хабарлай|ескерт",
    ),
}
"""What is to happen within a limit, by the words nearest to it."""

AUTHORITY = stems(
    r"уполномоченн\w+…орган|роскомнадзор|надзорн\w+ орган",
    r"authori[sz]ed (?:state )?body|supervisory authorit|regulator",
    r"уәкілетті…орган",
)
RETENTION = stems(
    r"хран|сохраня|живут|держ",
    r"kept\b|keep|retain|retention|stor(?:ed?|age|ing)\b|archiv",
    r"архив|сақта",
    r"on file|act(?:s|ive)? cookie",
    r"действу\w+ cookie",
    r"overwritten",
    r"перезапис",
)
KEPT_THINGS: dict[str, re.Pattern[str]] = {
    "camera": stems(r"камер|видео", r"camera|cctv|video|footage", r"бейне"),
    "calls": stems(r"звонк|разговор", r"calls?\b", r"қоңырау"),
    "cookies": stems(r"cookie", r"куки"),
    "attendance": stems(r"посещаемост", r"attendance", r"қатысу журнал"),
    "logs": stems(r"лог(?:и|ов|ах)?\b|журнал", r"logs?\b", r"логтар"),
    "backups": stems(r"резервн", r"backup|back-up", r"сақтық көшірме|резервтік"),
    "register": stems(r"регистр(?!ац)|реестр", r"register", r"тізілім"),
    "bookings": stems(r"брон(?!ға)", r"booking|reservation", r"брондау"),
    "carts": stems(r"(?:брошенн\w+ )?корзин", r"(?:shopping |abandoned )?(?:cart|basket)", r"себет"),
    "orders": stems(r"заказ", r"orders?\b|purchase", r"тапсырыс"),
    "contracts": stems(r"договор", r"contract", r"шарт(?:тар|тың|ы)?\b|келісімшарт"),
    "rejected": stems(r"rejected"),
    "applicants": stems(r"соискател|кандидат|резюме", r"cvs?\b|resumes?\b|candidate|applicants?\b", r"түйіндеме|үміткер|талапкер"),
    "applications": stems(r"заявк|анкет", r"(?<!rejected )applications?\b", r"өтінім"),
    "participants": stems(r"участник", r"participant", r"қатысушы"),
    "personal_file": stems(r"личн\w+ дел", r"personal files?\b", r"жеке іс"),
    "pass_photo": stems(r"рұқсаттама сурет|фото\w* (?:для |на )?пропуск"),
    "passes": stems(r"пропуск", r"passes\b", r"рұқсаттама"),
    "accounts": stems(r"аккаунт|уч[её]тн\w+ запис", r"accounts?\b", r"профил", r"profiles?\b", r"тіркелгі"),
    "payments": stems(r"плат[её]ж|чек(?:и|ов)?\b", r"payment|receipts?\b", r"төлем", r"invoice", r"счета|бухгалт", r"accounting"),
    "tickets": stems(r"тикет", r"tickets?\b"),
    "intercom": stems(r"домофон", r"intercom"),
    "requests": stems(r"обращени|запрос", r"requests?\b", r"өтініш|сұрау"),
    "correspondence": stems(r"переписк|письм", r"correspondence|letters?\b", r"хат(?:тар)?\b", r"messages?\b"),
    "medical": stems(r"медицинск", r"medical", r"медициналық"),
    "consents": stems(r"соглас", r"consents?\b", r"келісім(?!шарт)"),
    "photos": stems(r"фото", r"photo", r"сурет"),
    "subscriptions": stems(r"подпис|рассыл", r"subscri|newsletter", r"жазылым"),
}
"""What is kept, where a policy keeps more than one kind of thing."""

_CHANGED = r"(?:изменени|редакци|верси|chang|amendment|version|өзгер|нұсқа)"
OTHER_TIMES: dict[str, re.Pattern[str]] = {
    "password_change": stems(r"парол", r"password", r"құпиясөз|құпия сөз"),
    "code_lifetime": stems(
        r"код\w*…(?:действ|срок)|одноразов",
        r"code\w*…(?:valid|expire|live)|one-time|links?…expire",
        r"ссылк\w+…действ|бір реттік|код\w*…жарамды",
    ),
    "session_lifetime": stems(r"signed out|logged out|session", r"сесси|сеанс|жүйеден шығ"),
    "policy_change_notice": stems(
        rf"{_CHANGED}\w*…(?:вступа\w+ в силу|into force|take effect|күшіне)",
        rf"{_CHANGED}\w*…(?:до вступлени|заранее|до начала|in advance|before|бұрын)",
        rf"(?:до вступлени|заранее|за|in advance|before|бұрын)…{_CHANGED}",
        r"publish changes|told of changes",
    ),
    "policy_review": stems(r"пересматрива", r"policy…review|reviewed", r"қайта қара"),
}
"""Times that are no limits of requests, by the words of the sentence."""
OF_PASSWORDS_AND_REVIEWS = frozenset({"password_change", "policy_review"})
BREACH = stems(
    r"бұзылса|утечк|инцидент|нарушени\w+ безопасн|попали к посторонним",
    r"breach|incident|leak",
    r"қауіпсізді\w+ бұзыл|оқиға|сыртқа шық|таралып кет",
)
TO_PEOPLE = stems(r"субъект|пострадавш|пользовател|вас\b|вам\b|клиент", r"you\b|subject|affected|people|persons", r"сізге|тұлға")

SOME_TIME_AFTER = re.compile(r"(?<!\w)(?:after|через|спустя|по истечении|upon expiry of)\s*$", re.IGNORECASE)
AFTER_KAZAKH = re.compile(r"\s*(?:\w+\s+)?кейін", re.IGNORECASE)
ASKED = stems(
    r"запрос|обращени|заявлени|письм|получени|отзыв|требовани",
    r"request|letter|e-?mail|receipt|receiv|withdraw",
    r"өтініш|сұра|хат|алған|қайтар",
)
"""Says that somebody asked: what is destroyed then is not the end of its storage."""
CARRIED_OUT = stems(
    r"(?:we|оператор|мы) (?:act|do|выполн|исполн|сдела|дела)",
    r"hear from us|takes?\b|tak(?:es|ing) place|done|carried out|fulfil|gone",
    r"выполн|исполн|сдела|дела[её]|занима|срок",
    r"term\b|time limit",
    r"мерзім|орында|жаса",
)
"""Says that what was asked is done, and not what was asked: the sentences before it do."""
NOT_A_LIMIT = re.compile(
    r"(?<!\w)(?:(?:достиг\w*|младше|старше|моложе|исполн\w*|возраст\w*)\s+(?:\w+\s+){0,2}"
    r"|(?:under|aged?|older than|younger than|over|above|below)\s+(?:the\s+)?(?:age\s+)?(?:of\s+)?)$"
    r"|(?:за последн\w+|последни[ех]|опыт\w*|более чем за|per|last|past|previous|соңғы|уже|работаем|существуем|"
    r"in business for|in business|for over|for more than)\s*(?:\w+\s+)?$",
    re.IGNORECASE,
)
REPEATED = re.compile(r"(?:раз в|one in|каждые|кажд\w+|every|once (?:in )?(?:a|every)?|әр)\s*$", re.IGNORECASE)
REPEATED_AFTER = re.compile(r"\s*(?:сайын|бір рет)", re.IGNORECASE)
NOT_A_LIMIT_AFTER = re.compile(
    r"\s*(?:of age|old\b|years? old|в сутки|в неделю|в день|a day|a week|per\b|of experience|на рынке|опыта|a year|жаста|"
    r"жасқа|/\s*7|7 days|назад|ago)",
    re.IGNORECASE,
)

FOREIGN_LAW = stems(r"федеральн\w+ закон\w*", r"federal law\w*", r"федералдық заң\w*|152-?\s?фз")
ENVELOPE = stems(r"конверт", r"envelope", r"конвертте|конвертк")
BY_POST = stems(r"конверт", r"envelope", r"заказн\w+ письм", r"registered (?:mail|letter)", r"бандерол|почтой России|Казпочт")
