"""The words around a changed detail: which field it is, whose, and whether it is the old or the new value.

``-`` at the end of a word stands for any ending, ``_`` joins the words of a phrase. Tables are written as the languages are; a text
is looked at after ``same_letters``, so that Kazakh typed without its own letters reads the same. What must stand right beside a
value is in ``details_beside``.
"""

import re

from rules.details_change import Field

_TYPED = dict(zip("ёәғқңөұүһі", "еагкноуухи", strict=True))
_SAME_LETTERS = str.maketrans(_TYPED)

VALUE = "\ue000"
"""Stands in a text for the first letter of a value, ``FILLER`` for the others: places stay what they are."""
FILLER = "\ue001"


def same_letters(text: str) -> str:
    """Return ``text`` in lower case, letter by letter, Kazakh letters as those without them type them."""
    text = text.lower()
    if text.isascii():
        return text
    for letter, typed in _TYPED.items():  # ten times quicker than to translate each letter
        text = text.replace(letter, typed)
    return text


def either(table: str) -> str:
    """Return a table as the alternatives of a pattern, those with the same first letter together: the others are not tried."""
    alike: dict[str, list[str]] = {}
    for word in same_letters(table).split():
        alike.setdefault(word[0], []).append(_alternative(word[1:]))
    return "|".join(f"{first}(?:{'|'.join(rests)})" for first, rests in alike.items())


def _alternative(word: str) -> str:
    pattern = re.escape(word).replace(r"\-", "-").replace("-_", r"\w*_").replace("_", r"[\s-]+")
    return pattern[:-1] + r"\w*" if pattern.endswith("-") else pattern


WORD_BEGINS = r"(?<!\w)(?=\w)"
"""Says twice where a word begins: so no table is tried at the marks between words."""


def _table(table: str, *patterns: str) -> re.Pattern[str]:
    return re.compile(rf"{WORD_BEGINS}(?:{'|'.join((either(table), *patterns))})(?!\w)")


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives).translate(_SAME_LETTERS))


# --- Fields ---------------------------------------------------------------------------------------------------------------------

_NAME_FIELDS = {
    "patronymic": """
        patronymic- middle_name father's_name father_name отчеств- әкемнің_аты- әкесінің_аты- әкемнің_есім- әкесінің_есім- әкем_аты-
    """,
    "full": """
        full_name name_and_surname first_and_last_name фио ф.и.о ф.и.о. имя_и_фамили- фамили-_и_имя фамили-_имя имя_и_отчество
        имен-_и_отчеств- имя_отчество аты-жөн- аты_жөн- атыжөн-
    """,
    "surname": "surname- last_name- family_name- maiden_name second_name фамили- тегі тегім- тегіне тегін тегінен тек",
    "given_name": """
        given_name- first_name- forename- имя имени именем есім есімі есімім- есімін есімді
        атым атымды атымның атымда атыма аты атын атыңызды атымдағы
    """,
    "name": "name names зовут am_called i'm_called is_called be_called",
}
NAME_FIELD = re.compile(
    rf"{WORD_BEGINS}(?:" + "|".join(f"(?P<{field}>{either(table)})" for field, table in _NAME_FIELDS.items()) + r")(?!\w)"
)
"""A word for a part of the name, by field; ``full`` is the whole of it, and ``name`` what is left open."""

CONTACT_FIELD = {
    Field.PHONE: _table("""
    phone- telephone- tel tel. mob mob. ph mobile cell cellphone number- whatsapp call- reach- contact- sms text dial
    телефон- тел тел. моб моб. мобильн- сотов- номер- звон- позвон- перезвон- дозвон- связ- ватсап- вотсап- вацап- контакт- смс
    нөмір- қоңырау- хабарлас- байланыс- ұялы
    """),
    Field.EMAIL: _table("""
    email- e-mail- mail- address- inbox write send reach contact-
    почт- мейл- мэйл- имейл- емейл- емайл- и-мейл- е-мейл- адрес- ящик- пишите писать присыла- отправля- шлите слать направля-
    электронн- контакт- электрондық е-пошта- пошта- жазыңыз- жазыңдар жіберіңіз- мекенжай- мекен-жай- хабарлас- байланыс-
    """),
}
BESIDE_VALUES = """
    my the a one of is it on at to our your spelling form version variant number phone telephone mobile e-mail email mail address surname
    name family last first given mrs ms mr miss as me it's call calling use try ring text write writing spell just only simply
    мой моя мое мою моего моей моему моим моем на это в виде как написание вариант вариантом номер номера номеру номером телефон телефона
    телефону телефоном почта почту почты почтой почтовый адрес адреса адресом имейл мейл электронную электронной электронная личн- рабоч-
    г-жа г-н меня мне ко звоните звонить набирайте пишите писать просто только фамилия фамилию фамилии фамилией имя имени именем отчество
    отчества отчеством
    бұл менің деген нөмір нөмірім нөмірі телефоным пошта поштам тегім атым
"""
"""What may stand between a value and the word that tells something of it."""

