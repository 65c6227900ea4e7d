"""The command line as such: exit statuses, streams, help, pipes, terminals, and how little is imported."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from mailbot.cli.terms import print_json, visible
from tests.conftest import ConfigFile
from tests.mailbot.register_room import office
from tests.mailbot.typing_room import PROGRAM, Ran, Type, run_apart, run_at_terminal, typist

GROUPS = ("policy", "requests", "subscribers", "letters", "held", "store")
NEEDS_ARGUMENTS = (
    ("classify",),
    ("policy", "show"),
    ("policy", "check"),
    ("requests", "show"),
    ("requests", "approve"),
    ("requests", "refuse"),
    ("requests", "done"),
    ("requests", "postpone"),
    ("requests", "reopen"),
    ("subscribers", "import"),
    ("subscribers", "show"),
    ("subscribers", "block"),
    ("subscribers", "unblock"),
    ("subscribers", "suppress"),
    ("subscribers", "undo"),
    ("access", "show"),
    ("access", "release"),
    ("letters", "show"),
    ("letters", "retry"),
    ("letters", "drop"),
    ("held", "show"),
    ("held", "drop"),
)
NEEDS_CONFIG = (
    ("run",),
    ("run", "--once"),
    ("requests", "list"),
    ("requests", "show", "2026-00042-K"),
    ("requests", "approve", "2026-00042-K"),
    ("requests", "refuse", "2026-00042-K", "--ground", "art. 8(2)"),
    ("requests", "done", "2026-00042-K"),
    ("requests", "postpone", "2026-00042-K", "2026-11-25"),
    ("requests", "reopen", "2026-00042-K"),
    ("subscribers", "show", "aigul@example.com"),
    ("subscribers", "export"),
    ("subscribers", "suppressions"),
    ("access", "show", "2026-00042-K"),
    ("letters", "list"),
    ("letters", "show", "7"),
    ("letters", "retry", "7"),
    ("letters", "drop", "7", "--reason", "answered by telephone"),
    ("held", "list"),
    ("held", "show", "m7"),
    ("held", "retry", "m7"),
    ("held", "drop", "m7", "--reason", "nothing to do"),
    ("digest",),
    ("store", "upgrade"),
)
HOSTILE = "\x1b]0;title\x07\x9b31m\u202e\x7fx"
WRITTEN_BY_MAIL = f"From: aigul@example.com\r\nSubject: {HOSTILE} отзыв согласия\r\n\r\n".encode()


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


def is_plain(ran: Ran) -> bool:
    return not [letter for letter in ran.out + ran.err if not letter.isprintable() and letter not in "\n\t"]


def test_the_version_is_the_installed_one(mailbot: Type) -> None:
    ran = mailbot("--version")
    assert (0, f"mailbot {version('mailbot')}\n") == (ran.status, ran.out)


# --- usage -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", [(), *((group,) for group in GROUPS)], ids=" ".join)
def test_a_group_without_a_command_shows_its_help(mailbot: Type, command: tuple[str, ...]) -> None:
    ran = mailbot(*command)
    assert 2 == ran.status
    assert "Commands:" in ran.out + ran.err


@pytest.mark.parametrize("command", NEEDS_ARGUMENTS, ids=" ".join)
def test_a_missing_argument_is_a_mistake_of_usage(mailbot: Type, command: tuple[str, ...]) -> None:
    ran = mailbot(*command)
    assert (2, "") == (ran.status, ran.out)
    assert "Missing argument" in ran.err


@pytest.mark.parametrize(
    "command",
    [
        ("aprove",),
        ("--confg", "x"),
        ("run", "--twice"),
        ("requests", "refuse", "2026-00042-K"),
        ("requests", "postpone", "2026-00042-K", "tomorrow"),
        ("subscribers", "show", "aigul"),
        ("policy", "show", "kazger", "--on", "25.11.2026"),
    ],
    ids=" ".join,
)
def test_what_is_typed_wrong_is_a_mistake_of_usage(mailbot: Type, command: tuple[str, ...]) -> None:
    ran = mailbot(*command)
    assert (2, "") == (ran.status, ran.out)
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("group", [(), *((group,) for group in GROUPS)], ids=" ".join)
def test_every_command_says_in_one_whole_line_what_it_does(mailbot: Type, group: tuple[str, ...]) -> None:
    ran = mailbot(*group, "--help")
    commands = ran.out.partition("Commands:\n")[2].splitlines()
    assert (0, "") == (ran.status, ran.err)
    assert commands
    assert [] == [line for line in commands if line.endswith("...")]


def test_python_m_mailbot_is_mailbot() -> None:
    assert run_apart(PROGRAM, "--help") == run_apart(sys.executable, "-m", "mailbot", "--help")


# --- exit statuses ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", NEEDS_CONFIG, ids=" ".join)
def test_a_wrong_configuration_is_78_and_a_sentence(mailbot: Type, tmp_path: Path, command: tuple[str, ...]) -> None:
    config = tmp_path / "none.toml"
    said = f"mailbot: the configuration {config} cannot be read: no such file or directory\n"
    assert Ran(78, "", said) == mailbot(*command, "--config", config)


def test_every_mistake_of_the_configuration_has_its_line(mailbot: Type, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[[inbox]]\nport = 0\n", encoding="utf-8")
    ran = mailbot("run", "--config", config)
    assert 78 == ran.status
    assert f"mailbot: {config}: inbox[1].port: needs at least 1" in ran.err.splitlines()
    assert f"mailbot: {config}: smtp: is missing; config.example.toml shows it" in ran.err.splitlines()


def test_a_store_that_is_none_is_78(mailbot: Type, tmp_path: Path) -> None:
    config = office(tmp_path)
    (tmp_path / "mailbot.db").write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    ran = mailbot("requests", "list", "--config", config)
    assert (78, "") == (ran.status, ran.out)
    assert ran.err.startswith("mailbot: ")


def test_servers_that_are_away_are_75(tmp_path: Path) -> None:
    ran = run_apart(PROGRAM, "run", "--once", "--config", office(tmp_path))
    assert (75, "") == (ran.status, ran.out)
    assert "mailbot: " in ran.err


def test_a_round_in_order_is_0_and_writes_nothing_to_standard_output(config_file: ConfigFile) -> None:
    ran = run_apart(PROGRAM, "run", "--once", "--config", config_file())
    assert (0, "") == (ran.status, ran.out)
    assert ["run_done"] == [json.loads(line)["event"] for line in ran.err.splitlines()]


@pytest.mark.parametrize("command", [command for command in NEEDS_CONFIG if "2026-00042-K" in command], ids=" ".join)
def test_a_reference_that_the_register_does_not_hold_is_1_and_a_sentence(mailbot: Type, tmp_path: Path, command: tuple[str, ...]) -> None:
    said = "mailbot: there is no request 2026-00042-K; `mailbot requests list` shows them\n"
    assert Ran(1, "", said) == mailbot(*command, "--config", office(tmp_path))


# --- classify --------------------------------------------------------------------------------------------------------
def test_classify_prints_one_object_a_file_in_the_order_given(mailbot: Type, tmp_path: Path) -> None:
    opt_out, invoice = tmp_path / "b.eml", tmp_path / "a.eml"
    opt_out.write_bytes(b"From: a@example.com\r\nSubject: Opt-out of Notifications\r\n\r\n")
    invoice.write_bytes(b"From: a@example.com\r\nSubject: Invoice No. 2209\r\n\r\nPlease pay.")
    ran = mailbot("classify", opt_out, invoice, "--policy", "kazger", "--json")
    first, second = map(json.loads, ran.out.splitlines())
    keys = ["file", "outcome", "type", "language", "matched", "clause", "certainty", "reason", "changes"]
    assert (0, "", keys, keys) == (ran.status, ran.err, list(first), list(second))
    assert (str(opt_out), "request", "opt_out", "en", "exact", []) == tuple(
        first[key] for key in ("file", "outcome", "type", "language", "certainty", "changes")
    )
    assert (str(invoice), "ordinary", None, None, None, None) == tuple(
        second[key] for key in ("file", "outcome", "type", "matched", "clause", "certainty")
    )


def test_classify_goes_on_after_what_cannot_be_read(mailbot: Type, tmp_path: Path) -> None:
    empty, absent = tmp_path / "empty.eml", tmp_path / "absent.eml"
    empty.touch()
    ran = mailbot("classify", absent, tmp_path, empty, "--json")
    assert [str(empty)] == [json.loads(line)["file"] for line in ran.out.splitlines()]
    said = f"mailbot: {absent} cannot be read: no such file or directory\nmailbot: {tmp_path} cannot be read: is a directory\n"
    assert (1, said) == (ran.status, ran.err)


@pytest.mark.parametrize("junk", [b"", b"\x00" * 4096, bytes(range(256)) * 64, b"Subject:", b"\xff\xfe" * 999, b"\r" * 99], ids=repr)
def test_classify_takes_any_bytes_for_ordinary_mail(mailbot: Type, tmp_path: Path, junk: bytes) -> None:
    file = tmp_path / "junk.eml"
    file.write_bytes(junk)
    ran = mailbot("classify", file, "--json")
    assert (0, "ordinary") == (ran.status, json.loads(ran.out)["outcome"])


def test_classify_with_a_policy_that_is_none_is_78(mailbot: Type) -> None:
    ran = mailbot("classify", "a.eml", "--policy", "kazgr")
    assert (78, "") == (ran.status, ran.out)
    assert 'did you mean "kazger"?' in ran.err


# --- what a terminal would obey --------------------------------------------------------------------------------------
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["lines", "JSON"])
def test_no_message_and_no_file_name_can_give_a_terminal_orders(mailbot: Type, tmp_path: Path, as_json: tuple[str, ...]) -> None:
    file = tmp_path / f"{HOSTILE.replace('/', '')}.eml"
    file.write_bytes(WRITTEN_BY_MAIL)
    assert is_plain(mailbot("classify", file, tmp_path / HOSTILE, *as_json))


def test_json_says_exactly_what_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": f"{HOSTILE} Әлия \U000e0001 \ud800"}
    print_json(value)
    written = capsys.readouterr().out
    assert value == json.loads(written)
    assert written.rstrip("\n").isprintable()
    assert "Әлия" in written


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Әлия\u00a0😀 — «да»", "Әлия\u00a0😀 — «да»"), ("a\x1b[31mb", "a�[31mb"), ("a\nb\tc\rd", "a�b�c�d"), ("\u202e\u2028\x9b", "���")],
)
def test_text_is_shown_and_orders_are_not(text: str, shown: str) -> None:
    assert shown == visible(text)


# --- streams ---------------------------------------------------------------------------------------------------------
def test_a_reader_who_has_seen_enough_causes_no_complaint() -> None:
    command = [str(PROGRAM), "policy", "show", "kazger", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"" == process.stderr.read()
    assert process.returncode in (0, 1)


def test_letters_that_the_terminal_lacks_are_spelt_out(tmp_path: Path) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes("From: a@example.com\r\nSubject: Отзыв согласия на обработку персональных данных\r\n\r\n".encode())
    ran = run_apart(PROGRAM, "classify", file, "--json", environment={"PYTHONIOENCODING": "ascii"})
    assert (0, "") == (ran.status, ran.err)
    assert "отзыв" in json.loads(ran.out)["matched"].lower()


def test_at_a_terminal_there_are_ruled_tables_and_at_a_pipe_lines() -> None:
    at_terminal, at_pipe = run_at_terminal(PROGRAM, "policy", "show", "kazger"), run_apart(PROGRAM, "policy", "show", "kazger")
    assert [(0, True), (0, False)] == [(ran.status, "│" in ran.out) for ran in (at_terminal, at_pipe)]


def test_an_import_at_a_terminal_tells_refused_lines_and_leaves_no_bar_behind(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(f"email,consents\none@example.com,\ntwo@example.com,{HOSTILE}\n", encoding="utf-8")
    ran = run_at_terminal(PROGRAM, "subscribers", "import", people, "--config", office(tmp_path))
    assert 1 == ran.status
    assert "line 3, consents: " in ran.out
    assert ran.out.endswith("1 put on file, 1 lines refused.\r\n")
    assert "\x1b]0;" not in ran.out
    assert "\x9b" not in ran.out


# --- what is not imported --------------------------------------------------------------------------------------------
def imported_by(*arguments: object) -> set[str]:
    """Run a command line and return the packages that it imported."""
    report = "import atexit, sys; atexit.register(lambda: sys.stderr.write('\\n'.join(('', *sys.modules))));"
    program = f"{report} from mailbot.cli.app import main; main({list(map(str, arguments))!r})"
    return set(run_apart(sys.executable, "-c", program).err.splitlines())


HEAVY = {
    "pydantic",
    "sqlalchemy",
    "structlog",
    "asyncio",
    "rich",
    "jinja2",
    "imapclient",
    "aiosmtplib",
    "holidays",
    "email_validator",
    "alembic",
}


def test_help_imports_nothing_heavy() -> None:
    assert set() == imported_by("--help") & {*HEAVY, "mailbot.config", "rules.policy", "storage.tables"}


def test_classify_imports_neither_store_nor_servers(tmp_path: Path) -> None:
    file = tmp_path / "a.eml"
    file.touch()
    assert set() == imported_by("classify", file) & (HEAVY - {"pydantic"})  # which typer uses


def test_a_list_imports_neither_servers_nor_letters(tmp_path: Path) -> None:
    assert {"pydantic", "sqlalchemy"} == imported_by("requests", "list", "--config", office(tmp_path)) & (HEAVY - {"asyncio"})


def test_a_round_imports_no_progress_bars_migrations_or_other_stores(tmp_path: Path) -> None:
    assert set() == imported_by("run", "--once", "--config", office(tmp_path)) & {"rich.progress", "alembic", "psycopg"}


def test_classify_reads_by_the_law_alone_where_no_policy_is_named(mailbot: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAILBOT_CONFIG", raising=False)
    row = json.loads(mailbot("classify", a_letter(tmp_path, "Revocation of my consent"), "--json").out)
    assert ("revoke_consent", "8(7)") == (row["type"], row["clause"])


def test_classify_reads_by_the_configured_policy(mailbot: Type, tmp_path: Path) -> None:
    row = json.loads(mailbot("classify", a_letter(tmp_path, "Personal Data Update"), "--json", "--config", office(tmp_path)).out)
    assert ("8.3", "exact") == (row["clause"], row["certainty"])


def a_letter(folder: Path, subject: str) -> Path:
    letter = folder / "letter.eml"
    letter.write_text(f"From: a@example.com\nTo: info@alit.kz\nSubject: {subject}\n\n", encoding="utf-8")
    return letter


@pytest.mark.parametrize(
    ("through", "command", "expected"),
    [
        ('exec "$@" >&-', ["policy", "list"], (0, "")),
        ('exec "$@" >&- 2>&-', ["policy", "list"], (0, "")),
        ('exec "$@" > /dev/full', ["policy", "list"], (1, "mailbot: the output cannot be written: No space left on device\n")),
        (
            'ulimit -f 1; exec "$@" > "$OUTPUT"',
            ["policy", "show", "kazger"],
            (1, "mailbot: the output cannot be written: File too large\n"),
        ),
    ],
    ids=["stdout closed", "both closed", "disk full", "file too large"],
)
def test_where_nothing_can_be_written_a_sentence_says_so(
    tmp_path: Path, through: str, command: list[str], expected: tuple[int, str]
) -> None:
    words = ["sh", "-c", through, "sh", sys.executable, "-m", "mailbot", *command]
    environment = {**os.environ, "OUTPUT": str(tmp_path / "output")}
    done = subprocess.run(words, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    assert expected == (done.returncode, done.stderr)


def test_what_the_machine_refuses_is_a_sentence(tmp_path: Path) -> None:
    words = [
        "sh",
        "-c",
        'ulimit -n 6; exec "$@"',
        "sh",
        sys.executable,
        "-m",
        "mailbot",
        "requests",
        "list",
        "--config",
        str(tmp_path / "no"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_configuration_that_may_not_be_read_is_a_wrong_configuration(tmp_path: Path) -> None:
    """Status 78, which the unit does not start again; 2 would be tried every half a minute."""
    config = office(tmp_path)
    config.chmod(0)
    done = subprocess.run(
        [sys.executable, "-m", "mailbot", "requests", "list", "--config", str(config)], capture_output=True, text=True, check=False
    )
    assert (78, f"mailbot: the configuration {config} cannot be read: permission denied\n") == (done.returncode, done.stderr)
