"""The packs that come with the program, and the strictness they are read with."""

import hashlib
import tomllib
from collections.abc import Iterator
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from rules.pack_text import PackMistakes, read_law, read_policy
from rules.policy import Law, Limit, NoteCode, Policy
from rules.vocabulary import Duty, Event, Language, RequestType, SourceMark, Starts, Unit

ROOT = Path(__file__).parents[2]
PACKS = ROOT / "rules" / "packs"
OPERATORS = ("kazger", "medico-intech", "technowomen", "wadjet")
TODAY = date(2026, 11, 20)

type_of_row = tuple[str, str, str, int | None, str | None]


def pack(name: str) -> str:
    return (PACKS / f"{name}.toml").read_text(encoding="utf-8")


def law(name: str = "kz-94v") -> Law:
    if name != "kz-94v":
        raise LookupError("the laws are kz-94v")
    return read_law(pack(name), f"{name}.toml")


def policy(name: str) -> Policy:
    return read_policy(pack(name), f"{name}.toml", law)


def limit(limits: tuple[Limit, ...], name: str) -> Limit:
    return next(limit for limit in limits if limit.id == name)


# The law


def test_every_limit_and_ground_of_the_law_is_there() -> None:
    names = {entry.id for entry in law().limits} | {ground.id for ground in law().grounds}
    assert {f"L{number}" for number in range(1, 17)} | {"L1-transfer", "L8-ended"} == names


@pytest.mark.parametrize(
    ("name", "triggers", "duty", "amount", "unit", "starts", "mark"),
    [
        ("L1", {RequestType.REVOKE_CONSENT, RequestType.STOP_PROCESSING}, Duty.STOP_PROCESSING, 15, "working_days", "receipt", "text"),
        ("L1-transfer", {RequestType.RESTRICT_TRANSFER}, Duty.STOP_TRANSFER, 15, "working_days", "receipt", "text"),
        ("L3", {RequestType.ACCESS}, Duty.ANSWER, 3, "working_days", "receipt", "secondary"),
        ("L4", {RequestType.UPDATE}, Duty.AMEND, 1, "working_days", "receipt", "text"),
        ("L5", {RequestType.BLOCK}, Duty.BLOCK, 1, "working_days", "receipt", "text"),
        ("L6", {RequestType.UNBLOCK, Event.NO_BREACH_FOUND}, Duty.UNBLOCK, 1, "working_days", "finding", "text"),
        ("L7", {Event.UNLAWFUL}, Duty.DESTROY, 1, "working_days", "finding", "text"),
        ("L8", {RequestType.DESTROY}, Duty.DESTROY, 15, "calendar_days", "receipt", "secondary"),
        ("L8-ended", {Event.PURPOSE_ENDED}, Duty.DESTROY, 15, "calendar_days", "purpose_end", "reading"),
        ("L9", {Event.PUBLIC_SOURCE}, Duty.REMOVE_FROM_SOURCE, 1, "working_days", "receipt", "text"),
        ("L10", {RequestType.OBJECT_AUTOMATED}, Duty.ANSWER, 3, "working_days", "receipt", "text"),
        ("L11", {Event.BREACH}, Duty.NOTIFY_AUTHORITY, 1, "working_days", "finding", "text"),
        ("L12", {Event.TRANSFER}, Duty.NOTIFY_PERSON, 10, "working_days", "transfer", "text"),
        ("L13", {RequestType.AUTHORITY_INQUIRY}, Duty.ANSWER, None, None, "receipt", "text"),
        ("L14", {Event.CONSUMER_CLAIM}, Duty.ANSWER, 10, "calendar_days", "receipt", "secondary"),
        ("L15", {RequestType.OPT_OUT}, Duty.STOP_MESSAGES, 48, "hours", "receipt", "reading"),
        ("L16", {RequestType.QUESTION}, Duty.ANSWER, 3, "working_days", "receipt", "reading"),
    ],
)
def test_a_limit_of_the_law_says_what_the_act_says(
    name: str, triggers: set[RequestType | Event], duty: Duty, amount: int | None, unit: str | None, starts: str, mark: str
) -> None:
    found = limit(law().limits, name)
    assert triggers == found.requests | found.events
    assert ((duty,), amount, unit, starts, mark, True) == (
        found.duties,
        found.amount,
        found.unit,
        found.starts,
        found.mark,
        found.is_law,
    )


