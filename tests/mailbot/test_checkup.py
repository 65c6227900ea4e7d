"""`mailbot check` without the command line: what it finds, that it hides nothing, and that it changes nothing."""

import sqlite3
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from mailbot.checkup import check_everything
from mailbot.config import load_config
from mailbot.findings import Finding, Mark, gravest
from rules.place import Cursor
from storage.database import open_database
from storage.lease import holder_of, take_lease
from storage.ledger import place_cursor
from tests.conftest import ConfigFile, secret_file, write_config
from tests.mailbot.scripted_imap import Scripted, head
from tests.mailbot.test_smtp import ScriptedSmtp
from tests.servers import CapturingSmtp, Dovecot, Postgresql
from tests.servers.programs import LOOPBACK

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
SIGNED = "Authentication-Results: {}; spf=pass\r\nFrom: anna@example.com\r\nSubject: x\r\n\r\ny\r\n"
PARTS = ["configuration", "policy", "calendar", "clock", "store", "inbox[1]", "smtp", "staff", "alarm"]


def found(config: Path, now: datetime = NOW) -> list[Finding]:
    return list(check_everything(config, now))


def wrong(findings: Sequence[Finding]) -> list[tuple[str, int]]:
    return [(finding.part, finding.exit_status) for finding in findings if finding.mark is Mark.WRONG]


def said(findings: Sequence[Finding], part: str, mark: Mark) -> str:
    return "\n".join(finding.text for finding in findings if (finding.part, finding.mark) == (part, mark))


def lines_in(file: Path) -> list[str]:
    with sqlite3.connect(file) as store:
        dumped = list(store.iterdump())
    store.close()
    return dumped


@pytest.fixture
def refusing() -> Iterator[Scripted]:
    """Return an IMAP server that refuses every login; a real one would make all later tests wait."""
    server = Scripted({"LOGIN": "TAG NO [AUTHENTICATIONFAILED] no\r\n"})
    yield server
    server.close()


def made_store(config: Path) -> Path:
    open_database(load_config(config).store.url).close()
    return config.with_name("mailbot.db")


# --- a good configuration --------------------------------------------------------------------------------------------
def test_h109_with_a_good_configuration_nothing_is_wrong_and_every_part_was_tried(config_file: ConfigFile) -> None:
    findings = found(config_file())
    assert ([], 0) == (wrong(findings), gravest(findings))
    assert PARTS == list(dict.fromkeys(finding.part for finding in findings))


def test_i4_checking_changes_nothing_and_sends_nothing(
    config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, tmp_path: Path
) -> None:
    dovecot.append(mailbox, SIGNED.format("mx.alit.kz").encode(), flags=["\\Flagged"])
    config, before = config_file(), dovecot.snapshot(mailbox)
    found(config)
    assert sorted(["config.toml", "imap.password"]) == sorted(file.name for file in tmp_path.iterdir()), "no store was made"
    store = lines_in(made_store(config))
    found(config)
    assert (before, [], store) == (dovecot.snapshot(mailbox), smtp.envelopes, lines_in(tmp_path / "mailbot.db"))


def test_h21_checking_beside_the_service_needs_no_lease_and_takes_none(config_file: ConfigFile) -> None:
    config = config_file()
    database = open_database(load_config(config).store.url)
    with database.write() as tx:
        holder_of(tx, "work", NOW)
        take_lease(tx, "work", "the service", NOW)
    assert [] == wrong(found(config))
    with database.write() as tx:
        assert "the service" == holder_of(tx, "work", NOW)
    database.close()


