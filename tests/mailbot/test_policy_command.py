"""``mailbot policy``, as programs and people at a pipe see it, and the loading of packs."""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mailbot.cli.policy import policy_app
from mailbot.errors import ConfigurationMistake
from mailbot.policies import built_in_names, load_policy

KAZGER = (files("rules") / "packs" / "kazger.toml").read_text(encoding="utf-8")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(policy_app, list(arguments), catch_exceptions=False)


def objects(*arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in run(*arguments, "--json").stdout.splitlines()]


def saved(folder: Path, text: str) -> str:
    path = folder / "example.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def mistakes_of(*arguments: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationMistake) as broken:
        run(*arguments)
    assert 78 == broken.value.exit_status
    return broken.value.mistakes


def test_the_four_operators_are_built_in_and_the_law_is_not_one_of_them() -> None:
    assert ("kazger", "medico-intech", "technowomen", "wadjet") == built_in_names()
    assert list(built_in_names()) == [row["name"] for row in objects("list")]


def test_list_names_operator_inbox_law_and_version() -> None:
    first = run("list").stdout.splitlines()[0].split("\t")
    assert ["kazger", "KazGer LLP", "info@alit.kz", "kz-94v", load_policy("kazger").version] == first


def test_show_sets_a_promise_beside_the_statute() -> None:
    rows = objects("show", "technowomen", "--on", "2026-11-20")
    assert {
        "request": "access",
        "duty": "answer",
        "promise": {"clause": "9.1", "amount": 15, "unit": "calendar_days"},
        "statute": {
            "id": "L3",
            "cite": "Rules 395/НҚ p. 16; Law 94-V art. 25(2)(6), (7), (9)",
            "amount": 3,
            "unit": "working_days",
            "mark": "secondary",
        },
        "governs": "statute",
        "relation": "looser",
    } in rows


def test_show_has_null_for_what_is_not_promised_or_not_demanded() -> None:
    rows = objects("show", "technowomen")
    assert None is next(row for row in rows if row["request"] == "opt_out")["promise"]
    assert None is next(row for row in rows if row["duty"] == "notify_third_party")["statute"]


def test_show_judges_by_the_law_of_the_day_asked_for() -> None:
    rows = {day: objects("show", "kazger", "--on", day) for day in ("2026-01-17", "2026-01-18")}
    demanded = {day: any(row["request"] == "revoke_consent" and row["statute"] for row in rows[day]) for day in rows}
    assert {"2026-01-17": False, "2026-01-18": True} == demanded


def test_show_is_plain_lines_of_six_cells_when_nobody_looks() -> None:
    lines = run("show", "kazger").stdout.splitlines()
    assert {5} == {line.count("\t") for line in lines}
    statute = "48 hours: L15, Law 94-V art. 8(7), with the mailbox providers' 48-hour rule (reading)"
    assert f"opt out\tstop messages\t4.1: at once\t{statute}\tpolicy\tstricter" in lines


def test_check_prints_warnings_and_is_content_all_the_same() -> None:
    result = run("check", "technowomen", "--on", "2026-11-20")
    assert 0 == result.exit_code
    assert "narrower_form\t4.5\tThe policy takes a revocation only by post" in result.stdout
    assert "technowomen can be used; warnings: 20" == result.stdout.splitlines()[-1]


def test_check_gives_programs_code_text_and_clause() -> None:
    warnings = objects("check", "technowomen")
    assert {("code", "text", "clause")} == {tuple(warning) for warning in warnings}
    assert ("3.1", None) == tuple(warning["clause"] for warning in warnings if warning["code"] in {"replaced_law", "inbox_abroad"})


def test_a_pack_in_a_file_is_as_good_as_a_built_in_one(tmp_path: Path) -> None:
    assert load_policy("kazger") == load_policy(saved(tmp_path, KAZGER))


def test_a_broken_pack_tells_every_mistake(tmp_path: Path) -> None:
    file = saved(tmp_path, KAZGER.replace('"at_once"', '"atonce"', 1).replace('law = "kz-94v"', 'law = "kz"'))
    assert (
        f"{file}: limit[3].unit has 'atonce', which is not known; did you mean \"at_once\"?",
        f"{file}: law is 'kz', which is no law known here; the laws are kz-94v",
    ) == mistakes_of("check", file)


def test_a_policy_cannot_stand_under_a_policy(tmp_path: Path) -> None:
    file = saved(tmp_path, KAZGER.replace('law = "kz-94v"', 'law = "wadjet"'))
    assert (f"{file}: law is 'wadjet', which is no law known here; the laws are kz-94v",) == mistakes_of("check", file)


def test_a_name_that_is_neither_pack_nor_file_gets_the_nearest() -> None:
    built_in = "Built in: kazger, medico-intech, technowomen, wadjet"
    expected = f'policy "kazgr" is neither a built-in policy nor a file; did you mean "kazger"? {built_in}'
    assert (expected,) == mistakes_of("show", "kazgr")


def test_a_law_is_no_policy() -> None:
    assert mistakes_of("show", "kz-94v")[0].startswith('policy "kz-94v" is neither')


def test_a_pack_that_is_not_utf_8_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    path.write_bytes(KAZGER.encode("cp1251", errors="ignore"))
    assert (f"{path}: the pack is not UTF-8; save it as UTF-8",) == mistakes_of("check", str(path))


def test_the_command_does_not_load_rich_before_it_prints_a_table() -> None:
    program = "import sys, mailbot.cli.policy; sys.exit(any(name.startswith('rich.table') for name in sys.modules))"
    assert 0 == subprocess.run([sys.executable, "-c", program], check=False).returncode
