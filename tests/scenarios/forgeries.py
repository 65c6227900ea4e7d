"""Messages in somebody else's name, as data: what each says, what becomes of it, and to whom a letter may go.

``{me}`` is the address of a person on file who has written nothing; each message has a person of its own. ``{n}`` is that person's number.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date

from mailbot.config import load_config
from storage.database import open_database
from storage.subscribers import Consent, NewSubscriber, add_subscribers
from tests.scenarios.asking import JANUARY, Room

MX = "Authentication-Results: mx.alit.kz; "
ALIGNED = f"{MX}spf=pass smtp.mailfrom={{me}}; dmarc=pass header.from=example.com"
OF_EVIL = f"{MX}spf=pass smtp.mailfrom=mallory@evil.example; dmarc=pass header.from=evil.example"
FAILED = f"{MX}spf=fail smtp.mailfrom={{me}}; dmarc=fail header.from=example.com"
SIGNED_AT = 1767589200  # Mon, 5 Jan 2026 10:00:00 +0500
TAKEN = "Received: from relay.example.net by relay.example.org; Mon, 5 Jan 2026 10:01:00 +0500"
DKIM = f"{MX}dkim=pass header.d=example.com header.s=s1 header.b=AbCd"
GOOD = f"v=1; a=rsa-sha256; d=example.com; s=s1; t={SIGNED_AT}; h=From:To:Subject:Date:Message-ID; bh=AA==; b=AbCdEf"
ME = ("{me}",)
NEW_ADDRESS = "new{n}@evil.example"

UPDATE = ("Personal Data Update", "My new phone is 8 700 000 20 14.")
NEW_EMAIL = ("Personal Data Update", f"My new e-mail is {NEW_ADDRESS}.")
OPT_OUT = ("Opt-out of Notifications", "")
REVOKE = ("Revocation of consent to the processing of personal data", "I revoke it.")
BLOCK = ("Block my personal data", "Please block the processing of my personal data.")
UNBLOCK = ("Unblock my personal data", "Please unblock my personal data.")
DESTROY = ("Destroy my personal data", "Please destroy my personal data.")
ACCESS = ("Request for access to my personal data", "What do you hold about me?")


@dataclass(frozen=True, slots=True)
class Forgery:
    """A message, and exactly what follows from it. Never a change of what is on file: that is not for a row to say."""

    name: str
    head: tuple[str, ...]
    """What stands above Subject; without a From there, the person's."""
    becomes: str = "request"
    to: tuple[str, ...] = ()
    """To whom letters go."""
    stops: bool = False
    """Messages to the person are paused; that can be undone."""
    asks: tuple[str, str] = UPDATE
    domain: str = "example.com"


def unproven(name: str, *head: str, domain: str = "example.com") -> Forgery:
    """Make a message whose From nobody vouches for: the person's own address is asked back, and nobody else."""
    return Forgery(name, head, to=ME, domain=domain)


def failed(name: str, *head: str) -> Forgery:
    """Make a message that the domain of From disowns: it is entered for staff, and nobody gets a letter."""
    return Forgery(name, head)


def doubtful(name: str, *head: str) -> Forgery:
    """Make a message in which two programs may read two senders, though the server vouches for both: held, and no letter."""
    return Forgery(name, (f"{MX}spf=pass smtp.mailfrom={{me}}; dmarc=pass header.from=example.com", OF_EVIL, *head), "held")


def signed(name: str, signature: str, *head: str, becomes: str = "request", to: tuple[str, ...] = ME) -> Forgery:
    """Make a message with a signature of the person's domain that was found good, and a flaw."""
    return Forgery(name, (DKIM, TAKEN, f"DKIM-Signature: {signature}", *head), becomes, to)


