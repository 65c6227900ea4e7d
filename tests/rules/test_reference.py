"""References of requests: found in any text, and never joined by a slip of the pen."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.reference import ALPHABET, reference, references_in

REFERENCES = st.builds(reference, st.integers(2000, 2999), st.integers(1, 9_999_999))
DIGITS = "0123456789"


def digit_places(written: str) -> list[int]:
    return [place for place, character in enumerate(written) if character in DIGITS]


def test_a_reference_has_year_number_and_check_character() -> None:
    assert "2026-00042-V" == reference(2026, 42)


def test_the_ten_thousandth_request_of_a_year_and_the_millionth_have_references() -> None:
    assert ("2026-10000-", "2026-1000000-") == (reference(2026, 10_000)[:-1], reference(2026, 1_000_000)[:-1])


@given(REFERENCES)
def test_a_reference_is_found_again(written: str) -> None:
    assert (written,) == references_in(written)


@given(REFERENCES, st.data())
def test_every_single_wrong_digit_is_caught(written: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(digit_places(written)))
    wrong = data.draw(st.sampled_from(DIGITS.replace(written[place], "")))
    assert () == references_in(written[:place] + wrong + written[place + 1 :])


@given(REFERENCES, st.data())
def test_every_swap_of_neighbours_is_caught(written: str, data: st.DataObject) -> None:
    """Also the swap over the hyphen."""
    places = digit_places(written)
    one, other = data.draw(st.sampled_from(list(pairwise(places))))
    assume(written[one] != written[other])
    swapped = list(written)
    swapped[one], swapped[other] = written[other], written[one]
    assert () == references_in("".join(swapped))


@given(REFERENCES, st.sampled_from(ALPHABET))
def test_every_wrong_check_character_is_caught(written: str, check: str) -> None:
    assume(check != written[-1])
    assert () == references_in(written[:-1] + check)


def test_the_check_character_is_never_read_as_a_digit() -> None:
    assert not set("IO") & set(ALPHABET)


@pytest.mark.parametrize(
    "text",
    [
        "Re: We have received your letter: {}",
        "№{}.",
        "«{}»",
        "[{}] FW: жауап",
        "обращение {}, повторно",
    ],
)
def test_a_reference_is_found_in_a_subject(text: str) -> None:
    written = reference(2026, 42)
    assert (written,) == references_in(text.format(written))


@pytest.mark.parametrize("text", ["1{}", "A{}", "{}1", "{}A", "{}a"])
def test_a_part_of_a_longer_number_is_no_reference(text: str) -> None:
    assert () == references_in(text.format(reference(2026, 42)))


@pytest.mark.parametrize("text", ["", "2026-00042", "2026-00042-", "26-00042-V", "2026-42-V", "2026 00042 V", "2026-00042-v"])
def test_what_is_not_written_like_a_reference_is_none(text: str) -> None:
    assert () == references_in(text)


def test_digits_of_another_script_make_no_reference() -> None:
    arabic_indic = reference(2026, 42).translate({ord(digit): 0x660 + int(digit) for digit in DIGITS})
    assert () == references_in(arabic_indic)


def test_several_references_are_found_in_order_and_once_each() -> None:
    one, other = reference(2026, 7), reference(2026, 3)
    assert (one, other) == references_in(f"{one}, {other}; {one}")


@given(st.text())
def test_no_text_breaks_the_search(text: str) -> None:
    assert all(each in text for each in references_in(text))
