"""One connection to the relay: what each answer makes of a letter, what stands on the wire, and when nothing is said at all."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from aiosmtplib import SMTPResponseException

from mailbot.errors import ConfigurationMistake
from mailbot.pipelining import read_replies
from mailbot.smtp import FINAL_REPLY_SECONDS, Connection, Relay, RelayAway, RelayRefusesUs, Reply, UntrustedRelay, Verdict
from tests.conftest import skip_without
from tests.servers import LOOPBACK, CapturingSmtp
from tests.servers.dovecot import make_certificates
from tests.servers.programs import find_program

SENDER, RECIPIENT, OTHER = "info@alit.kz", "anna@example.com", "bolat@example.com"
LETTER = b"Subject: received\r\n\r\nWe have it.\r\n"
USER, PASSWORD = "robot@alit.kz", "Qupiya2026"
ELSEWHERE = "127.0.0.2"
"""This machine too, but no name that the certificate carries."""

Note = Callable[[], Awaitable[None]]
Answers = Mapping[str, str]

HANG_UP, DOT, GO_ON = "hang up", ".", "354 go on"
HELLO = "250-smtp.example\r\n250-AUTH PLAIN\r\n250 STARTTLS"
PIPELINING_HELLO = "250-smtp.example\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n250 STARTTLS"
PLAIN_HELLO = "250-smtp.example\r\n250 AUTH PLAIN"
READY = "220 2.0.0 go ahead"


class ScriptedSmtp:
    """An SMTP server that answers a command as ``answers`` says, and keeps each line it hears and letters as they stood on the wire.

    The answer to "." is that to the final dot; HANG_UP ends the connection instead of answering. One connection at a time.
    """

    hello = HELLO

    def __init__(
        self, answers: Answers | None = None, *, host: str = LOOPBACK, secured: ssl.SSLContext | None = None, implicit: bool = False
    ) -> None:
        self.answers = {"GREETING": "220 smtp.example", "EHLO": self.hello, "STARTTLS": READY, "DATA": GO_ON, "QUIT": "221 bye"}
        self.answers |= {"AUTH": "235 2.7.0 welcome"} | dict(answers or {})
        self.heard: list[str] = []
        self.letters: list[bytes] = []
        self.host, self._secured, self._implicit = host, secured, implicit

    def __enter__(self) -> Self:
        self._listener = self._client = socket.create_server((self.host, 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve_all, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):  # it may be gone
            self.hang_up()
        self._thread.join(10)
        self._listener.close()

    def hang_up(self) -> None:
        """Break the connection."""
        self._client.shutdown(socket.SHUT_RDWR)

    @property
    def verbs(self) -> list[str]:
        """Tell what was said, without its arguments."""
        return [line.split(maxsplit=1)[0] for line in self.heard]

    def _serve_all(self) -> None:
        with contextlib.suppress(OSError):  # the listener was shut down
            while True:
                self._client, _ = self._listener.accept()
                with contextlib.suppress(OSError):
                    self._serve()
                self._lines.close()
                self._client.close()

    def _serve(self) -> None:
        self._lines = self._client.makefile("rb")
        if self._implicit:
            self._secure()
        self._say(self.answers["GREETING"])
        while line := self._lines.readline():
            self.heard.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            if not self._answer(self.verbs[-1]):
                return

    def _answer(self, verb: str) -> bool:
        reply = self.answers.get(verb, "250 2.0.0 fine")
        if (verb, reply) == ("DATA", GO_ON):
            self._say(reply)
            lines = self._until_dot()
            if not lines or lines[-1] != b".\r\n":
                return False  # what has no end is no letter
            self.letters.append(b"".join(lines[:-1]))
            reply = self.answers.get(DOT, "250 2.0.0 accepted")
        if reply == HANG_UP:
            return False
        self._say(reply)
        if verb == "STARTTLS" and reply.startswith("220"):
            self._secure()
        return verb != "QUIT"

    def _until_dot(self) -> list[bytes]:
        lines: list[bytes] = []
        while lines[-1:] != [b".\r\n"] and (line := self._lines.readline()):
            lines.append(line)
        return lines

    def _say(self, reply: str) -> None:
        self._client.sendall(f"{reply}\r\n".encode())

    def _secure(self) -> None:
        assert self._secured
        self._lines.close()
        self._client = self._secured.wrap_socket(self._client, server_side=True)
        self._lines = self._client.makefile("rb")


@pytest.fixture(params=["one by one", "together"])
def each_way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Commands are said one by one, and together where the server offers it (RFC 2920): nothing else may differ."""
    ScriptedSmtp.hello = PIPELINING_HELLO if request.param == "together" else HELLO
    yield
    ScriptedSmtp.hello = HELLO


