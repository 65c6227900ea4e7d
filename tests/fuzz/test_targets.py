"""What the fuzzer begins with and what it once found keep every promise; the fuzzer itself is ``make fuzz``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.__main__ import NAMES
from tests.fuzz.seeds import found_by, seeds_of
from tests.fuzz.targets import TARGETS, assert_clean
from tests.mail.foreign import foreign

EVERY_SEED = 4


def test_the_fuzzer_knows_all_targets() -> None:
    assert [*NAMES] == [*TARGETS]
    assert all(path.name.startswith(tuple(f"{name}-" for name in NAMES)) for name in NAMES for path in found_by(name))


@pytest.mark.parametrize("name", NAMES)
def test_h38_h55_whatever_is_read_is_read_alike_twice_and_leaves_nothing_unclean(name: str) -> None:
    seeds = seeds_of(name)
    for seed in seeds[:: EVERY_SEED if len(seeds) > 50 else 1]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_fuzzer_once_found_is_mended(name: str) -> None:
    for path in found_by(name):
        TARGETS[name](path.read_bytes())


def test_h37_h38_h39_h40_h41_h56_foreign_mail_is_read_alike_twice_and_leaves_nothing_unclean() -> None:
    for each in foreign():
        TARGETS["message"](each.raw)


@given(st.text(max_size=300), st.sampled_from(["Personal Data Update\n", "\n", "Отзыв согласия\n"]))
def test_no_text_at_all_makes_recognition_or_details_raise(text: str, subject: str) -> None:
    for name in ("recognition", "details"):
        TARGETS[name]((subject + text).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("unclean", ["\0", "\x1b", "\ud800"])
def test_h38_unclean_text_would_be_noticed(unclean: str) -> None:
    with pytest.raises(AssertionError, match="leaves"):
        assert_clean(("clean", frozenset({f"un{unclean}clean"})))
