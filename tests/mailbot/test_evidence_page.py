"""The pages of proof: three languages, by themselves, and nothing in them that a message could have put there (H102)."""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from mailbot.desk import Desk
from mailbot.promises_kept import Kept, Worst
from mailbot.proof import Account, account_of
from mailbot.proof_page import dossier_page, own_words_of, promises_page
from rules.vocabulary import Certainty, Language, Outcome, RequestType, SourceMark, Standing, Starts, State
from storage.outbox import LetterState
from storage.tables import events, requests
from tests.mailbot.digest_room import Tags
from tests.mailbot.register_room import NOW, arrive, office, open_desk

HOSTILE = "\u202e<b>x</b><img/src=//evil.example>\u2028\x00"
DAYS = date(2026, 1, 1), date(2026, 12, 31)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(office(tmp_path)) as opened:
        yield opened


def an_account(desk: Desk, **fields: Any) -> Account:
    """Return the dossier of an access request, with ``fields`` in place of its own."""
    return {**account_of(desk, arrive(desk, RequestType.ACCESS), NOW), **fields}


def page_of(desk: Desk, language: Language = Language.EN, **fields: Any) -> str:
    return dossier_page(desk, an_account(desk, **fields), language)


def texts(page: str) -> str:
    return " ".join(filter(None, Tags(page).texts))


@pytest.mark.parametrize("language", Language)
def test_a_page_is_in_the_language_of_the_staff(desk: Desk, language: Language) -> None:
    page, own = page_of(desk, language), own_words_of(language)
    assert f'<html lang="{language}">' in page
    headings = [unescape(found) for found in re.findall(r"<h2>(.*?)</h2>", page)]
    assert list(own["heading"].values()) == headings
    assert own["word"]["standing"]["aligned"] in texts(page)


def test_the_words_of_the_three_languages_have_the_same_keys() -> None:
    first, *others = (keys_of(own_words_of(language)) for language in Language)
    assert [first, first] == others


def keys_of(table: Any, path: str = "") -> set[str]:
    return {f"{path}{name}" for name in table} | {
        each for name in table if isinstance(table[name], dict) for each in keys_of(table[name], f"{name}.")
    }


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("state", State), ("letter_state", LetterState), ("standing", Standing),
        ("mark", SourceMark), ("certainty", Certainty), ("starts", Starts),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)  # fmt: skip
def test_every_word_of_the_register_has_a_word_of_the_page(language: Language, table: str, words: Any) -> None:
    assert set(words) == set(own_words_of(language)["word"][table])


@pytest.mark.parametrize("page", ["dossier", "promises"])
def test_a_page_needs_nothing_from_outside_and_leads_nowhere(desk: Desk, page: str) -> None:
    written = page_of(desk) if page == "dossier" else promises_page(desk, [], DAYS, Language.EN)
    tags = Tags(written).tags
    assert set() == {name for name, _ in tags} & {"script", "a", "img", "link", "iframe", "object", "form"}
    assert "default-src 'none'" in next(found["content"] or "" for name, found in tags if found.get("http-equiv"))
    assert not re.search(r"url\(|@import|https?://", written)
    assert "@media print" in written
    assert "prefers-color-scheme: dark" in written


def test_h102_nothing_of_a_message_is_markup_and_what_is_not_seen_is_shown(desk: Desk) -> None:
    account = an_account(desk)
    (message,), (line, *rest) = account["messages"], account["history"]
    hostile = {
        "sender": HOSTILE,
        "understood": {**account["understood"], "matched": HOSTILE, "reason": HOSTILE, "flags": [HOSTILE]},
        "messages": [{**message, "header": HOSTILE, "text": HOSTILE, "attachments": [HOSTILE]}],
        "obligations": [{**each, "system": HOSTILE, "by": HOSTILE} for each in account["obligations"]],
        "letters": [{**each, "reply": HOSTILE, "text": HOSTILE, "recipient": HOSTILE} for each in account["letters"]],
        "history": [{**line, "who": HOSTILE, "detail": {"why": HOSTILE, HOSTILE: [HOSTILE]}}, *rest],
    }
    page = dossier_page(desk, {**account, **hostile}, Language.EN)
    assert {"b", "img"}.isdisjoint(name for name, _ in Tags(page).tags)
    assert set() == set(page) & set("\u202e\u2028\x00")
    assert "‹202E›" in page