def relay_to(server: ScriptedSmtp | CapturingSmtp, **keys: Any) -> Relay:
    """Return the relay's address; keywords override."""
    given = {
        "host": getattr(server, "host", LOOPBACK),
        "port": server.port,
        "tls": "none",
        "tls_ca_file": None,
        "user": None,
        "password": None,
    }
    return Relay(**{**given, "timeout_seconds": 10.0, **keys})


async def not_noted() -> None:
    """Stand for a durable note that nobody looks at."""


async def send(connection: Connection, recipient: str = RECIPIENT, content: bytes = LETTER, note: Note = not_noted) -> Reply:
    """Open the connection if need be and hand one letter over."""
    if not connection.is_open:
        await connection.open()
    return await connection.hand_over(SENDER, recipient, content, note)


def send_to(server: ScriptedSmtp | CapturingSmtp, *recipients: str, content: bytes = LETTER, **relay: Any) -> list[Verdict]:
    """Hand a letter over to one recipient after another, on one connection as long as it stands, and say goodbye."""

    async def run() -> list[Verdict]:
        connection = Connection(relay_to(server, **relay))
        verdicts = [(await send(connection, recipient, content)).verdict for recipient in recipients]
        await connection.close()
        return verdicts

    return asyncio.run(run())


def sent_by(answers: Mapping[str, str]) -> tuple[Reply, bool]:
    """Hand a letter over to a server with these answers; return the reply and whether the connection is still of use."""

    async def run() -> tuple[Reply, bool]:
        connection = Connection(relay_to(server))
        reply, is_open = await send(connection), connection.is_open
        await connection.close()
        return reply, is_open

    with ScriptedSmtp(answers) as server:
        return asyncio.run(run())


def open_to(server: ScriptedSmtp, **keys: Any) -> None:
    """Open a connection, which the caller expects to fail."""
    with server:
        asyncio.run(Connection(relay_to(server, **keys)).open())


@pytest.mark.parametrize(
    ("command", "answer", "expected", "stays_open"),
    [
        (DOT, "250 2.0.0 queued as 17", Reply(Verdict.ACCEPTED, "250 2.0.0"), True),
        (DOT, "250 anna@example.com will see it", Reply(Verdict.ACCEPTED, "250"), True),
        ("RCPT", "451 4.7.1 greylisted", Reply(Verdict.LATER, "451 4.7.1"), True),
        ("RCPT", "550 5.1.1 no such user", Reply(Verdict.REFUSED, "550 5.1.1"), True),
        ("DATA", "452 4.3.1 full", Reply(Verdict.LATER, "452 4.3.1"), True),
        ("DATA", "554 5.7.1 no", Reply(Verdict.REFUSED, "554 5.7.1"), True),
        (DOT, "451 4.3.0 try again", Reply(Verdict.LATER, "451 4.3.0"), True),
        (DOT, "554 5.6.0 not like this", Reply(Verdict.REFUSED, "554 5.6.0"), True),
        (DOT, "421 4.3.2 closing", Reply(Verdict.LATER, "421 4.3.2"), False),
    ],
)
@pytest.mark.usefixtures("each_way")
def test_h93_4yz_is_tried_later_and_5yz_is_final(command: str, answer: str, expected: Reply, stays_open: bool) -> None:
    assert (expected, stays_open) == sent_by({command: answer})


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", [HANG_UP, "421 4.4.2 idle too long", "what?", "199 hm"])
@pytest.mark.usefixtures("each_way")
def test_h31_a_connection_that_ends_before_the_letter_leaves_no_doubt(command: str, answer: str) -> None:
    reply, stays_open = sent_by({command: answer})
    assert (Verdict.AWAY, False) == (reply.verdict, stays_open)


