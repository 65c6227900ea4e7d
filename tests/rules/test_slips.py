"""Words that were misspelt or lost a space, and what is not taken for one of ours."""

import pytest

from rules.lexicon.slips import Slips
from rules.lexicon.words import AS_WRITTEN

SLIPS = Slips(["согласие", "account"], ["актуализ", "personal"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("согасие", "согласие"),
        ("соглассие", "согласие"),
        ("соглосие", "согласие"),
        ("солгасие", "согласие"),
        ("acount", "account"),
        ("актулизация", "актуализ"),
        ("personel", "personal"),
    ],
)
def test_one_slip_is_seen_through_in_a_word_and_in_the_beginning_of_one(typed: str, meant: str) -> None:
    assert meant == SLIPS.meant(typed)


@pytest.mark.parametrize("other", ["согласовать", "осогласие", "count", "парсонал", "актёр", "x" * 100])
def test_two_slips_another_first_letter_and_what_is_short_are_other_words(other: str) -> None:
    assert SLIPS.meant(other) is None


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("отзывсогласия", ("отзыв", "согласия")),
        ("сперсональными", ("с", "персональными")),
        ("персональныхданных", ("персональных", "данных")),
        ("деректерімдіөшіріңіз", ("деректерімді", "өшіріңіз")),
        ("revocationofconsent", ("revocation", "of", "consent")),
    ],
)
def test_a_lost_space_is_found(typed: str, parts: tuple[str, ...]) -> None:
    assert parts == AS_WRITTEN.mended([typed])


@pytest.mark.parametrize("word", ["согласование", "деректеріңіздерден", "персонала", "подписания", "отпуск", "неудовлетворительно"])
def test_a_word_that_is_whole_stays_whole(word: str) -> None:
    assert (word,) == AS_WRITTEN.mended([word])
