"""The words by which policies speak of requests, limits and letters, in Russian, Kazakh and English: stems, joined by bars."""

import re

_BETWEEN = r"[^.;«»“”\"]{0,60}?"


def stems(*alternatives: str) -> re.Pattern[str]:
    """Compile stems that begin a word; ``…`` stands for a few words between two of them."""
    joined = "|".join(alternative.replace("…", _BETWEEN) for alternative in alternatives)
    return re.compile(rf"(?<!\w)(?:{joined})", re.IGNORECASE)


_MAILING_RU = r"(?:рассыл|уведомлени|сообщени\w+ об|новост|реклам|акци|предложени|оповещени|спам|напоминани|скид[ко]|приглашени|звонк)"
_MAILING_EN = (
    r"(?:newsletter|mailing|offers?\b|notification|marketing|advert|promotion|news\b|announcement|bulletin|digest|"
    r"issues?\b|e-?mails? about|messages about|reminder|alerts?\b|special deal|discount)"
)
_MAILING_KK = r"(?:хабарлам|хабарландыру|жаңалық|жарнама|таратылым|таратым|ұсыныс|акция|рассылк|жіберілім|еске сал)"

TYPES: dict[str, re.Pattern[str]] = {
    "unblock": stems(
        r"разблокир|сня(?:ти|ть)\w*…блокир|unblock|lift\w*…(?:block|restriction)|block\w*…(?:is|be) (?:lifted|removed)",
        r"блокировк\w*…сн(?:ят|има)|бұғаттауды…алып таста|бұғаттан",
    ),
    "object_automated": stems(
        r"возра(?:ж|з)\w+…автомати[зч]|автомати[зч]\w+…(?:возра|оспор|пересмотр)|object\w*…automated",
        r"automated…(?:object|contest|human review|reviewed by a (?:person|human))|автоматтандырыл\w+…(?:қарсы|наразы)",
    ),
    "restrict_transfer": stems(
        r"(?:do not|don't|no|keep)…(?:forward|disclos|third part|from (?:employer|other|partner))",
        r"(?:запре(?:т|щ)|ограничен|отзыв|отозва|прекра|отказ\w* от)\w*…(?:передач|передав|распростран|трансгранич)",
        r"(?:не передава|не переда)",
        r"(?:prohibit|forbid|restrict|stop|withdraw|object|refus)\w*…(?:transfer|shar(?:e|ing)|disclos|passing)",
        r"(?:no transfer|do not (?:share|transfer|sell)|not to (?:share|transfer))",
        r"(?:беруге|таратуға|жіберуге)…(?:тыйым|қарсы|келісімді)|(?:беруді|таратуды)…(?:шекте|тоқтат|тыйым)",
    ),
    "opt_out": stems(
        rf"отпис|надоел\w*…{_MAILING_RU}|не (?:напомина|присыла|шл|получа|пиш|беспоко)\w*|без {_MAILING_RU}",
        rf"{_MAILING_RU}\w* не (?:нуж|хоч|над)|(?:отказ|откаж|отключ|прекра|отзыв|остано)\w*…{_MAILING_RU}",
        rf"{_MAILING_RU}\w*…(?:отказ|отключ|отпис|прекра)|unsubscri|opt(?:ing)?[- ]?out|leav\w*…(?:list|newsletter)",
        rf"(?:tired of|not want|no|without)…{_MAILING_EN}",
        rf"(?:{_MAILING_KK}|sms|смс)\w*…(?:келмесін|қажет емес|керек емес)",
        rf"(?:refus|stop|cancel|declin|reject|no longer|no more|turn off|object|end)\w*…{_MAILING_EN}",
        rf"{_MAILING_EN}\w*…(?:unsubscrib|opt|switch(?:ed)? off|turn(?:ed)? off|end|stop|refus)",
        rf"{_MAILING_KK}\w*…(?:бас тарт|тоқтат|шығ|өшір|алмау)",
        r"жазылым\w*…(?:бас тарт|шығ|тоқтат)|otpis|бас тарту\W*$",
    ),
    "revoke_consent": stems(
        r"(?:отзыв|отозв|отзов|аннулир|отказ)\w*…(?:соглас|разрешени)|соглас\w*…(?:отзыв|отозв|отзов|аннулир)|отзыв\w*\s+персональн",
        r"отзыв\W*$|(?:withdrawal|revocation)\W*$|(?:revo|withdr|recall|cancel|retract|tak\w+ back)\w*…consent",
        r"consent\w*…(?:revo|withdr|recall|cancel|tak\w+ back)|келісім\w*…(?:қайтар|кері|бас тарт|жою|күшін)|otzyv\w*…soglas",
    ),
    "block": stems(
        r"блокир|заблокир|приостан\w+…обработ|block(?:ing|ed)?\b|restrict(?:ed|ion)?\b(?! access)|suspen\w+…processing|freez|бұғатта",
        r"бл[оа][кқ]тау|уақытша тоқтат",
    ),
    "destroy": stems(
        r"удал|уничтож|ст(?:ереть|ира)|забвени|delet|eras(?:e|ur|ing)|destr(?:oy|uct)|forg[eo]t|wip(?:e|ing)",
        r"remov\w*…(?:data|account|profile|record)|жою|жо[йя]|өшір|udal",
    ),
    "update": stems(
        r"обнов|акту[а]?лиз|уточн|исправ|поправ|смен(?:а|ы|ой|у|ить|ил)\w*…(?:данн|телефон|номер|адрес|фамили|почт|имен|паспорт)",
        r"(?:поменя|измени)л\w*…(?:телефон|номер|адрес|фамили|почт|имя|паспорт|данн)",
        r"нов(?:ы[ейх]|ая|ое|ого)\b…(?:данн|телефон|адрес|номер|фамили)|(?:телефон|адрес|номер|фамили\w*) (?:сменил|изменил|поменял)",
        r"(?:ошибк|неточн|неверн)\w*…(?:данн|сведени|имен|фамили)",
        r"(?:wrong|mistake|error|inaccura|misspel|new)\w*…(?:data|detail|name|number|address|phone)|(?:name|data|detail)\w*…wrong",
        r"измен\w*…(?:данн|сведени|контакт|номер|адрес|анкет|фамили|имен)|(?:данн|сведени|контакт|номер|адрес)\w*…измен",
        r"дополн\w*…(?:данн|сведени)|внес\w+…изменени|сменил|корректи|updat|correct|rectif|amend|actuali[sz]",
        r"chang\w*…(?:data|detail|contact|number|address|name|information)|(?:data|detail|contact)\w*…chang|complet\w* your data|жаңарт",
        r"түзе[тч]|өзгер|өзектенд|нақтыла|толықтыр|aktualiz|obnov",
    ),
    "stop_processing": stems(
        r"(?:прекра|остано)\w*…обработ|обработ\w*…прекра|(?:stop|ceas|terminat|end|object)\w*…processing",
        r"processing…(?:stop|ceas|terminat)|өңдеуді…тоқтат",
    ),
    "access": stems(
        r"доступ\w*…(?:данн|сведени)|(?:получ|запр|предостав|узна|ознаком)\w*…(?:дел|информаци|сведени|копи|данны|какие|что)",
        r"(?:сведени|информаци)\w*…об\w* обработ|копи\w+…данн|выгрузк|(?:какие|что)…(?:храним|данные|знаем|о вас)|мои данные",
        r"сведени\w+ обо мне|(?:хочу|хотите|желае\w+) знать|зна(?:ть|ем|ете)…(?:что|какие|о вас|обо мне)",
        r"у вас (?:есть|записано|хранится)|хранится обо мне|запрос\w* субъект|access|cop(?:y|ies) of",
        r"(?:learn|know|find out|see|ask|inform)\w*…(?:what|which|we hold|data|copy|information)|export\w*…data|portab",
        r"ақпарат\w*…(?:ал|бер|сұра|біл)|көшірме|танысу|қол жеткіз|қолжетім|деректер\w*…(?:туралы|білу|сұра|көру)",
        r"мәлімет\w*…(?:ал|бер|сұра|біл)|қандай дерек|менің дерек|деректер\w* білгі|туралы не|не жазыл",
    ),
    "authority_inquiry": stems(r"уполномоченн\w+ орган|authori[sz]ed body|уәкілетті орган"),
    "question": stems(
        r"вопрос|разъяснени|question|clarif|inquir|enquir|contact us|anything else|сұрақ|түсінікт|түсіндірме|сауал|по любым",
        r"обратная связь",
    ),
}
"""What a request is about, by the words for it; the first that fits counts."""