@pytest.mark.parametrize("answer", [HANG_UP, "what?", "252 2.0.0 perhaps", "354 go on"])
@pytest.mark.usefixtures("each_way")
def test_h31_only_a_clear_answer_to_the_final_dot_ends_the_doubt(answer: str) -> None:
    assert (Reply(Verdict.UNKNOWN, ""), False) == sent_by({DOT: answer})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("451 4.7.1 too many letters", RelayAway),
        ("530 5.7.0 authentication required", RelayRefusesUs),
        ("550 5.7.1 info@alit.kz", RelayRefusesUs),
    ],
)
@pytest.mark.usefixtures("each_way")
def test_a_refusal_of_the_sender_concerns_all_letters_and_is_told_without_an_address(answer: str, expected: type[Exception]) -> None:
    """As a verdict on the letter it would make every letter of the queue undeliverable because of a missing smtp.user."""
    with pytest.raises(expected) as refused:
        sent_by({"MAIL": answer})
    assert answer[:9] in str(refused.value)
    assert SENDER not in str(refused.value)


@pytest.mark.usefixtures("each_way")
def test_h31_no_byte_of_the_letter_is_said_before_it_is_noted() -> None:
    async def run() -> None:
        with ScriptedSmtp() as server:

            async def note() -> None:
                while server.verbs[-1] != "DATA":
                    await asyncio.sleep(0.001)
                said.append((server.verbs, len(server.letters)))

            said: list[tuple[list[str], int]] = []
            connection = Connection(relay_to(server))
            assert Verdict.ACCEPTED is (await send(connection, note=note)).verdict
            await connection.close()
            assert [(["EHLO", "MAIL", "RCPT", "DATA"], 0)] == said
            assert [LETTER] == server.letters

    asyncio.run(run())


@pytest.mark.usefixtures("each_way")
def test_h31_a_letter_that_cannot_be_noted_is_not_sent() -> None:
    async def run() -> None:
        async def note() -> None:
            raise RuntimeError("the store is away")

        with ScriptedSmtp() as server:
            connection = Connection(relay_to(server))
            with pytest.raises(RuntimeError, match="the store is away"):
                await send(connection, note=note)
            assert not connection.is_open
        assert [] == server.letters

    asyncio.run(run())


@pytest.mark.usefixtures("each_way")
def test_h31_a_letter_whose_connection_breaks_while_it_is_noted_is_not_in_doubt() -> None:
    async def run() -> None:
        with ScriptedSmtp() as server:
            connection = Connection(relay_to(server))

            async def note() -> None:
                server.hang_up()
                while connection.is_open:
                    await asyncio.sleep(0.001)

            assert Reply(Verdict.AWAY, "") == await send(connection, note=note)

    asyncio.run(run())


@pytest.mark.parametrize("answers", [{}, {"RCPT": "550 5.1.1 unknown"}, {"DATA": "451 4.3.0 not now"}])
def test_a_server_that_takes_commands_together_gets_them_together(answers: Answers) -> None:
    """RFC 2920: MAIL, RCPT and DATA in one go, whatever becomes of them; RFC 5321 for all others, each after the reply to the last."""
    heard = []
    for hello in (PIPELINING_HELLO, HELLO):
        with ScriptedSmtp({"EHLO": hello, **answers}) as server:
            send_to(server, RECIPIENT)
        heard.append(server.verbs[1:4])
    together, one_by_one = heard
    assert ["MAIL", "RCPT", "DATA"] == together
    assert ["MAIL", "RCPT", "RSET" if "RCPT" in answers else "DATA"] == one_by_one


def test_a_server_that_waits_for_a_letter_it_refused_is_told_that_none_comes() -> None:
    """RFC 2920, 3.1: DATA may be taken though nobody would get the letter."""
    with ScriptedSmtp({"EHLO": PIPELINING_HELLO, "RCPT": "550 5.1.1 unknown"}) as server:
        assert [Verdict.REFUSED] == send_to(server, RECIPIENT)
    assert [b""] == server.letters
    assert ["EHLO", "MAIL", "RCPT", "DATA", "RSET", "QUIT"] == server.verbs