# --- Roles ----------------------------------------------------------------------------------------------------------------------

_OLD = """
    old older former- previous- prior earlier outdated obsolete was were used_to_be no_longer not_anymore wrong- incorrect- mistake
    mistaken- misspel- mistyped maiden recorded_as registered_as written_as listed_as spelled_as spelt_as entered_as you_have you_show
    you_hold you_wrote you_keep you've_got you_call_me still_says stop_sending do_not_send don't_send on_file your_records strike_out
    cross_out drop erase remove delete discard scrap ditch dump annul deactivate unlink stop_using do_not_use don't_use do_not_call
    don't_call do_not_write don't_write lost
    стар- прежн- бывш- предыдущ- раньше ранее был была было были у_вас_в у_вас_на у_вас_по числит- числюсь числил- записан- записали
    указан- указали указала указал пишете называете обращаются обращаетесь чужой чужая в_базе до_сих_пор не_нужно_больше не_надо_больше
    больше_не_нужно не_присылайте не_шлите написан- написали внесен- внесли зарегистрирован- значится стоит ошибк- ошибоч- опечатк-
    неверн- неправильн- девичь- устаревш- устарел- больше_не удалите удалить вычеркните зачеркните сотрите аннулир- исключите исключить
    отвяжите отвязать деактивир- уберите убрать неактуальн- перестал- напечатал- напечатан- вписан- потерял- утерял-
    ескі- бұрынғы- бұрын алдыңғы- қате- қыз_кезімдегі қыз_кезіндегі жазылған жазылып тіркелген енгізілген көрсетілген тұрған базаңызда
    жарамсыз- недействующ- нерабоч-
    базадағы өшіріңіз- алып_тастаңыз- не_звоните не_пишите не_используйте
"""
_NEW = """
    new now correct correctly right should_be should_read should_say must_be need_to_be needs_to_be has_to_be ought_to_be become became
    becomes mine up-to-date updated actual switched replace_it_with replaced_by change_it_to from_now_on from_then_on henceforth in_full
    нов- теперь тепер правильн- верн- корректн- надо нужно следует должн- стал стала стало станет актуальн- отныне впредь полностью
    раньше_не_указ- ранее_не_указ- раньше_не_был- ранее_не_был- исправьте_на измените_на поменяйте_на замените_на
    жаңа- енді дұрыс- жарамды- ендігі болуы- бұдан_былай толығы-
"""
_CURRENT = """
    current currently at_the_moment at_present presently present сейчас нынешн- текущ- действующ- на_данный_момент
    қазір қазіргі- осы_күнгі
"""
ROLE = re.compile(
    rf"{WORD_BEGINS}(?:(?P<new>{either(_NEW)}|(?:после|after)(?=\s*[:=]))|(?P<old>{either(_OLD)}|(?:до|before)(?=\s*[:=]))"
    rf"|(?P<current>{either(_CURRENT)}))(?!\w)"
)

RIGHT = _table("correct correctly right правильн- верн- корректн- дұрыс-")
"""Of a word that stands before a comma: what follows stays as it is."""