def test_every_limit_of_the_law_cites_the_article_it_names() -> None:
    assert [] == [entry.id for entry in law().limits if entry.clause not in entry.cite]


def test_a_revocation_from_before_the_15_days_is_not_judged_by_them() -> None:
    assert () == law().limits_for(RequestType.REVOKE_CONSENT, date(2026, 1, 17))
    assert ["L1"] == [entry.id for entry in law().limits_for(RequestType.REVOKE_CONSENT, date(2026, 1, 18))]


def test_only_the_dated_limits_have_a_first_day() -> None:
    dated = {entry.id: entry.in_force_from for entry in law().limits if entry.in_force_from}
    since_2026 = dict.fromkeys(("L1", "L1-transfer", "L10"), date(2026, 1, 18))
    assert {**since_2026, "L11": date(2024, 7, 1)} == dated


def test_every_request_has_an_article_and_a_limit_of_the_law() -> None:
    assert set(RequestType) == set(law().articles)
    assert [] == [kind for kind in RequestType if not law().limits_for(kind, TODAY)]


# The operators' policies


def rows_of(name: str) -> Iterator[type_of_row]:
    for entry in policy(name).limits:
        for trigger in entry.requests | entry.events:
            yield name, trigger, entry.clause, entry.amount, entry.unit


def rows_expected() -> Iterator[type_of_row]:
    for row in tomllib.loads((ROOT / "tests/law/promises.toml").read_text(encoding="utf-8"))["promise"]:
        for operator, clause in product(row["operators"], row["clauses"]):
            yield operator, row["request"], clause, row.get("amount"), row.get("unit")


@pytest.mark.parametrize("name", OPERATORS)
def test_a_pack_promises_what_its_policy_promises_and_nothing_else(name: str) -> None:
    assert {row for row in rows_expected() if row[0] == name} == set(rows_of(name))


def test_the_clause_named_to_people_is_the_first_that_offers_the_request() -> None:
    for kind in RequestType:
        for name in OPERATORS:
            clauses = [clause for operator, trigger, clause, *_ in rows_expected() if (operator, trigger) == (name, kind)]
            assert tuple(dict.fromkeys(clauses)) == policy(name).clauses.get(kind, ())


def test_the_clause_that_names_the_mark_comes_before_others_that_offer_the_same() -> None:
    read = read_policy(WHOLE.replace('phrase = "Update"\nclause = "8.3"', 'phrase = "Update"\nclause = "4.1"'), "example.toml", law)
    assert ("4.1", "8.3") == read.clauses[RequestType.UPDATE]


def test_a_request_the_policy_does_not_offer_names_the_article() -> None:
    assert "19-1(3)" == policy("wadjet").clause_for(RequestType.OBJECT_AUTOMATED)
    assert "4.1" == policy("kazger").clause_for(RequestType.OPT_OUT)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_limit_can_be_reached_by_a_request_or_an_event(name: str) -> None:
    read = policy(name)
    triggers: tuple[RequestType | Event, ...] = (*RequestType, *Event)
    reached = {(entry.pack, entry.id) for trigger in triggers for entry in read.limits_for(trigger, TODAY)}
    assert set() == {(entry.pack, entry.id) for entry in read.limits + read.law.limits} - reached


def test_technowomen_tells_the_person_and_the_third_parties_of_every_change() -> None:
    told = {Duty.NOTIFY_PERSON, Duty.NOTIFY_THIRD_PARTY}
    clause_9_4 = {entry.id: set(entry.duties) for entry in policy("technowomen").limits if entry.clause == "9.4"}
    ends = told | {Duty.DESTROY}
    expected = {"9.4-update": told | {Duty.AMEND}, "9.4-block": told | {Duty.BLOCK}, "9.4-destroy": ends, "9.4-unlawful": ends}
    assert expected == clause_9_4


def test_technowomen_ends_revocation_in_destruction() -> None:
    for name in ("6.1", "6.3"):
        found = limit(policy("technowomen").limits, name)
        assert {RequestType.REVOKE_CONSENT, RequestType.STOP_PROCESSING} == found.requests
        assert (Duty.DESTROY,) == found.duties