IN_DOUBT = (
    doubtful("H44 two From fields, the person first", "From: {me}", "From: mallory@evil.example"),
    doubtful("H44 two From fields, the person last", "From: mallory@evil.example", "From: {me}"),
    doubtful("H44 two From fields that are the same", "From: {me}", "From: {me}"),
    doubtful("H44 a From with a blank before its colon, above", "From : mallory@evil.example", "From: {me}"),
    doubtful("H44 a From with a tab before its colon, below", "From: {me}", "From\t: mallory@evil.example"),
    doubtful("H44 two From fields, one in capitals", "FROM: mallory@evil.example", "from: {me}"),
    doubtful("H44 two Subject fields", "From: {me}", "Subject: Minutes of the meeting"),
    doubtful("H44 a second Subject with a blank before its colon", "From: {me}", "Subject : Minutes of the meeting"),
    doubtful("H45 two mailboxes", "From: {me}, mallory@evil.example"),
    doubtful("H45 two mailboxes, the person last", "From: mallory@evil.example, {me}"),
    doubtful("H45 two mailboxes on two lines", "From: {me},\r\n mallory@evil.example"),
    doubtful("H45 two mailboxes and a semicolon", "From: mallory@evil.example; {me}"),
    doubtful("H45 a group", "From: Subscribers: {me};"),
    doubtful("H45 an empty group and the person", "From: undisclosed-recipients:;, {me}"),
    doubtful("H45 an address for a name", "From: {me} <mallory@evil.example>"),
    doubtful("H45 an address for a name, the other way round", "From: mallory@evil.example <{me}>"),
    doubtful("H45 two addresses in brackets", "From: <{me}> <mallory@evil.example>"),
    doubtful("H45 an address in a comment", "From: mallory@evil.example ({me})"),
    doubtful("H45 a comment in the address", "From: mallory(@evil.example <{me}>)@evil.example"),
    doubtful("H45 a nested comment", "From: (a (b) {me}) mallory@evil.example"),
    doubtful("H45 a source route", "From: <@evil.example:{me}>"),
    doubtful("H45 an address as a quoted local part", 'From: "{me}"@evil.example'),
    doubtful("H45 two at signs", "From: {me}@evil.example"),
    doubtful("H45 a bracket that does not end", "From: Person <{me}"),
    doubtful("H45 a quotation that does not end", 'From: "Person <{me}>, mallory@evil.example'),
    doubtful("H45 nothing in From", "From:"),
    doubtful("H45 only a name in From", "From: Subscriber"),
    doubtful("H46 a quoted name that is an address", 'From: "{me}" <mallory@evil.example>'),
    doubtful("H46 an encoded name that is an address", "From: =?utf-8?q?{quoted}?= <mallory@evil.example>"),
    doubtful("H46 an encoded word that is the whole From", "From: =?utf-8?q?=3C{quoted}=3E?="),
    doubtful("H46 an encoded name that ends the quotation", "From: =?utf-8?q?=22_=3C{quoted}=3E=2C_=22?= <mallory@evil.example>"),
    doubtful("H56 a bare CR between two From fields", "From: mallory@evil.example\rFrom: {me}"),
    doubtful("H56 a bare CR in the address", "From: <mallory@evil.example\r{me}>"),
)

OTHER_PEOPLE = (
    Forgery(
        "H46 the name of the person, and an address that is somebody's own",
        (OF_EVIL, "From: Canary{n} <m{n}@evil.example>"),
        to=("m{n}@evil.example",),
    ),
    Forgery("H46 the encoded name of the person", (OF_EVIL, "From: =?utf-8?q?Canary{n}?= <m{n}@evil.example>"), to=("m{n}@evil.example",)),
    Forgery("H46 the name of the person in a comment", (OF_EVIL, "From: m{n}@evil.example (Canary{n})"), to=("m{n}@evil.example",)),
    Forgery(
        "H47 a Cyrillic letter in the domain",
        (f"{MX}spf=pass smtp.mailfrom=v{{n}}@xn--exmple-4nf.com", "From: v{n}@exаmple.com"),
        to=("v{n}@xn--exmple-4nf.com",),
    ),
    Forgery(
        "H47 a domain that begins like it",
        (f"{MX}spf=pass smtp.mailfrom=v{{n}}@example.com.evil.example", "From: v{n}@example.com.evil.example"),
        to=("v{n}@example.com.evil.example",),
    ),
    Forgery(
        "H47 a domain that ends like it",
        (f"{MX}spf=pass smtp.mailfrom=v{{n}}@anexample.com", "From: v{n}@anexample.com"),
        to=("v{n}@anexample.com",),
    ),
    Forgery(
        "H47 a sub-domain of it",
        (f"{MX}spf=pass smtp.mailfrom=v{{n}}@mail.example.com", "From: v{n}@mail.example.com"),
        to=("v{n}@mail.example.com",),
    ),
    Forgery("H47 a tag behind the name", (ALIGNED, "From: v{n}+x@example.com"), to=("v{n}+x@example.com",)),
    Forgery("H47 a dot in the name", (ALIGNED, "From: v.{n}@example.com"), to=("v.{n}@example.com",)),
    Forgery("H47 a local part of another script", (ALIGNED, "From: ѵ{n}@example.com")),
    Forgery("H47 a look-alike of the local part in an encoded word", (ALIGNED, "From: =?utf-8?q?=D1=B5{n}=40example=2Ecom?="), "held"),
    Forgery("H48 the same mailbox, spelt otherwise", ("From: V{n}@EXAMPLE.COM",), to=ME),
)