CHANGE = _table("""
    chang- updat- correct- fix- amend- replac- switch- rectif- edit- add put record register set
    измен- поменя- смен- замен- исправ- обнов- актуализ- уточн- внес- впиш- переоформ- запиш- записывай- сохран- укаж- перепиш- напиш-
    пишите добав-
    өзгер- ауыс- алмас- түзе- жаңарт- толықтыр- енгіз- привяж-
""")
SAME = _table("""
    unchanged still hasn't_changed has_not_changed the_same same_as same_phone same_number same_e-mail same_email stays stay remains
    remain keeping please_keep keep_my keep_it keep_this keep_using do_not_change don't_change not_changed without_changes no_change
    keep_the no_changes will_not_switch will_not_change won't_switch won't_change не_буду_менять менять_не_буду ауыстырмаймын өзгертпеймін
    по-прежнему тот_же та_же то_же те_же прежним прежней не_менял- не_изменил- не_меняйте не_меняется не_меняются без_изменений остается
    остаются остался осталась осталось остались оставьте оставить не_трогайте не_трогать не_надо_менять не_нужно_менять не_изменяйте
    өзгермеген өзгермейді өзгерген_жоқ өзгермеді өзгеріссіз сол_қалпында сол_күйінде қалады өзгертпеңіз- баяғы сақталады қала_береді
    қала_берсін бұрынғыдай
""")
TAKEN_BACK = _table(
    """
    ignore disregard forget_it forget_my forget_the forget_about kept never_mind nevermind please_cancel i_cancel cancel_my cancel_the
    cancel_this withdraw_my withdraw_the i_withdraw changed_my_mind decided_against decided_not_to by_mistake_sent sent_by_mistake
    forget_what staying_with_the nothing_has_changed ничего_не_изменилось ничего_не_поменялось ескісін_қалдырдым ескісі_қалды
    in_error no_need_to_change don't_need_to_change leave_everything leave_as_is as_it_was was_a_mistake not_needed_anymore
    don't_change_it_yet do_not_change_it_yet ничего_не_трогайте пока_не_меняйте do_not_change_anything don't_change_anything
    nothing_changes ничего_не_меняется ештеңе_өзгермейді
    передумал- отменя- отмените отмена не_надо_ничего ничего_не_меняйте больше_не_актуально уже_не_актуально решил_не решила_не
    не_нужно_ничего не_учитывайте не_принимайте игнорируйте забудьте оставьте_все оставьте_как оставить_как отзываю
    считать_недействительным ошибочно_отправ- отправил-_по_ошибке отправлено_по_ошибке отбой ничего_менять_не ничего_не_надо
    ескермеңіз- есепке_алмаңыз- ойымнан_айныдым ойымды_өзгерттім ештеңе_керек_емес енді_керек_емес өзгерту_керек_емес керек_емес_екен
    ойымнан_қайттым бас_тарттым шешімімді_өзгерт- қалатын_болдым қалдыратын_болдым қажет_емес қажеті_жоқ керегі_жоқ өзгертпей-ақ
    ештеңе_өзгертпе- қателесіп_жібер- болдырмаңыз- кері_қайтарып_аламын өзгертпеңіз-
    """,
    r"(?:оста(?:юсь|емся|нусь)|staying|stay|stick)\s+(?:на|при|со?|with|on)\s+(?:\w+\s+)?(?:стар|прежн|old|previous)\w*",
    r"leave\s+it(?!\s+out)|\w+[мбп][ае]й[\s-]ак(?!\w)|(?:хотя|впрочем|actually|wait)\W+(?:нет|no|не\s+(?:надо|нужно|стоит))",
)
KEPT = _table("""
    keep_what_you keep_the_one_you keep_the_old keep_the_previous leave_the_old stick_with_the_old stay_with_the_old
    оставьте_прежн- оставьте_стар- оставить_прежн- пусть_остается пусть_останется пусть_остаются пусть_будет_стар- пусть_будет_прежн-
    ескісі_қалсын бұрынғысы_қалсын ескісін_қалдыр- сол_қалсын
""")
"""The old value is to stay after all: of the field that is named, or of any."""
IN_PASSPORT = re.compile(r"(?<!\w)(?:passport|паспорт|identity|my\s+id(?!\w)|birth\s+certificate|удостоверени|куалик|метрик|свидетельств)")
"""Where a name is spelt as it ought to be."""
WRITTEN = re.compile(r"[\s\")]*(?:деп|болып)\s+(?:жазыл|тур)")
UNSURE = _table("""
    maybe perhaps probably not_sure unsure i_think don't_remember do_not_remember can't_remember don't_know could_be might_be soon_change
    soon_be_changing confirm_later will_confirm will_send_later not_yet i_might we_might thinking_of планирую собираюсь
    скоро_поменяю скоро_сменю скоро_изменю кажется вроде не_уверен- не_помню может_быть возможно наверное наверно уточню путаю путать
    сообщу_позже напишу_позже не_знаю пришлю_позже еще_не
    мүмкін_емес сияқты білмеймін сенімді_емес анық_емес ұмытып_қалдым есімде_жоқ кейін_жазамын кейін_хабарлаймын нақтылаймын шамасы әлде
""")
TEMPORARY = _table(
    """
    while_i for_a_while until_the until_my until_i only_until till_the till_my till_i for_tomorrow на_завтра на_сегодня ертеңге
    meanwhile in_the_meantime this_week for_this_week for_now for_the_time_being today_only
    на_этой_неделе әзірге осы_аптада пока_что пока_не пока_звон- пока_пиш- пока_свя- на_время
    for_the_conference for_the_meeting for_the_delivery for_delivery for_the_courier для_доставки для_курьера для_пропуска
    для_встречи по_этому_вопросу жеткізу_үшін сұрақтар_бойынша сұрақ_бойынша with_questions with_any_questions for_questions
    for_any_questions to_discuss по_вопросам по_всем_вопросам если_будут_вопросы
""",
    r"(?<!not )temporar\w*|(?<!не )временн\w*|уакытша(?!\s+емес)",
    r"до\s+\w+\s+(?:пишите|звоните|шлите|присылайте)",
    r"(?:(?:все|остальн\w+)\s+(?:\w+\s+)?(?:верн|правильн|актуальн)[оыа](?!\w)|бари\s+дурыс|(?:all|everything|details)\s+(?:is|are)\s+(?:correct|right))(?!\W*(?:кроме|но|only|but|except))",
)
"""A contact for a while, or for questions about this letter; and where all is right as it is, the contacts too."""
REPORTED = _table("""
    wrote called sent_to звоню_вам пишу_вам написал- писал- звонил- позвонил- отправлял- обращал- жаздым жазғанмын жазған_едім хабарластым
    шалды
    шалдым
""")
ADDITIONAL = _table("""
    additional second_phone second_number second_e-mail second_email secondary backup spare another_phone another_number another_one
    extra alternative sincerely regards уважением құрметпен besides also_try помимо
    дополнительн- второй_номер второй_телефон вторая_почта второго_номера вторую_почту второй_адрес резервн- запасн- еще_один еще_одна
    қосымша екінші_нөмір- екінші_пошта- екінші_телефон- тағы_бір
""")

