"""What people read in the letters: only what is so, in their language, with every date and number."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mailbot.wording import TEMPLATES, read_wording
from rules.details_change import Field
from rules.details_form import HEADINGS, LABELS
from rules.vocabulary import Duty, Language, LetterKind, RequestType
from tests.mailbot.letter_room import DUE, EVERY_LETTER, LANGUAGES, NOW, OF_EVERY_TYPE, REFERENCE, TYPES, an_occasion, an_office, text_of

OFFICE = an_office()

DUE_IN = {Language.KK: "2026 жылғы 11 желтоқсан", Language.RU: "11 декабря 2026 г.", Language.EN: "11 December 2026"}
CLAUSE_IN = {
    Language.KK: "Дербес деректер туралы саясатымыздың осыған қатысты тармағы: 8.3",
    Language.RU: "Об этом говорится в пункте 8.3 нашей политики в отношении персональных данных.",
    Language.EN: "See clause 8.3 of our personal data policy.",
}
APPEAL_IN = {
    Language.KK: "дербес деректерді қорғау саласындағы уәкілетті органға немесе сотқа шағымдануға құқығыңыз бар",
    Language.RU: "вправе обжаловать это решение в уполномоченном органе в сфере защиты персональных данных или в суде",
    Language.EN: "the right to appeal to the authorised body for the protection of personal data or to a court",
}
SIGNED_IN = {Language.KK: "Құрметпен,", Language.RU: "С уважением,", Language.EN: "Yours sincerely,"}
NOT_A_PROGRAM_IN = {
    Language.KK: "Бұл шешімді бағдарлама емес, адам қабылдады.",
    Language.RU: "Это решил человек, а не программа.",
    Language.EN: "This was decided by a person, not by a program.",
}
IN_WHOLE = {
    LetterKind.REFUSAL: {
        Language.KK: "Өтінішіңізді орындай алмаймыз.",
        Language.RU: "Мы не можем выполнить Вашу просьбу.",
        Language.EN: "We cannot do what you asked for.",
    },
    LetterKind.LAPSE: {
        Language.KK: "Өтінішіңізді орындамай жабуға мәжбүрміз.",
        Language.RU: "Нам приходится закрыть Ваше обращение, не выполнив его.",
        Language.EN: "We have to close your request without carrying it out.",
    },
}
IN_PART = {
    LetterKind.REFUSAL: {
        Language.KK: "Өтінішіңізді ішінара ғана орындай аламыз.",
        Language.RU: "Мы можем выполнить Вашу просьбу только частично.",
        Language.EN: "We can do only a part of what you asked for.",
    },
    LetterKind.LAPSE: {
        Language.KK: "Өтінішіңіздің бір бөлігі ғана орындалса да, оны жабуға мәжбүрміз.",
        Language.RU: "Нам приходится закрыть Ваше обращение, хотя выполнена только его часть.",
        Language.EN: "We have to close your request, and only a part of it has been done.",
    },
}
STAYS_IN = {
    Language.KK: "Бұған дейін орындалғаны сол күйінде қалады.",
    Language.RU: "Всё, что было сделано раньше, остаётся как есть.",
    Language.EN: "What was done before stays as it is.",
}
STAYS_STOPPED_IN = {
    Language.KK: "Сізге хабарлама жіберу тоқтатылған болса, ол қайта басталмайды.",
    Language.RU: "Если мы перестали отправлять Вам сообщения, они не возобновятся.",
    Language.EN: "Messages that we have stopped stay stopped.",
}
PART = frozenset({Duty.BLOCK})
NO_IDENTITY_CARD_IN = {
    Language.KK: "Жеке куәліктің көшірмесін жіберудің қажеті жоқ.",
    Language.RU: "Присылать копию удостоверения личности не нужно.",
    Language.EN: "You do not need to send a copy of your identity card.",
}
PROOF_IN = {
    Language.KK: "№ 94-V Заң, 25-бап, 2-тармақ, 5) тармақша",
    Language.RU: "Закон № 94-V, статья 25, пункт 2, подпункт 5",
    Language.EN: "Law No. 94-V, article 25(2)(5)",
}
REPLY_IN = {
    Language.KK: "осы хатқа жауап жазыңыз",
    Language.RU: "просто ответьте на это письмо",
    Language.EN: "just reply to this letter",
}
TELLS_NO_MORE = (LetterKind.CONFIRMATION, LetterKind.NOTICE)
"""Letters to an address that somebody named: whose request it is they do not say."""

REPLY_WITH_A_WORD = {
    Language.KK: "осы хатқа жауап жазып, жауабыңызды ИӘ сөзінен бастаңыз",
    Language.RU: "ответьте на это письмо и начните ответ словом ДА",
    Language.EN: "reply to this letter, and begin your reply with the word YES",
}
FIRST_PERSON_PAST = {
    Language.KK: re.compile(r"(?:дық|дік|тық|тік)\."),
    Language.RU: re.compile(r"Мы (?:\w+ )?\w+ли\b(?! Ваше письмо)"),
    Language.EN: re.compile(r"We have (?!received your letter|to close)"),
}
"""How each language would say "we have done it". What we did with the letter itself (received, understood) is no claim."""


def languages_of(language: Language | None) -> tuple[Language, ...]:
    return (language,) if language else (Language.KK, Language.RU)


def text(kind: LetterKind, request_type: RequestType | None, language: Language | None, **facts: Any) -> str:
    return text_of(OFFICE.compose(an_occasion(kind, request_type, language, **facts), NOW))


def acknowledgement(request_type: RequestType | None, language: Language | None, **facts: Any) -> str:
    return text(LetterKind.ACKNOWLEDGEMENT, request_type, language, **facts)


@pytest.mark.parametrize(("kind", "request_type", "language"), EVERY_LETTER)
def test_every_letter_has_its_reference_what_we_understood_and_a_way_back(
    kind: LetterKind, request_type: RequestType | None, language: Language | None
) -> None:
    written = text(kind, request_type, language)

    for each in languages_of(language):
        assert read_wording(each).types[request_type].asks in written or kind in TELLS_NO_MORE
        assert (REPLY_WITH_A_WORD if kind is LetterKind.CONFIRMATION else REPLY_IN)[each] in written
    assert len(languages_of(language)) == written.count(f": {REFERENCE}\n")


@pytest.mark.parametrize(("kind", "request_type", "language"), EVERY_LETTER)
def test_every_letter_is_short_plain_and_tidy(kind: LetterKind, request_type: RequestType | None, language: Language | None) -> None:
    written = text(kind, request_type, language, due=DUE, clause="8.3", clause_is_policys=True)
    lines = written.splitlines()

    assert len([line for line in lines if line]) <= 20 * len(languages_of(language))
    assert max(map(len, lines)) <= 160
    assert "\n\n\n" not in written
    assert [""] * len(languages_of(language)) == [lines[number - 1] for number, line in enumerate(lines) if line in SIGNED_IN.values()]
    assert not [line for line in lines if line != line.strip()]
    assert not re.search(r"https?:|\{|\}|None|\*\*|  ", written)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("request_type", TYPES)
def test_an_acknowledgement_says_by_which_date_as_people_write_it(request_type: RequestType | None, language: Language | None) -> None:
    written = acknowledgement(request_type, language, due=DUE)

    for each in languages_of(language):
        assert DUE_IN[each] in written
        assert read_wording(each).types[request_type].next in written
        assert read_wording(each).types[request_type].undated not in written


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("request_type", TYPES)
def test_an_acknowledgement_without_a_date_says_what_the_date_hangs_on(request_type: RequestType | None, language: Language | None) -> None:
    written = acknowledgement(request_type, language)

    for each in languages_of(language):
        assert read_wording(each).types[request_type].undated in written


@pytest.mark.parametrize("language", Language)
def test_the_term_of_an_inquiry_and_of_an_unblocking_is_not_the_laws(language: Language) -> None:
    types = read_wording(language).types
    terms = {types[each].undated for each in (RequestType.AUTHORITY_INQUIRY, RequestType.UNBLOCK, RequestType.ACCESS)}

    assert len(terms) == 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("request_type", TYPES)
@pytest.mark.parametrize("due", [DUE, None])
@pytest.mark.parametrize("kind", [LetterKind.ACKNOWLEDGEMENT, LetterKind.REFUSAL, LetterKind.LAPSE, LetterKind.WITHDRAWAL])
def test_i12_nothing_is_said_to_be_done_when_nothing_is(
    kind: LetterKind, request_type: RequestType | None, language: Language | None, due: date | None
) -> None:
    written = text(kind, request_type, language, due=due)

    for each in languages_of(language):
        greeting_and_understanding = re.compile(r"(?m)^(?:Хатыңызды алдық|Мы (?:получили|поняли) ).*$")
        assert not [sentence for sentence in read_wording(each).done.values() if sentence in written]
        assert not FIRST_PERSON_PAST[each].search(greeting_and_understanding.sub("", written))


@pytest.mark.parametrize("language", Language)
def test_every_sentence_of_what_is_done_would_be_seen_by_the_check_above(language: Language) -> None:
    for sentence in read_wording(language).done.values():
        assert FIRST_PERSON_PAST[language].search(sentence), sentence


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", [*OF_EVERY_TYPE, LetterKind.ANSWER])
@pytest.mark.parametrize("duty", [duty for duty in Duty if duty not in (Duty.NOTIFY_PERSON, Duty.ASK_SENDER)])
def test_i12_exactly_what_is_done_is_said_to_be_done(kind: LetterKind, language: Language, duty: Duty) -> None:
    sentences = read_wording(language).done
    written = text(kind, RequestType.QUESTION, language, done=frozenset({duty}))

    assert [sentences[duty]] == [sentence for sentence in sentences.values() if f"\n{sentence}\n" in written]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", TELLS_NO_MORE)
def test_i12_a_letter_to_an_address_that_somebody_names_says_of_nothing_else_that_it_is_done(
    kind: LetterKind, language: Language | None
) -> None:
    written = text(kind, RequestType.UPDATE, language, done=frozenset(Duty), due=DUE, clause="8.3", clause_is_policys=True)

    assert [] == [sentence for each in languages_of(language) for sentence in read_wording(each).done.values() if sentence in written]


@pytest.mark.parametrize("language", Language)
def test_h113_what_other_systems_have_still_to_do_is_promised_by_a_date(language: Language) -> None:
    done = frozenset({Duty.STOP_MESSAGES})
    everywhere = acknowledgement(RequestType.OPT_OUT, language, done=done)
    here = acknowledgement(RequestType.OPT_OUT, language, done=done, elsewhere=True, due=DUE)

    assert DUE_IN[language] in here
    assert {"kk": "басқа жүйелерімізде", "ru": "другие наши системы", "en": "our other systems"}[language] in here
    assert {"kk": "жүйелерімізде", "ru": "системы", "en": "systems"}[language] not in everywhere


@pytest.mark.parametrize("language", Language)
def test_h113_a_stop_of_messages_is_not_the_end_of_a_revocation(language: Language) -> None:
    written = acknowledgement(RequestType.REVOKE_CONSENT, language, done=frozenset({Duty.STOP_MESSAGES}), due=DUE)

    assert read_wording(language).types[RequestType.REVOKE_CONSENT].next in written
    assert DUE_IN[language] in written


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("request_type", [RequestType.OPT_OUT, RequestType.UPDATE])
def test_what_was_done_at_once_can_be_undone(request_type: RequestType, language: Language) -> None:
    undo = read_wording(language).types[request_type].undo
    duty = {RequestType.OPT_OUT: Duty.STOP_MESSAGES, RequestType.UPDATE: Duty.AMEND}[request_type]

    assert undo in acknowledgement(request_type, language, done=frozenset({duty}))
    assert undo not in acknowledgement(request_type, language, due=DUE)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("request_type", RequestType)
def test_the_policys_clause_is_named_where_the_policy_was_read(request_type: RequestType, language: Language) -> None:
    assert f"\n{CLAUSE_IN[language]}\n" in acknowledgement(request_type, language, clause="8.3", clause_is_policys=True)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("request_type", TYPES)
def test_a_mark_of_the_template_or_an_article_is_never_named_as_the_policys(
    request_type: RequestType | None, language: Language | None
) -> None:
    written = acknowledgement(request_type, language, clause="8.3", clause_is_policys=False)

    assert "8.3" not in written
    assert not [line for line in CLAUSE_IN.values() if line.partition("8.3")[0] in written]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("request_type", [RequestType.ACCESS, RequestType.DESTROY])
def test_nobody_has_to_send_a_copy_of_an_identity_card(request_type: RequestType, language: Language) -> None:
    """Law 94-V art. 7."""
    assert NO_IDENTITY_CARD_IN[language] in acknowledgement(request_type, language)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", [LetterKind.ACKNOWLEDGEMENT, LetterKind.COMPLETION])
@pytest.mark.parametrize("request_type", [RequestType.REVOKE_CONSENT, RequestType.DESTROY])
def test_people_are_told_that_proof_of_consent_may_be_kept(kind: LetterKind, request_type: RequestType, language: Language) -> None:
    """Law 94-V art. 25(2)(5)."""
    assert PROOF_IN[language] in text(kind, request_type, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("request_type", TYPES)
@pytest.mark.parametrize("kind", [LetterKind.REFUSAL, LetterKind.LAPSE])
@pytest.mark.parametrize(
    "kept", [{}, {"kept": "2025"}, {"kept": "2025", "kept_until": DUE}, {"done": PART, "kept": "2025", "kept_until": DUE}]
)
def test_i8_whoever_is_refused_in_whole_or_in_part_or_lapses_reads_ground_rest_authority_and_court(
    kind: LetterKind, request_type: RequestType | None, language: Language | None, kept: dict[str, Any]
) -> None:
    """The article is part of the ground; a letter in two languages says all of it twice."""
    written = text(kind, request_type, language, ground="Art. 8(2)", **kept)
    of_each = written.split("\n* * *\n") if language is None else [written]

    assert len(languages_of(language)) == len(of_each)
    for each, said in zip(languages_of(language), of_each, strict=True):
        assert ":\nArt. 8(2)\n" in said
        assert ("kept" in kept) == (":\n2025\n" in said)
        assert ("kept_until" in kept) == (DUE_IN[each] in said)
        assert APPEAL_IN[each] in said
        assert NOT_A_PROGRAM_IN[each] in said
        assert (IN_PART[kind][each] if "done" in kept else IN_WHOLE[kind][each]) in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("request_type", TYPES)
@pytest.mark.parametrize("stopped", [False, True])
def test_who_took_a_request_back_reads_what_stays_as_it_is(
    request_type: RequestType | None, language: Language | None, stopped: bool
) -> None:
    written = text(LetterKind.WITHDRAWAL, request_type, language, stopped=stopped)

    for each in languages_of(language):
        assert STAYS_IN[each] in written
        assert stopped == (STAYS_STOPPED_IN[each] in written)
        assert APPEAL_IN[each] not in written


@pytest.mark.parametrize("language", Language)
def test_a_completion_says_what_was_done_and_when(language: Language) -> None:
    written = text(LetterKind.COMPLETION, RequestType.DESTROY, language, done=frozenset({Duty.DESTROY}), done_on=DUE)

    assert read_wording(language).done[Duty.DESTROY] in written
    assert DUE_IN[language] in written


def test_h38_staff_words_lose_what_no_letter_may_carry_and_keep_their_lines() -> None:
    ground = "Art.\u00a08(2)\r\n\u202econtract\u202c\x00\ud800 of\t2025\x0b"
    written = text(LetterKind.REFUSAL, RequestType.DESTROY, Language.EN, ground=ground)

    assert ":\nArt. 8(2)\ncontract of 2025\n" in written


def test_a_template_never_reads_what_staff_wrote_as_a_template() -> None:
    assert "{{ operator }} <b>" in text(LetterKind.REFUSAL, RequestType.DESTROY, Language.EN, ground="{{ operator }} <b>")


def test_a_letter_in_two_languages_holds_the_whole_of_both() -> None:
    both = acknowledgement(RequestType.ACCESS, None, due=DUE)

    for language in (Language.KK, Language.RU):
        assert acknowledgement(RequestType.ACCESS, language, due=DUE) in both + "\n"


@pytest.mark.parametrize("template", sorted((TEMPLATES / "kk").glob("*.j2")), ids=lambda path: path.name)
def test_in_kazakh_no_suffix_hangs_on_a_value(template: Path) -> None:
    """A value stands alone on its line, or at its end after a label with a colon."""
    for line in template.read_text("utf-8").splitlines():
        if "{{" in line:
            assert re.fullmatch(r"(?:[^{}]+: )?\{\{ [\w.]+ \}\}", line), line


@pytest.mark.parametrize("language", Language)
def test_all_languages_say_the_same_things_in_the_same_letters(language: Language) -> None:
    def shape(of: Language) -> dict[str, object]:
        table = tomllib.loads((TEMPLATES / of / "words.toml").read_text("utf-8"))
        return {name: sorted(entry) if isinstance(entry, dict) else type(entry) for name, entry in {**table, **table["type"]}.items()}

    def tags(of: Language, kind: str) -> list[str]:
        return re.findall(r"\{[%{].*?[%}]\}", (TEMPLATES / of / f"{kind}.j2").read_text("utf-8").replace(f'"{of}/', '"'))

    assert shape(Language.EN) == shape(language)
    for kind in (*LetterKind, "letter", "done", "decided"):
        assert tags(Language.EN, kind) == tags(language, kind)


@pytest.mark.parametrize("language", Language)
def test_a_year_has_twelve_months_of_different_names(language: Language) -> None:
    wording = read_wording(language)

    assert len({wording.spell(date(2026, month, 1)) for month in range(1, 13)}) == 12
    assert wording.spell(None) == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_update_is_told_which_details_it_names_and_no_value(language: Language | None) -> None:
    text = acknowledgement(RequestType.UPDATE, language, due=DUE, changes=(Field.PHONE, Field.SURNAME))
    named = {Language.EN: "phone, surname", Language.RU: "телефон, фамилия", Language.KK: "телефон, тегі", None: "телефон, тегі"}
    assert named[language] in text
    assert not any(heading in text for heading in HEADINGS.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_update_that_names_nothing_is_asked_back_with_a_form(language: Language | None) -> None:
    text = acknowledgement(RequestType.UPDATE, language, due=DUE)
    for spoken in (language,) if language else (Language.KK, Language.RU):
        assert HEADINGS[spoken] in text
        assert f"{LABELS[spoken][Field.PHONE]}:\n" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_asks_for_another_person_reads_what_is_missing(language: Language | None) -> None:
    named = {
        Language.EN: ["a power of attorney"],
        Language.RU: ["доверенность"],
        Language.KK: ["сенімхат"],
        None: ["сенімхат", "доверенность"],
    }
    assert all(word in acknowledgement(None, language, for_another=True) for word in named[language])
    assert not any(word in acknowledgement(None, language) for word in named[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_that_asks_back_keeps_its_greeting_apart(language: Language | None) -> None:
    lines = acknowledgement(RequestType.ACCESS, language, code="0" * 26, confirm_by=DUE).splitlines()

    greetings = [lines.index(each) for each in ("Құрметпен,", "С уважением,", "Yours sincerely,") if each in lines]
    assert ([""] * len(languages_of(language))) == [lines[at - 1] for at in greetings]
