"""How like a value is to those that people ask to record: the second reading of details."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.details import proposed, told_by_words
from rules.details_alike import EVERY, Told, Value, chances, pieces_of, shares, weighed
from rules.details_change import Change, Field
from tests import learn_values
from tests.learn_values import Rival

FIRST: Value = (Field.PHONE, "+77000009001")
SECOND: Value = (Field.PHONE, "+77000009002")


def told(body: str, sender: str = "dana@post.example") -> Told:
    return told_by_words("", body, sender=sender)


def lesson(first: str, second: str) -> learn_values.Lesson:
    """Return two rivals of which the first is right."""
    return (Rival(FIRST, frozenset({first, "both"}), is_right=True), Rival(SECOND, frozenset({second, "both"}), is_right=False))


# --- What is learnt ------------------------------------------------------------------------------------------------------------------


def test_the_weights_are_what_the_labelled_updates_teach() -> None:
    written = learn_values.FILE.read_text(encoding="utf-8")
    assert learn_values.told(learn_values.lessons()) == written, "the letters or the patterns changed: run `make learn`"


def test_the_file_stays_small() -> None:
    assert learn_values.FILE.stat().st_size < 400_000


def test_what_stands_beside_the_right_value_weighs_more_than_what_stands_beside_both() -> None:
    weights = learn_values.learnt([lesson("now", "was")] * 4)
    assert weights["now"] > weights["both"] > weights["was"]


def test_what_a_single_value_has_is_not_learnt() -> None:
    assert {EVERY, "both"} == learn_values.learnt([lesson("now", "was")]).keys()


# --- Chances -------------------------------------------------------------------------------------------------------------------------


def test_values_compete_with_each_other_and_with_there_being_nothing_to_record() -> None:
    shared = shares({FIRST: 0.0, SECOND: 0.0})
    assert pytest.approx({FIRST: 1 / 3, SECOND: 1 / 3}) == shared


@given(st.lists(st.floats(-900, 900), min_size=1, max_size=5))
def test_the_chances_of_a_field_make_at_most_one(scores: list[float]) -> None:
    shared = shares({(Field.PHONE, str(number)): score for number, score in enumerate(scores)})
    assert 0 <= sum(shared.values()) <= 1 + 1e-9


def test_a_letter_without_a_value_has_no_chances() -> None:
    assert {} == chances(told("Please update my data."))


# --- Pieces --------------------------------------------------------------------------------------------------------------------------


def test_a_value_is_known_by_its_neighbours_and_its_place_among_those_of_its_field() -> None:
    pieces = pieces_of(told("Теперь 8 700 000 90 01, а не 8 700 000 90 02"), with_roles=False)
    assert {"<<теперь", "contact 0/2", ">>,"} <= pieces[FIRST]
    assert {"<<не", "contact 1/2"} <= pieces[SECOND]
    assert "<<теперь" not in pieces[SECOND]


def test_kazakh_without_its_letters_has_the_same_pieces() -> None:
    assert pieces_of(told("Жаңа нөмірім 8 700 000 90 01"))[FIRST] == pieces_of(told("Жана номирим 8 700 000 90 01"))[FIRST]


def test_the_words_of_another_sentence_are_kept_apart() -> None:
    pieces = pieces_of(told("It was lost. Call 8 700 000 90 01"), with_roles=False)[FIRST]
    assert {"<lost", "<.call"} <= pieces
    assert "<.lost" not in pieces


def test_an_address_of_which_the_letter_comes_is_told_from_others() -> None:
    body = "Write to a@post.example or b@post.example"
    assert "sender True" in pieces_of(told(body, sender="a@post.example"))[Field.EMAIL, "a@post.example"]
    assert "sender False" in pieces_of(told(body, sender="a@post.example"))[Field.EMAIL, "b@post.example"]


def test_what_patterns_make_of_a_value_is_left_out_where_they_were_tuned() -> None:
    letter = told("My new phone is 8 700 000 90 01")
    roles = pieces_of(letter)[FIRST] - pieces_of(letter, with_roles=False)[FIRST]
    assert {"NEW", "told True"} <= roles


# --- Together with the patterns -------------------------------------------------------------------------------------------------------


ADDED = "I left the office last week, please use my own number from now on: 8 700 000 90 01"
DROPPED = "Телефон 8 700 000 90 01 верный, адрес квартиры поменялся."


def test_a_value_that_no_pattern_proposes_is_added_where_letters_like_it_ask_for_it() -> None:
    letter = told(ADDED)
    assert () == letter.changes
    assert (Change(Field.PHONE, None, "+77000009001"),) == weighed(letter)


def test_a_value_that_patterns_propose_is_dropped_where_no_letter_like_it_asks_for_it() -> None:
    letter = told(DROPPED)
    assert letter.changes
    assert () == weighed(letter)


@given(st.text(max_size=200), st.text(max_size=400))
def test_of_a_field_at_most_one_change_is_proposed(subject: str, body: str) -> None:
    fields = [change.field for change in proposed(subject, body, sender="a@example.com")]
    assert sorted(set(fields)) == sorted(fields)