# --- one mistake hides no other --------------------------------------------------------------------------------------
def test_a_thoroughly_bad_configuration_has_all_its_mistakes_told_at_once(
    config_file: ConfigFile, dovecot: Dovecot, refusing: Scripted, tmp_path: Path
) -> None:
    open_secret = secret_file(tmp_path / "smtp.password", "open to all")
    open_secret.chmod(0o644)
    config = config_file(
        policy="kazgar",
        operator={"timezone": "Asia/Almati"},
        inbox={"folder": "Өтініштер"},
        smtp={"port": 1, "user": "info", "password_file": str(open_secret)},
    )
    text = config.read_text(encoding="utf-8")
    first = text[text.index("[[inbox]]") : text.index("[smtp]")]
    second = first.replace("info@alit.kz", "privacy@alit.kz").replace(f"port = {dovecot.imap_port}", f"port = {refusing.port}")
    config.write_text(text + second, encoding="utf-8")
    findings = found(config)
    told = {finding.part + ": " + finding.text for finding in findings if finding.mark is Mark.WRONG}
    for part, sentence in [
        ("configuration", 'operator.timezone: is not a time zone; write for example "Asia/Almaty"'),
        ("policy", 'policy "kazgar" is neither a built-in policy nor a file; did you mean "kazger"?'),
        ("inbox[1]", "has no folder Өтініштер; make it there, or name another"),
        ("inbox[2]", "refuses the login: check inbox.user and the password file"),
        ("smtp", f"is open to every user of this machine: run `chmod 600 {open_secret}`"),
        ("smtp", "the SMTP server 127.0.0.1:1 cannot be reached"),
    ]:
        assert [part] == [line.partition(":")[0] for line in told if sentence in line]
    assert (6, 78) == (len(told), gravest(findings))
    assert "open to all" not in "".join(told)


def test_a_configuration_that_cannot_be_read_is_the_only_finding(tmp_path: Path) -> None:
    (finding,) = found(tmp_path / "none.toml")
    assert (Mark.WRONG, "configuration", 78) == (finding.mark, finding.part, finding.exit_status)


@pytest.mark.parametrize("text", ["", "operator = 3\ninbox = 3\nsmtp = []\n", "[[operator]]\n[inbox]\n[[smtp]]\n[[staff]]\n"])
def test_tables_that_are_none_leave_their_parts_out(tmp_path: Path, text: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text, encoding="utf-8")
    assert {"configuration"} == {part for part, status in wrong(found(config)) if status == 78}


def test_servers_that_are_away_are_temporary_and_hide_nothing(tmp_path: Path) -> None:
    findings = found(write_config(tmp_path, imap_port=1, smtp_port=1))
    assert ([("inbox[1]", 75), ("smtp", 75)], 75) == (wrong(findings), gravest(findings))


@pytest.mark.parametrize(("statuses", "gravest_status"), [([], 0), ([0, 0], 0), ([75, 1, 0], 1), ([75, 1, 78], 78), ([0, 75], 75)])
def test_the_exit_status_is_the_gravest(statuses: list[int], gravest_status: int) -> None:
    assert gravest_status == gravest([Finding(Mark.WRONG, "smtp", "", status) for status in statuses])


# --- files, calendar, clock ------------------------------------------------------------------------------------------
def test_a_configuration_that_everybody_can_change_is_wrong(config_file: ConfigFile) -> None:
    config = config_file()
    config.chmod(0o646)
    assert [("configuration", 1)] == wrong(found(config))


def test_a_store_that_everybody_can_read_is_wrong(config_file: ConfigFile) -> None:
    config = config_file()
    made_store(config).chmod(0o644)
    assert [("store", 78)] == wrong(found(config))


