"""What a message belongs to: copies, threads, references, and the picture that grows with each decision."""

from dataclasses import replace

import pytest

from rules.matching import KnownRequest, Picture, Pointers, Tie, references_named
from rules.reference import reference
from rules.vocabulary import RequestType

OURS, THEIRS = "<mailbot.1@sample.example>", b"message of aigul"
ACCESS = KnownRequest(reference(2026, 1), RequestType.ACCESS, b"aigul", is_open=True)
DESTROY = KnownRequest(reference(2026, 2), RequestType.DESTROY, b"dana", is_open=True)
NOBODY = Pointers(b"aigul", b"id", b"text", answered_keys=(), answered_ids=(), subject="")


@pytest.fixture
def picture() -> Picture:
    """Return a picture of two requests: each was acknowledged, and the message that opened the first is kept."""
    picture = Picture(by_letter={OURS: ACCESS.reference, "<mailbot.2@sample.example>": DESTROY.reference})
    picture.add_request(ACCESS)
    picture.add_request(DESTROY)
    picture.add_message(replace(NOBODY, message_key=THEIRS), ACCESS.reference)
    return picture


# --- Copies


def test_h28_the_same_message_id_and_text_were_seen(picture: Picture) -> None:
    assert not picture.has_seen(NOBODY)
    picture.add_message(NOBODY, ACCESS.reference)
    assert picture.has_seen(NOBODY)


@pytest.mark.parametrize("other", [replace(NOBODY, text_key=b"other"), replace(NOBODY, message_key=b"other")])
def test_h27_another_text_or_another_message_id_is_another_message(picture: Picture, other: Pointers) -> None:
    picture.add_message(NOBODY, None)
    assert not picture.has_seen(other)


def test_h27_every_text_under_one_message_id_is_remembered(picture: Picture) -> None:
    for text in (b"one", b"two"):
        picture.add_message(replace(NOBODY, text_key=text), None)
    assert picture.has_seen(replace(NOBODY, text_key=b"one"))


@pytest.mark.parametrize("unread", [replace(NOBODY, message_key=None), replace(NOBODY, text_key=None)])
def test_h26_what_has_no_identity_was_never_seen(picture: Picture, unread: Pointers) -> None:
    before = {**picture.seen}, {**picture.by_message}
    picture.add_message(unread, ACCESS.reference)
    assert not picture.has_seen(unread)
    assert before == (picture.seen, picture.by_message)


# --- Threads and references


@pytest.mark.parametrize(
    ("pointers", "by_our_words"),
    [
        (replace(NOBODY, answered_ids=(OURS,)), True),
        (replace(NOBODY, subject=f"Re: {ACCESS.reference}"), True),
        (replace(NOBODY, answered_keys=(THEIRS,)), False),
    ],
    ids=["answers_our_letter", "names_the_reference", "answers_their_own_message"],
)
@pytest.mark.parametrize(("sender", "from_requester"), [(b"aigul", True), (b"dana", False), (None, False)])
def test_a_message_is_tied_to_what_it_answers_or_names(
    picture: Picture, pointers: Pointers, by_our_words: bool, sender: bytes | None, from_requester: bool
) -> None:
    assert Tie(ACCESS, from_requester, by_our_words) == picture.tie(replace(pointers, sender_key=sender))


@pytest.mark.parametrize(
    "pointers",
    [
        NOBODY,
        replace(NOBODY, answered_ids=("<mailbot.3@sample.example>",)),
        replace(NOBODY, answered_keys=(b"unknown",)),
        replace(NOBODY, subject=reference(2026, 3)),
        replace(NOBODY, subject="Order 2026-00001-Q"),
    ],
    ids=["nothing", "unknown_letter", "unknown_message", "unknown_reference", "wrong_check_character"],
)
def test_what_points_to_nothing_known_is_tied_to_nothing(picture: Picture, pointers: Pointers) -> None:
    assert picture.tie(pointers) is None


