"""Trying out the servers that `mailbot run` needs: nothing is sent, and no flag is changed. The rest is ``mailbot.checkup``."""

import asyncio
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager

from mailbot.commands import why_it_cannot_run
from mailbot.config import Alarm, AlarmRelay, Inbox, Limits, Server, Smtp, read_secret, secret_of
from mailbot.errors import ConfigurationMistake
from mailbot.findings import Finding, Mark, note, ok, told, wrong
from mailbot.folders import special_folder, spelt_by_server
from mailbot.heartbeat import reach
from mailbot.imap import LoginRefused, Mailbox
from mailbot.providers import PROVIDERS, narrowest_name
from mailbot.relays import relay_of
from mailbot.smtp import Connection, RelayRefusesUs
from mailbot.watch import address_of
from rules.authentication import authserv_id_in, is_named
from rules.header import read_fields, split_head

NEWEST = 50
"""Messages whose headers are looked at for the mail server's name."""
HOURS_A_DAY = 24


def look_at_inbox(part: str, inbox: Inbox) -> Iterator[Finding]:
    """Log in to an inbox, and see whether all that is asked of it can be done."""
    password = read_secret(inbox.password_file, inbox.password_credential)
    yield ok(part, "its password is read, and closed to others")
    with _opened(inbox, password) as mailbox:
        yield ok(part, f"{_line_to(inbox)}, logged in as configured; the folder {inbox.folder} holds {mailbox.exists} messages")
        for alert in mailbox.alerts:
            yield note(part, f"the server wants you to read this: {alert}")
        yield from told(part, _look_at_filing(part, inbox, mailbox))
        yield ok(
            part, "the server tells of new mail (IDLE)" if mailbox.can_idle() else f"without IDLE: looked into every {inbox.poll_seconds} s"
        )
        yield from told(part, _look_for_folder(part, "sent_folder", inbox.sent_folder, mailbox))
        yield from told(part, _look_for_folder(part, "spam_folder", inbox.spam_folder, mailbox))
        yield _look_for_take_in(part, inbox, mailbox)
        yield from told(part, _look_for_signatures(part, inbox, mailbox))


@contextmanager
def _opened(inbox: Inbox, password: str) -> Iterator[Mailbox]:
    alerts: list[str] = []
    try:
        mailbox = Mailbox(address_of(inbox, password), alerts)
    except LoginRefused as refused:
        said = "".join(f"; it wants you to read this: {alert}" for alert in alerts)
        raise LoginRefused(f"{refused}{_hint(inbox)}{said}") from refused
    try:
        yield mailbox
        mailbox.log_out()
    except BaseException:
        mailbox.abandon()
        raise


def _line_to(server: Server) -> str:
    return f"{server.host}:{server.port} answers " + (
        "on this machine, without TLS" if server.tls == "none" else "over TLS that is verified"
    )


def _hint(server: Server) -> str:
    provider = PROVIDERS.get(server.provider)
    return f"; {server.provider} takes {provider.takes} (docs/providers.md)" if provider else ""


def _look_at_filing(part: str, inbox: Inbox, mailbox: Mailbox) -> Iterator[Finding]:
    mailbox.check_filing(inbox.filing, inbox.filing_name)
    what = f'filing = "{inbox.filing}"'
    yield ok(part, f"{what}: requests stay where they are" if inbox.filing == "leave" else f"{what}: the server can do it")


def _look_for_folder(part: str, key: str, setting: str, mailbox: Mailbox) -> Iterator[Finding]:
    use = {"sent_folder": "\\Sent", "spam_folder": "\\Junk"}[key]
    if setting == "none":
        yield ok(part, f"{key}: not looked into, as configured")
    elif name := setting or special_folder(mailbox, use):
        with mailbox.elsewhere(name):
            yield ok(part, f"{key}: {name} holds {mailbox.exists} messages")
    else:
        yield note(part, f'{key}: the server marks no folder {use}; write its name, or {key} = "none"')


def _look_for_take_in(part: str, inbox: Inbox, mailbox: Mailbox) -> Finding:
    """Look for the folder into which staff put requests. It is not made here, and mail is read without it."""
    if inbox.take_in_folder == "none":
        return ok(part, "take_in_folder: not looked into, as configured")
    name = spelt_by_server(mailbox, inbox.take_in_folder)
    try:
        with mailbox.elsewhere(name):
            return ok(part, f"take_in_folder: {name} holds {mailbox.exists} messages")
    except ConfigurationMistake:
        cure = 'the service makes it if the server lets it; if it is still missing after that, make it by hand, or write "none"'
        return note(part, f"take_in_folder: there is no folder {name}; {cure}")


def _look_for_signatures(part: str, inbox: Inbox, mailbox: Mailbox) -> Iterator[Finding]:
    """Look under which name the mail server signs what it found out about senders (RFC 8601, 5)."""
    heads = mailbox.envelopes(mailbox.newest(NEWEST)).values()
    topmost = [read_fields(split_head(head.header)[0]).first("authentication-results") for head in heads]
    names = [name for field in topmost if (name := authserv_id_in(field))]
    fitting = sum(is_named(name, inbox.authserv_id) for name in names) if inbox.authserv_id else 0
    if fitting:
        yield ok(part, f"authserv_id: {inbox.authserv_id} stands on {fitting} of the newest {len(topmost)} messages")
    else:
        yield note(part, f"authserv_id: {_advice(inbox, topmost, names)}")


