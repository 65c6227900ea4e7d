"""Keyed hashes: equal for what is the same, different for everything else, and worthless without the key."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.fingerprint import SIZE, Keys

KEYS, OTHERS = Keys(bytes(32)), Keys(bytes(31) + b"\1")
WORD = "aigul@example.com"
HASHES: dict[str, Callable[[Keys], bytes]] = {
    "message": lambda keys: keys.of_message(WORD, "", "", "", 0),
    "id": lambda keys: keys.of_message_id(WORD),
    "address": lambda keys: keys.of_address(WORD),
    "domain": lambda keys: keys.of_domain(WORD),
    "text": lambda keys: keys.of_text(WORD, ""),
}


@pytest.mark.parametrize("kind", HASHES)
def test_the_same_is_equal_under_one_key_and_different_under_another(kind: str) -> None:
    assert HASHES[kind](KEYS) == HASHES[kind](Keys(bytes(32)))
    assert HASHES[kind](KEYS) != HASHES[kind](OTHERS)
    assert SIZE == len(HASHES[kind](KEYS))


def test_the_kinds_never_collide() -> None:
    """Of three that hash one text alone; the other two join several."""
    assert 3 == len({KEYS.of_message_id(WORD), KEYS.of_address(WORD), KEYS.of_domain(WORD)})
    assert KEYS.of_text(WORD, "") != KEYS.of_address(f"{WORD}\0")
    assert KEYS.of_message(WORD, "", "", "", 0) != KEYS.of_text(WORD, "\0\0\0" + "0")


def test_hashing_one_thing_leaves_the_next_alone() -> None:
    first = KEYS.of_address(WORD)
    KEYS.of_address("dana@example.com")
    assert first == KEYS.of_address(WORD)


MESSAGE = ("<1@example.com>", "Fri, 20 Nov 2026 11:59:00 +0500", WORD, "A letter", 1200)


@pytest.mark.parametrize("at", range(len(MESSAGE)))
def test_h3_every_part_of_a_message_tells_it_from_another(at: int) -> None:
    other = list(MESSAGE)
    other[at] = 1201 if at == 4 else "x"
    assert KEYS.of_message(*MESSAGE) != KEYS.of_message(*other)  # type: ignore[arg-type]


def test_h26_a_message_without_message_id_has_a_fingerprint() -> None:
    assert KEYS.of_message(None, *MESSAGE[1:]) != KEYS.of_message(*MESSAGE)


def test_parts_of_a_message_do_not_run_into_each_other() -> None:
    assert KEYS.of_message(None, "ab", "c", "", 1) != KEYS.of_message(None, "a", "bc", "", 1)
    assert KEYS.of_text("a b", "c") != KEYS.of_text("a", "b c")


@given(
    st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1)),
    st.lists(st.sampled_from([" ", "\t", "\n", "\r\n", "\u00a0"]), min_size=1),
)
def test_h28_a_text_is_the_same_however_its_spaces_and_line_ends_arrive(words: list[str], spaces: list[str]) -> None:
    rewrapped = "".join(word + spaces[at % len(spaces)] for at, word in enumerate(words))
    assert KEYS.of_text("A letter", " ".join(words)) == KEYS.of_text("  A\tletter ", rewrapped)


@given(st.text(st.characters()))
def test_h38_no_text_breaks_a_hash(text: str) -> None:
    assert SIZE == len(KEYS.of_text(text, text + "\ud800"))
