"""The page of a rehearsal: three languages, by itself, and nothing in it that a message could have put there."""

import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mailbot.config import load_config
from mailbot.rehearsal import Findings, Found
from mailbot.rehearsal_page import own_words_of, write_page
from rules.place import Place
from rules.vocabulary import Certainty, Language, Outcome, RequestType, Standing, State
from storage.register import Registered
from tests.conftest import write_config
from tests.mailbot.digest_room import Tags

TODAY = date(2026, 11, 23)
HOSTILE = "\u202e<b>x</b><img/src=//evil.example>\u2028\x00@evil.example"


def a_request(**fields: object) -> Registered:
    """Return an update received on 16 November."""
    usual: dict[str, object] = {
        "reference": "2026-00001-K",
        "type": RequestType.UPDATE,
        "outcome": Outcome.REQUEST,
        "state": State.AWAITING_STAFF,
        "language": Language.EN,
        "standing": Standing.UNPROVEN,
        "received_at": datetime(2026, 11, 16, 20, tzinfo=UTC),
        "received_on": date(2026, 11, 17),
        "due": None,
        "postponed_to": None,
        "rule": "open_request",
        "reason": "The subject asks for it.",
        "matched": "personal data update",
        "clause": "8.3",
        "certainty": Certainty.EXACT,
        "may_be": (),
        "policy": "kazger",
        "policy_version": "1",
        "sender": "aigul@example.com",
        "sender_key": None,
        "subscriber_id": None,
        "flags": (),
        "place": Place("info@alit.kz", "INBOX", 7, 41),
        "obligations": (),
    }
    return Registered(**(usual | fields))  # type: ignore[arg-type]


HELD = a_request(
    type=None, outcome=Outcome.HELD, rule="hold_for_a_person", reason="The letter makes two different demands.",
    may_be=(RequestType.UPDATE, RequestType.DESTROY), matched=None, clause=None, certainty=None,
)  # fmt: skip
LATE = Found(a_request(), "Personal Data Update", date(2026, 11, 18), None)
TO_READ = Found(HELD, "Two things", date(2026, 11, 30), None)
OPEN = Found(a_request(certainty=Certainty.GUESS, matched="new phone", clause="94-V art. 24"), "My phone", date(2026, 11, 23), None)
ANSWERED = Found(a_request(), "Personal Data Update", date(2026, 11, 18), date(2026, 11, 17))


def a_page(folder: Path, *items: Found, language: Language = Language.EN, not_heard: tuple[str, ...] = ()) -> str:
    config = load_config(write_config(folder, imap_port=1, smtp_port=1, staff={"language": language}))
    outcomes = Counter({Outcome.ORDINARY: 1200, Outcome.REQUEST: 3, Outcome.HELD: 1})
    return write_page(config, Findings(date(2026, 8, 25), TODAY, items, outcomes, 2, not_heard))


def headings(page: str) -> list[str]:
    """Return the headings with how many items stand under them."""
    return [re.sub(r"<[^>]+>", "", found) for found in re.findall(r"<h2[^>]*>(.*?)</h2>", page)]


def test_items_stand_where_they_fit_first(tmp_path: Path) -> None:
    page = a_page(tmp_path, LATE, TO_READ, OPEN, ANSWERED)
    told = ["Late already, as far as is known 1", "To be read by a person 1", "Still in time 1", "Answered by hand, it seems 1"]
    assert told == headings(page)[:4]


def test_each_item_says_why_and_by_when(tmp_path: Path) -> None:
    texts = Tags(a_page(tmp_path, LATE, TO_READ, OPEN, ANSWERED)).texts
    told = (
        "The agreed words stand in it: “personal data update”. The policy offers this in clause 8.3.",
        "Due Wed 18.11.2026 · late since Thu 19.11.2026",
        "The letter makes two different demands. May be: update of data, deletion of data.",
        "These words usually mean it: “new phone”. It rests on 94-V art. 24.",
        "Due Wed 18.11.2026 · staff wrote to this person on Tue 17.11.2026: was that the answer?",
    )
    assert [] == [sentence for sentence in told if sentence not in texts]


def test_all_mail_is_accounted_for(tmp_path: Path) -> None:
    cells = re.findall(r"<tr[^>]*><td>([^<]*)</td><td class=\"number\">([\d\s]+)</td>", a_page(tmp_path, LATE))
    assert [
        ("requests", "3"),
        ("ordinary", "1\N{NO-BREAK SPACE}200"),
        ("held", "1"),
        ("not delivered by the mail server", "2"),
        ("messages", "1\N{NO-BREAK SPACE}206"),
    ] == cells


def test_what_could_not_be_looked_up_is_said(tmp_path: Path) -> None:
    told = "could not be looked up (info@alit.kz)"
    assert (True, False) == (told in a_page(tmp_path, LATE, not_heard=("info@alit.kz",)), told in a_page(tmp_path, LATE))


@pytest.mark.parametrize("language", Language)
def test_a_page_speaks_one_language(tmp_path: Path, language: Language) -> None:
    page = a_page(tmp_path, LATE, TO_READ, OPEN, ANSWERED, language=language, not_heard=("info@alit.kz",))
    own = own_words_of(language)
    assert [f"{own['heading'][group]} 1" for group in ("late", "held", "open", "answered")] == headings(page)[:4]
    assert "{" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_the_three_languages_say_the_same_things() -> None:
    def keys(language: Language) -> dict[str, list[str]]:
        return {key: list(value) if isinstance(value, dict) else [] for key, value in own_words_of(language).items()}

    assert keys(Language.EN) == keys(Language.RU) == keys(Language.KK)


def test_h102_nothing_of_a_message_works_on_the_page(tmp_path: Path) -> None:
    hostile = Found(a_request(sender=HOSTILE, matched=HOSTILE, place=Place("info@alit.kz", HOSTILE, 7, 41)), HOSTILE, TODAY, None)
    page, plain = a_page(tmp_path, hostile), a_page(tmp_path, LATE)
    assert {tag for tag, _ in Tags(plain).tags} == {tag for tag, _ in Tags(page).tags}
    assert [] == re.findall("[\u202a-\u202e\u2066-\u2069\u2028\x00]", page)


def test_the_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    page = a_page(tmp_path, LATE, TO_READ)
    assert [] == [
        tag for tag, attributes in Tags(page).tags if tag in ("script", "a", "img", "link") or {"src", "href"} & attributes.keys()
    ]
    assert [] == re.findall(r"https?:|//|url\(|@import", page)