RESULTS_OF_NOBODY = (
    unproven("H57 no results"),
    unproven("H57 results of another server", "Authentication-Results: mx.evil.example; spf=pass smtp.mailfrom={me}"),
    unproven("H57 our results under those of another server", "Authentication-Results: mx.evil.example; spf=none", ALIGNED),
    unproven("H57 forged results under our own, which found nothing", f"{MX}spf=none smtp.mailfrom={{me}}", ALIGNED),
    unproven("H57 our results without any result", f"{MX}none", ALIGNED),
    failed("H57 forged results under our own, which found a forgery", FAILED, ALIGNED),
    unproven("H58 no name before the results", "Authentication-Results: spf=pass smtp.mailfrom={me}"),
    unproven("H58 an empty name", "Authentication-Results: ; spf=pass smtp.mailfrom={me}"),
    unproven("H57 two names", "Authentication-Results: mx.evil.example mx.alit.kz; spf=pass smtp.mailfrom={me}"),
    unproven("H57 two names, ours first", "Authentication-Results: mx.alit.kz mx.evil.example; spf=pass smtp.mailfrom={me}"),
    unproven("H57 two names in two results", "Authentication-Results: mx.evil.example; mx.alit.kz; spf=pass smtp.mailfrom={me}"),
    unproven("H57 a sub-domain of our name", "Authentication-Results: x.mx.alit.kz; spf=pass smtp.mailfrom={me}"),
    unproven("H57 the domain above our name", "Authentication-Results: alit.kz; spf=pass smtp.mailfrom={me}"),
    unproven("H57 our name as the beginning of another", "Authentication-Results: mx.alit.kz.evil.example; spf=pass smtp.mailfrom={me}"),
    unproven("H57 our name as the end of another", "Authentication-Results: evilmx.alit.kz; spf=pass smtp.mailfrom={me}"),
    unproven("H57 a dot behind our name", "Authentication-Results: mx.alit.kz.; spf=pass smtp.mailfrom={me}"),
    unproven("H57 our name quoted with more", 'Authentication-Results: "mx.alit.kz evil"; spf=pass smtp.mailfrom={me}'),
    unproven("H57 our name in a comment", "Authentication-Results: (mx.alit.kz) mx.evil.example; spf=pass smtp.mailfrom={me}"),
    unproven("H57 our name only in a comment", "Authentication-Results: (mx.alit.kz;) ; spf=pass smtp.mailfrom={me}"),
    unproven("H57 our name in letters that look like it", "Authentication-Results: mx.аlit.kz; spf=pass smtp.mailfrom={me}"),
    unproven("H57 an unknown version", "Authentication-Results: mx.alit.kz 2; spf=pass smtp.mailfrom={me}"),
    unproven("H57 another field", "X-Authentication-Results: mx.alit.kz; spf=pass smtp.mailfrom={me}"),
    unproven("H57 ARC results", "ARC-Authentication-Results: i=1; mx.alit.kz; spf=pass smtp.mailfrom={me}"),
    unproven("H57 Received-SPF", "Received-SPF: pass (mx.alit.kz) client-ip=192.0.2.1; envelope-from={me};"),
    unproven("H57 results behind a bare CR", "X-Note: a\r" + ALIGNED),
    unproven("H57 results folded into another field", "X-Note: a\r\n " + ALIGNED),
    failed("H57 results behind a line that is no field", "this is no field", ALIGNED),
    unproven("H57 a comment that does not end", f"{MX}spf=pass (smtp.mailfrom={{me}}"),
    unproven("H57 results of 20,000 characters", f"{MX}spf=pass smtp.mailfrom={{me}}; x-{'a' * 20_000}=pass"),
)