@pytest.mark.parametrize("answers", [{"RCPT": "252 2.0.0 perhaps"}, {"MAIL": "200 hm"}, {"RCPT": "250 2.1.5 fine\r\n250 2.1.5 fine"}])
def test_h31_where_the_replies_cannot_be_told_no_letter_begins_and_none_is_ended(answers: Answers) -> None:
    """A server that waits for a letter delivers it when the line with the dot comes: an empty one would go out."""
    with ScriptedSmtp({"EHLO": PIPELINING_HELLO, **answers}) as server:
        assert [Verdict.AWAY] == send_to(server, RECIPIENT)
        server.answers |= {"RCPT": "250 2.1.5 fine", "MAIL": "250 2.1.0 fine"}
        assert [Verdict.ACCEPTED] == send_to(server, RECIPIENT)
    assert [LETTER] == server.letters


def test_a_server_whose_replies_to_commands_said_together_cannot_be_told_is_spoken_to_one_by_one() -> None:
    async def run() -> list[Verdict]:
        connection = Connection(relay_to(server))
        return [(await send(connection)).verdict for _ in range(2)]

    with ScriptedSmtp({"EHLO": PIPELINING_HELLO, "RCPT": "252 2.0.0 perhaps"}) as server:
        assert [Verdict.AWAY, Verdict.AWAY] == asyncio.run(run())
    assert ["EHLO", "MAIL", "RCPT", "DATA", "EHLO", "MAIL", "RCPT"] == server.verbs


@pytest.mark.parametrize(
    ("heard", "replies"),
    [
        (b"", []),
        (b"250 2.1.0 O", []),
        (b"250 2.1.0 Ok\r\n", [(250, "2.1.0 Ok")]),
        (b"250-2.1.0 one\r\n250-2.1.0 two\r\n", []),
        (b"250-2.1.0 one\r\n250 2.1.0 two\r\n354 go\n451 la", [(250, "2.1.0 two"), (354, "go")]),
        (b"250\r\n354\r\n", [(250, ""), (354, "")]),
    ],
)
def test_replies_are_told_apart(heard: bytes, replies: list[tuple[int, str]]) -> None:
    assert replies == read_replies(heard)


@pytest.mark.parametrize("heard", [b"\r\n", b"what?\r\n", b"25 0\r\n", b"250 fine\r\n\xff\xfe\r\n", b"550-no\r\n250 yes\r\n"])
def test_what_is_no_reply_is_not_taken_for_one(heard: bytes) -> None:
    with pytest.raises(SMTPResponseException):
        read_replies(heard)


@pytest.mark.parametrize(("answer", "verdict"), [("550 5.1.1 unknown", Verdict.REFUSED), ("451 4.2.1 later", Verdict.LATER)])
def test_h93_the_next_letter_goes_over_the_same_connection_after_a_refusal(smtp: CapturingSmtp, answer: str, verdict: Verdict) -> None:
    smtp.answers[RECIPIENT] = answer
    assert [verdict, Verdict.ACCEPTED] == send_to(smtp, RECIPIENT, OTHER)
    assert [(OTHER,)] == [envelope.recipients for envelope in smtp.envelopes]


@pytest.mark.parametrize(
    "recipient",
    [
        "anna@example.com>\r\nRCPT TO:<eve@example.com",
        "anna@example.com\n",
        "anna bolat@example.com",
        "<anna@example.com>",
        "anna@example.com,eve@example.com",
        "anna(eve)@example.com",
        "anna\x00@example.com",
        "",
    ],
)
@pytest.mark.usefixtures("each_way")
def test_h91_an_address_that_could_be_read_as_another_is_never_said(recipient: str) -> None:
    with ScriptedSmtp() as server:
        assert [Verdict.REFUSED, Verdict.ACCEPTED] == send_to(server, recipient, OTHER)
    assert [f"RCPT TO:<{OTHER}>"] == [line for line in server.heard if line.startswith("RCPT")]


@pytest.mark.parametrize("recipient", ["әсел@example.com", "anna@қазақша.example"])
def test_h92_an_address_that_needs_smtputf8_does_not_block_the_next(recipient: str, smtp: CapturingSmtp) -> None:
    assert [Verdict.REFUSED, Verdict.ACCEPTED] == send_to(smtp, recipient, OTHER)


