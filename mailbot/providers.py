"""What mail providers publish of themselves, in the keys of the configuration, and the names they sign their findings with.

Servers and numbers are as they publish them, the names as mail of 2024 to 2026 bears them; ``docs/providers.md`` says how to get a
password from each, and `mailbot check` what a mailbox really does.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Provider:
    """What is filled in for a provider, unless the administrator writes it."""

    inbox: Mapping[str, str | int]
    smtp: Mapping[str, str | int]
    takes: str
    """Which password it takes: seldom the one that people type on its page."""
    letters_a_day: int | None = None
    """How many letters a day it takes from one mailbox of its smallest plan; None where it publishes no number."""
    inbox_closed: str = ""
    """Why its mailboxes cannot be read."""


PROVIDERS: Mapping[str, Provider] = {
    "gmail": Provider(  # Gmail and Google Workspace
        inbox={"host": "imap.gmail.com", "port": 993, "tls": "implicit", "authserv_id": "mx.google.com"},
        smtp={"host": "smtp.gmail.com", "port": 465, "tls": "implicit", "connections": 2},
        takes="an app password, which needs 2-Step Verification",
        letters_a_day=500,  # 2000 in a paid Workspace
    ),
    "yandex": Provider(  # Yandex Mail and Yandex 360; imap.yandex.com and smtp.yandex.com are the same service
        # It signs with the machine's name: mxfront1a.mail.yandex.net, and since 2022 mail-nwsmtp-mxfront-….vla.yp-c.yandex.net.
        inbox={"host": "imap.yandex.ru", "port": 993, "tls": "implicit", "authserv_id": "*.yandex.net"},
        smtp={"host": "smtp.yandex.ru", "port": 465, "tls": "implicit", "connections": 2},
        takes="an app password of the kind “Mail”, and IMAP has to be allowed in the settings of the mailbox",
        letters_a_day=500,
    ),
    "mail.ru": Provider(  # it has no IDLE and keeps no keywords
        inbox={"host": "imap.mail.ru", "port": 993, "tls": "implicit", "authserv_id": "mxs.mail.ru"},
        smtp={"host": "smtp.mail.ru", "port": 465, "tls": "implicit", "connections": 2},
        takes="a password for external applications with full access to mail",
    ),
    "microsoft365": Provider(
        # It writes Authentication-Results without an authserv-id (H58), so none is filled in.
        inbox={"host": "outlook.office365.com", "port": 993, "tls": "implicit"},
        smtp={"host": "smtp.office365.com", "port": 587, "tls": "starttls", "connections": 2},  # it allows 3
        takes="the mailbox's own, as long as its administrator allows SMTP AUTH (off by default from the end of 2026)",
        letters_a_day=10_000,
        inbox_closed="cannot be read yet: since 2022 Microsoft 365 lets no program read mail with a password, and OAuth2 comes with a "
        "later version; have the mail redirected to a mailbox elsewhere, and write that one",
    ),
}


def published(table: Literal["inbox", "smtp"], name: object) -> Mapping[str, str | int]:
    """Return the keys of a table that a provider fills in.

    Of an unknown provider all keys are taken as filled in: that it is unknown is told, and nothing else is missed.
    """
    if name is None or name == "custom":
        return {}
    provider = PROVIDERS.get(name if isinstance(name, str) else "", PROVIDERS["gmail"])
    return provider.inbox if table == "inbox" else provider.smtp


def closed(table: Literal["inbox", "smtp"], name: str) -> str:
    """Say why a provider cannot be used for this; "" if it can."""
    return PROVIDERS[name].inbox_closed if table == "inbox" and name in PROVIDERS else ""


def narrowest_name(authserv_ids: Sequence[str], least: int) -> str | None:
    """Return what to write as authserv_id so that at least so many of the names fit; one name rather than a family of them."""
    fits = Counter(pattern for each in authserv_ids for pattern in _patterns(each))
    common = [pattern for pattern, count in fits.items() if count >= least]
    return max(common, key=lambda pattern: (not pattern.startswith("*"), fits[pattern], pattern.count(".")), default=None)


def _patterns(name: str) -> Iterator[str]:
    """Yield a name and every family it belongs to, down to two labels."""
    yield name
    labels = name.split(".")
    for start in range(1, len(labels) - 1):
        yield f"*.{'.'.join(labels[start:])}"