RESULTS_OF_OTHERS = (
    unproven("H59 SPF of another domain", f"{MX}spf=pass smtp.mailfrom=mallory@evil.example"),
    unproven("H59 SPF of the greeting alone", f"{MX}spf=pass smtp.helo=example.com"),
    unproven(
        "H59 DKIM of another domain",
        f"{MX}dkim=pass header.d=evil.example",
        f"DKIM-Signature: {GOOD.replace('example.com', 'evil.example')}",
    ),
    unproven("H59 DMARC of another domain", OF_EVIL),
    unproven("H59 a domain that begins like that of From", f"{MX}spf=pass smtp.mailfrom=x@example.com.evil.example"),
    unproven("H59 a domain that ends like that of From", f"{MX}spf=pass smtp.mailfrom=x@anexample.com"),
    unproven("H59 the top domain of From", f"{MX}spf=pass smtp.mailfrom=x@com"),
    unproven("H59 a neighbour under com.kz", f"{MX}spf=pass smtp.mailfrom=x@evil.com.kz", domain="firm.com.kz"),
    unproven("H59 com.kz itself", f"{MX}spf=pass smtp.mailfrom=x@com.kz", domain="firm.com.kz"),
    unproven("H59 DMARC of com.kz", f"{MX}dmarc=pass header.from=com.kz", domain="firm.com.kz"),
    unproven("H59 a neighbour under github.io", f"{MX}spf=pass smtp.mailfrom=x@evil.github.io", domain="person.github.io"),
    unproven("H59 github.io itself", f"{MX}spf=pass smtp.mailfrom=x@github.io", domain="person.github.io"),
    unproven("H59 two senders in one result", f"{MX}spf=pass smtp.mailfrom=x@evil.example smtp.mailfrom={{me}}"),
    unproven("H59 a sender slipped in behind another", f"{MX}spf=pass smtp.mailfrom=x@evil.example {{me}}"),
    unproven("H59 the person in the local part of another", f'{MX}spf=pass smtp.mailfrom="{{me}}"@evil.example'),
    unproven("H59 the person in a comment behind another", f"{MX}spf=pass smtp.mailfrom=x@evil.example (smtp.mailfrom={{me}})"),
)

NO_PASS = (
    *(
        unproven(f"H60 dmarc={word}", f"{MX}dmarc={word} header.from=example.com")
        for word in ("none", "temperror", "permerror", "bestguesspass")
    ),
    *(
        unproven(f"H60 spf={word}", f"{MX}spf={word} smtp.mailfrom={{me}}")
        for word in ("neutral", "softfail", "policy", "passed", "hardpass")
    ),
    *(
        unproven(f"H60 dkim={word}", f"{MX}dkim={word} header.d=example.com", f"DKIM-Signature: {GOOD}")
        for word in ("none", "policy", "temperror")
    ),
    unproven("H60 pass in a comment", f"{MX}dmarc=none (dmarc=pass header.from=example.com) header.from=example.com"),
    unproven("H60 pass in a comment in a comment", f"{MX}spf=none (a (b) ; spf=pass smtp.mailfrom={{me}}) smtp.mailfrom={{me}}"),
    unproven("H60 pass in quotes", f'{MX}spf=none reason="; spf=pass smtp.mailfrom={{me}}" smtp.mailfrom={{me}}'),
    unproven("H60 pass for a reason", f"{MX}spf=none reason=pass smtp.mailfrom={{me}}"),
    unproven(
        "H60 pass of a method of another name",
        f"{MX}x-spf=pass smtp.mailfrom={{me}}; iprev=pass policy.iprev=192.0.2.1; auth=pass smtp.auth={{me}}",
    ),
    failed("H60 SPF passes and DMARC fails", f"{MX}spf=pass smtp.mailfrom={{me}}; dmarc=fail header.from=example.com"),
    failed("H60 DMARC fails and passes", f"{MX}dmarc=fail header.from=example.com; dmarc=pass header.from=example.com"),
    failed("H60 DMARC passes and fails", f"{MX}dmarc=pass header.from=example.com; dmarc=fail header.from=example.com"),
    failed("H60 SPF of From fails", f"{MX}spf=fail smtp.mailfrom={{me}}"),
    failed("H60 DKIM of From fails", f"{MX}dkim=fail header.d=example.com", f"DKIM-Signature: {GOOD}"),
)

