"""``mailbot held``: what waits for a person is listed and shown, whatever it says, and leaves the list only for a reason."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot.arrival import read_arrival
from mailbot.cli.quoting import quoted
from mailbot.desk import Desk
from mailbot.intake import take_in
from rules.message import Message, read_header
from rules.place import Cursor
from rules.vocabulary import RequestType
from storage import ledger, register
from tests.mailbot.register_room import NOW, arrive, office, open_desk
from tests.mailbot.typing_room import Ran, Type, typist

FOLDER = Cursor("info@alit.kz", "INBOX", uidvalidity=7, last_uid=0, start_at=NOW)
RECEIVED = datetime(2026, 11, 16, 20, 0, tzinfo=UTC)  # the 17th in Almaty
HOSTILE = "\x1b[2J\x9b31m\u202eevil\ttab"
RAW = (
    "From: =?utf-8?b?" + "0JDQudCz0q/Quw==" + "?= <aigul@example.com>\r\n"
    f"Subject: {HOSTILE} отзыв\r\nSubject: Invoice\r\nDate: Mon, 16 Nov 2026 20:00:00 +0000\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    f"{HOSTILE}\r\n" + "".join(f"line {number}\r\n" for number in range(20))
).encode()
NOTHING = "Nothing waits for a person to look at it.\n"
DROP = ("drop", "m1", "--reason", "a test of the mail server")


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str], config: Path) -> Type:
    """Return what types ``mailbot held …``."""
    type_ = typist(capsys)
    return lambda *arguments: type_("held", *arguments, "--config", config)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path)


def set_aside(desk: Desk, raw: bytes = RAW, uid: int = 3, reason: str = "could_not_be_read") -> None:
    """Set a message aside as a round does: its bytes are kept, and nothing of it is read."""
    arrival = read_arrival(desk, FOLDER.place(uid), RECEIVED, len(raw), raw[:0], read_header(b""), frozenset())
    arrival.raw, arrival.shunt_reason = raw, reason
    with desk.database.write() as tx:
        ledger.record_pending(tx, FOLDER, take_in(tx, [arrival], desk, NOW, file_at_once=False), NOW)


@pytest.fixture
def with_one(config: Path) -> Path:
    """Set one message aside; it is m1."""
    with open_desk(config) as desk:
        set_aside(desk)
    return config


def test_where_nothing_waits_there_is_a_sentence_for_people_and_nothing_for_programs(mailbot: Type) -> None:
    assert [Ran(0, NOTHING, ""), Ran(0, "", "")] == [mailbot("list"), mailbot("list", "--json")]


def test_h22_what_was_set_aside_and_what_is_held_are_listed(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:
        closed = arrive(desk, RequestType.ACCESS)
        reference = arrive(desk, None, "dana@example.com", may_be=(RequestType.ACCESS, RequestType.DESTROY), reason="two demands at once")
        set_aside(desk)
        set_aside(desk, b"", uid=4, reason="never_delivered")
        with desk.database.read() as tx:
            held = register.find_request(tx, reference)
    assert held is not None
    assert [
        "id\treceived\twhy\tdue\tfolder/UID",
        "m1\t2026-11-17\tmailbot could not read it\t\tINBOX/3",
        "m2\t2026-11-17\tthe mail server lists it and does not deliver it\t\tINBOX/4",
        f"{reference}\t2026-11-20\ttwo demands at once\t{held.due}\tINBOX/{held.place.uid}",
    ] == mailbot("list").out.splitlines()
    rows = [json.loads(line) for line in mailbot("list", "--json").out.splitlines()]
    assert [("m1", "shunted", None), ("m2", "shunted", None), (reference, "held", str(held.due))] == [
        (row["id"], row["outcome"], row["due"]) for row in rows
    ]
    assert {"inbox": "info@alit.kz", "folder": "INBOX", "uidvalidity": 7, "uid": 3}.items() <= rows[0].items()
    assert closed not in {row["id"] for row in rows}


def test_a_held_entry_that_staff_closed_is_off_the_list(mailbot: Type, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_desk(config, datetime.now(UTC)) as desk:
        reference = arrive(desk, None, may_be=(RequestType.ACCESS,))
    assert reference in mailbot("list").out
    assert 0 == typist(capsys)("requests", "done", reference, "--config", config).status
    assert NOTHING == mailbot("list").out


@pytest.mark.usefixtures("with_one")
def test_what_is_shown_of_a_message_can_give_a_terminal_no_orders(mailbot: Type) -> None:
    ran = mailbot("show", "M1")
    assert (0, "") == (ran.status, ran.err)
    assert [] == [letter for letter in ran.out if letter != "\n" and not letter.isprintable()]
    assert [
        "m1  shunted  received 2026-11-17  due not known",
        "why: mailbot could not read it",
        "place: UID 3 of folder INBOX (info@alit.kz, UIDVALIDITY 7)",
        f"kept: {len(RAW)} bytes, as they came",
        "From: Айгүл <aigul@example.com>",
    ] == ran.out.splitlines()[:5]
    assert "Subject: Invoice" in ran.out.splitlines()
    assert "Date: Mon, 16 Nov 2026 20:00:00 +0000" in ran.out.splitlines()
    next_ = "next: `mailbot held retry m1`, or `mailbot held drop m1 --reason TEXT`"
    assert ["    > line 10", "    > ... 9 more lines", next_] == ran.out.splitlines()[-3:]


def test_of_a_held_entry_header_and_text_are_shown(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, None, may_be=(RequestType.ACCESS,), reason="somebody else's data")
    shown = mailbot("show", reference.lower()).out.splitlines()
    assert "why: somebody else's data" in shown
    assert {"From: aigul@example.com", "Subject: A request"} <= set(shown)
    assert shown[-2].startswith("    > Text ")
    assert f"next: say what it is, as `mailbot requests mark {reference} access`, or `... ordinary`" == shown[-1]


def test_of_what_was_never_delivered_there_is_nothing_to_show(mailbot: Type, config: Path, tmp_path: Path) -> None:
    with open_desk(config) as desk:
        set_aside(desk, b"", reason="never_delivered")
    shown = mailbot("show", "m1").out.splitlines()
    assert ["kept: nothing", "From: (none)"] == [line for line in shown if line.startswith(("kept", "From"))]
    said = "mailbot: m1 was not kept byte for byte; `mailbot held show m1` shows what is kept\n"
    assert Ran(1, "", said) == mailbot("show", "m1", "--raw", tmp_path / "m1.eml")


def test_a_message_that_trips_whoever_reads_it_is_told_of_all_the_same() -> None:
    def trip() -> Message:
        raise RecursionError("aigul@example.com")

    assert ["(it cannot be shown: RecursionError)"] == quoted(trip)


@pytest.mark.usefixtures("with_one")
def test_the_bytes_that_were_kept_are_written_for_their_owner_alone(mailbot: Type, tmp_path: Path) -> None:
    path = tmp_path / "m1.eml"
    assert Ran(0, f"m1: {len(RAW)} bytes written to {path}\n", "") == mailbot("show", "m1", "--raw", path)
    assert (RAW, 0o600) == (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))


@pytest.mark.usefixtures("with_one")
def test_no_file_is_overwritten(mailbot: Type, tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("precious", encoding="utf-8")
    assert Ran(1, "", f"mailbot: {path} cannot be written: file exists\n") == mailbot("show", "m1", "--raw", path)
    assert "precious" == path.read_text(encoding="utf-8")


@pytest.mark.usefixtures("with_one")
def test_what_there_is_nothing_to_do_about_is_off_the_list_and_can_still_be_shown(mailbot: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "dana")
    assert Ran(0, "m1: off the list\n", "") == mailbot(*DROP)
    assert NOTHING == mailbot("list").out
    shown = mailbot("show", "m1").out
    assert "why: staff settled it\n" in shown
    assert "  dropped  staff:dana  (reason: a test of the mail server, was: could_not_be_read)\n" in shown
    said = "mailbot: nothing that is called m1 waits for a person; `mailbot held list` shows what does\n"
    assert Ran(1, "", said) == mailbot(*DROP)


@pytest.mark.parametrize(
    "command", [("show", "m2"), ("show", "2026-00042-K"), ("drop", "m2", "--reason", "-"), ("drop", "m1" + "0" * 17, "--reason", "-")]
)
@pytest.mark.usefixtures("with_one")
def test_what_is_not_held_is_1_and_a_sentence(mailbot: Type, command: tuple[str, ...]) -> None:
    said = f"mailbot: nothing that is called {command[1]} waits for a person; `mailbot held list` shows what does\n"
    assert Ran(1, "", said) == mailbot(*command)


@pytest.mark.parametrize("command", [("retry", "2026-00042-K"), ("drop", "2026-00042-K", "--reason", "-")])
def test_an_entry_of_the_register_is_settled_there(mailbot: Type, command: tuple[str, ...]) -> None:
    ran = mailbot(*command)
    assert (1, "") == (ran.status, ran.out)
    assert "`mailbot requests show 2026-00042-K`" in ran.err


def test_every_command_says_in_one_whole_line_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    commands = typist(capsys)("held", "--help").out.partition("Commands:\n")[2].splitlines()
    assert (4, []) == (len(commands), [line for line in commands if line.endswith("...")])


@pytest.mark.parametrize(
    "command", [("show",), ("retry",), ("retry", "m1", "--all"), ("drop", "m1"), ("drop", "m1", "--reason", " "), ("drop",)], ids=" ".join
)
def test_what_is_typed_wrong_is_a_mistake_of_usage(mailbot: Type, command: tuple[str, ...]) -> None:
    ran = mailbot(*command)
    assert (2, "", False) == (ran.status, ran.out, "Traceback" in ran.err)