EVERY = stems(
    r"(?:любо|люба|любы|любу|кажд|все[хм]? )\w*\s*…(?:запрос|обращени|заявлени|требовани|прав)|(?:каким|какой|что) бы…",
    r"(?:независимо от|вне зависимости от)…(?:просьб|запрос|обращени|цели|содержани)|whatever…(?:request|ask|want|need)",
    r"(?:any|every|each|all)…(?:request|demand|application|letter)|(?:кез келген|барлық|әр)…(?:сұра|өтініш|хат|талап)",
    r"(?:privacy|data (?:subject|protection)|personal data) request|(?:запрос|обращени)\w*…(?:персональн|субъект)|реализ\w+…прав",
    r"осуществл\w+…прав|exercis\w*…right",
)
PART = stems(
    r"частичн|в част[ий]|partial|in part\b|part of|ішінара|бір бөлі|(?:только|лишь)…(?:публикац|фото|размещ)|только на ",
    r"(?:if|concerns?) only…(?:publi|photo)|only…(?:publication|photograph)|тек…(?:жариялау|сурет|фото)",
)
THEME = stems(
    r"(?:запрос(?: по)?|обращение(?: по)?|о|по)?\s*(?:мо[ия]м?х? )?персональн\w+ данн\w+\W*$",
    r"(?:my )?(?:personal )?data(?: protection| request| subject request)?\W*$|privacy(?: request)?\W*$",
    r"дербес дерек\w*(?: бойынша| туралы)?(?: сұрау\w*| өтініш\w*)?\W*$|(?:запрос|обращение) субъекта\W*$|gdpr(?: request)?\W*$",
)
"""A subject line that names the matter and no request."""