# --- Whose, and whether it is asked for at all -----------------------------------------------------------------------------------------

NOT_THE_PERSONS = _table(
    """
    fax office work reception secretary switchboard accountant company company's department- corporate extension ext emergency
    факс- офис- раб раб. служебн- приемн- регистратур- бухгалтер- секретар- городск- доб доб. компании
    организации предприятия ресепшн- отдел-
    кеңсе- қабылдау- жұмыстағы жұмыс_нөмір- жұмыс_телефон- қызметтік қызмет_телефон- ұйым- компанияның
""",
    r"рабоч\w*(?!\s+(?:дн|день|врем))",
)
YOURS = re.compile(
    r"(?<!\w)(?<!in )(?<!on )(?<!across )(?<!within )(?<!в )(?:your|ваш(?:а|е|и|его|ей|ем|ему|у|им)?|сизд(?:ин|ерд[иe]н|ерден))(?!\w)"
    r"(?!\s+(?:clause|policy|rules|section|letter|form|пункт|политик|правил|письм))"
)
RELATIVE = _table(
    """
    son son's daughter- husband- wife wife's mother- mom mom's mum mum's father father's dad- brother- sister- child child's children-
    kid- parent- spouse- colleague- employee- boss boss's friend- assistant- my_doctor- lawyer- attorney- accountant- landlord-
    our_secretary manager managers director director's driver driver's drivers emergency_contact recipient- beneficiar- guarantor- partner
    partner's tenant- on_behalf_of power_of_attorney act_for acting_for i_represent foreman foreman's flatmate- roommate- grandmother-
    grandfather- neighbour- neighbor- client- customer-
    сын сына сыну сыном сыне сыновей дочь дочери дочерью дочка дочки дочке дочку муж мужа мужу мужем жена жены жене жену женой мать матери
    матерью мама мамы маме маму мамой мамин- отец отца отцу отцом папа папы папе папу папин- брат брата брату братом сестра сестры сестре
    сестру сестрой ребенок ребенка ребенку дети детей детям родител- супруг супруга супруге супругу супругой супруги коллег- сотрудник-
    сотрудниц- начальник- напарни- партнера партнеру партнером партнер юрист- адвокат- нотариус- наш_бухгалтер нашего_бухгалтера подопечн-
    получател- поручител- контактное_лицо контактного_лица доверенное_лицо доверенного_лица доверител- от_имени по_доверенности друга
    другу подруг- бабушк- дедушк- тещ- свекр- племянни- внук- внучк- директор- руководител- водитель водителя водителю водителем бригадир-
    прораб прораба прорабу прорабом курьер- сосед- клиент- знаком- тети дяди дяде тете тетя дядя
    жүргізушінің жүргізушісі жүргізушіміз- моему_врачу мой_врач моего_врача мой_доктор website сайте_указан
    менеджер- заңгер- адвокат- алушы- қабылдаушы- сенімхат- атынан серіктес- балам- балаларым- ұлым- қызым- күйеуім- әйелім- анам- шешем-
    әкем- ағам- інім- апам- әпкем- сіңлім- қарындасым- жұбайым- әріптес- досым- құрбым- немерем- бастығым- жүргізушім- атамның әжем-
    көршім- жолдасым- жиенім- қызметкер- келінім-
""",
    r"(?:his|her|their)\s+(?:new\s+)?(?:phone|number|mobile|cell|tel|e-?mail|mail|address|surname|name|contact)",
    r"(?:его|ее|их)\s+(?:нов\w+\s+)?(?:номер|тел|моб|сот|почт|имейл|мейл|e-?mail|адрес|контакт|фамили|отчеств)\w*",
    r"(?:онын|олардын)\s+(?:жана\s+)?(?:номир|тел|пошта|мекенжай|теги|аты)\w*",
)
MINE = _table("""
    my mine me i i'm мой моя мое мои моего моей моему мою моим мне меня я свой свою свое своего своей
    мен менің маған мені өзімнің өзімдікі- өз нөмірім- номерім- телефоным- поштам- тегім- атым- есімім- фамилиям- адресім- мекенжайым-
""")
MINE_OF_ALL = _table("""
    mine mine's my_own my_phone my_number my_mobile my_cell my_e-mail my_email my_address my_surname my_name мой моя моё моего моей мою
    менікі менікін өзімнің өзімдікі өзімдікін өз нөмірім- номерім- телефоным- поштам- тегім- атым- есімім-
""")
"""What is the person's own beyond doubt, in a letter that began with somebody else."""
OF_THE_OLD = _table("old former password стар- прежн- парол- ескі- бұрынғы- құпиясөз- құпия")
REACH = _table("""
    call_me ring_me phone_me text_me reach_me contact_me call_back reply answer send_the_code send_me
    перезвон- позвон- звоните связаться свяжитесь связи ответ- отвеч- пришлите продикт- хабарлас- қоңырау- жауап
""")
"""A contact given to be answered at: no change of it where the letter asks for another field's."""
ABOUT = _table("about regarding насчет по_поводу туралы жайлы жайында")
IN_NEED = _table("""
    if_anything if_needed if_necessary in_case i_confirm confirming
    если_что если_нужно если_надо при_необходимости подтверждаю керек_болса қажет_болса растаймын
""")
"""A contact for an emergency, or only confirmed."""
IF = _table("if in_case whether если случае егер жағдайда")
ASKS_WHETHER = _table("can_i may_i is_it_possible whether")
ASKS_WHAT_IS_RECORDED = _pattern(
    r"(?:which|what|where|is\s+my|how\s+(?:do|can)\s+i)[^?]*\?",
    r"(?<!\w)(?:как(?:ой|ая|ие|ую)|где)\s[^?]*\?|(?:верн|правильн)\w*\s+ли[^?]*\?|(?:как|что)\s+[^?]{0,40}(?:нужно|надо|мени|менять)[^?]*\?",
    r"(?<!\w)(?:қай|қандай|қалай|не\s+керек|не\s+істе)[^?]*\?|(?:дұрыс\s+(?:тұр\s+|жазылған\s+)?|сам\s+бола\s+|сем\s+бола\s+)ма[^?]*\?",
)
ASKS_INDIRECTLY = _table("""
    confirm_that confirm_whether confirm_if check_that check_whether check_if know_whether know_if подтвердите_что проверьте_что ли
    жаңартылды_ма өзгертілді_ме
""")
POLITE = _table("""
    could can_you would will_you please ok может можете можно прошу пожалуйста сможете не_могли
    мүмкін бола_ма болады өтінемін сұраймын бересіз беріңіз жібересіз
""")
RECORDED = _pattern(r"in\s+your|on\s+file|recorded|у\s+вас|в\s+(?:вашей\s+)?базе|записан|сізд\w+|база\w*|жазыл\w+")
STAYS = _pattern(
    r"(?:указан|записан|сто[ия]т|значится)\w*\s+(?:верно|правильно)|дұрыс\s+(?:жазылған|тұр)",
    r"(?:\w+\s+){0,2}(?:(?:меня|измен|исправ|трога|прав)\w*\s+не\s+(?:нужно|надо|требуется|следует)|не\s+(?:меня|изменя|исправля|трога)\w+)",
    r"(?:does\s+not|doesn't|need\s+not|needn't|(?:is\s+)?not\s+to)\s+(?:need\s+|be\s+|to\s+)*(?:chang|correct|touch)\w*",
    r"(?:болып\s+)?қал(?:а\s+бер|ады)|өзгерт(?:пе|удің\s+(?:қажеті|керегі)\s+жоқ)",
)
"""«X исправлять не нужно»: what is said behind a value that stays as it is."""
SIGNED = _pattern(
    r"\W*(?:(?:with\s+)?(?:my\s+|the\s+)?(?:kind|best|warm|many|kindest|warmest)?(?:est)?\s*(?:regards|wishes|thanks)|(?:yours|sincerely|respectfully|cheers)"
    r"|(?:с\s+)?(?:\w+\s+)?уважением|с\s+\w+\s+пожеланиями|\w*\s*құрметпен|ізгі\s+ниетпен)\s*(?:[,.!\n]|$)",
)
"""A line of courtesy at the end: what stands below it is a signature."""
KAZAKH_OR = _pattern(rf"(?<={FILLER} )не(?= {VALUE}{FILLER}*\s+(?:арқылы|нөмір|телефон|пошта))")  # "or", in Kazakh
SLIP = _pattern(
    r"(?<!\w)(?:не\s+(?:та|тот|те)\s+(?:цифр|номер|адрес|ящик|букв|почт)|ошиб(?:ся|лась)|опечатал|промахнул|пере?путал|напутал|не\s+то\s+(?:на|в)писал"
    r"|(?:точнее|вернее|or\s+rather|i\s+mean)(?!\w)|қателес(?:іп|тім)|(?:хотя|впрочем|actually|wait|жоқ)\W+(?:(?:нет|no)\W+)?(?:лучше|better|rather)(?!\w)|қате\s+(?:тер|жаз(?!ыл)|жібер|бер)|жаңыл|mistyped|typed?\s+(?:\w+\s+)?(?:wrong|incorrect)|wrong\s+(?:digit|key|one)|(?:mixed|muddled)\s+up|шатастыр|my\s+mistake|scratch\s+that"
    r"|(?:sorry|oops|no|wait|correction)\W[^?]{0,40}(?:that|it|this)\s+should|(?:ой|упс|простите|извините)\W[^?]{0,40}(?:правильн|должн|верн|нужно)"
    r"|(?:кешіріңіз|ой)\W[^?]{0,40}дұрысы|neither\s+(?:is|of)|both\s+are\s+wrong|оба\s+(?:неверн|неправильн|не\s|ошиб)|екеуі\s+де\s+(?:қате|дұрыс\s+емес))",
)
"""A writer who corrects what stands before in the same letter, or calls all of it wrong."""
_FIRST = r"(?:first|former|перв\w+|бірінші\w*|алдыңғы\w*)"
_LAST = r"(?:second|latter|last(?!\s+name)|втор\w+|последн\w+|екінші\w*|соңғы\w*)"