def test_our_words_weigh_more_than_the_thread(picture: Picture) -> None:
    tie = picture.tie(replace(NOBODY, answered_keys=(THEIRS,), subject=DESTROY.reference))
    assert Tie(DESTROY, from_requester=False, by_our_words=True) == tie


def test_the_letter_answered_weighs_more_than_a_reference_named(picture: Picture) -> None:
    """A subject is copied from letter to letter; what is answered is not."""
    tie = picture.tie(replace(NOBODY, answered_ids=(OURS,), subject=DESTROY.reference))
    assert tie
    assert ACCESS == tie.request


def test_a_requester_without_a_key_is_nobody() -> None:
    picture = Picture()
    picture.add_request(replace(ACCESS, sender_key=None))
    tie = picture.tie(replace(NOBODY, sender_key=None, subject=ACCESS.reference))
    assert tie
    assert not tie.from_requester


def test_the_first_message_under_a_message_id_keeps_its_request(picture: Picture) -> None:
    """Whoever writes later under a Message-ID that was used cannot draw its answers to a request of their own."""
    picture.add_message(replace(NOBODY, message_key=THEIRS, text_key=b"forged"), DESTROY.reference)
    tie = picture.tie(replace(NOBODY, answered_keys=(THEIRS,)))
    assert tie
    assert ACCESS == tie.request


# --- Open requests


def test_the_open_request_of_a_type_is_found_by_its_sender_alone(picture: Picture) -> None:
    assert ACCESS == picture.open_request_of(b"aigul", RequestType.ACCESS)
    assert picture.open_request_of(b"aigul", RequestType.DESTROY) is None
    assert picture.open_request_of(b"dana", RequestType.ACCESS) is None
    assert picture.open_request_of(None, RequestType.ACCESS) is None


def test_a_closed_request_is_not_an_open_one(picture: Picture) -> None:
    picture.add_request(replace(ACCESS, is_open=False))
    assert picture.open_request_of(b"aigul", RequestType.ACCESS) is None


def test_the_first_of_two_open_requests_governs(picture: Picture) -> None:
    picture.add_request(replace(ACCESS, reference=reference(2026, 9)))
    assert ACCESS == picture.open_request_of(b"aigul", RequestType.ACCESS)


def test_an_open_request_that_told_nobody_anything_counts_only_where_there_is_no_other(picture: Picture) -> None:
    heard = replace(ACCESS, reference=reference(2026, 9))
    picture.add_request(replace(ACCESS, is_unheard=True))
    assert replace(ACCESS, is_unheard=True) == picture.open_request_of(b"aigul", RequestType.ACCESS)
    picture.add_request(heard)
    assert heard == picture.open_request_of(b"aigul", RequestType.ACCESS)


def test_a_request_that_changed_is_known_once_and_one_of_nobody_under_no_sender(picture: Picture) -> None:
    picture.add_request(replace(ACCESS, is_open=False))
    picture.add_request(replace(DESTROY, reference=reference(2026, 9), sender_key=None))
    assert {b"aigul": [ACCESS.reference], b"dana": [DESTROY.reference]} == picture.by_sender


def test_what_one_decision_opened_the_next_message_of_the_batch_sees() -> None:
    picture = Picture()
    assert picture.open_request_of(b"aigul", RequestType.ACCESS) is None
    picture.add_request(ACCESS)
    picture.add_message(NOBODY, ACCESS.reference)
    assert ACCESS == picture.open_request_of(b"aigul", RequestType.ACCESS)
    assert Tie(ACCESS, from_requester=True, by_our_words=False) == picture.tie(replace(NOBODY, answered_keys=(b"id",)))


def test_all_references_of_a_batch_are_named_once() -> None:
    subjects = [f"Re: {ACCESS.reference}", f"{ACCESS.reference} {DESTROY.reference}", "2026-00001-Q", ""]
    assert frozenset({ACCESS.reference, DESTROY.reference}) == references_named(subjects)