LETTER = stems(
    r"(?:в|во) тем[уеы]\b|строк[еу] [«\"]?тем|письм|сообщени|почт|запрос|обращени|заявлени|написа|напиш|пиш|направ|отправ|пришл",
    r"присыл|e-?mail|электронн|letter|message|writ|send|mail|request|хат|хабарлама|өтініш|сұра|пошта|жібер|жаз|⟦mailto|тема письма",
    r"subject line|subject [«“‘\"']",
)

WHATS: dict[str, re.Pattern[str]] = {
    "update": stems(
        r"внос|внес|измен[яи]|исправ|правк|прав(?:им|ит|ят)\b|поправ|обнов|уточн|актуализ|дополн|correct|updat|rectif|amend",
        r"chang(?:e|es|ed)\b…(?:made|data|detail|enter|visible|appl)|enter(?:ed)? the change|енгіз|жаңарт|түзет|өзгерт|өзгеріс|нақтыла",
    ),
    "opt_out": stems(
        r"исключ\w+ из|убер[её]м…спис|спис\w+ не будет|рассыл|отпис|реклам|removed? (?:\w+ )?from (?:the|our) (?:mailing )?list",
        r"(?:сообщени|новост|напоминани|письма)\w*…(?:прекра|не прид|не приход|не будут)|(?:сообщени|уведомлени)\w+ об? (?:акци|нов)",
        r"(?:taken|taking|take you) off|(?:news|offers|alerts|reminders) (?:will )?(?:end|stop|cease)|unsubscri|newsletter|mailing",
        r"marketing|opt(?:ing)?[- ]?out|advert|promotion|messages (?:end|stop|cease)|тізімнен|таратылым|жарнама|рассылк|жазылым",
        r"хабарламалар\w*…(?:тоқта|бас тарт)",
    ),
    "unblock": TYPES["unblock"],
    "block": TYPES["block"],
    "destroy": TYPES["destroy"],
    "stop_processing": stems(
        r"прекра|отзыв|отозв|останов|не вед[её]тся|(?:stop|cease|terminat)|end\w* (?:the )?processing|withdraw|revo|тоқтат|қайтарып ал"
    ),
    "notify_subject": stems(
        r"(?:уведом|извещ|информиру|предупре)\w*…(?:субъект|заявител|пользовател|вас|клиент|пациент|лиц)",
        r"(?:субъект|заявител|клиент|пользовател|пациент)\w*…(?:уведомл|извеща|информиру)",
        r"сообща\w+ (?:вам|субъекту|заявителю)…(?:что|результат|исполнен)|(?:субъект|тұлға|өтініш беруш)\w*…хабарлан",
        r"(?:notify|inform|tell|warn)\w*…(?:you|subject|user|person|client|guest)|хабардар|хабарлай|ескерт",
    ),
    "answer_subject": stems(
        r"ответ(?!ьте|ив|ить)|отвеча|предостав|сообща|сообщи[мт]|высыла|вышл|отправ|пришл|присыла(?!ть)|рассм[ао]тр|показ|даёт|даем|даём",
        r"дает|answer|repl(?:y|ies)|respon|provid|suppl[yi]|consider|receive\b…(?:information|copy|answer)|send you|give (?:it|you|the)",
        r"information|сведени|жауап|бер(?:іле|е|уге)|қарай|қаралады|қарастыр|ақпарат",
    ),
}
"""What is to happen within a limit, by the words nearest to it."""