SIGNATURES = (
    signed("H61 a signature of the beginning of the body", GOOD + "; l=10"),
    signed("H61 a signature of nothing of the body", GOOD + "; l=0"),
    signed("H61 From is not signed", GOOD.replace("From:", "")),
    signed("H61 Subject is not signed", GOOD.replace("Subject:", "")),
    signed("H61 only a field that begins like From is signed", GOOD.replace("From:", "From-Name:")),
    signed("H61 one tag twice", GOOD + "; h=From"),
    signed("H61 a second signature of the domain, with a length", GOOD, f"DKIM-Signature: {GOOD}; l=10"),
    signed("H61 DMARC that may rest on such a signature", GOOD + "; l=10", f"{MX}dmarc=pass header.from=example.com"),
    Forgery("H61 a signature that is not there", (DKIM, TAKEN), to=ME),
    signed("H62 signed last year", GOOD.replace(str(SIGNED_AT), str(SIGNED_AT - 40 * 86_400)), becomes="held", to=()),
    signed("H62 signed eight days before", GOOD.replace(str(SIGNED_AT), str(SIGNED_AT - 8 * 86_400)), becomes="held", to=()),
    signed("H62 expired", f"{GOOD}; x={SIGNED_AT + 30}", becomes="held", to=()),
    signed("H62 of no age", GOOD.replace(f"t={SIGNED_AT}; ", "").replace("Date:", ""), becomes="held", to=()),
    signed(
        "H62 its age in a Date of which there are two",
        GOOD.replace(f"t={SIGNED_AT}; ", ""),
        "Date: Mon, 5 Jan 2026 10:00:00 +0500",
        becomes="held",
        to=(),
    ),
    Forgery("H62 no server says when it came", (DKIM, f"DKIM-Signature: {GOOD}"), "held"),
)

OTHER_FIELDS = (
    unproven("H48 Reply-To of somebody else", "Reply-To: mallory@evil.example"),
    unproven("H48 Sender of somebody else", "Sender: mallory@evil.example"),
    unproven("H48 Sender of somebody else, who is vouched for", OF_EVIL, "Sender: mallory@evil.example"),
    unproven("H48 Resent-From of somebody else", OF_EVIL, "Resent-From: mallory@evil.example", "Resent-To: info@alit.kz"),
    unproven("H48 Return-Path of somebody else", "Return-Path: <mallory@evil.example>"),
    unproven("H48 From of the person, copies for others", "Cc: mallory@evil.example", "Disposition-Notification-To: mallory@evil.example"),
    unproven("H48 an address to which errors go", "Errors-To: mallory@evil.example", "Mail-Reply-To: mallory@evil.example"),
    Forgery("H46 Resent-From of the person", (OF_EVIL, "From: m{n}@evil.example", "Resent-From: {me}"), to=("m{n}@evil.example",)),
    Forgery("H46 Sender of the person", (OF_EVIL, "From: m{n}@evil.example", "Sender: {me}"), to=("m{n}@evil.example",)),
    Forgery("H46 Reply-To of the person", (OF_EVIL, "From: m{n}@evil.example", "Reply-To: {me}"), to=("m{n}@evil.example",)),
    Forgery("H56 NUL in From", ("From: <{cut}\0{rest}>",), "held"),
    unproven("H56 a From on three lines", "From: Some\r\n\tbody\r\n <{me}>"),
)