def _advice(inbox: Inbox, topmost: Sequence[str], names: Sequence[str]) -> str:
    """Say what to write where nothing fits. A name that stands on few messages is not proposed: senders can write any."""
    least = len(topmost) // 2 + 1
    if not topmost:
        return "no message is there that could show it; check again when there is some mail"
    stands = f"{inbox.authserv_id} stands on none of the newest {len(topmost)} messages" if inbox.authserv_id else "none is configured"
    if name := narrowest_name(names, least):
        return f'{stands}; most bear {name}: if that is your own mail server, write authserv_id = "{name}"'
    if len([field for field in topmost if field]) - len(names) >= least:
        return f"{stands}; your provider writes Authentication-Results without its name, so every sender is unproven"
    return f"{stands}; most bear no Authentication-Results of your mail server, so every sender is unproven"


def look_at_smtp(smtp: Smtp) -> Iterator[Finding]:
    """Reach the relay, and log in; nothing is sent."""
    known = yield from _look_at_relay("smtp", smtp)
    yield ok("smtp", f"it offers {', '.join(known)}" if known else "it offers neither SIZE nor 8BITMIME nor SMTPUTF8; letters need none")


def _look_at_relay(part: str, smtp: Smtp | AlarmRelay) -> Generator[Finding, None, list[str]]:
    """Reach a relay; return what it offers of what is worth knowing."""
    password = None
    try:
        password = secret_of(smtp) if smtp.user else None
    except ConfigurationMistake as mistake:  # the rest can be tried without a login
        yield from wrong(part, mistake)
    try:
        offers = asyncio.run(Connection(relay_of(smtp, password)).look())
    except RelayRefusesUs as refused:
        raise RelayRefusesUs(f"{refused}{_hint(smtp)}") from refused
    yield ok(part, f"{_line_to(smtp)}, {'logged in as configured' if password else 'not logged in'}; nothing was sent")
    return [f"{keyword.upper()} {offers[keyword]}".strip() for keyword in ("size", "8bitmime", "smtputf8") if keyword in offers]


def look_at_sending(smtp: Smtp, inboxes: Iterable[Inbox], limits: Limits | None) -> Iterator[Finding]:
    """See whether letters would be believed, and how many the provider takes."""
    domain = _domain(smtp.sender)
    if domain in {_domain(inbox.address) for inbox in inboxes}:
        yield ok("smtp", f"the sender is at {domain}, as the inbox")
    else:
        yield note("smtp", f"the sender is at {domain}, where no inbox is: see that {domain} lets this relay send (SPF, DKIM)")
    provider = PROVIDERS.get(smtp.provider)
    if provider and provider.letters_a_day and limits and not 0 < limits.letters_an_hour * HOURS_A_DAY <= provider.letters_a_day:
        known = f"{smtp.provider} takes {provider.letters_a_day} letters a day in its smallest plan"
        yield note("smtp", f"{known}: limits.letters_an_hour = {provider.letters_a_day // HOURS_A_DAY} keeps within that")


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def look_at_command(part: str, program: str, otherwise: str) -> Finding:
    """See whether a program could be run; it is not."""
    if why_not := why_it_cannot_run(program):
        return Finding(Mark.WRONG, part, f"command: {program} {why_not}: {otherwise}", 1)
    return ok(part, f"command: {program} is there, and was not run")


def look_at_alarm(alarm: Alarm, smtp: Smtp | None, readers: Sequence[str]) -> Iterator[Finding]:
    """Try the second route and the heartbeat, as far as that can be done without anybody hearing of it."""
    told_to = alarm.to or readers
    if alarm.command:
        yield look_at_command("alarm", alarm.command[0], "no alarm would go that way")
    if alarm.smtp:
        yield from told("alarm.smtp", _look_at_relay("alarm.smtp", alarm.smtp))
        if smtp and (smtp.host, smtp.port) == (alarm.smtp.host, alarm.smtp.port):
            yield note("alarm.smtp", "it is the server of [smtp]: when that is away, so is this")
    if not alarm.command and not (alarm.smtp and told_to):
        yield note("alarm", "there is no second way to staff: of a fault of the relay nobody hears until it is over (docs/alarms.md)")
    elif told_to:
        yield ok("alarm", f"addresses that are told of faults after {alarm.alert_after} minutes: {len(told_to)}")
    if alarm.heartbeat_command:
        yield look_at_command("heartbeat", alarm.heartbeat_command[0], "a monitor would take mailbot for dead")
    if alarm.heartbeat_url:
        yield from told("heartbeat", _look_at_monitor(alarm.heartbeat_url))


def _look_at_monitor(url: str) -> Iterator[Finding]:
    reach(url)
    yield ok("heartbeat", "the server of heartbeat_url answers; it was asked for nothing, so that the monitor heard no sign of life")
