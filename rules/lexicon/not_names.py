"""Words with a capital that are no name, and words behind a label that say that there is no value."""

from rules.lexicon.details_words import same_letters

NOT_NAMES = frozenset(
    same_letters("""
    мен i my mine the it in on at to is was now new old please hello hi dear sir madam thanks thank you your kind regards best mr mrs ms
    miss
    dr right wrong correct should surname name phone email e-mail gmail whatsapp telegram viber kazakhstan almaty astana latin
    cyrillic english russian kazakh llp january february march april may june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday я мы вы вас вам вами ваш ваша ваше ваши прошу просьба добрый доброе
    здравствуйте спасибо заранее уважаемые уважаемая уважаемый господа иин бин фио загс цон паспорт удостоверение закон новый новая
    новое старый старая старое прежний прежняя правильно верно было была был стало стала стал написано записано указано
    значится нужно надо телефон почта номер фамилия имя отчество казахстан алматы астана латиницей кириллицей тоо ооо ао ип сіз сіздер
    сәлеметсіз сәлем рахмет құрметті менің жаңа
    ескі бұрынғы дұрыс дұрысы жаңасы ескісі бұрынғысы керегі тегі тегім аты атым есімі сіздерде сізде сіздегі базада паспортта
    куәлікте айтпақшы сайтта картада түзетіп түзетіңіз түзетіңіздер түзетіңіздерші түзетсеңіздер актуализация sirs tenant ladies
    colleagues муж
    жена мама папа сын дочь қазақстан жшс egov no дорогой дорогая больше уже снова опять раньше теперь вместо толық
    """).split()
)
NO_VALUE = frozenset(
    same_letters("""
    см смотри смотрите unchanged same the no none not changed change see above below your wrong incorrect misspelled mistake прежнее
    прежняя прежний прежние тот та те то же нет не да есть изменений без остается оставить меняется менять изменилось изменилась
    ниже выше верный верная верное верно верны правильный правильная correct right ok fine дұрыс неверно неправильно ошибка ошибкой жоқ
    өзгермеген өзгеріссіз бұрынғы ескі сол қалпында бар
    """).split()
)
