"""``mailbot policy read``: what programs get, and the pack that a person reviews."""

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mailbot.cli.policy import policy_app
from mailbot.errors import Problem
from mailbot.policies import load_policy
from rules.vocabulary import Duty, Language, RequestType, Unit

TESTS = Path(__file__).parent.parent
POLICIES = sorted(
    file
    for folder in ("samples/policies", "cases/policies", "rules/policies")
    for file in (TESTS / folder).glob("*")
    if file.suffix in {".txt", ".html"}
)
HOTEL = TESTS / "samples" / "policies" / "p02-en-hotel-free-form.txt"
COMMON_MARK = (
    "1. Письма в ТОО «Сад».\n2. Любой запрос присылайте на dpo@sad.example с темой «Персональные данные». Удаляем в течение 10 дней."
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(policy_app, list(arguments), catch_exceptions=False)


def saved(folder: Path, content: str | bytes, name: str = "our-policy.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(Problem) as refused:
        run("read", str(path))
    return str(refused.value)


def test_json_is_one_object_in_the_documented_form() -> None:
    (line,) = run("read", str(HOTEL), "--json").stdout.splitlines()
    read = json.loads(line)
    assert [
        "operator_name",
        "inbox_addresses",
        "subject_phrases",
        "time_limits",
        "law_references",
        "request_channels",
        "data_categories",
        "purposes",
        "warnings",
    ] == list(read)
    assert {"type": "revoke_consent", "phrase": "Consent withdrawal", "clause": "6.2"} == read["subject_phrases"][0]
    assert {"what": "update", "amount": 3, "unit": "working_days", "clause": "6.1"} in read["time_limits"]
    assert [{"id": "KZ-94-V"}, {"id": "EU-2016/679"}] == read["law_references"]
    assert {"type": "opt_out", "channel": "link", "detail": "unsubscribe link", "clause": "6.3"} in read["request_channels"]
    assert ["reception@yurt-inn.example"] == read["inbox_addresses"]


def test_what_is_promised_later_than_the_law_has_it_is_a_warning() -> None:
    read = json.loads(run("read", str(HOTEL), "--json").stdout)
    assert {"6.1", "6.4"} == {warning["clause"] for warning in read["warnings"] if warning["code"] == "looser"}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_the_pack_of_any_policy_can_be_used_as_it_stands(policy: Path, tmp_path: Path) -> None:
    pack = saved(tmp_path, run("read", str(policy)).stdout, "draft.toml")
    assert load_policy(str(pack)).law.name == "kz-94v"
    assert 0 == run("check", str(pack)).exit_code


def test_the_pack_says_what_the_policy_says(tmp_path: Path) -> None:
    policy = load_policy(str(saved(tmp_path, run("read", str(HOTEL)).stdout, "draft.toml")))
    assert {Language.EN: "Yurt Inn LLP"} == policy.operator
    assert [("Consent withdrawal", "6.2", RequestType.REVOKE_CONSENT), ("My data", "6.4", RequestType.ACCESS)] == [
        (mark.phrase, mark.clause, mark.type) for mark in policy.marks
    ]
    assert {"6.1": (3, Unit.WORKING_DAYS, (Duty.AMEND,)), "6.4": (10, Unit.CALENDAR_DAYS, (Duty.ANSWER,))}.items() <= {
        limit.clause: (limit.amount, limit.unit, limit.duties) for limit in policy.limits
    }.items()
    assert hashlib.sha256(HOTEL.read_bytes()).hexdigest() == policy.sha256
    assert "p02-en-hotel-free-form" == policy.name


def test_a_promise_without_a_number_leaves_the_day_to_the_law(tmp_path: Path) -> None:
    text = "1. ТОО «Сад».\n5.3. Отказ — письмом на a@sad.example с пометкой «Отказ от рассылки»."
    pack = saved(tmp_path, run("read", str(saved(tmp_path, text))).stdout, "draft.toml")
    (limit,) = load_policy(str(pack)).limits
    assert ("5.3", None, (Duty.STOP_MESSAGES,)) == (limit.clause, limit.amount, limit.duties)


def test_each_entry_stands_under_its_clause_and_sentence() -> None:
    pack = run("read", str(HOTEL)).stdout
    above, _, _ = pack.partition('phrase = "My data"')
    assert '# clause 6.4: To learn what we hold about you write "My data" in the subject line;' in above.splitlines()[-4]


def test_gaps_are_questions(tmp_path: Path) -> None:
    pack = run("read", str(saved(tmp_path, COMMON_MARK))).stdout
    questions = "\n".join(line for line in pack.splitlines() if "QUESTION" in line)
    assert "KZ-94-V" in questions
    assert "working or calendar days" in questions
    assert "from which day is this version in force" in questions
    assert "which type is this mark (any) to count as" in questions
    assert '#phrase = "Персональные данные"' in pack


def test_a_policy_in_windows_1251_is_read(tmp_path: Path) -> None:
    text = "<html><meta charset=windows-1251><p>2. Пишите на a@sad.example с темой «Удаление данных».</p></html>"
    read = json.loads(run("read", str(saved(tmp_path, text.encode("cp1251"), "page.html")), "--json").stdout)
    assert ["Удаление данных"] == [phrase["phrase"] for phrase in read["subject_phrases"]]
    bare = COMMON_MARK.encode("cp1251")
    assert "ТОО «Сад»" == json.loads(run("read", str(saved(tmp_path, bare)), "--json").stdout)["operator_name"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7 ...", "is a PDF: save it as text or HTML"),
        (b"PK\x03\x04 word/document.xml", "office program: save it as text or HTML"),
        (b"\x89PNG\r\n\x00\x01", "is no text"),
        (b"", "is empty"),
        (b" \n\n ", "is empty"),
        (b"\xff\xfa\xfb\x81\x90 abc", "its charset cannot be told; save it as UTF-8"),
        (b"a" * 2_000_001, "is larger than 2 MB"),
    ],
    ids=["pdf", "docx", "picture", "empty", "blank", "charset", "large"],
)
def test_a_file_that_is_no_text_is_refused_in_a_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    path = saved(tmp_path, content)
    assert said in refusal(path)
    assert refusal(path).startswith(str(path))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'gone.txt'} cannot be read: no such file or directory" == refusal(tmp_path / "gone.txt")
    assert f"{tmp_path} cannot be read: is a directory" == refusal(tmp_path)


def test_what_a_policy_says_cannot_break_out_of_the_pack(tmp_path: Path) -> None:
    text = '1. "Evil\\" LLP" (the "Operator").\n2. Write to a@b.example with the subject «Erase "me\\" \x7f\u202e now».\n'
    pack = saved(tmp_path, run("read", str(saved(tmp_path, text))).stdout, "draft.toml")
    (mark,) = load_policy(str(pack)).marks
    assert 'Erase "me\\" now' == mark.phrase


def test_check_counts_the_questions_that_a_draft_still_asks(tmp_path: Path) -> None:
    draft = saved(tmp_path, run("read", str(HOTEL)).stdout, "hotel.toml")
    asked = draft.read_text(encoding="utf-8").count("QUESTION:")
    assert asked > 0
    assert f"not answered: {asked};" in run("check", str(draft)).stdout
    assert "not answered" not in run("check", "kazger").stdout