def test_a_folder_in_which_everybody_can_replace_the_store_is_wrong(config_file: ConfigFile, tmp_path: Path) -> None:
    config = config_file()
    made_store(config)
    tmp_path.chmod(0o707)
    assert [("store", 1)] == wrong(found(config))
    tmp_path.chmod(0o707 | stat.S_ISVTX)
    assert [] == wrong(found(config)), "as in /tmp, nobody can replace another's file"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:////nowhere/mailbot.db", "the folder /nowhere does not exist"),
        ("mysql://127.0.0.1/mailbot", "store.url names mysql"),
        ("mailbot.db", "is not the address of a database"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_store_that_cannot_be_is_told(config_file: ConfigFile, url: str, sentence: str) -> None:
    findings = found(config_file(store={"url": url}))
    assert [("store", 78)] == wrong(findings)
    assert sentence in said(findings, "store", Mark.WRONG)


def test_a_store_of_an_older_version_is_told_with_the_command_that_mends_it(config_file: ConfigFile) -> None:
    config = config_file()
    with sqlite3.connect(made_store(config)) as store:
        store.execute("UPDATE alembic_version SET version_num = '0000'")
    store.close()
    findings = found(config)
    assert [("store", 78)] == wrong(findings)
    assert "run `mailbot store upgrade`" in said(findings, "store", Mark.WRONG)


def test_an_empty_postgresql_store_is_not_made_by_looking_at_it(config_file: ConfigFile, postgresql: Postgresql) -> None:
    url = postgresql.fresh_database()
    config = config_file(store={"url": url})
    assert "not there yet" in said(found(config), "store", Mark.NOTE)
    engine = create_engine(url)
    assert [] == inspect(engine).get_table_names()
    engine.dispose()
    open_database(url).close()
    assert "can be written" in said(found(config), "store", Mark.OK)


def test_a_clock_before_the_last_pass_is_wrong(config_file: ConfigFile) -> None:
    config = config_file()
    made_store(config)
    database = open_database(load_config(config).store.url)
    with database.write() as tx:
        place_cursor(tx, Cursor("info@alit.kz", "INBOX", 1, 0, NOW, last_pass_at=NOW))
    database.close()
    assert [] == wrong(found(config, NOW + timedelta(seconds=1)))
    assert [("clock", 1)] == wrong(found(config, NOW - timedelta(days=1)))


def test_the_time_is_told_in_the_operators_zone(config_file: ConfigFile) -> None:
    findings = found(config_file(operator={"timezone": "Asia/Almaty"}))
    assert "it is 20.11.2026 11:30 in Asia/Almaty (UTC+0500)" == said(findings, "clock", Mark.OK)


def test_years_whose_moved_days_nobody_listed_are_noted(config_file: ConfigFile, tmp_path: Path) -> None:
    now = datetime(2098, 6, 1, tzinfo=UTC)
    assert "in 2098 and 2099 is not known" in said(found(config_file(), now), "calendar", Mark.NOTE)
    days = tmp_path / "days.toml"
    days.write_text('2098-01-03 = { day = "off", order = "No. 1" }\n2099-01-02 = { day = "off", order = "No. 2" }\n', encoding="utf-8")
    config = config_file(operator={"calendar_overrides": str(days)})
    assert "moved days are known for 2098 and 2099" == said(found(config, now), "calendar", Mark.OK)


def test_a_policy_that_names_another_inbox_is_noted(config_file: ConfigFile) -> None:
    assert "no [[inbox]] has" in said(found(config_file(inbox={"address": "sales@alit.kz"})), "policy", Mark.NOTE)
    findings = found(config_file(inbox={"address": "sales@alit.kz", "aliases": ["INFO@alit.kz"]}))
    assert "no [[inbox]] has" not in said(findings, "policy", Mark.NOTE)


def test_nobody_who_is_told_is_noted(config_file: ConfigFile) -> None:
    assert "nobody is told" in said(found(config_file(staff={"digest_to": []})), "staff", Mark.NOTE)


# --- the inbox -------------------------------------------------------------------------------------------------------
def test_i11_tls_is_verified(config_file: ConfigFile, dovecot: Dovecot) -> None:
    secured = {"host": LOOPBACK, "port": dovecot.imaps_port, "tls": "implicit"}
    findings = found(config_file(inbox={**secured, "tls_ca_file": str(dovecot.ca_file)}))
    assert [] == wrong(findings)
    assert "over TLS that is verified" in said(findings, "inbox[1]", Mark.OK)
    findings = found(config_file(inbox=secured))
    assert [("inbox[1]", 1)] == wrong(findings)
    assert "nothing was said to it" in said(findings, "inbox[1]", Mark.WRONG)


def test_h14_a_refused_login_at_a_provider_says_which_password_it_takes(config_file: ConfigFile, refusing: Scripted) -> None:
    findings = found(config_file(inbox={"provider": "gmail", "port": refusing.port}))
    assert [("inbox[1]", 78)] == wrong(findings)
    assert "gmail takes an app password, which needs 2-Step Verification (docs/providers.md)" in said(findings, "inbox[1]", Mark.WRONG)


def test_h16_what_the_server_says_to_a_refused_login_is_told(tmp_path: Path, smtp: CapturingSmtp) -> None:
    server = Scripted({"LOGIN": "TAG NO [ALERT] Please log in via your web browser\r\n"})
    try:
        findings = found(write_config(tmp_path, imap_port=server.port, smtp_port=smtp.port))
    finally:
        server.close()
    assert "it wants you to read this: Please log in via your web browser" in said(findings, "inbox[1]", Mark.WRONG)


def test_h16_what_the_server_wants_a_person_to_read_and_what_it_cannot_do_is_told(tmp_path: Path, smtp: CapturingSmtp) -> None:
    """A server that offers no IDLE, marks no folders, keeps no keywords: each is told, and hides none of the others."""
    server = Scripted(
        {
            "CAPABILITY": "* CAPABILITY IMAP4rev1\r\nTAG OK\r\n",
            "LOGIN": "TAG OK [ALERT] The disk is nearly full\r\n",
            "LIST": '* LIST () "/" "INBOX"\r\nTAG OK\r\n',
            "UID SEARCH": "* SEARCH 3\r\nTAG OK\r\n",
            "UID FETCH": head(3, "Authentication-Results: mx.alit.kz; none\r\n\r\n") + "TAG OK\r\n",
        }
    )
    kept = {"filing": "keyword", "filing_name": "Requests", "poll_seconds": 90}
    try:
        findings = found(write_config(tmp_path, imap_port=server.port, smtp_port=smtp.port, inbox=kept))
    finally:
        server.close()
    assert [("inbox[1]", 78)] == wrong(findings)
    assert "keeps no keyword Requests" in said(findings, "inbox[1]", Mark.WRONG)
    assert "The disk is nearly full" in said(findings, "inbox[1]", Mark.NOTE)
    assert "without IDLE: looked into every 90 s" in said(findings, "inbox[1]", Mark.OK)
    assert "the server marks no folder \\Sent" in said(findings, "inbox[1]", Mark.NOTE)
    assert "mx.alit.kz stands on 1 of the newest 1 messages" in said(findings, "inbox[1]", Mark.OK)
    assert not [command for command in server.heard if "STORE" in command or "APPEND" in command]


def test_h18_other_folders_are_found_named_or_left_alone(config_file: ConfigFile, dovecot: Dovecot, mailbox: str) -> None:
    dovecot.create_folder(mailbox, "Спам")
    findings = found(config_file(inbox={"spam_folder": "Спам"}))
    for line in ("sent_folder: Sent holds 0 messages", "spam_folder: Спам holds 0 messages"):
        assert line in said(findings, "inbox[1]", Mark.OK)
    findings = found(config_file(inbox={"spam_folder": "Мусор", "sent_folder": "none"}))
    assert "sent_folder: not looked into, as configured" in said(findings, "inbox[1]", Mark.OK)
    assert [("inbox[1]", 78)] == wrong(findings)


@pytest.mark.parametrize(
    ("names", "setting", "advice"),
    [
        (
            ["mx.alit.kz"] * 3,
            None,
            'none is configured; most bear mx.alit.kz: if that is your own mail server, write authserv_id = "mx.alit.kz"',
        ),
        (["mx.alit.kz"] * 3, "mx.old.kz", "mx.old.kz stands on none of the newest 3 messages; most bear mx.alit.kz"),
        (["a.mx.yandex.net", "b.mx.yandex.net"], None, 'write authserv_id = "*.mx.yandex.net"'),
        (["spf=pass (sender IP is 192.0.2.1)"] * 2, None, "your provider writes Authentication-Results without its name"),
        ([None, None, "evil.example"], None, "most bear no Authentication-Results of your mail server"),
        ([], None, "no message is there that could show it"),
    ],
)
def test_h58_the_name_of_the_mail_server_is_proposed_or_its_lack_told(
    config_file: ConfigFile, dovecot: Dovecot, mailbox: str, names: list[str | None], setting: str | None, advice: str
) -> None:
    for name in names:
        dovecot.append(mailbox, (SIGNED.format(name) if name else "Subject: x\r\n\r\ny\r\n").encode())
    config = config_file(inbox={"authserv_id": setting or "mx.none.kz"})
    if setting is None:
        config.write_text(config.read_text(encoding="utf-8").replace('authserv_id = "mx.none.kz"\n', ""), encoding="utf-8")
    findings = found(config)
    assert [] == wrong(findings)
    assert advice in said(findings, "inbox[1]", Mark.NOTE)


def test_h57_only_the_topmost_name_counts(config_file: ConfigFile, dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, ("Authentication-Results: mx.evil.example; none\r\n" + SIGNED.format("mx.alit.kz")).encode())
    assert "most bear mx.evil.example" in said(found(config_file()), "inbox[1]", Mark.NOTE)


def test_the_folder_for_requests_is_told_of_and_not_made(config_file: ConfigFile, dovecot: Dovecot, mailbox: str) -> None:
    findings = found(config_file())
    assert [] == wrong(findings)
    assert "take_in_folder: there is no folder mailbot/Take in; the service makes it" in said(findings, "inbox[1]", Mark.NOTE)
    dovecot.create_folder(mailbox, "mailbot/Take in")
    assert "take_in_folder: mailbot/Take in holds 0 messages" in said(found(config_file()), "inbox[1]", Mark.OK)
    findings = found(config_file(inbox={"take_in_folder": "none"}))
    assert "take_in_folder: not looked into, as configured" in said(findings, "inbox[1]", Mark.OK)


# --- the relay -------------------------------------------------------------------------------------------------------
def test_what_the_relay_offers_is_told_and_nothing_is_sent(config_file: ConfigFile) -> None:
    with ScriptedSmtp({"EHLO": "250-smtp.example\r\n250-SIZE 35882577\r\n250-SMTPUTF8\r\n250 8BITMIME"}) as server:
        findings = found(config_file(smtp={"port": server.port}))
    assert "it offers SIZE 35882577, 8BITMIME, SMTPUTF8" in said(findings, "smtp", Mark.OK)
    assert {"EHLO", "QUIT"} == {line.split()[0] for line in server.heard}


def test_a_relay_that_refuses_the_login_says_which_password_its_provider_takes(config_file: ConfigFile, tmp_path: Path) -> None:
    secret = secret_file(tmp_path / "smtp.password", "not the pass word")
    with ScriptedSmtp({"EHLO": "250-smtp.example\r\n250 AUTH PLAIN", "AUTH": "535 5.7.8 no"}) as server:
        findings = found(config_file(smtp={"provider": "mail.ru", "port": server.port, "user": "info", "password_file": str(secret)}))
    assert [("smtp", 78)] == wrong(findings)
    assert "mail.ru takes a password for external applications" in said(findings, "smtp", Mark.WRONG)


def test_a_sender_at_another_domain_than_the_inbox_is_noted(config_file: ConfigFile) -> None:
    assert "see that mail.example lets this relay send" in said(found(config_file(smtp={"sender": "i@mail.example"})), "smtp", Mark.NOTE)


def test_a_provider_that_takes_fewer_letters_than_the_limits_allow_is_noted(config_file: ConfigFile) -> None:
    findings = found(config_file(smtp={"provider": "yandex"}, limits={"letters_an_hour": 20}))
    assert "letters a day" not in said(findings, "smtp", Mark.NOTE)
    for many in (0, 21):
        findings = found(config_file(smtp={"provider": "yandex"}, limits={"letters_an_hour": many}))
        assert "limits.letters_an_hour = 20 keeps within that" in said(findings, "smtp", Mark.NOTE)