@pytest.mark.parametrize(
    ("name", "starts"), [("9.6", Starts.FINDING), ("9.7", Starts.PURPOSE_END), ("9.8", Starts.FINDING), ("9.1", Starts.RECEIPT)]
)
def test_a_promise_is_counted_from_what_it_says(name: str, starts: Starts) -> None:
    assert starts == limit(policy("technowomen").limits, name).starts


MARKS = {
    "kazger": {
        ("update", "en", "Personal Data Update", "8.3"),
        ("revoke_consent", "en", "Revocation of consent to the processing of personal data", "8.4"),
        ("opt_out", "en", "Opt-out of Notifications", "4.1"),
    },
    "medico-intech": {
        ("update", "en", "Updating personal data", "8.3"),
        ("update", "kk", "Дербес деректерді жаңарту", "8.3"),
        ("revoke_consent", "en", "Revocation of consent to the processing of personal data", "8.4"),
        ("revoke_consent", "kk", "Дербес деректерді өңдеуге келісімді қайтарып алу", "8.4"),
    },
    "technowomen": set(),
    "wadjet": {
        ("update", "en", "Updating personal data", "8.3"),
        ("revoke_consent", "en", "Withdrawal of consent to the processing of personal data", "8.4"),
    },
}


@pytest.mark.parametrize("name", OPERATORS)
def test_the_marks_are_those_the_policy_names(name: str) -> None:
    read = {(mark.type, mark.language, mark.phrase, mark.clause) for mark in policy(name).marks if not mark.from_template}
    assert MARKS[name] == read


@pytest.mark.parametrize("name", OPERATORS)
def test_the_russian_marks_are_the_templates_for_each_kind_of_mark_the_policy_names(name: str) -> None:
    russian = {
        "update": "Актуализация персональных данных",
        "revoke_consent": "Отзыв согласия на обработку персональных данных",
        "opt_out": "Отказ от уведомлений",
    }
    template = [mark for mark in policy(name).marks if mark.from_template]
    assert {kind: russian[kind] for kind, *_ in MARKS[name]} == {mark.type: mark.phrase for mark in template}
    assert {Language.RU} >= {mark.language for mark in template}


@pytest.mark.parametrize("name", OPERATORS)
def test_nothing_is_claimed_of_a_text_that_was_not_read(name: str) -> None:
    read = policy(name)
    assert (None, "", "", ()) == (read.in_force_from, read.source_url, read.sha256, read.third_parties)
    assert {SourceMark.SECONDARY} == {entry.mark for entry in read.limits}


def test_inboxes_are_those_the_policies_name() -> None:
    expected = {
        "kazger": "info@alit.kz",
        "medico-intech": "info@medico-intech.kz",
        "technowomen": "aziza.astana@gmail.com",
        "wadjet": "info@wadjet.kz",
    }
    assert {name: (inbox,) for name, inbox in expected.items()} == {name: policy(name).inboxes for name in OPERATORS}


def test_the_version_of_a_policy_is_the_hash_of_its_pack() -> None:
    assert hashlib.sha256(pack("kazger").encode()).hexdigest()[:12] == policy("kazger").version
    changed = read_policy(pack("kazger") + "\n# changed\n", "kazger.toml", law)
    assert changed.version != policy("kazger").version


# Strictness

POLICY = """
name = "example"
law = "kz-94v"
source_mark = "text"
inboxes = ["info@example.com"]
languages = ["en"]

[operator]
en = "Example"
"""
LIMIT = '\n[[limit]]\nid = "8.3"\nclause = "8.3"\nrequests = ["update"]\nduties = ["amend"]\namount = 1\nunit = "working_days"\n'
MARK = '\n[[mark]]\ntype = "update"\nlanguage = "en"\nphrase = "Update"\nclause = "8.3"\nsource = "policy"\n'
WHOLE = POLICY + LIMIT + MARK


def mistakes(text: str) -> list[tuple[str, str]]:
    with pytest.raises(PackMistakes) as broken:
        read_policy(text, "example.toml", law)
    return [(mistake.key, f"{mistake.what}; {mistake.cure}") for mistake in broken.value.mistakes]


