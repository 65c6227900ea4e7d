"""The demo: every operator's mail ends as its label says, and nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from io import StringIO
from pathlib import Path
from stat import S_IMODE
from time import sleep

import pytest
from rich.console import Console

from mailbot.demo.running import Arrived
from mailbot.demo.samples import Sample, read_samples
from mailbot.demo.showing import keep, show
from mailbot.errors import Problem
from mailbot.policies import built_in_names, load_policy
from rules.vocabulary import Outcome, RequestType
from tests.mailbot.typing_room import PROGRAM, run_apart

ALL_OPERATORS = read_samples()
KAZGERS = ALL_OPERATORS["kazger"]
UPDATE = next(sample for sample in KAZGERS if sample.subject == "Personal Data Update")
INVOICE = next(sample for sample in KAZGERS if sample.subject.startswith("Invoice"))
OTHER_LABELS = {"held", "follow_up", "duplicate", "automatic", "ordinary"}


@pytest.fixture(autouse=True)
def of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the demo leaves out of the machine's folder for such things."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def played_for_kazger(*samples: Sample, at_terminal: bool = False) -> str:
    """Return what is shown when these are all the mail that KazGer gets."""
    shown = StringIO()
    show({"kazger": samples}, Console(file=shown, force_terminal=at_terminal, width=100))
    return shown.getvalue()


# --- the whole of it -------------------------------------------------------------------------------------------------
def test_the_demo_shows_each_operators_mail_and_a_letter_in_each_language_and_leaves_one_digest(tmp_path: Path) -> None:
    ran = run_apart(PROGRAM, "demo", environment={"TMPDIR": str(tmp_path)})
    assert (0, "") == (ran.status, ran.err)
    for name, samples in ALL_OPERATORS.items():
        assert f"{load_policy(name).inboxes[0]}, under the policy “{name}”" in ran.out
        assert f"Arrived {len(samples)} = accounted for {len(samples)}:" in ran.out
    letters = re.findall(r"^A letter to .*\n  \| (.*)$", ran.out, re.MULTILINE)
    assert ["Сәлеметсіз бе!", "Здравствуйте!", "Hello!"] == letters
    assert f"All {sum(map(len, ALL_OPERATORS.values()))} messages ended as labelled." in ran.out
    (digest,) = tmp_path.iterdir()
    assert f"read every morning: {digest}\n" in ran.out
    assert "KazGer" in digest.read_text(encoding="utf-8")


def test_an_interrupted_demo_leaves_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([PROGRAM, "demo"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        while demo.poll() is None and not any(tmp_path.glob("*/demo.db")):
            sleep(0.005)
        demo.send_signal(signal.SIGINT)
        _, told = demo.communicate()
    assert b"" == told
    assert [] == [left for left in tmp_path.iterdir() if left.suffix != ".html"]


def test_where_the_mail_servers_are_not_installed_one_sentence_says_what_to_do() -> None:
    without = "import sys; sys.modules['pymap'] = None; from mailbot.cli.app import main; main(['demo'])"
    ran = run_apart(sys.executable, "-c", without)
    assert (1, "") == (ran.status, ran.out)
    assert "mailbot: the demo needs mail servers, and pymap is not installed: type `make demo` in a checkout\n" == ran.err


# --- what is shown ---------------------------------------------------------------------------------------------------
def test_the_register_is_shown_with_its_due_dates_and_how_they_were_counted() -> None:
    shown = played_for_kazger(UPDATE)
    day = r"\w{3} \d{1,2} \w{3} 20\d\d"
    counted = rf"due 20\d\d-\d\d-\d\d: received {day}; 1 working day.* -> {day}, 23:59 \(Policy clause 8.3\)\n"
    assert re.search(counted + r" +20\d\d-00001-\w  update +Personal Data Update\n", shown)
    assert "Letters accepted by the SMTP server: 1. Marked as answered: 1 messages" in shown


def test_a_wrong_label_ends_in_failure_and_is_named() -> None:
    with pytest.raises(Problem, match=r"kazger: “Invoice No. 2209” of sales@shop.example: expected update, ended as ordinary") as failure:
        played_for_kazger(UPDATE, replace(INVOICE, expected="update"))
    assert 1 == failure.value.exit_status
    assert "Personal Data Update" not in str(failure.value)


def test_an_answer_to_a_letter_that_was_never_sent_is_told() -> None:
    with pytest.raises(Problem, match=r"no letter went to sales@shop.example"):
        played_for_kazger(INVOICE, replace(UPDATE, answers=INVOICE.sender))


def test_ordinary_mail_that_was_marked_is_a_mistake_and_so_is_mail_that_was_lost() -> None:
    assert [] == Arrived(INVOICE, Outcome.ORDINARY, None, frozenset()).mistakes
    assert [] == Arrived(UPDATE, Outcome.REQUEST, RequestType.UPDATE, frozenset({"\\Answered"})).mistakes
    assert 1 == len(Arrived(INVOICE, Outcome.ORDINARY, None, frozenset({"\\Seen"})).mistakes)
    assert 1 == len(Arrived(INVOICE, None, None, frozenset()).mistakes)


def test_progress_is_shown_to_a_person_at_a_terminal_only() -> None:
    assert "kazger: 1 messages" in played_for_kazger(UPDATE, at_terminal=True)
    piped = played_for_kazger(UPDATE)
    assert "kazger: 1 messages" not in piped
    assert "\x1b" not in piped


def test_the_digest_stays_for_its_reader_alone_in_place_of_the_last_one(tmp_path: Path) -> None:
    keep("of yesterday")
    place = keep("күнделікті есеп")
    assert [place] == list(tmp_path.iterdir())
    assert ("күнделікті есеп", 0o600) == (place.read_text(encoding="utf-8"), S_IMODE(place.stat().st_mode))


def test_the_digest_goes_beside_what_cannot_be_replaced() -> None:
    taken = keep("")
    taken.unlink()
    taken.mkdir()
    assert "<html>" == keep("<html>").read_text(encoding="utf-8")


# --- the samples -----------------------------------------------------------------------------------------------------
def test_every_built_in_operator_gets_mail_of_every_label() -> None:
    assert list(built_in_names()) == list(ALL_OPERATORS)
    for samples in ALL_OPERATORS.values():
        assert 30 <= len(samples)
        assert set(RequestType) | OTHER_LABELS == {each.expected for each in samples}


def test_every_mark_of_every_policy_is_among_its_samples() -> None:
    for name, samples in ALL_OPERATORS.items():
        written = "\n".join(sample.subject.casefold() for sample in samples)
        marks = [mark.phrase for mark in load_policy(name).marks if not mark.from_template]
        assert [] == [mark for mark in marks if mark.casefold() not in written]


def test_all_people_of_the_samples_are_invented() -> None:
    for sample in (each for samples in ALL_OPERATORS.values() for each in samples):
        assert re.fullmatch(r"[a-z-]+@(example\.com|[a-z]+\.example)", sample.sender)
        assert [] == [number for number in re.findall(r"(?:\+7|8)[ (\d)-]{10,}", sample.text) if "700000" not in re.sub(r"\D", "", number)]