@pytest.mark.usefixtures("each_way")
def test_the_null_reverse_path_is_said_as_it_is() -> None:
    async def run() -> None:
        connection = Connection(relay_to(server))
        await connection.open()
        await connection.hand_over("", RECIPIENT, LETTER, not_noted)
        await connection.close()

    with ScriptedSmtp() as server:
        asyncio.run(run())
    assert "MAIL FROM:<>" in server.heard


@pytest.mark.parametrize(
    ("content", "on_the_wire"),
    [
        (b"Subject: a\r\n\r\n.\r\n..two\r\n.three\r\n", b"Subject: a\r\n\r\n..\r\n...two\r\n..three\r\n"),
        (b"Subject: a\n\nb\n.\nc\rd", b"Subject: a\r\n\r\nb\r\n..\r\nc\r\nd\r\n"),
        (b"Subject: a\r\n\r\nb\n.\r\nMAIL FROM:<eve@example.com>\r\n", b"Subject: a\r\n\r\nb\r\n..\r\nMAIL FROM:<eve@example.com>\r\n"),
    ],
)
@pytest.mark.usefixtures("each_way")
def test_h90_the_wire_carries_crlf_only_and_doubled_dots(content: bytes, on_the_wire: bytes) -> None:
    with ScriptedSmtp() as server:
        send_to(server, RECIPIENT, content=content)
    assert [on_the_wire] == server.letters


@pytest.mark.usefixtures("each_way")
def test_h32_an_error_at_quit_is_none_of_ours() -> None:
    assert Verdict.ACCEPTED is sent_by({"QUIT": HANG_UP})[0].verdict
    assert Verdict.ACCEPTED is sent_by({"QUIT": "500 5.5.1 what?"})[0].verdict


def test_h32_the_final_reply_may_take_longer_than_any_other(smtp: CapturingSmtp) -> None:
    assert 600 == FINAL_REPLY_SECONDS
    smtp.delay_seconds = 0.3
    assert [Verdict.ACCEPTED] == send_to(smtp, RECIPIENT, timeout_seconds=0.1)


def test_a_lost_connection_can_be_opened_again(smtp: CapturingSmtp) -> None:
    async def run() -> None:
        connection = Connection(relay_to(smtp))
        await send(connection)
        connection.drop()
        assert not connection.is_open
        await send(connection, OTHER)
        await connection.close()

    asyncio.run(run())
    assert [(RECIPIENT,), (OTHER,)] == [envelope.recipients for envelope in smtp.envelopes]


def test_a_relay_that_does_not_listen_is_away(smtp: CapturingSmtp) -> None:
    smtp.stop()
    with pytest.raises(RelayAway, match=f"{LOOPBACK}:{smtp.port}"):
        asyncio.run(Connection(relay_to(smtp)).open())


@pytest.mark.parametrize("answer", ["421 4.3.2 anna@example.com is too busy", "554 5.7.1 not you, anna@example.com", HANG_UP])
def test_a_relay_that_does_not_greet_us_is_away(answer: str) -> None:
    """Its words are left out: they may name a person (I6)."""
    with pytest.raises(RelayAway) as away:
        open_to(ScriptedSmtp({"GREETING": answer}), timeout_seconds=0.5)
    assert "@" not in str(away.value)


def test_a_relay_that_says_nothing_is_away() -> None:
    with pytest.raises(RelayAway):
        open_to(ScriptedSmtp({"GREETING": "220-wait"}), timeout_seconds=0.1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the certificate of an authority that vouches for this machine as localhost and 127.0.0.1."""
    skip_without(None if find_program("openssl") else "openssl")
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def certified(authority: Path) -> ssl.SSLContext:
    """Return what the server shows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.with_name("server.pem"), authority.with_name("server.key"))
    return context


@pytest.fixture(params=["starttls", "implicit"])
def tls(request: pytest.FixtureRequest) -> str:
    """Return each way to secure the line."""
    return str(request.param)


