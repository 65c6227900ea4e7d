"""Which message a delivery report is about, and whether it says that the message will never arrive (H87)."""

from base64 import encodebytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.delivery_report import MOST_GROUPS, DeliveryReport, read_delivery_report

OURS = "<mailbot.x@alit.kz>"
FAILED = "Final-Recipient: rfc822; dana@example.com\nAction: failed\nStatus: 5.1.1\n"
DELAYED = FAILED.replace("failed", "delayed").replace("5.1.1", "4.4.1")
HEAD = 'From: MAILER-DAEMON@mx.example\nContent-Type: Multipart/Report; report-type=delivery-status; boundary="b"\n\n'


def report(
    groups: str = FAILED, returned: str = f"Message-ID: {OURS}\nSubject: x\n\nbody\n", kind: str = "message/rfc822", status: str = ""
) -> bytes:
    told = status or f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n{groups}"
    parts = ("Content-Type: text/plain\n\nSorry.\n", told, f"Content-Type: {kind}\n\n{returned}")
    return (HEAD + "".join(f"--b\n{part}\n" for part in parts) + "--b--\n").replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("groups", "failure"),
    [
        (FAILED, "5.1.1"),
        (FAILED.replace("failed", "FAILED (no such user)"), "5.1.1"),
        (FAILED.replace("5.1.1", "4.4.7 (too many tries)"), "4.4.7"),
        (FAILED.replace("Status: 5.1.1\n", ""), "5.0.0"),
        (FAILED.replace("5.1.1", "ok\r\n Bcc: x"), "5.0.0"),
        (DELAYED, None),
        (FAILED.replace("failed", "relayed"), None),
        (FAILED.replace("Action", "X-Action"), None),
        (f"{DELAYED}\n{FAILED}", "5.1.1"),
        (f"{DELAYED}\n" * MOST_GROUPS + FAILED, None),
    ],
)
def test_h87_only_what_has_failed_for_good_is_a_failure(groups: str, failure: str | None) -> None:
    assert DeliveryReport(OURS, failure) == read_delivery_report(report(groups))


def test_a_status_may_be_encoded() -> None:
    encoded = encodebytes(f"Reporting-MTA: dns; x\n\n{FAILED}".encode()).decode()
    told = f"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n{encoded}"
    assert DeliveryReport(OURS, "5.1.1") == read_delivery_report(report(status=told))


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers", "message/global-headers"])
def test_what_comes_back_may_be_its_header_alone(kind: str) -> None:
    assert DeliveryReport(OURS, "5.1.1") == read_delivery_report(report(returned=f"Message-ID: {OURS}\n", kind=kind))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        report(returned="Subject: x\n\n"),
        report(returned="Message-ID: none\n\n"),
        report(kind="text/plain"),
        report().replace(b"Multipart/Report", b"multipart/mixed"),
        report().partition(b"message/rfc822")[0],
    ],
    ids=["nothing", "no Message-ID", "a bad one", "quoted as text", "no report", "cut off"],
)
def test_h87_what_does_not_say_what_it_is_about_says_nothing(raw: bytes) -> None:
    assert read_delivery_report(raw) is None


@given(st.binary(max_size=300), st.integers(0, 400))
def test_h54_a_report_of_any_bytes_is_read(noise: bytes, at: int) -> None:
    whole = report()
    found = read_delivery_report(whole[:at] + noise + whole[at:])
    assert found is None or found.failure in (None, "5.1.1", "5.0.0") or found.failure[0] in "245"