def _choice(kept: str, dropped: str) -> re.Pattern[str]:
    return _pattern(
        rf"(?<!\w)(?:only|just|keep|use|put|take|save|основн\w+|негізгі\w*|ring\s+me|call\s+me|record|возьмите|поставьте|поменяйте|только|лишь|оставьте|нужен|нужна|запишите)\s+(?:only\s+|on\s+|the\s+|только\s+|на\s+)*{kept}(?!\w)",
        rf"(?<!\w){kept}(?:\s+\w+)?\s+(?:only|ғана|қалдыр|қалсын|жазыңыз|оставьте|запишите)",
        rf"(?<!\w)(?:drop|delete|remove|erase|forget|ignore|удалите|уберите|сотрите|убрать|удалить)\s+(?:the\s+)?{dropped}(?!\w)",
        rf"(?<!\w){dropped}(?:\s+\w+){{0,3}}?\s+(?:не\s+(?:записыв|пиш|звон|трог)|belongs|отключ|удал|убер|сотри|не\s+работ|заблок|закр|өшір|алып\s+таста|жой|істемейді|is\s+(?:dead|gone|closed|off))",
    )


CHOICES = (_choice(_FIRST, _LAST), _choice(_LAST, _FIRST))  # which of two values is to stay
SWAPPED = _pattern(
    r"местами|наоборот|(?:swap|switch)\w*\s+(?:them|the\s+two|around|round|over)|wrong\s+way\s+a?round|орындарын?\s+(?:\w+\s+)?ауыс"
)
ONLY = _table("only just solely только лишь единственн- тек ғана")
THAT_IS_MINE = _pattern(
    r"\W*(?:that|this|it|here|these)(?:'s|\s+is|\s+are)?\s+(?:my|mine|the)(?!\w)|\W*(?:это|вот|эта|этот)\s+(?:и\s+есть\s+)?(?:(?:теперь\s+)?мо[йяе]|нов\w+)(?!\w)",
    r"\W*(?:бұл|осы|міне)\s+(?:\w+\s+)?(?:менің|жаңа)(?!\w)",
)
IF_YOU_CAN = _pattern(
    r"if\s+(?:possible|you\s+(?:can|could|please|would|might)|it\s+is\s+possible)|(?:grateful|appreciate)\s+(?:it\s+)?if",
    r"если\s+(?:можно|возможно|не\s?трудно|не\s+сложно|вас|вы\s+(?:смож|исправ|измен|поменя|обнов))|мүмкін\s+болса",
)
_POSTS = (
    "boss|manager|director|driver|foreman|chief|secretar|courier|customer|client|"
    "директор|руководител|водител|бригадир|прораб|менеджер|шеф|диспетчер|курьер|клиент"
)
_ERRED = r"ошиб\w+|перепутал\w*|напутал\w*|опечатал\w*|записал\w*|внес\w*|wrote|misspel\w+|mistyped|misheard|қате\w*|шатастыр\w*"
_SAID = r"помог\w*|велел\w*|сказал\w*|говорит|посоветовал\w*|helped|told|tells|says|suggested|көмектес\w*|айтты"
_GOT = r"(?:по)?дарил\w*|купил\w*|завел\w*|настроил\w*|оформил\w*|bought|gave|got|made|set\s+up|сыйла\w*|ашып|әперді|алып\s+берді"
"""What a relative does for a person, who then writes of a value of their own."""
OWN_ALL_THE_SAME = _pattern(
    rf"(?:your|the\s+new|ваш\w*|сізд\w+|i\s+am\s+\w+|i'm\s+\w+|(?<!\w)я)\s+(?:\w+\s+)?(?:{_POSTS})\w*",
    r"(?<!\w)(?:not|не)\s+(?:my\s+|за\s+|для\s+)?\w+|\w{1,30}\s+емес(?!\w)",
    r"(?:took|taken?|taking|adopted|use|bear)\s+(?:on\s+)?(?:my\s+)?(?:husband|wife|spouse)(?:'?s)?(?:\s+\w*name)?|married\s+my",
    r"(?:like|after|как\s+у|как|в\s+честь)\s+(?:my\s+|моего\s+|моей\s+)?(?:father|mother|отца|матери|отец|папы)|father(?:'?s)?\s+name",
    r"(?:меня|me)\s+(?:как|в\s+качестве|as)\s+(?:an?\s+|the\s+)?\w+(?:\s+(?:лиц\w+|contact))?",
    r"(?:карт\w+|кабинет\w*|анкет\w+|баз\w+|профил\w+)\s+(?:клиент|сотрудни|водител)\w+|(?:client|customer)\s+(?:card|number|id|account|record|profile|file)",
    r"(?:dear|уважаем\w+|дорог\w+|милы\w+|құрметті)\s+\w+|^\W*(?:коллеги|әріптестер)\W",
    rf"^\W*(?:это|this\s+is|бұл)\s+[^,.]{{2,30}},\s+(?:\w+\s+)?(?:{_POSTS})|in\s+(?:the|my)\s+power\s+of\s+attorney",
    rf"^\W*(?:от|from)\s+(?:(?:a|the|ваш\w+|your)\s+)?(?:{_POSTS})\w*\W*$",
    rf"(?<!\w)\w{{3,30}}\s+(?:\w{{1,30}}\s+)?(?:{_SAID}|{_ERRED})(?!\w)",
    rf"(?<!\w)у\s+(?:{_POSTS})\w*\s+(?:записан|указан|стоит|числ)\w*",
    rf"(?:^|здравствуйте|добрый\s+день|hello|hi)\W*(?:это|this\s+is|бұл)\s+(?:the\s+)?(?:{_POSTS}|мама|папа|мать|отец|mother|father)\w*",
    r"(?<!\w)\w{3,20}?(?:ушімін|шімін|ушымын|амын|емін|аңмын)(?!\w)",
    rf"(?<!\w)\w{{3,30}}\s+(?:(?:{_GOT})\s+(?:мне|me)|(?:мне|маған)\s+(?:\w{{1,30}}\s+)?(?:{_GOT}))(?!\w)",
    rf"(?<!\w)(?:у\s+меня|мо[йя]|менің)\s[^,.]{{1,60}},\s+\w{{3,30}}\s+(?:\w{{1,30}}\s+)?(?:{_GOT})(?!\w)",
    r"(?:взял|приня|ношу|получил|вернул|перешл|сменил|поменял)\w*\s+(?:\w+\s+){0,2}(?:мужа|супруга|жены|супруги)|по\s+мужу",
    r"(?:развел|разошл)\w+\s+с\s+(?:мужем|женой|супруг\w+)|развод\w*\s+с\s+\w+|имен\w+\s+отца",
    r"(?:күйеуім|жұбайым|жолдасым)\w*\s+тегі\w*\s+(?:ал|көш|ауыс)\w*|әке(?:м|сі)нің\s+(?:ат|есім)\w*",
)
"""Relatives that are named, and the value is the person's own: the husband's surname, the father's name in a patronymic."""

MARRIED = _pattern(
    r"(?<!\w)(?:замуж|жени(?:лся|лась|тьб)|развел(?:ась|ся)|развод|свадьб|брак[аеу]?(?!\w)|девич|(?<!un)married|divorc|wedding|maiden|marriage|некеге|неке(?!\w)|ажырас|тұрмысқа|тұрмыс\s+құр|үйлен)"
)
"""Where a name of which no part is spoken of is the surname."""
FEMININE = _pattern(
    r"(?<!\w)(?:вышла|сменила|поменяла|взяла|изменила|замуж\w*|стала|девич\w+|развелась|разведена|вернула|получила|потеряла|писала|хотела|"
    r"указала|maiden|husband\w*|күйеу\w+|тұрмысқ\w*|қыз\s+кез\w+|\w{3,}(?:вна|вны|вну|қызы))(?!\w)"
)
MASCULINE = _pattern(
    r"(?<!\w)(?:женился|сменил|поменял|взял|изменил|стал|вернул|получил|потерял|писал|хотел|указал|\w{3,}вича?|я\s+(?:\w+\s+)?(?:записан|указан|внесен))(?!\w)"
)