def test_a_whole_small_pack_is_read() -> None:
    read = read_policy(WHOLE, "example.toml", law)
    assert (1, Unit.WORKING_DAYS, Starts.RECEIPT, "Policy clause 8.3") == (
        read.limits[0].amount,
        read.limits[0].unit,
        read.limits[0].starts,
        read.limits[0].cite,
    )


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ('name = "example"', "name = 5", "name", "is 5; write a text"),
        ('name = "example"', "", "name", "is missing"),
        ('name = "example"', 'name = ""', "name", "is missing or empty"),
        ('law = "kz-94v"', 'law = "kz-94"', "law", "is 'kz-94', which is no law known here; the laws are kz-94v"),
        ('inboxes = ["info@example.com"]', "", "inboxes", "is empty"),
        ("info@example.com", "info", "inboxes", "'info', which is no mail address"),
        ('inboxes = ["info@example.com"]', "inboxes = [1]", "inboxes", "has 1"),
        ('languages = ["en"]', 'languages = ["de"]', "languages", "write one of en, kk, ru"),
        ('languages = ["en"]', 'languages = ["en"]\npurpose = ["x"]', "purpose", 'did you mean "purposes"?'),
        ('languages = ["en"]', 'languages = ["en"]\nsha256 = "ab"', "sha256", "64 hexadecimal"),
        ('languages = ["en"]', "languages = [\"en\"]\nin_force_from = '2026-01-18'", "in_force_from", "without quotes"),
        ('languages = ["en"]', 'languages = ["en"]\nin_force_from = 2026-01-18T10:00:00', "in_force_from", "write a day"),
        ('source_mark = "text"', 'source_mark = "txt"', "source_mark", 'did you mean "text"?'),
        ('en = "Example"', "", "operator", "names nobody"),
        ('en = "Example"', 'en = "Example"\nde = "Beispiel"', "operator.de", "is not a key"),
        ('id = "8.3"', "", "limit[1].id", "is missing"),
        ('requests = ["update"]', 'requests = ["updat"]', "limit[1].requests", 'did you mean "update"?'),
        ('requests = ["update"]', "", "limit[1].requests", "nothing starts this limit"),
        ('requests = ["update"]', 'events = ["breech"]', "limit[1].events", 'did you mean "breach"?'),
        ('duties = ["amend"]', 'duties = ["ammend"]', "limit[1].duties", 'did you mean "amend"?'),
        ('duties = ["amend"]', "duties = []", "limit[1].duties", "is missing or empty"),
        ('unit = "working_days"', 'unit = "workdays"', "limit[1].unit", 'did you mean "working_days"?'),
        ('unit = "working_days"', "", "limit[1].unit", "is missing beside an amount"),
        ("amount = 1", "", "limit[1].amount", "is missing beside a unit"),
        ("amount = 1", 'amount = "1"', "limit[1].amount", "a whole number without quotes"),
        ("amount = 1", "amount = true", "limit[1].amount", "a whole number without quotes"),
        ("amount = 1", "amount = 0", "limit[1].amount", 'write 0 beside "at_once"'),
        ("amount = 1", "amount = -1", "limit[1].amount", 'write 0 beside "at_once"'),
        ('unit = "working_days"', 'unit = "at_once"', "limit[1].amount", 'write 0 beside "at_once"'),
        ("amount = 1", 'amount = 1\nstarts = "reciept"', "limit[1].starts", 'did you mean "receipt"?'),
        ("amount = 1", "amount = 1\nin_force_from = 2026-02-01\nuntil = 2026-01-31", "limit[1].until", "is before in_force_from"),
        ("amount = 1", 'amount = 1\narticle = "8(7)"', "limit[1].article", "is not a key"),
        ('phrase = "Update"\nclause = "8.3"', 'phrase = "Update"', "mark[1].clause", "is missing"),
        ('type = "update"', 'type = "updating"', "mark[1].type", 'did you mean "update"?'),
        ('source = "policy"', 'source = "politics"', "mark[1].source", 'did you mean "policy"?'),
        (LIMIT, LIMIT + LIMIT, "id", "'8.3' stands twice"),
        (MARK, MARK + MARK, "phrase", "'update' stands twice"),
        (MARK, '\n[[note]]\ncode = "federal_laws"\ntext = "x"\n', "note[1].code", 'did you mean "federal_law"?'),
        (MARK, '\n[mark]\ntype = "update"\n', "mark", "a list of tables"),
    ],
)
def test_a_mistake_is_told_with_its_key_and_its_cure(old: str, new: str, key: str, words: str) -> None:
    assert old in WHOLE
    found = mistakes(WHOLE.replace(old, new, 1))
    assert [key] == [where for where, _ in found]
    assert words in found[0][1]