AUTHORITY = stems(
    r"уполномоченн\w+…орган|роскомнадзор|надзорн\w+ орган|authori[sz]ed (?:state )?body|(?:supervisory |state |the )authorit",
    r"authorities|regulator|уәкілетті…орган",
)
RETENTION = stems(
    r"хран|сохраня|живут|держ|kept\b|keep|retain|retention|stor(?:ed?|age|ing)\b|archiv|архив|сақта|on file|act(?:s|ive)? cookie",
    r"how long|(?:is|are|be) held|last\b|duration|действу\w+ cookie|сколько (?:храни|живут|времени)|overwritten|перезапис",
)
KEPT_THINGS: dict[str, re.Pattern[str]] = {
    "camera": stems(r"камер|видео|camera|cctv|video|footage|бейне"),
    "calls": stems(r"звонк|разговор|calls?\b|қоңырау"),
    "cookies": stems(r"cookie|куки"),
    "attendance": stems(r"посещаемост|attendance|қатысу журнал"),
    "logs": stems(r"лог(?:и|ов|ах)?\b|журнал|logs?\b|логтар"),
    "backups": stems(r"резервн|backup|back-up|сақтық көшірме|резервтік"),
    "register": stems(r"регистр(?!ац)|реестр|register|тізілім"),
    "bookings": stems(r"брон(?!ға)|booking|reservation|брондау"),
    "carts": stems(r"(?:брошенн\w+ )?корзин|(?:shopping |abandoned )?(?:cart|basket)|себет"),
    "orders": stems(r"заказ|orders?\b|purchase|тапсырыс"),
    "contracts": stems(r"договор|contract|шарт(?:тар|тың|ы)?\b|келісімшарт"),
    "applicants": stems(r"соискател|кандидат|резюме|cvs?\b|resumes?\b|candidate|applicants?\b|түйіндеме|үміткер|талапкер"),
    "applications": stems(r"заявк|анкет|applications?\b|өтінім"),
    "participants": stems(r"участник|participant|қатысушы"),
    "personal_file": stems(r"личн\w+ дел|personal files?\b|жеке іс"),
    "passes": stems(r"пропуск|passes\b|рұқсаттама"),
    "accounts": stems(r"аккаунт|уч[её]тн\w+ запис|accounts?\b|профил|profiles?\b|тіркелгі"),
    "payments": stems(r"плат[её]ж|чек(?:и|ов)?\b|payment|receipts?\b|төлем|invoice|счета|бухгалт|accounting"),
    "tickets": stems(r"тикет|tickets?\b"),
    "requests": stems(r"обращени|запрос|requests?\b|өтініш|сұрау"),
    "correspondence": stems(r"переписк|письм|correspondence|letters?\b|хат(?:тар)?\b|messages?\b"),
    "medical": stems(r"медицинск|medical|медициналық"),
    "consents": stems(r"соглас|consents?\b|келісім(?!шарт)"),
    "photos": stems(r"фото|photo|сурет"),
    "subscriptions": stems(r"подпис|рассыл|subscri|newsletter|жазылым"),
}
"""What is kept, where a policy keeps more than one kind of thing."""