DEMANDS = (
    Forgery("H63 a new address, unproven", (), to=("{me}", NEW_ADDRESS), asks=NEW_EMAIL),
    Forgery("H63 a new address, vouched for", (ALIGNED,), to=("{me}", NEW_ADDRESS), asks=NEW_EMAIL),
    Forgery("H63 a new address, disowned", (FAILED,), asks=NEW_EMAIL),
    Forgery("H63 our own address for a new one", (), to=ME, asks=("Personal Data Update", "My new e-mail is info@alit.kz.")),
    Forgery("H63 the address of a robot for a new one", (), to=ME, asks=("Personal Data Update", "My new e-mail is noreply@evil.example.")),
    Forgery("H64 an opt-out, unproven", (), to=ME, stops=True, asks=OPT_OUT),
    Forgery("H64 an opt-out, disowned", (FAILED,), stops=True, asks=OPT_OUT),
    Forgery("H64 a revocation, unproven", (), to=ME, stops=True, asks=REVOKE),
    Forgery("H64 a revocation, disowned", (FAILED,), asks=REVOKE),
    Forgery("H64 a block, unproven", (), to=ME, stops=True, asks=BLOCK),
    Forgery("H64 a block, disowned", (FAILED,), asks=BLOCK),
    Forgery("H64 an unblock, unproven", (), to=ME, asks=UNBLOCK),
    Forgery("H64 a destruction, unproven", (), to=ME, stops=True, asks=DESTROY),
    Forgery("H64 a destruction, vouched for", (ALIGNED,), to=ME, stops=True, asks=DESTROY),
    Forgery("H64 a destruction, disowned", (FAILED,), asks=DESTROY),
    Forgery("H68 what is held, unproven", (), to=ME, asks=ACCESS),
    Forgery("H68 what is held, vouched for", (ALIGNED,), to=ME, asks=ACCESS),
    Forgery("H68 what is held, disowned", (FAILED,), asks=ACCESS),
    Forgery(
        "H68 what is held of a subscriber, asked by a stranger",
        (OF_EVIL, "From: m{n}@evil.example"),
        to=("m{n}@evil.example",),
        asks=ACCESS,
    ),
)

STAFF = "From: Officer <officer@example.com>"
ORDERS = (
    Forgery("H67 staff tick an item off", (STAFF,), "ordinary", asks=("Re: mailbot: digest", "4 done")),
    Forgery("H67 staff approve an item", (STAFF,), "ordinary", asks=("Re: mailbot: digest", "4 approve")),
    Forgery("H67 staff approve, vouched for", (ALIGNED, STAFF), "ordinary", asks=("Re: mailbot: digest", "approve 2026-00001-K")),
    Forgery("H67 staff order in our own name", ("From: info@alit.kz",), "automatic", asks=DESTROY),
)