def test_the_lines_of_a_message_stay_lines(desk: Desk) -> None:
    account = an_account(desk)
    page = dossier_page(desk, {**account, "messages": [{**account["messages"][0], "text": "one\r\ntwo"}]}, Language.EN)
    assert '<pre dir="auto">one\ntwo</pre>' in page


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"met": "2026-11-20T11:30:00+05:00", "days_in_hand": 3}, "Kept; days in hand: 3"),
        ({"met": "2026-11-20T11:30:00+05:00", "days_in_hand": -3}, "Met late; days late: 3"),
        ({"met": None, "days_in_hand": 0}, "Open; days left: 0"),
        ({"met": None, "days_in_hand": -1}, "Open and late; days late: 1"),
        ({"met": "2026-11-20T11:30:00+05:00", "due": None, "days_in_hand": None}, "Met; no due date"),
        ({"met": None, "due": None, "days_in_hand": None}, "Open; no due date"),
        ({"met": None, "days_in_hand": None}, "Not owed any more"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_each_obligation_says_whether_it_was_kept(desk: Desk, fields: dict[str, Any], expected: str) -> None:
    account = an_account(desk)
    owed = {**account["obligations"][0], **fields}
    assert expected in texts(dossier_page(desk, {**account, "obligations": [owed]}, Language.EN))


def test_limits_that_lost_stand_beside_the_one_that_governs(desk: Desk) -> None:
    account = an_account(desk)
    losing = [{"source": "Law 94-V art. 8(7)", "due": "2026-12-15", "arithmetic": "20 Nov + 15 working days"}]
    page = dossier_page(desk, {**account, "obligations": [{**account["obligations"][0], "losing": losing}]}, Language.EN)
    assert "Law 94-V art. 8(7): 2026-12-15 (20 Nov + 15 working days)" in page


def test_a_chain_that_does_not_hold_is_said_first(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    arrive(desk, RequestType.ACCESS, "dana@example.com")
    with desk.database.write() as tx:
        tx.execute(update(events).values(who="somebody"))
    page = texts(dossier_page(desk, account_of(desk, reference, NOW), Language.EN))
    assert "The chain of history does NOT hold." in page
    assert "Line 1: who or detail is not what was written" in page
    assert "Faults that concern other requests:" in page


def test_the_history_says_in_few_words_what_was_owed_and_since_when_it_is_met(desk: Desk) -> None:
    account = an_account(desk)
    stated = {**account["obligations"][0], "met": "2026-11-20T06:30:00.000000+00:00"}
    line = {**account["history"][0], "what": "owed", "detail": {"owed": [stated, {**stated, "system": "crm", "met": None, "due": None}]}}
    page = texts(dossier_page(desk, {**account, "history": [line]}, Language.EN))
    assert f"answer (staff): {stated['due']} ✓ 2026-11-20T06:30:00; answer (crm): –" in page


def test_a_request_of_which_little_is_known_has_a_page(desk: Desk) -> None:
    reference = arrive(desk, None, may_be=(RequestType.ACCESS, RequestType.DESTROY))
    with desk.database.write() as tx:
        tx.execute(update(requests).values(outcome=Outcome.HELD, sender=None, clause=None, certainty=None, language=None, due=None))
    page = texts(dossier_page(desk, account_of(desk, reference, NOW), Language.EN))
    assert "held for a person" in page
    assert "Access to own data Deletion of data" in page.replace("\n", " ")


@pytest.mark.parametrize(
    ("worst", "expected"), [(None, "–"), (Worst("2026-00001-K", 4), "days in hand: 4"), (Worst("2026-00001-K", -4), "days late: 4")],
    ids=["none", "in hand", "late"],
)  # fmt: skip
def test_a_promise_stands_in_a_row_with_its_counts_and_its_worst_case(desk: Desk, worst: Worst | None, expected: str) -> None:
    kept = Kept("Policy clause <3.2>", is_law=False, called=7, kept=5, late=2, worst=worst)
    page = promises_page(desk, [kept], DAYS, Language.EN)
    assert "Promises kept, 01.01.2026 – 31.12.2026" in page
    assert ["Policy clause <3.2>", "7", "5", "2", "–", "–"] == [text for text in Tags(page[page.index("<td>") :]).texts if text][:6]
    assert expected in page