def test_every_mistake_is_told_at_once() -> None:
    text = WHOLE.replace("amount = 1", "amount = 1.5").replace('type = "update"', 'type = "x"').replace("info@", "info") + "\ncolour = 1\n"
    assert {"inboxes", "limit[1].amount", "mark[1].type", "mark[1].colour"} == {key for key, _ in mistakes(text)}


def test_broken_toml_is_one_mistake_with_its_line() -> None:
    ((key, sentence),) = mistakes('name = "example"\nlaw = \n')
    assert ("line 2", True) == (key, "is not TOML: Invalid value" in sentence)


def test_toml_that_breaks_off_is_a_mistake_too() -> None:
    ((key, sentence),) = mistakes('name = "exam')
    assert ("the end", True) == (key, "is not TOML" in sentence)


def test_a_mistake_reads_as_one_line_that_names_the_file() -> None:
    with pytest.raises(PackMistakes) as broken:
        read_policy(WHOLE.replace('"working_days"', '"work_days"'), "example.toml", law)
    assert "example.toml: limit[1].unit has 'work_days', which is not known; did you mean \"working_days\"?" == str(broken.value)


def test_mistakes_of_the_law_are_told_with_those_of_the_policy() -> None:
    def broken_law(name: str) -> Law:
        return read_law(pack(name).replace('unit = "hours"', 'unit = "hour"'), f"{name}.toml")

    with pytest.raises(PackMistakes) as broken:
        read_policy(WHOLE.replace("info@", "info"), "example.toml", broken_law)
    assert {("kz-94v.toml", "limit[16].unit"), ("example.toml", "inboxes")} == {(m.file, m.key) for m in broken.value.mistakes}


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('id = "L2"', 'id = "L1"', "id"),
        ('article = "18"\n', "", "limit[7].article"),
        ('mark = "secondary"', "", "limit[3].mark"),
        ('update = "24(1)(2)"', 'updates = "24(1)(2)"', "articles.updates"),
        ('country = "KZ"', "", "country"),
    ],
)
def test_a_mistake_in_a_law_is_told_with_its_key(old: str, new: str, key: str) -> None:
    assert old in pack("kz-94v")
    with pytest.raises(PackMistakes) as broken:
        read_law(pack("kz-94v").replace(old, new, 1), "kz-94v.toml")
    assert [key] == [mistake.key for mistake in broken.value.mistakes]


def test_a_pack_notes_what_only_the_text_can_tell() -> None:
    expected = {
        "kazger": {(NoteCode.MAILS_PEOPLE, ""), (NoteCode.CROSS_BORDER_NOTICE, "10.1")},
        "technowomen": {(NoteCode.MAILS_PEOPLE, "3.2.4"), (NoteCode.NARROWER_FORM, "4.5"), (NoteCode.REPLACED_LAW, "3.1")},
    }
    assert expected == {name: {(note.code, note.clause) for note in policy(name).notes} for name in expected}


@pytest.mark.parametrize("phrase", [".", "«»", "\u200b", "—"])
def test_a_mark_without_a_word_is_refused(phrase: str) -> None:
    """An empty subject would be it, and every mail without one an opt-out."""
    text = pack("kazger").replace('phrase = "Opt-out of Notifications"', f'phrase = "{phrase}"')
    with pytest.raises(PackMistakes, match="holds no word"):
        read_policy(text, "kazger.toml", law)


def test_a_limit_longer_than_ten_years_is_refused() -> None:
    text = pack("kazger").replace("amount = 10,", "amount = 4000000,")
    with pytest.raises(PackMistakes, match="longer than ten years"):
        read_policy(text, "kazger.toml", law)
