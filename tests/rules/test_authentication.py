"""Whom to believe (H44-H48, H57-H62): what the mail server wrote, and what it is worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.authentication import (
    MAX_FIELD,
    MAX_SIGNATURES,
    Proof,
    Vouched,
    authserv_id_in,
    is_named,
    is_safe_pattern,
    organisation_of,
    vouch,
)
from rules.message import Message, read_header
from rules.vocabulary import Standing

OURS = "mx.alit.example"
ANNA = "anna@client.example"
RECEIVED = "Mon, 23 Nov 2026 10:00:00 +0000"
NOW = 1795428000
"""The same in seconds, as DKIM counts them."""
DAY = 86400

SPF = "spf=pass smtp.mailfrom=anna@client.example"
DKIM = "dkim=pass header.d=client.example header.s=s1 header.b=AbCdEfGh"
DMARC = "dmarc=pass header.from=client.example"

ALIGNED, UNPROVEN, FAILED = Standing.ALIGNED, Standing.UNPROVEN, Standing.FAILED


def signature(**tags: str | int | None) -> str:
    """A signature that counts, but for the tags that are given; None leaves one out."""
    usual: dict[str, str | int | None] = {"v": 1, "a": "rsa-sha256", "d": "client.example", "s": "s1", "t": NOW - 60}
    whole = usual | {"h": "From:To:Subject:Date", "bh": "x=", "b": "AbCdEfGhIjKl=="} | tags
    return "; ".join(f"{name}={value}" for name, value in whole.items() if value is not None)


def letter(*fields: str, sender: str = ANNA, signed: tuple[str, ...] | None = None, received: str = RECEIVED, more: str = "") -> Message:
    """A message with these Authentication-Results, topmost first, as it lies in the mailbox."""
    lines = [f"Authentication-Results: {field}" for field in fields]
    lines += [f"Received: from a by {OURS}; {received}"] if received else []
    lines += [f"DKIM-Signature: {each}" for each in ((signature(),) if signed is None else signed)]
    lines += [f"From: {sender}", "Subject: x"] + [more] * bool(more)
    return read_header(("\r\n".join(lines) + "\r\n\r\n").encode())


def test_the_moment_of_the_tests_is_one() -> None:
    stamp = letter().received_stamp
    assert NOW == (stamp and stamp.timestamp())


def proof(results: str, **of: str) -> str:
    """The word for a message with one signature that counts and these results."""
    return vouch(letter(f"{OURS}; {results}", **of), OURS).reason  # type: ignore[arg-type]


# --- what servers write ----------------------------------------------------------------------------------------------
WRITTEN = {
    "Gmail": (
        "mx.google.com",
        "mx.google.com;       dkim=pass header.i=@client.example header.s=s1 header.b=AbCdEfGh;       spf=pass (google.com: domain of "
        "anna@client.example designates 192.0.2.1 as permitted sender) smtp.mailfrom=anna@client.example;       dmarc=pass (p=NONE "
        "sp=QUARANTINE dis=NONE) header.from=client.example;       dara=pass header.i=@alit.example",
        Vouched(ALIGNED, Proof.DKIM, "client.example"),
    ),
    "Yandex": (
        "*.yandex.net",
        "mail-nwsmtp-mxfront-production-main-1.vla.yp-c.yandex.net; spf=pass (mail-nwsmtp-mxfront-production-main-1.vla.yp-c.yandex.net: "
        "domain of client.example designates 192.0.2.1 as permitted sender, rule=[ip4:192.0.2.0/24]) smtp.mail=anna@client.example; "
        "dkim=temperror header.i=@client.example",
        Vouched(ALIGNED, Proof.SPF, "client.example"),
    ),
    "Yandex, signed": (
        "*.yandex.net",
        "mxfront1a.mail.yandex.net; dkim=pass header.i=@client.example",
        Vouched(ALIGNED, Proof.DKIM, "client.example"),
    ),
    "Mail.ru": (
        "mxs.mail.ru",
        "mxs.mail.ru; spf=none () smtp.mailfrom=bounce@lists.example smtp.helo=client.example;\r\n\t dkim=fail header.d=lists.example; "
        "dmarc=pass header.from=anna@client.example",
        Vouched(ALIGNED, Proof.DMARC, "client.example"),
    ),
    "Mail.ru, signed": ("mxs.mail.ru", "mxs.mail.ru; dkim=pass header.d=client.example", Vouched(ALIGNED, Proof.DKIM, "client.example")),
    "Outlook": (
        "mx.microsoft.example",
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=client.example; dkim=pass (signature was verified) "
        "header.d=client.example;dmarc=pass action=none header.from=client.example;compauth=pass reason=100",
        Vouched(UNPROVEN, Proof.OTHER_AUTHSERV_ID),
    ),
    "an Outlook that gives its name": (
        OURS,
        f"{OURS}; spf=none smtp.mailfrom=client.example; dmarc=pass action=none header.from=client.example;compauth=pass reason=100",
        Vouched(ALIGNED, Proof.DMARC, "client.example"),
    ),
    "OpenDKIM": (
        OURS,
        f'{OURS};\r\n\tdkim=pass (2048-bit key; unprotected) header.d=client.example header.i=@client.example header.b="AbCdEfGh"; '
        "\r\n\tdkim-atps=neutral",
        Vouched(ALIGNED, Proof.DKIM, "client.example"),
    ),
    "OpenDMARC": (
        OURS,
        f"{OURS}; dmarc=pass (p=reject dis=none) header.from=client.example",
        Vouched(ALIGNED, Proof.DMARC, "client.example"),
    ),
    "policyd-spf": (
        OURS,
        f"{OURS}; spf=pass (mailfrom) smtp.mailfrom=client.example (client-ip=192.0.2.1; helo=a; envelope-from=x@y; receiver=<UNKNOWN>)",
        Vouched(ALIGNED, Proof.SPF, "client.example"),
    ),
    "rspamd": (
        OURS,
        f"{OURS};\r\n\tdkim=pass header.d=client.example header.s=s1 header.b=AbCdEfGh;\r\n\tdkim=pass header.d=other.example header.s=a "
        f'header.b="x/y+z123";\r\n\tarc=reject ("signature check failed: fail, {{[1] = sig:x}}");\r\n\tspf=pass ({OURS}: domain of '
        "anna@client.example designates 192.0.2.1 as permitted sender) smtp.mailfrom=anna@client.example;\r\n\t"
        "dmarc=pass (policy=reject) header.from=client.example",
        Vouched(ALIGNED, Proof.DKIM, "client.example"),
    ),
    "Exim": (
        OURS,
        f"{OURS};\r\n\tiprev=pass (mail.client.example) smtp.remote-ip=2001:db8::1;\r\n\tspf=none smtp.mailfrom=lists.example;\r\n\t"
        "dkim=pass header.d=client.example header.s=s1 header.a=rsa-sha256;\r\n\tdmarc=none",
        Vouched(ALIGNED, Proof.DKIM, "client.example"),
    ),
    "Zimbra (amavis)": (
        OURS,
        f'{OURS} (amavisd-new);\r\n\tdkim=pass (2048-bit key) reason="pass; good (enough)" header.d=client.example header.b="AbCd"',
        Vouched(ALIGNED, Proof.DKIM, "client.example"),
    ),
    "Fastmail": (
        OURS,
        f"{OURS};\r\n    dkim=pass (2048-bit rsa key sha256) header.d=client.example header.i=@client.example header.b=AbCdEfGh "
        "header.a=rsa-sha256 header.s=s1 x-bits=2048;\r\n    dmarc=pass policy.published-domain-policy=none "
        "policy.evaluated-disposition=none (p=none,d=none,d.eval=none) policy.policy-from=p header.from=client.example;\r\n    "
        "iprev=pass policy.iprev=2001:db8::1 (a.example)",
        Vouched(ALIGNED, Proof.DKIM, "client.example"),
    ),
    "Yahoo": (
        OURS,
        f"{OURS};\r\n dkim=unknown;\r\n spf=pass smtp.mailfrom=client.example;\r\n dmarc=success(p=REJECT) header.from=client.example;",
        Vouched(ALIGNED, Proof.SPF, "client.example"),
    ),
    "SPF over IPv6": (
        OURS,
        f"{OURS}; spf=pass smtp.remote-ip=2001:db8::1 smtp.mailfrom=client.example",
        Vouched(ALIGNED, Proof.SPF, "client.example"),
    ),
    "UTF-8 in a comment": (
        OURS,
        f"{OURS}; spf=pass (домен client.example разрешает) smtp.mailfrom=client.example",
        Vouched(ALIGNED, Proof.SPF, "client.example"),
    ),
    "a name in quotes, and a version": (OURS, f'"{OURS}" 1; {SPF}', Vouched(ALIGNED, Proof.SPF, "client.example")),
    "without a blank": (OURS, f"{OURS};spf=pass smtp.mailfrom=client.example", Vouched(ALIGNED, Proof.SPF, "client.example")),
    "in capitals": (OURS, f"{OURS.upper()}; SPF=Pass SMTP.MailFrom=ANNA@CLIENT.EXAMPLE", Vouched(ALIGNED, Proof.SPF, "client.example")),
}


@pytest.mark.parametrize(("authserv_id", "field", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_what_servers_write_is_understood(authserv_id: str, field: str, expected: Vouched) -> None:
    assert expected == vouch(letter(field), authserv_id)


# --- whose results (H57, H58) ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "authserv_id", "reason"),
    [
        ([f"{OURS}; {SPF}"], None, "no_authserv_id"),
        ([f"{OURS}; {SPF}"], "", "no_authserv_id"),
        ([], OURS, "no_results"),
        ([""], OURS, "other_authserv_id"),
        (["mx.other.example; spf=fail smtp.mailfrom=client.example", f"{OURS}; {SPF}"], OURS, "other_authserv_id"),
        ([f"mx.{OURS}; {SPF}"], OURS, "other_authserv_id"),
        ([f"{OURS}.evil.example; {SPF}"], OURS, "other_authserv_id"),
        ([f"{OURS} evil.example; {SPF}"], OURS, "other_authserv_id"),
        ([f"({OURS};) evil.example; {SPF}"], OURS, "other_authserv_id"),
        ([f"{OURS} 2; {SPF}"], OURS, "other_authserv_id"),
        ([SPF, f"{OURS}; {SPF}"], OURS, "other_authserv_id"),
        (["evilyandex.net; " + SPF], "*.yandex.net", "other_authserv_id"),
        ([f"{OURS}; none", f"{OURS}; {SPF}"], OURS, "no_pass"),
        ([f"{OURS}; dkim=none", f"{OURS}; {SPF}; dmarc=fail"], OURS, "no_pass"),
    ],
)
def test_h57_h58_only_the_topmost_results_of_the_configured_server_count(fields: list[str], authserv_id: str | None, reason: str) -> None:
    assert Vouched(UNPROVEN, Proof(reason)) == vouch(letter(*fields), authserv_id)


@pytest.mark.parametrize(
    "results",
    [
        SPF + " (no end",
        SPF + ' reason="no end',
        SPF + ")",
        SPF + ") (",
        SPF + " \\",
        "spf pass smtp.mailfrom=client.example",
        "spf = pass = smtp.mailfrom=client.example",
        "spf=pass smtp.mailfrom=client.example evil@evil.example",
        "spf=pass smtp.mailfrom=client.example:evil@evil.example",
        'spf="pass" smtp.mailfrom=client.example',
        f"{SPF}; dmarc",
        f"{SPF}; dmarc=",
        SPF + " ()" * MAX_FIELD,
        SPF + "(" * 5000 + ")" * 4999,
    ],
)
def test_h57_what_cannot_be_parsed_says_nothing(results: str) -> None:
    assert Vouched(UNPROVEN, Proof.UNREADABLE_RESULTS) == vouch(letter(f"{OURS}; {results}"), OURS)


@pytest.mark.parametrize(("more", "reason"), [(0, Proof.SPF), (1, Proof.UNREADABLE_RESULTS)])
def test_h54_a_field_is_read_up_to_its_longest(more: int, reason: Proof) -> None:
    field = f"{OURS}; {SPF} ()"
    comment = "x" * (MAX_FIELD - len(field) + more)
    assert reason == vouch(letter(f"{OURS}; {SPF} ({comment})"), OURS).reason


def test_h56_results_behind_a_line_that_is_no_field_may_be_the_senders() -> None:
    message = read_header(f"From: {ANNA}\r\nSubject: x\r\nno field\r\nAuthentication-Results: {OURS}; {SPF}\r\n\r\n".encode())
    assert Vouched(UNPROVEN, Proof.SENDER_IN_DOUBT) == vouch(message, OURS)


# --- which words (H60) -----------------------------------------------------------------------------------------------
NO_PASS_WORDS = [
    "none",
    "neutral",
    "softfail",
    "temperror",
    "permerror",
    "policy",
    "bestguesspass",
    "hardfail",
    "passed",
    "pass/1",
    "nonsense",
]


@pytest.mark.parametrize("word", NO_PASS_WORDS)
@pytest.mark.parametrize("result", [SPF, DKIM, DMARC], ids=["spf", "dkim", "dmarc"])
def test_h60_other_words_are_neither_a_pass_nor_a_failure(result: str, word: str) -> None:
    assert Vouched(UNPROVEN, Proof.NO_PASS) == vouch(letter(f"{OURS}; {result.replace('pass', word)}"), OURS)


@pytest.mark.parametrize(
    "results",
    [
        f'dkim=none reason="{SPF}"',
        f'dkim=none reason="x; {SPF}; {DMARC}"',
        f'dkim=none reason="\\"; {SPF}"',
        f"dkim=none ({SPF}; {DMARC})",
        f"dkim=none ((a) ; {SPF})",
        f"dkim=none (\\) ; {SPF})",
        f'dkim=none (" ; {SPF}) ; x="a"',
        f'x="{SPF}"; x=({SPF})',
        "spf=none (pass) smtp.mailfrom=client.example",
        "x-spf=pass smtp.mailfrom=client.example",
        "dkim-adsp=pass header.d=client.example; dmarc-x=pass header.from=client.example",
        f'dkim=none (; dmarc=fail) reason="; dmarc=fail"; x={DMARC}',
    ],
)
def test_h60_words_in_quotes_and_comments_and_of_other_methods_are_no_results(results: str) -> None:
    assert "no_pass" == proof(results)


def test_h60_a_comment_does_not_glue_a_word_together() -> None:
    assert "unreadable_results" == proof("spf=pa()ss smtp.mailfrom=client.example")


# --- of whom (H59, H47) ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("results", "sender", "reason"),
    [
        ("spf=pass smtp.mailfrom=b.client.example", ANNA, "spf"),
        ("spf=pass smtp.mailfrom=x@client.example", "anna@a.client.example", "spf"),
        ("spf=pass smtp.mailfrom=@client.example", ANNA, "spf"),
        ("spf=pass smtp.mailfrom=client.example.", ANNA, "spf"),
        ('spf=pass smtp.mailfrom="a b"@client.example', ANNA, "spf"),
        ('spf=pass smtp.mailfrom="x@client.example"@evil.example', ANNA, "not_aligned"),
        ("spf=pass smtp.mailfrom=SRS0=a=b=client.example=anna@relay.example", ANNA, "not_aligned"),
        ("spf=pass smtp.mailfrom=client.example.evil.example", ANNA, "not_aligned"),
        ("spf=pass smtp.mailfrom=evilclient.example", ANNA, "not_aligned"),
        ("spf=pass smtp.mailfrom=example", ANNA, "not_aligned"),
        ("spf=pass smtp.mailfrom=a=b.client.example", ANNA, "not_aligned"),
        ("spf=pass smtp.mailfrom=", ANNA, "not_aligned"),
        ("spf=pass smtp.mailfrom= smtp.helo=a.client.example", ANNA, "not_aligned"),
        ("spf=pass smtp.helo=client.example", ANNA, "not_aligned"),
        ("spf=pass smtp.mailfrom=evil.example smtp.mailfrom=client.example", ANNA, "not_aligned"),
        ("spf=pass smtp.mailfrom=client.example smtp.mailfrom=evil.example smtp.mailfrom=client.example", ANNA, "not_aligned"),
        ("spf=pass header.from=client.example", ANNA, "not_aligned"),
        ("spf=pass", ANNA, "not_aligned"),
        ("dkim=pass header.d=evil.example header.i=@client.example", ANNA, "not_aligned"),
        ("dkim=pass header.d=client.example header.d=evil.example header.i=@client.example", ANNA, "not_aligned"),
        ("dmarc=pass header.from=evil.example", ANNA, "not_aligned"),
        ("dmarc=pass header.from=a.client.example", ANNA, "not_aligned"),
        ("dmarc=pass", ANNA, "not_aligned"),
        # Organisations, by the list of public suffixes.
        ("spf=pass smtp.mailfrom=b.co.uk", "anna@a.co.uk", "not_aligned"),
        ("spf=pass smtp.mailfrom=m.a.co.uk", "anna@a.co.uk", "spf"),
        ("spf=pass smtp.mailfrom=b.com.kz", "anna@a.com.kz", "not_aligned"),
        ("spf=pass smtp.mailfrom=b.github.io", "anna@a.github.io", "not_aligned"),
        ("spf=pass smtp.mailfrom=github.io", "anna@a.github.io", "not_aligned"),
        ("spf=pass smtp.mailfrom=github.io", "anna@github.io", "spf"),
        # One domain in two spellings.
        ("spf=pass smtp.mailfrom=xn--e1afmkfd.xn--p1ai", "anna@пример.рф", "spf"),
        ("spf=pass smtp.mailfrom=anna@пример.рф", "anna@xn--e1afmkfd.xn--p1ai", "spf"),
        ("spf=pass smtp.mailfrom=анна@ПРИМЕР.рф", "анна@пример.рф", "spf"),
        ("spf=pass smtp.mailfrom=прімер.рф", "anna@пример.рф", "not_aligned"),
        ("dmarc=pass header.from=пример.рф", "anna@пример.рф", "dmarc"),
        ("dmarc=pass header.from=strasse.example", "anna@straße.example", "not_aligned"),
    ],
)
def test_h59_only_the_organisation_of_from_vouches(results: str, sender: str, reason: str) -> None:
    assert reason == proof(results, sender=sender)


def test_h59_one_foreign_pass_takes_nothing_from_one_that_is_aligned() -> None:
    assert Vouched(ALIGNED, Proof.SPF, "client.example") == vouch(letter(f"{OURS}; spf=pass smtp.mailfrom=other.example; {SPF}"), OURS)


def test_the_organisation_of_a_public_suffix_is_itself() -> None:
    assert ["client.example", "b.co.uk", "co.uk", "a.github.io", "localhost"] == [
        organisation_of(domain) for domain in ("a.b.client.example", "a.b.co.uk", "co.uk", "x.a.github.io", "localhost")
    ]


# --- failures --------------------------------------------------------------------------------------------------------
FORGED = "spf=fail smtp.mailfrom=client.example"
BROKEN = "dkim=fail header.d=client.example"


@pytest.mark.parametrize(
    ("results", "standing", "reason"),
    [
        ("dmarc=fail header.from=client.example", FAILED, "dmarc_fail"),
        ("dmarc=fail", FAILED, "dmarc_fail"),
        (f"{SPF}; {DKIM}; dmarc=fail (p=NONE) header.from=client.example", FAILED, "dmarc_fail"),
        (f"{DMARC}; dmarc=fail", FAILED, "dmarc_fail"),
        (FORGED, FAILED, "spf_fail"),
        (BROKEN, FAILED, "dkim_fail"),
        (f"{FORGED}; dkim=pass header.d=evil.example", FAILED, "spf_fail"),
        (f"{BROKEN}; spf=softfail smtp.mailfrom=client.example", FAILED, "dkim_fail"),
        (f"{FORGED}; {DKIM}", ALIGNED, "dkim"),  # it was passed on
        (f"{BROKEN}; {SPF}", ALIGNED, "spf"),
        (f"{BROKEN}; {DKIM}", ALIGNED, "dkim"),
        (f"{DKIM}; {BROKEN}", ALIGNED, "dkim"),
        (f"{FORGED}; {BROKEN}; {DMARC}", ALIGNED, "dmarc"),
        (f"{FORGED}; dmarc=none", UNPROVEN, "no_pass"),
        (f"{BROKEN}; dmarc=temperror", UNPROVEN, "no_pass"),
        (f"{FORGED}; dmarc=pass header.from=evil.example", UNPROVEN, "not_aligned"),
        ("spf=fail smtp.mailfrom=lists.example", UNPROVEN, "no_pass"),
        ("spf=fail smtp.helo=client.example", UNPROVEN, "no_pass"),
        ("dkim=fail header.d=lists.example", UNPROVEN, "no_pass"),
    ],
)
def test_a_sender_has_failed_only_by_the_word_of_its_own_domain(results: str, standing: Standing, reason: str) -> None:
    found = vouch(letter(f"{OURS}; {results}"), OURS)
    assert (standing, reason) == (found.standing, found.reason)


# --- doubtful senders (H44, H45) -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sender", "more"),
    [
        (ANNA, f"From: {ANNA}"),
        (ANNA, "From : eve@evil.example"),
        (ANNA, "Subject: y"),
        (f"{ANNA}, eve@evil.example", ""),
        (f"{ANNA} <eve@client.example>", ""),
        (f"friends: {ANNA};", ""),
        ("anna", ""),
        ("", ""),
    ],
)
def test_h44_h45_a_sender_in_doubt_is_never_aligned(sender: str, more: str) -> None:
    message = letter(f"{OURS}; {SPF}; {DKIM}; {DMARC}", sender=sender, more=more)
    assert Vouched(UNPROVEN, Proof.SENDER_IN_DOUBT) == vouch(message, OURS)


def test_h44_a_sender_in_doubt_can_still_fail() -> None:
    assert Vouched(FAILED, Proof.DMARC_FAIL) == vouch(letter(f"{OURS}; dmarc=fail", more=f"From: {ANNA}"), OURS)


# --- signatures (H61) ------------------------------------------------------------------------------------------------
LIMITED = signature(l=100)
FOREIGN = signature(d="evil.example")


@pytest.mark.parametrize(
    ("results", "signed", "reason"),
    [
        (DKIM, [signature()], "dkim"),
        (DKIM, [signature(h=" from :\r\n\tSUBJECT")], "dkim"),
        (DKIM, [signature(b="AbC\r\n dEf\r\n GhIj")], "dkim"),
        (DKIM, [signature(d="CLIENT.example", s="S1", i="anna@a.client.example") + ";"], "dkim"),
        (DKIM, [], "no_signature"),
        (DKIM, [FOREIGN], "no_signature"),
        (DKIM, [signature(s="s2")], "no_signature"),
        (DKIM, [signature(b="abcdefgh")], "no_signature"),
        (DKIM, [signature(s=None)], "no_signature"),
        (DKIM, [signature(b=None)], "no_signature"),
        (DKIM, [LIMITED], "body_length_limit"),
        (DKIM, [signature(l="")], "body_length_limit"),
        (DKIM, [signature(h="From:Date")], "fields_not_signed"),
        (DKIM, [signature(h="Subject:Date")], "fields_not_signed"),
        (DKIM, [signature(h="X-From:Subjects")], "fields_not_signed"),
        (DKIM, [signature(h=None)], "fields_not_signed"),
        # Which one was found good?
        (DKIM, [LIMITED, signature()], "body_length_limit"),
        (DKIM, [signature(), signature(s="s2", l=1)], "dkim"),
        (DKIM, [signature(), signature(b="Other", l=1)], "dkim"),
        (DKIM, [signature(b="AbCdEfGh-but-not-this"), LIMITED], "body_length_limit"),
        ("dkim=pass header.d=client.example header.s=s1", [signature(), signature(b="Other", l=1)], "body_length_limit"),
        ("dkim=pass header.d=client.example", [signature(), signature(s="s2", l=1)], "body_length_limit"),
        ("dkim=pass header.d=client.example", [signature(), signature(s="s2")], "dkim"),
        ("dkim=pass header.d=client.example header.s=S1", [signature(), signature(s="s2", l=1)], "dkim"),
        ("dkim=pass header.b= header.d=client.example", [signature()], "dkim"),
        ("dkim=pass header.d=client.example header.s=s1 header.s=s2", [signature(), signature(s="s2", l=1)], "body_length_limit"),
        ("dkim=pass header.d=client.example", [signature(), signature(d="a.client.example", l=1)], "dkim"),
        ("dkim=pass header.i=@a.client.example", [signature(i="x@a.client.example")], "dkim"),
        (
            "dkim=pass header.i=@a.client.example",
            [signature(i="x@a.client.example", l=1), signature(d="a.client.example")],
            "body_length_limit",
        ),
        ("dkim=pass header.i=@client.example", [signature(d="evil.example", i="x@client.example")], "no_signature"),
        # What two programs may read differently hides which one was found good.
        (DKIM, [signature(), signature() + "; d=evil.example"], "unreadable_signature"),
        (DKIM, [signature(), "nonsense"], "unreadable_signature"),
        (DKIM, [signature() + "; nonsense"], "unreadable_signature"),
        (DKIM, [signature(i="@")], "unreadable_signature"),
        (DKIM, [signature(), ""], "unreadable_signature"),
        (DKIM, [signature(t="soon")], "unreadable_signature"),
        (DKIM, [signature(x="-1")], "unreadable_signature"),
        (DKIM, [signature(d=None)], "unreadable_signature"),
        (DKIM, [signature(), signature(z="x" * MAX_FIELD)], "unreadable_signature"),
        (DKIM, [signature(z="x" * (MAX_FIELD - len(signature(z=""))))], "dkim"),
        (DKIM, [signature()] + [FOREIGN] * MAX_SIGNATURES, "unreadable_signature"),
        (DKIM, [signature()] + [FOREIGN] * (MAX_SIGNATURES - 1), "dkim"),
        # DMARC may rest on any of them.
        (DMARC, [], "dmarc"),
        (DMARC, [FOREIGN], "dmarc"),
        (DMARC, [signature()], "dmarc"),
        (DMARC, [signature(), signature(d="a.client.example", l=1)], "body_length_limit"),
        (DMARC, [signature(h="To:Subject")], "fields_not_signed"),
        (DMARC, ["nonsense"], "unreadable_signature"),
        (f"{DKIM}; {DMARC}", [LIMITED], "body_length_limit"),
        (f"dkim=pass header.d=evil.example; {DMARC}", [FOREIGN, LIMITED], "body_length_limit"),
        (f"{SPF}; {DKIM}; {DMARC}", [LIMITED], "spf"),  # the server that sent it is the domain's own
    ],
)
def test_h61_a_signature_counts_only_if_it_covers_the_whole_message(results: str, signed: list[str], reason: str) -> None:
    assert reason == vouch(letter(f"{OURS}; {results}", signed=tuple(signed)), OURS).reason


def test_h61_a_flawed_signature_of_the_domain_is_no_failure_either() -> None:
    assert Vouched(UNPROVEN, Proof.BODY_LENGTH_LIMIT) == vouch(letter(f"{OURS}; {DKIM}; {FORGED}", signed=(LIMITED,)), OURS)


# --- signatures of long ago (H62) ------------------------------------------------------------------------------------
FRESH_DATE = "Date: Mon, 23 Nov 2026 09:00:00 +0000"
OLD_DATE = "Date: Mon, 16 Nov 2026 09:00:00 +0000"


@pytest.mark.parametrize(
    ("signed", "more", "received", "reason"),
    [
        (signature(t=NOW - 7 * DAY), "", RECEIVED, "dkim"),
        (signature(t=NOW - 7 * DAY - 1), "", RECEIVED, "old_signature"),
        (signature(t=NOW - 7 * DAY - 1), FRESH_DATE, RECEIVED, "old_signature"),
        (signature(t=NOW - 60), OLD_DATE, RECEIVED, "dkim"),  # a letter of last week, sent today
        (signature(x=NOW + 1), "", RECEIVED, "dkim"),
        (signature(x=NOW), "", RECEIVED, "old_signature"),
        (signature(t=None, x=NOW - 8 * DAY), FRESH_DATE, RECEIVED, "old_signature"),
        (signature(t=None), FRESH_DATE, RECEIVED, "dkim"),
        (signature(t=None), OLD_DATE, RECEIVED, "old_signature"),
        (signature(t=None), f"{FRESH_DATE}\r\n{OLD_DATE}", RECEIVED, "old_signature"),  # the signature means the lower one
        (signature(t=None, h="from:subject"), FRESH_DATE, RECEIVED, "old_signature"),
        (signature(t=None), "", RECEIVED, "old_signature"),
        (signature(t=None), "Date: never", RECEIVED, "old_signature"),
        (signature(), "", "", "old_signature"),
        (signature(), "", "nobody knows", "old_signature"),
    ],
)
@pytest.mark.parametrize("results", [DKIM, f"{DKIM}; {DMARC}"], ids=["dkim", "dmarc"])
def test_h62_an_old_signature_is_for_a_person(results: str, signed: str, more: str, received: str, reason: str) -> None:
    assert reason == vouch(letter(f"{OURS}; {results}", signed=(signed,), more=more, received=received), OURS).reason


def test_h62_an_old_signature_is_for_a_person_whatever_else_is_wrong_with_it() -> None:
    message = letter(f"{OURS}; {DKIM}", signed=(signature(t=NOW - 30 * DAY, l=100, h="To"),))
    assert Vouched(UNPROVEN, Proof.OLD_SIGNATURE) == vouch(message, OURS)


@pytest.mark.parametrize("results", [f"{SPF}; {DKIM}", f"{SPF}; {DMARC}", f"{DMARC}; {FORGED}"])
def test_h62_an_old_signature_is_for_a_person_whatever_else_passed(results: str) -> None:
    message = letter(f"{OURS}; {results}", signed=(signature(t=NOW - 30 * DAY),))
    assert Vouched(UNPROVEN, Proof.OLD_SIGNATURE) == vouch(message, OURS)


def test_h62_an_old_signature_of_another_domain_says_nothing() -> None:
    assert "spf" == vouch(letter(f"{OURS}; {SPF}; {DMARC}", signed=(signature(d="list.example", t=1),)), OURS).reason


# --- any bytes -------------------------------------------------------------------------------------------------------
SCRAPS = [
    OURS,
    ";",
    " ",
    "(",
    ")",
    '"',
    "\\",
    "=",
    "@",
    ".",
    "\t",
    SPF,
    DKIM,
    DMARC,
    FORGED,
    "dmarc=fail",
    "none",
    "header.b=",
    "х",
    "\r\n ",
]
anything = st.lists(st.sampled_from(SCRAPS) | st.text(max_size=5), max_size=12).map("".join)


@given(anything, anything, st.binary(max_size=60))
def test_no_bytes_raise(results: str, signed: str, head: bytes) -> None:
    fields = f"Authentication-Results: {OURS}; {results}\r\nDKIM-Signature: {signature()}; {signed}\r\nFrom: {ANNA}\r\n"
    assert vouch(read_header(fields.encode("utf-8", "replace") + head), OURS).standing in Standing


@given(st.lists(anything, max_size=3))
def test_h57_whatever_others_write_neither_raises_nor_lowers_a_sender(fields: list[str]) -> None:
    """With a line of another server on top, nothing below it matters."""
    on_top = "mx.other.example; " + (fields[0] if fields else "none")
    assert Standing.UNPROVEN is vouch(letter(on_top.replace("\r\n", ""), *fields, f"{OURS}; {SPF}"), OURS).standing


@given(anything)
def test_h57_no_text_without_the_configured_name_in_front_counts(field: str) -> None:
    message = letter(field.replace("\r\n", ""), f"{OURS}; {SPF}")
    ours = authserv_id_in(message.fields["authentication-results"][0]) == OURS
    assert ours or vouch(message, OURS).standing is Standing.UNPROVEN


# --- the name in front (H57, H58) ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("mx.google.com; dkim=pass header.i=@example.com; spf=pass smtp.mailfrom=a@example.com", "mx.google.com"),
        ("mxs.mail.ru; spf=pass (mx1.i.mail.ru: domain of example.com) smtp.mailfrom=a@example.com", "mxs.mail.ru"),
        (
            "mail-nwsmtp-mxfront-production-main-1.vla.yp-c.yandex.net; spf=pass",
            "mail-nwsmtp-mxfront-production-main-1.vla.yp-c.yandex.net",
        ),
        ("MX.alit.kz; none", "mx.alit.kz"),
        ("mx.alit.kz 1; none", "mx.alit.kz"),
        (' (by the gate) "mx.alit.kz" (first) ; none', "mx.alit.kz"),
    ],
)
def test_h57_the_name_stands_before_the_first_semicolon(field: str, name: str) -> None:
    assert name == authserv_id_in(field)


@pytest.mark.parametrize(
    "field",
    [
        "",
        "mx.alit.kz",
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.com; dkim=pass header.d=example.com; dmarc=pass",  # Microsoft 365
        "; spf=pass",
        "mx.alit.kz evil.example; spf=pass",
        "(" * 50_000,
        "()" * 50_000,
    ],
)
def test_h58_a_field_without_a_name_has_none(field: str) -> None:
    assert authserv_id_in(field) is None


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("mx.alit.kz", "mx.alit.kz"), ("MX.Alit.kz", "mx.alit.KZ"), ("mxfront1a.mail.yandex.net", "*.yandex.net")],
)
def test_h57_a_name_fits_what_is_configured(name: str, pattern: str) -> None:
    assert is_named(name, pattern)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("mx2.alit.kz", "mx.alit.kz"),
        ("mx.alit.kz.evil.example", "mx.alit.kz"),
        ("evilyandex.net", "*.yandex.net"),
        ("yandex.net", "*.yandex.net"),
        ("mx.yandex.net.evil.example", "*.yandex.net"),
    ],
)
def test_h57_a_name_that_only_looks_like_it_does_not_fit(name: str, pattern: str) -> None:
    assert not is_named(name, pattern)


@pytest.mark.parametrize("pattern", ["mx.alit.kz", "localhost", "*.yandex.net", "*.mail.yandex.net", "*.alit.com.kz", "MX.Alit.KZ"])
def test_h57_one_name_or_all_of_one_organisation_may_be_configured(pattern: str) -> None:
    assert is_safe_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["", "*", "*.", "*.net", "*.com.kz", "*.CO.UK", "*.github.io", "*.nonesuch", "mx.*.kz", "*.*.kz", "*alit.kz", "*.alit..kz"]
)
def test_h57_names_that_anybody_can_be_given_may_not_be_configured(pattern: str) -> None:
    assert not is_safe_pattern(pattern)
