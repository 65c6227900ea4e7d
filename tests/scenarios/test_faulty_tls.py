"""Somebody on the line strips TLS, breaks it or speaks before it: no login, no mail, and nothing of that is believed (H95, I11)."""

import gc
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailbot.config import load_config
from mailbot.imap import Mailbox, MailServerAway
from mailbot.smtp import RelayAway, Verdict
from mailbot.watch import address_of
from tests.conftest import ConfigFile
from tests.mailbot.test_smtp import PASSWORD, RECIPIENT, USER, ScriptedSmtp, send_to
from tests.scenarios.outside import outcomes_in, request, run_once, seen_by
from tests.servers import CapturingSmtp, Dovecot
from tests.servers.proxy import Break, Fault, FaultyLine, Way, Words

ALERT = "Your mailbox was moved: write to postmaster@elsewhere.example"
SILENT_SECONDS = 0.2
SAID = f"* OK [ALERT] {ALERT}\r\n".encode()

WITH_A_LIE_BEFORE_TLS = {
    "in the greeting": Fault(Way.SERVER, b"* OK ", Words(SAID.removeprefix(b"* OK ") + b"* OK ")),
    "before the answer to STARTTLS": Fault(Way.SERVER, b"post-login capabilities have more.\r\n", Words(SAID)),
    "right before the handshake": Fault(Way.SERVER, b"Begin TLS negotiation now.\r\n", Words(SAID)),
}


@pytest.fixture
def imap(dovecot: Dovecot) -> Iterator[FaultyLine]:
    """Return the line to Dovecot."""
    with FaultyLine(dovecot.imap_port) as line:
        yield line


@pytest.fixture
def config(dovecot: Dovecot, config_file: ConfigFile, imap: FaultyLine) -> Path:
    """Return a configuration that turns the faulty line to TLS."""
    return config_file(inbox={"port": imap.port, "tls": "starttls", "host": "localhost", "tls_ca_file": str(dovecot.ca_file)})


@pytest.mark.parametrize("fault", WITH_A_LIE_BEFORE_TLS.values(), ids=list(WITH_A_LIE_BEFORE_TLS))
def test_h95_h16_what_is_said_before_the_handshake_is_shown_to_nobody(
    dovecot: Dovecot, mailbox: str, imap: FaultyLine, config: Path, fault: Fault
) -> None:
    """The lie may lie in the library's buffer, which is thrown away, or spoil the handshake; then the next try goes well."""
    inbox = load_config(config).inbox[0]
    imap.faults = [fault]
    try:
        opened = Mailbox(address_of(inbox, dovecot.password))
    except MailServerAway:
        opened = Mailbox(address_of(inbox, dovecot.password))
    assert ([fault], []) == (imap.happened, opened.alerts)
    opened.log_out()
    assert b"LOGIN" not in imap.overheard


PREAUTH = [Fault(Way.SERVER, b"* ", Words(b"PREAUTH", 2))]
STRIPPED = [Fault(Way.SERVER, b"LITERAL+ ", Words(b"XXXXXXXX", len(b"STARTTLS")))] * 2
"""From the greeting and from the answer to CAPABILITY."""


@pytest.mark.parametrize(("faults", "status"), [(STRIPPED, 1), (PREAUTH, 75)], ids=["stripped", "logged in already"])
def test_h95_a_line_that_cannot_be_turned_to_tls_hears_no_password_and_no_mail(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, imap: FaultyLine, config: Path, faults: list[Fault], status: int
) -> None:
    dovecot.append(mailbox, request("aigerim"))
    imap.faults = list(faults)
    assert status == run_once(config).exit_status
    assert {} == outcomes_in(config)
    assert {"CAPABILITY", "STARTTLS", "LOGOUT"} >= {line.split()[1] for line in imap.overheard.decode().splitlines()}
    imap.faults = []
    assert [] == run_once(config).problems
    assert {"aigerim@example.com": 1} == seen_by(smtp)


# --- the relay -------------------------------------------------------------------------------------------------------

IN_THE_HANDSHAKE = {
    "before the greeting": Fault(Way.SERVER, b"", Break.SILENCE),
    "in STARTTLS": Fault(Way.CLIENT, b"STARTT", Break.FIN),
    "in the answer to STARTTLS": Fault(Way.SERVER, b"220 2.0.0 go", Break.RST),
    "in the client's hello": Fault(Way.CLIENT, b"STARTTLS\r\n", Break.FIN, further=20),
    "in the server's hello": Fault(Way.SERVER, b"go ahead\r\n", Break.RST, further=20),
    "in the server's hello, without a sign": Fault(Way.SERVER, b"go ahead\r\n", Break.SILENCE, further=20),
    "by a falsified hello": Fault(Way.SERVER, b"go ahead\r\n", Words(b"\0\0\0\0", 4), further=20),
}


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # asyncio.run does not wait for the goodbye of TLS
@pytest.mark.parametrize("fault", IN_THE_HANDSHAKE.values(), ids=list(IN_THE_HANDSHAKE))
def test_h95_h10_a_handshake_that_breaks_says_nothing_in_plain_text(dovecot: Dovecot, fault: Fault) -> None:
    certified = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certified.load_cert_chain(dovecot.ca_file.with_name("server.pem"), dovecot.ca_file.with_name("server.key"))
    with ScriptedSmtp(secured=certified) as server, FaultyLine(server.port) as line:
        line.faults = [fault]
        secured: dict[str, Any] = {
            "tls": "starttls",
            "tls_ca_file": str(dovecot.ca_file),
            "user": USER,
            "password": PASSWORD,
            "port": line.port,
        }
        with pytest.raises(RelayAway):
            send_to(server, RECIPIENT, **secured, timeout_seconds=SILENT_SECONDS)
        assert [fault] == line.happened
        assert [Verdict.ACCEPTED] == send_to(server, RECIPIENT, **secured)
    assert b"AUTH" not in line.overheard
    assert b"MAIL" not in line.overheard
    gc.collect()  # here, where that is no fault