NEW_VERSION = stems(
    r"жаңа (?:саясат|ереже|мәтін|қағида)",
    r"нов(?:ая|ой|ую|ый|ого|ые|ом) (?:редакци|верси|текст|политик|правил)",
    r"(?:изменени\w+|поправк\w+|редакци\w+) (?:в |во |настоящ\w+ |эт\w+ |наш\w+ ){0,2}(?:политик|правил|положени|порядк|документ)",
    r"(?:политик|правил|положени)\w*…(?:измен|поменя)|изменени\w*…вступа\w+ в силу|изменения(?: и дополнения)?\W*$",
    r"(?:chang|amend|revis|updat)\w* (?:to|of|in) (?:this|these|the|our) (?:privacy )?(?:policy|notice|rules|terms|page)",
    r"(?:policy|notice|rules)…changes?\b|new (?:version|text)|publish changes|changes\W*$|amendments?\W*$",
    r"(?:саясат|қағида|ереже)\w*…өзгер|жаңа (?:нұсқа|редакция)|өзгерістер\W*$",
)
"""Speaks of a change of the policy."""
IN_ADVANCE = re.compile(r"\s*(?:до\b|before|in advance|prior|ahead|notice|бұрын|қалғанда|алдын)", re.IGNORECASE)
OTHER_TIMES: dict[str, re.Pattern[str]] = {
    "password_change": stems(r"парол|password|құпиясөз|құпия сөз"),
    "code_lifetime": stems(
        r"код\w*…(?:действ|срок|годен)|одноразов|code\w*…(?:valid|expire|live|work|good)|one-time|links?…expire|ссылк\w+…действ",
        r"бір реттік|код\w*…жарамды",
    ),
    "session_lifetime": stems(r"signed out|logged out|session|сесси|сеанс|жүйеден шығ|вход\w*…действ"),
    "complaint_answer": stems(r"жалоб|complain|шағым"),
    "acknowledgement": stems(r"подтвержд\w*…получени|acknowledg|confirm\w*…receipt|(?:алған|қабылда)\w*…раста"),
    "subject_duty": stems(
        r"(?:курсант|заёмщик|заемщик|субъект|клиент|пользовател|работник|студент|ученик|родител|гост|пациент|член|жил)\w*\s+"
        r"(?:обяз|долж|извеща|сообща|уведомля)\w*…(?:о смене|об? измен|о нов)",
        r"(?:you|\w+er|\w+ent|\w+ant)s? (?:must|shall|should|are to|is to|undertakes? to) (?:tell|inform|notify|let)…(?:chang|new )",
        r"(?:субъект|тұтынушы|клиент|студент|қарыз алушы|қызметкер|мүше)\w*…(?:өзгер|ауысқан)\w*…"
        r"(?:(?:хабарлауға|айтуға|мәлімдеуге) міндетті|хабарлауы (?:керек|тиіс))",
    ),
    "policy_review": stems(r"пересматрива|policy…review|reviewed|қайта қара"),
}
"""Times that are no limits of requests, by the words of the sentence."""
OF_PASSWORDS_AND_REVIEWS = frozenset({"password_change", "policy_review"})
BREACH = stems(
    r"қауіпсіздік бұзыл|деректер\w* бұзыл|бұзылса|утечк|взлом|инцидент|нарушени\w+ безопасн|попали к посторонним|breach|incident",
    r"leak|қауіпсізді\w+ бұзыл|оқиға|сыртқа шық|таралып кет",
)
TO_PEOPLE = stems(r"субъект|пострадавш|пользовател|вас\b|вам\b|клиент|you\b|subject|affected|people|persons|сізге|тұлға")

SOME_TIME_AFTER = re.compile(r"(?<!\w)(?:after|через|спустя|по истечении|upon expiry of)\s*$", re.IGNORECASE)
AFTER_KAZAKH = re.compile(r"\s*(?:\w+\s+)?кейін", re.IGNORECASE)
ASKED = stems(
    r"запрос|обращени|заявлени|письм|получени|отзыв|требовани|request|letter|e-?mail|receipt|receiv|withdraw|өтініш|сұра|хат|алған",
    r"қайтар",
)
"""Says that somebody asked: what is destroyed then is not the end of its storage."""
CARRIED_OUT = stems(
    r"(?:we|оператор|мы) (?:act|do|выполн|исполн|сдела|дела)|acted|comes?\b|ready|arriv|готов|прид[её]т|прийти|приходит|дайын",
    r"hear from us|takes?\b|tak(?:es|ing) place|done|carried out|fulfil|gone|выполн|исполн|сдела|дела[её]|занима|срок|term\b",
    r"time limit|мерзім|орында|жаса",
)
"""Says that what was asked is done, and not what was asked: the sentences before it do."""
NOT_A_LIMIT = re.compile(
    r"(?<!\w)(?:(?:соглас\w+|consent|келісім\w*)\s+(?:действ\w+|(?:is )?valid|lasts?|remains in force)\s+(?:for\s+)?"
    r"|(?:достиг\w*|младше|старше|моложе|исполнил\w*|возраст\w*)\s+(?:\w+\s+){0,2}"
    r"|(?:under|aged?|older than|younger than|over|above|below)\s+(?:the\s+)?(?:age\s+)?(?:of\s+)?)$"
    r"|(?:за последн\w+|последни[ех]|опыт\w*|более чем за|per|"
    r"(?:the|in|over|during|your|our) last|past|previous|соңғы|уже|работаем|существуем|"
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

FOREIGN_LAW = stems(r"федеральн\w+ закон\w*|federal law\w*|федералдық заң\w*|152-?\s?фз")
ENVELOPE = stems(r"конверт|envelope|конвертте|конвертк")
BY_POST = stems(r"конверт|envelope|заказн\w+ письм|registered (?:mail|letter)|бандерол|почтой России|Казпочт")