FORGERIES = (*IN_DOUBT, *OTHER_PEOPLE, *RESULTS_OF_NOBODY, *RESULTS_OF_OTHERS, *NO_PASS, *SIGNATURES, *OTHER_FIELDS, *DEMANDS, *ORDERS)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a letter that asked the person for a one-time code, and what becomes of it. It confirms nothing.

    ``{code}`` is the code, ``{other}`` that of another person, ``{used}`` one that was answered with NO; ``{ref}`` is the reference,
    ``{letter}`` the Message-ID of the letter, ``{asked}`` that of the message that it answered.
    """

    name: str
    becomes: str
    head: tuple[str, ...] = ()
    subject: str = "Re: {ref} {code}"
    text: str = "YES"


FROM_MALLORY = "From: mallory@evil.example"
OWN_RESULTS = f"{MX}spf=pass smtp.mailfrom=mallory@evil.example"
ANSWERS = (
    Answer("H66 a guessed code", "follow_up", subject="Re: {ref} 0123456789abcdefghjkmnpqrs"),
    Answer("H66 no code", "follow_up", subject="Re: {ref}"),
    Answer("H66 the reference for a code", "follow_up", subject="Re: {ref} {ref}"),
    Answer("H66 a part of the code", "follow_up", subject="Re: {ref} {part}"),
    Answer("H66 the code and more", "follow_up", subject="Re: {ref} {code}0"),
    Answer("H66 the code of another person", "follow_up", subject="Re: {ref} {other}"),
    Answer("H66 the code of another person, and no reference", "ordinary", subject="Re: your letter {other}"),
    Answer("H66 a code that was answered with NO", "follow_up", subject="Re: {ref} {used}"),
    Answer("H110 an unclear answer", "follow_up", text="Yes, what is this?"),
    Answer("H110 YES in what is quoted", "follow_up", text="> YES"),
    Answer("H110 YES behind other words", "follow_up", text="Hello. YES"),
    Answer("H66 an auto-reply", "automatic", ("Auto-Submitted: auto-replied",)),
    Answer("H66 an auto-reply of an old kind", "automatic", ("X-Autoreply: yes",)),
    Answer("H66 an auto-reply, known by its subject", "automatic", subject="Automatic reply: {ref} {code}"),
    Answer("H66 a bounce without a return path", "automatic", ("Return-Path: <>",)),
    Answer("H66 a bounce of the mail system", "automatic", ("Sender: MAILER-DAEMON@example.com",)),
    Answer("H66 a delivery report", "automatic", ("Content-Type: multipart/report; report-type=delivery-status; boundary=x",)),
    Answer("H66 a read receipt", "automatic", subject="Read: {ref} {code}"),
    Answer("H66 a post to a list", "automatic", ("List-Id: <talk.example.com>",)),
    Answer("H66 a post to a list of an old kind", "automatic", ("Precedence: list",)),
    Answer("H66 the right address, disowned", "held", (FAILED,)),
    Answer("H66 the right address, SPF disowns it", "held", (f"{MX}spf=fail smtp.mailfrom={{me}}",)),
    Answer("H66 the right address, forged results under those that disown it", "held", (FAILED, ALIGNED)),
    Answer("H44 the right address and another From", "held", ("From: {me}", FROM_MALLORY)),
    Answer("H44 the right address and another From with a blank", "held", ("From: {me}", "From : mallory@evil.example")),
    Answer("H44 two subjects", "held", ("Subject: Hello",)),
    Answer("H45 two mailboxes", "held", ("From: {me}, mallory@evil.example",)),
    Answer("H45 the right address for a name", "held", ('From: "{me}" <mallory@evil.example>',)),
    Answer("H46 the name of the person", "held", ("From: Canary{n} <mallory@evil.example>",)),
    Answer("H47 a tag behind the name", "held", ("From: v{n}+x@example.com",)),
    Answer("H47 a look-alike domain", "held", ("From: v{n}@exаmple.com",)),
    Answer("H47 a sub-domain", "held", ("From: v{n}@mail.example.com",)),
    Answer("H48 Reply-To of the right address", "held", (FROM_MALLORY, "Reply-To: {me}")),
    Answer("H48 Sender of the right address", "held", (FROM_MALLORY, "Sender: {me}")),
    Answer("H111 somebody else, vouched for, who has the letter", "held", (OWN_RESULTS, FROM_MALLORY, "In-Reply-To: {letter}")),
    Answer("H111 somebody else with the reference", "held", (FROM_MALLORY,), "Re: {ref}"),
    Answer("H111 somebody else in the thread of the letter", "held", (FROM_MALLORY, "In-Reply-To: {letter}"), "Re: hello"),
    Answer("H111 somebody else in the thread of a reference", "held", (FROM_MALLORY, "References: <a@b.example> {letter}"), "Re: hello"),
    Answer("H111 somebody else asks in the thread of the person", "held", (FROM_MALLORY, "In-Reply-To: {asked}"), *UPDATE),
    Answer("H111 somebody else asks with the reference", "held", (FROM_MALLORY,), "Personal Data Update {ref}", UPDATE[1]),
)


def put_on_file(here: Room, addresses: Sequence[str]) -> None:
    """Put people on file with a canary in every field."""
    people = [
        NewSubscriber(
            {"surname": f"Canary{number}", "given_name": "Canaria", "patronymic": "Canarevna"},
            (("email", address, address), ("phone", f"+7700000{number:04}", f"+7700000{number:04}")),
            (Consent("informing", date(2025, 1, 1), evidence="canary form", source="canary fair", legal_ground="canary ground"),),
            {"workplace": "Canary Works"},
        )
        for number, address in enumerate(addresses)
    ]
    with closing(open_database(load_config(here.config).store.url)) as database, database.write() as tx:
        add_subscribers(tx, people, "import", JANUARY)
