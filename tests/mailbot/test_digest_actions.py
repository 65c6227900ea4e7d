"""The links by which the digest is answered: each orders what it says, in words that are read as they are meant, and brings the secret."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from mailbot.digest_actions import TO_COMPLETE
from mailbot.digest_answers import SUBJECT_MARK
from mailbot.digest_destruction import Over, OverKind
from mailbot.digest_words import Digest, ItemKind, Numbered, Section
from mailbot.orders_answer import POSSIBLE
from rules.confirmation import codes_in
from rules.orders import Order, Verb, read_orders
from rules.vocabulary import Duty, Language, RequestType, Standing, State
from storage.outbox import LetterState
from storage.tasks import ListedTask, TaskState
from tests.mailbot.digest_room import (
    CODE,
    HELD,
    NOW,
    TODAY,
    Tags,
    a_capped_letter,
    a_digest,
    a_full_digest,
    a_letter,
    a_promise,
    an_answerable_page,
    an_item,
)

HERE = a_promise(what=Duty.STOP_PROCESSING, system="mailbot")
TELL = a_promise(what=Duty.NOTIFY_PERSON)
TASK = ListedTask(3, "2026-00001-K", "crm", "block", TaskState.FAILED, 4, NOW, NOW, "HTTP 500")


def links(html: str) -> list[tuple[str, str, str, str]]:
    """Return the address, subject and body of every link, and what stands on it."""
    found, after = [], html.split('<a class="button"')
    for (_, attributes), text in zip((tag for tag in Tags(html).tags if tag[0] == "a"), after[1:], strict=True):
        parts = urlsplit(attributes["href"] or "")
        fields = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
        assert ["subject", "body"] == list(fields)
        found.append((parts.path, fields["subject"], fields["body"], text.partition(">")[2].partition("<")[0]))
    return found


def ordered(body: str) -> Order:
    """Read the one order of a mail, completed where it is to be completed; 30.11 is a day, and may be a ground."""
    (read,) = read_orders(f"{body}30.11" if body.endswith(" ") else body, TODAY)
    assert isinstance(read, Order)
    return read


def orders_of(digest: Digest) -> list[tuple[Verb, Duty | RequestType | None]]:
    """Return what the links of a digest order, in their order."""
    read = [ordered(body) for _, _, body, _ in links(an_answerable_page(digest).html)]
    return [(order.verb, order.what or order.kind) for order in read]


def everything() -> Digest:
    """Return a digest with every kind of item, and of requests every type and duty."""
    typed = [an_item(100 + n, type=kind, promises=(HERE, TELL)) for n, kind in enumerate(RequestType)]
    owing = [an_item(200 + n, promises=(a_promise(what=duty), a_promise(what="else"))) for n, duty in enumerate(Duty)]
    may_be = [an_item(300 + n, **HELD, may_be=(kind,)) for n, kind in enumerate(RequestType)]
    over = (Over(OverKind.DESTROYED, 3), Over(OverKind.ENDED, address="aigul@example.com", on=TODAY), Over(OverKind.HOLD, why=("court",)))
    items = {**a_full_digest().items, Section.SOON: [*typed, *owing, *may_be]}
    return replace(a_full_digest(), tasks=(TASK,), over=over, exports=frozenset({"2026-00001-K"}), items=items)


def pages(digest: Digest) -> Iterator[Digest]:
    """Yield digests of so few items that every one has its links."""
    items = [(section, item) for section, items in digest.items.items() for item in items]
    for start in range(0, len(items), 10):
        chosen: dict[Section, list[Any]] = {}
        for section, item in items[start : start + 10]:
            chosen.setdefault(section, []).append(item)
        yield replace(digest, items=chosen, capped=())


@pytest.mark.parametrize("language", Language)
def test_every_link_orders_what_stands_on_it_in_words_that_are_read_as_meant(language: Language) -> None:
    verbs = set()
    for digest in pages(everything()):
        page = an_answerable_page(digest, language)
        kinds = {each.number: each.kind for each in page.items}
        for _, subject, body, label in links(page.html):
            in_subject = subject.removeprefix(SUBJECT_MARK).partition(" · ")[0] + body[len(body.rstrip()) :]
            order, named = ordered(body), ordered(in_subject)
            assert (order.verb, order.item, order.what, order.kind) == (named.verb, named.item, named.what, named.kind)
            assert body.endswith(" ") == label.endswith("…") == (order.verb in TO_COMPLETE)
            assert order.verb is Verb.EXPLAIN or order.verb in POSSIBLE[kinds[order.item or 0]]
            verbs.add(order.verb)
    assert set(Verb) - {Verb.WITHDRAW, Verb.LAPSE, Verb.NEW, Verb.RESUME, Verb.HELP} == verbs


@pytest.mark.parametrize("language", Language)
def test_every_type_and_duty_on_a_button_is_read_as_itself(language: Language) -> None:
    read = [
        ordered(body) for digest in pages(everything()) for _, _, body, label in links(an_answerable_page(digest, language).html) if label
    ]
    assert set(Duty) == {order.what for order in read if order.verb is Verb.DONE and order.what}
    assert set(RequestType) == {order.kind for order in read if order.verb is Verb.TYPE}


def test_h67_every_link_goes_where_answers_go_and_brings_the_secret_in_its_subject_alone() -> None:
    for address, subject, body, _ in links(an_answerable_page(a_full_digest()).html):
        assert ("info@alit.kz", (CODE,), ()) == (address, codes_in(subject), codes_in(body))
        assert subject.startswith(SUBJECT_MARK)
        assert "2026-" not in subject + body


def test_h102_an_odd_address_for_answers_stays_one_address() -> None:
    html = an_answerable_page(a_digest({Section.DECIDE: [an_item()]}), reply_to='a+b&bcc=x?"%@alit.kz').html
    assert 'href="mailto:a%2Bb%26bcc%3Dx%3F%22%25@alit.kz?subject=' in html


def test_what_has_a_number_and_can_be_ordered_about_is_among_the_items_of_the_page() -> None:
    over = (Over(OverKind.DESTROYED, 3), Over(OverKind.ENDED, address="aigul@example.com", on=TODAY))
    digest = a_digest({Section.DECIDE: [an_item()]}, undelivered=(a_letter(id=12),), capped=(a_capped_letter(),), tasks=(TASK,), over=over)
    assert (
        Numbered(1, ItemKind.REQUEST, "2026-00001-K"),
        Numbered(2, ItemKind.TASK, "3"),
        Numbered(3, ItemKind.LETTER, "12"),
        Numbered(4, ItemKind.LETTER, "0"),
        Numbered(6, ItemKind.PERSON, "aigul@example.com"),
    ) == an_answerable_page(digest).items


def test_what_is_not_listed_for_lack_of_room_has_no_number() -> None:
    page = an_answerable_page(a_digest({Section.OVERDUE: [an_item(n) for n in range(100)]}))
    assert [(n + 1, f"2026-{n:05d}-K") for n in range(60)] == [(each.number, each.name) for each in page.items]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"promises": (HERE, TELL)}, [(Verb.APPROVE, None), (Verb.REFUSE, None), (Verb.POSTPONE, None)]),
        ({}, [(Verb.DONE, None), (Verb.REFUSE, None), (Verb.POSTPONE, None)]),
        ({"promises": ()}, [(Verb.DONE, None), (Verb.REFUSE, None), (Verb.POSTPONE, None)]),
        (
            {"promises": (HERE, a_promise(what=Duty.BLOCK, system="crm"))},
            [(Verb.APPROVE, None), (Verb.DONE, Duty.BLOCK), (Verb.REFUSE, None), (Verb.POSTPONE, None)],
        ),
        (
            {"type": RequestType.REVOKE_CONSENT, "promises": (a_promise(what=Duty.DESTROY, system="mailbot"),)},
            [(Verb.APPROVE, Duty.DESTROY), (Verb.REFUSE, None), (Verb.POSTPONE, None)],
        ),
        (
            {"type": RequestType.DESTROY, "promises": (a_promise(what=Duty.DESTROY, system="mailbot"),)},
            [(Verb.APPROVE, None), (Verb.REFUSE, None), (Verb.POSTPONE, None)],
        ),
        (
            {"type": RequestType.UPDATE, "promises": (a_promise(what=Duty.AMEND, system="mailbot"),)},
            [(Verb.APPROVE, None), (Verb.REFUSE, None), (Verb.POSTPONE, None)],
        ),
        ({"promises": (replace(HERE, met_at=NOW), TELL)}, [(Verb.DONE, None), (Verb.REFUSE, None), (Verb.POSTPONE, None)]),
        ({"type": RequestType.AUTHORITY_INQUIRY}, [(Verb.DONE, None), (Verb.TERM, None), (Verb.POSTPONE, None)]),
        ({"type": None, "event": "breach", "sender": None}, [(Verb.DONE, None), (Verb.POSTPONE, None)]),
        ({"type": None, "event": "unlawful", "sender": None, "promises": (HERE,)}, [(Verb.DONE, None), (Verb.POSTPONE, None)]),
        ({"standing": Standing.FAILED}, [(Verb.DONE, None), (Verb.POSTPONE, None)]),
        ({"due": TODAY, "days": 0}, [(Verb.DONE, None), (Verb.REFUSE, None)]),
        ({"state": State.AWAITING_SENDER}, []),
        ({"state": State.CARRIED_OUT}, [(Verb.REOPEN, None)]),
        (
            {**HELD, "may_be": (RequestType.BLOCK, RequestType.UPDATE)},
            [(Verb.TYPE, RequestType.BLOCK), (Verb.TYPE, RequestType.UPDATE), (Verb.ORDINARY, None)],
        ),
        ({**HELD, "may_be": tuple(RequestType)[:4]}, [(Verb.ORDINARY, None)]),
    ],
)
def test_only_what_makes_sense_for_a_request_has_a_button(fields: dict[str, Any], expected: list[tuple[Verb, Any]]) -> None:
    assert [*expected, (Verb.EXPLAIN, None)] == orders_of(a_digest({Section.DECIDE: [an_item(**fields)]}))


def test_an_export_that_is_ready_is_released_and_not_ticked_off() -> None:
    digest = a_digest({Section.DECIDE: [an_item()]}, exports=frozenset({"2026-00001-K"}))
    assert [Verb.RELEASE, Verb.REFUSE, Verb.POSTPONE, Verb.EXPLAIN] == [verb for verb, _ in orders_of(digest)]


def test_of_several_things_that_staff_do_what_is_due_first_is_named() -> None:
    promises = (a_promise(what=Duty.ANSWER, due=date(2026, 12, 20)), a_promise(what=Duty.BLOCK, system="crm"))
    assert (Verb.DONE, Duty.BLOCK) == orders_of(a_digest({Section.DECIDE: [an_item(promises=promises)]}))[0]


@pytest.mark.parametrize(
    ("letter", "verbs"),
    [
        (a_letter(), [Verb.RETRY, Verb.DROP, Verb.EXPLAIN]),
        (a_letter(state=LetterState.DOUBTFUL), [Verb.RETRY, Verb.DROP, Verb.EXPLAIN]),
        (a_letter(state=LetterState.QUEUED), [Verb.DROP, Verb.EXPLAIN]),
        (a_letter(reference=None, kind="digest"), [Verb.DROP, Verb.EXPLAIN]),
    ],
)
def test_a_letter_is_sent_again_only_where_it_was_sent_in_vain_and_to_a_person(letter: Any, verbs: list[Verb]) -> None:
    assert verbs == [verb for verb, _ in orders_of(a_digest(undelivered=(letter,)))]


@pytest.mark.parametrize(("why", "verbs"), [((), [Verb.APPROVE, Verb.EXPLAIN]), (("hold",), [Verb.EXPLAIN])])
def test_nobody_is_destroyed_by_a_button_while_something_stands_in_the_way(why: tuple[str, ...], verbs: list[Verb]) -> None:
    over = Over(OverKind.ENDED, address="aigul@example.com", on=TODAY, why=why)
    assert verbs == [verb for verb, _ in orders_of(a_digest(over=(over,)))]
