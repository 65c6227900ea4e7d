"""The plain form of a subject: characters, wrappers, words, and texts typed another way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.normal_form import LAYOUTS, SUBJECT_LIMIT, bare, folded, plain, skeleton, unwrapped, with_kazakh_keys, words


@pytest.mark.parametrize(
    "written",
    [
        "Updating personal data",
        "UPDATING PERSONAL DATA",
        "«Updating personal data»",
        "“Updating personal data.”",
        "'Updating personal data'.",
        "  Updating\u00a0personal \t data ",
        "Upda\u00adting per\u200bsonal\ufeff data",
        "Ｕｐｄａｔｉｎｇ ｐｅｒｓｏｎａｌ ｄａｔａ",
    ],
)
def test_h49_odd_characters_leave_the_plain_form(written: str) -> None:
    assert "updating personal data" == bare(plain(written))


def test_a_decomposed_letter_is_the_letter() -> None:
    assert bare("мой") == bare(plain("мои\u0306"))


def test_a_turkic_capital_is_the_small_letter() -> None:
    assert "jinli" == folded(plain("JİNLİ"))


@pytest.mark.parametrize(
    "written",
    [
        "Re: X y",
        "RE[2]: Re(3): X y",
        "FW: Fwd: AW: WG: X y",
        "Отв: Пересл: НА: X y",
        "Жауап: Қайта жіберу: X y",
        "Re： X y",
        "[EXTERNAL] ***SPAM*** [#48213] X y",
        "Subject: X y",
        "Тема письма: X y",
        "Тақырыбы: X y",
        "X y белгісімен",
        "с пометкой: X y",
    ],
)
def test_h49_wrappers_are_taken_off(written: str) -> None:
    assert "X y" == unwrapped(plain(written)).core


def test_two_letters_without_a_colon_are_a_word() -> None:
    assert "Re entry" == unwrapped("Re entry").core
    assert "НА ремонт" == unwrapped("НА ремонт").core


def test_replies_and_forwards_are_told_apart() -> None:
    assert (True, False) == (unwrapped("Re: x").is_reply, unwrapped("Re: x").is_forward)
    assert (False, True) == (unwrapped("Fwd: x").is_reply, unwrapped("Fwd: x").is_forward)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Wіthdrаwаl оf соnsеnt", "withdrawal of consent"),
        ("Cтоп", "стоп"),
        ("деректерi", "деректері"),
        ("cвoё", "свое"),
        ("mу", "my"),
        ("update обновить", "update обновить"),
    ],
)
def test_look_alike_letters_are_folded_word_by_word(written: str, expected: str) -> None:
    assert expected == folded(plain(written))


def test_addresses_and_phone_numbers_are_no_words() -> None:
    assert ["phone", ":"] == words("phone: +7 700 000 10 01")
    assert ["mail"] == words("mail a.b@post.example")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("jnpsd cjukfcbz", "отзыв согласия"),
        ("j,yjdktybt gthcjyfkmys[ lfyys[", "обновление персональных данных"),
        ("lth,tc lthtrnthl3 ;f4fhne", "дербес деректерді жаңарту"),
        ("гтыгиыскшиу", "unsubscribe"),
    ],
)
def test_the_wrong_keyboard_layout_is_read(typed: str, meant: str) -> None:
    assert meant in [typed.translate(keys) for keys in LAYOUTS]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("кел3с3м3мд3 0айтарып аламын", "келісімімді қайтарып аламын"), ("дербес деректерд3 -4деуге", "дербес деректерді өңдеуге")],
)
def test_kazakh_typed_while_the_russian_layout_was_on_is_read(typed: str, meant: str) -> None:
    assert meant == with_kazakh_keys(typed)


def test_numbers_stay_numbers() -> None:
    assert "счет 2345 от 20" == with_kazakh_keys("счет 2345 от 20")
    assert "шарт 20, 5 дана" == with_kazakh_keys("шарт 20, 5 дана")


def test_a_word_cut_short_is_the_word() -> None:
    assert ["моих", "персональных", "данных"] == words("моих перс. данных")


@pytest.mark.parametrize(
    ("spellings", "word"),
    [
        (("soglasiya", "soglasija", "soglasia"), "согласия"),
        (("otzyv", "otziv"), "отзыв"),
        (("personalnyh", "personalnykh", "personal'nyh"), "персональных"),
        (("aktualizaciya", "aktualizatsiya"), "актуализация"),
        (("jañartu", "jańartý", "zhanartu", "janartu", "жанарту"), "жаңарту"),
        (("qaitaryp", "qaıtaryp", "kaitaryp", "кайтарып"), "қайтарып"),
    ],
)
def test_one_word_has_one_skeleton_however_it_is_spelt(spellings: tuple[str, ...], word: str) -> None:
    assert {skeleton(word)} == {skeleton(spelling) for spelling in spellings}


@given(st.text(max_size=600))
def test_no_text_breaks_the_plain_form(text: str) -> None:
    form = plain(text)
    assert len(form) <= SUBJECT_LIMIT
    words(folded(unwrapped(form).core))
    with_kazakh_keys(form.lower())
    skeleton(form.lower())