@pytest.mark.usefixtures("each_way")
def test_h95_a_verified_line_is_logged_in_to_and_used(certified: ssl.SSLContext, authority: Path, tls: str) -> None:
    with ScriptedSmtp(secured=certified, implicit=tls == "implicit") as server:
        assert [Verdict.ACCEPTED] == send_to(server, RECIPIENT, tls=tls, tls_ca_file=str(authority), user=USER, password=PASSWORD)
    handshake = ["EHLO", "STARTTLS"] if tls == "starttls" else []
    assert [*handshake, "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"] == server.verbs


@pytest.mark.parametrize(("trusted", "host"), [(False, LOOPBACK), (True, ELSEWHERE)], ids=["wrong-authority", "wrong-name"])
def test_h95_a_certificate_that_is_not_valid_ends_it(
    certified: ssl.SSLContext, authority: Path, tls: str, trusted: bool, host: str
) -> None:
    server = ScriptedSmtp(host=host, secured=certified, implicit=tls == "implicit")
    ca_file = str(authority) if trusted else None
    with pytest.raises(UntrustedRelay, match="certificate"):
        open_to(server, tls=tls, tls_ca_file=ca_file, user=USER, password=PASSWORD)
    assert {"EHLO", "STARTTLS"} >= set(server.verbs)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [({"EHLO": PLAIN_HELLO}, UntrustedRelay), ({"STARTTLS": "454 4.7.0 not now"}, RelayAway), ({"STARTTLS": "502 5.5.1 what?"}, RelayAway)],
    ids=["stripped", "put-off", "refused"],
)
def test_h95_without_tls_there_is_no_login_and_no_mail(authority: Path, answers: dict[str, str], expected: type[Exception]) -> None:
    server = ScriptedSmtp(answers)
    with pytest.raises(expected):
        open_to(server, tls="starttls", tls_ca_file=str(authority), user=USER, password=PASSWORD)
    assert {"EHLO", "STARTTLS"} >= set(server.verbs)


def test_h95_implicit_tls_to_a_plain_server_says_nothing(authority: Path) -> None:
    server = ScriptedSmtp()
    with pytest.raises(RelayAway):
        open_to(server, tls="implicit", tls_ca_file=str(authority), user=USER, password=PASSWORD)
    assert not any(USER in line or "AUTH" in line or "MAIL" in line for line in server.heard)


def test_h95_what_is_said_before_the_handshake_is_not_believed(certified: ssl.SSLContext, authority: Path) -> None:
    """An attacker's "250" from before the handshake would be taken for the answer to EHLO, and every later answer for the next."""

    injected = f"{READY}\r\n250-evil.example\r\n250 AUTH LOGIN"
    with ScriptedSmtp({"STARTTLS": injected, "RCPT": "550 5.1.1 unknown"}, secured=certified) as server:
        verdicts = send_to(server, RECIPIENT, tls="starttls", tls_ca_file=str(authority), user=USER, password=PASSWORD)
    assert [Verdict.REFUSED] == verdicts
    assert "AUTH LOGIN" not in " ".join(server.heard)


def test_a_certificate_file_that_cannot_be_read_is_a_mistake_of_the_configuration(smtp: CapturingSmtp, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationMistake, match=r"smtp\.tls_ca_file"):
        asyncio.run(Connection(relay_to(smtp, tls="starttls", tls_ca_file=str(tmp_path / "missing.pem"))).open())


@pytest.mark.parametrize(("answer", "expected"), [("535 5.7.8 no, robot@alit.kz", RelayRefusesUs), ("454 4.7.0 not now", RelayAway)])
def test_a_refused_login_is_told_without_user_or_password(answer: str, expected: type[Exception]) -> None:
    server = ScriptedSmtp({"EHLO": PLAIN_HELLO, "AUTH": answer})
    with pytest.raises(expected) as refused:
        open_to(server, user=USER, password=PASSWORD)
    assert answer[:3] in str(refused.value)
    assert USER not in str(refused.value)
    assert PASSWORD not in str(refused.value)
    assert "MAIL" not in server.verbs


def test_a_server_that_offers_no_login_gets_no_mail() -> None:
    server = ScriptedSmtp({"EHLO": "250 smtp.example"})
    with pytest.raises(UntrustedRelay):
        open_to(server, user=USER, password=PASSWORD)
    assert ["EHLO"] == server.verbs
