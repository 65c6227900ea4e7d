"""Writes what was read out of a policy as a pack and a configuration to complete. A person reviews both: gaps stand there as questions."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePath

from mailbot.policies import law_named
from rules.pack_text import MOST, read_policy
from rules.policy import NoteCode
from rules.policy_text import Caution, Channel, Findings, SubjectPhrase, TimeLimit
from rules.promises import compare, looser
from rules.vocabulary import Duty, Event, Language, RequestType, Starts, Unit

LAW_READ = "KZ-94-V"
"""The law of the pack ``kz-94v``, as policies are read to name it."""
NO_CLAUSE = "-"
NO_ADDRESS = "address@example.invalid"
NO_OPERATOR = "the operator"
_LINE = 110


@dataclass(frozen=True, slots=True)
class Promise:
    """What a kind of time limit means in a pack."""

    requests: tuple[RequestType, ...]
    duties: tuple[Duty, ...]
    events: tuple[Event, ...] = ()
    starts: Starts | None = None


_STOPPING = (RequestType.REVOKE_CONSENT, RequestType.STOP_PROCESSING)
PROMISES = {
    "update": Promise((RequestType.UPDATE,), (Duty.AMEND,)),
    "stop_processing": Promise(_STOPPING, (Duty.STOP_PROCESSING,)),
    "opt_out": Promise((RequestType.OPT_OUT,), (Duty.STOP_MESSAGES,)),
    "answer_subject": Promise((RequestType.ACCESS,), (Duty.ANSWER,)),
    "restrict_transfer": Promise((RequestType.RESTRICT_TRANSFER,), (Duty.STOP_TRANSFER,)),
    "block": Promise((RequestType.BLOCK,), (Duty.BLOCK,)),
    "unblock": Promise((RequestType.UNBLOCK,), (Duty.UNBLOCK,)),
    "destroy": Promise((RequestType.DESTROY,), (Duty.DESTROY,)),
    "notify_authority": Promise((RequestType.AUTHORITY_INQUIRY,), (Duty.ANSWER,)),
    "breach_notice": Promise((), (Duty.NOTIFY_AUTHORITY,), (Event.BREACH,), Starts.FINDING),
    "breach_notice_subject": Promise((), (Duty.NOTIFY_PERSON,), (Event.BREACH,), Starts.FINDING),
}
_DUTIES = {
    RequestType.UPDATE: Duty.AMEND,
    RequestType.REVOKE_CONSENT: Duty.STOP_PROCESSING,
    RequestType.STOP_PROCESSING: Duty.STOP_PROCESSING,
    RequestType.OPT_OUT: Duty.STOP_MESSAGES,
    RequestType.BLOCK: Duty.BLOCK,
    RequestType.UNBLOCK: Duty.UNBLOCK,
    RequestType.DESTROY: Duty.DESTROY,
    RequestType.RESTRICT_TRANSFER: Duty.STOP_TRANSFER,
}
_TYPES = frozenset(kind.value for kind in RequestType)
_NOTES = frozenset({NoteCode.FEDERAL_LAW.value, NoteCode.NARROWER_FORM.value})
_UNITS = {
    "hours": (1, Unit.HOURS),
    "working_days": (1, Unit.WORKING_DAYS),
    "calendar_days": (1, Unit.CALENDAR_DAYS),
    "days": (1, Unit.CALENDAR_DAYS),
    "weeks": (7, Unit.CALENDAR_DAYS),
    "months": (1, Unit.MONTHS),
    "years": (12, Unit.MONTHS),
}


def pack_of(found: Findings, name: str, sha256: str) -> str:
    """Return a pack in TOML, each entry under the clause and the sentence that it was read from."""
    promised, other = _limits(found)
    parts = [_head(found, name, sha256), _operator(found), *promised, *_without_number(found), *_marks(found.subject_phrases)]
    return "\n".join([*parts, *_notes(found.warnings), *other, *_other_ways(found.request_channels)]).rstrip() + "\n"


def beside_law(found: Findings, day: date) -> Findings:
    """Add a warning of each promise that may end later than the law in force on ``day``."""
    policy = read_policy(pack_of(found, "draft", ""), "the draft", law_named)
    longer = looser(row for row in compare(policy, day) if row.promise)
    return replace(found, warnings=(*found.warnings, *(Caution(each.code, each.text, each.clause) for each in longer)))


def pack_name(file: PurePath) -> str:
    """Return a name for the pack of a policy in a file."""
    return re.sub(r"[^\w-]+", "-", file.name.partition(".")[0].lower()).strip("-") or "policy"


def _head(found: Findings, name: str, sha256: str) -> str:
    lines = [
        "# Read by machine out of the policy's text. Compare every entry with the clause above it, and answer each QUESTION.",
        *(_question(caution.text, caution.clause) for caution in found.warnings),
        *(
            []
            if LAW_READ in found.law_references
            else [f"# QUESTION: the policy does not name {LAW_READ}; does it stand under another law?"]
        ),
        f"name = {_text(name)}",
        'law = "kz-94v"',
        'source_mark = "text"',
        "# QUESTION: from which day is this version in force? Write it as in_force_from = 2026-01-18, and below where it is published.",
        'source_url = ""',
        f"sha256 = {_text(sha256)}",
        f"inboxes = {_texts(found.inbox_addresses or [NO_ADDRESS])}" + ("" if found.inbox_addresses else "  # QUESTION: to which address?"),
        f"languages = {_texts(found.languages or [Language.RU])}",
        f"data_held = {_texts(found.data_categories)}",
        f"purposes = {_texts(found.purposes)}",
        "third_parties = []  # QUESTION: who else gets the data?",
    ]
    return "\n".join(lines) + "\n"


def _operator(found: Findings) -> str:
    language = next(iter(found.languages), Language.EN)
    asked = "" if found.operator_name else "  # QUESTION: the policy does not say who the operator is"
    return f"[operator]\n{language} = {_text(found.operator_name or NO_OPERATOR)}{asked}\n"


def _limits(found: Findings) -> tuple[list[str], list[str]]:
    """Return the promises, and as comments the times that are no promise to anybody who writes."""
    promised, other = [], []
    ids: set[str] = set()
    for limit in found.time_limits:
        length = _length(limit)
        if limit.what in PROMISES and length:
            promised.append(_limit(limit, length, _free(f"{limit.clause or NO_CLAUSE}-{limit.what}", ids)))
        else:
            amount = "" if limit.amount is None else f"{limit.amount} "
            other.append(f"# Not a limit of a request: {limit.what}, {amount}{limit.unit}\n{_source(limit.clause, limit.sentence)}")
    return promised, other


def _limit(limit: TimeLimit, length: tuple[int, Unit], name: str) -> str:
    promise = PROMISES[limit.what]
    lines = [_source(limit.clause, limit.sentence)]
    if limit.unit == "days":
        lines.append("# QUESTION: working or calendar days? The text does not say; calendar days end earlier.")
    lines += ["[[limit]]", f"id = {_text(name)}", f"clause = {_text(limit.clause or NO_CLAUSE)}"]
    lines += [f"requests = {_texts(promise.requests)}"] if promise.requests else [f"events = {_texts(promise.events)}"]
    lines += [f"duties = {_texts(promise.duties)}", f"amount = {length[0]}", f'unit = "{length[1]}"']
    return "\n".join([*lines, *([f'starts = "{promise.starts}"'] if promise.starts else [])]) + "\n"


def _length(limit: TimeLimit) -> tuple[int, Unit] | None:
    """Return a limit in the units of a pack; None if it has none or is too long for one."""
    if limit.amount is None:
        return 0, Unit.AT_ONCE
    times, unit = _UNITS[limit.unit]
    amount = limit.amount * times
    return (amount, unit) if 0 < amount <= MOST[unit] else None


def _without_number(found: Findings) -> Iterator[str]:
    """Yield the promises of which the policy does not say by when: the statute does."""
    numbered = {kind for limit in found.time_limits if limit.what in PROMISES for kind in PROMISES[limit.what].requests}
    offers: Iterable[SubjectPhrase | Channel] = (*found.subject_phrases, *found.request_channels)
    for offer in offers:
        kind = next((kind for kind in RequestType if kind == offer.type), None)
        if kind and kind not in numbered:
            numbered.add(kind)
            clause = offer.clause or NO_CLAUSE
            lines = [_source(offer.clause, offer.sentence), "[[limit]]", f"id = {_text(f'{clause}-{kind}-by-law')}"]
            lines += [f"clause = {_text(clause)}", f"requests = {_texts([kind])}", f"duties = {_texts([_DUTIES.get(kind, Duty.ANSWER)])}"]
            yield "\n".join(lines) + "\n"


def _marks(marks: Sequence[SubjectPhrase]) -> Iterator[str]:
    seen: set[str] = set()
    for mark in marks:
        lines = ["[[mark]]", f"type = {_text(mark.type)}", f'language = "{mark.language}"', f"phrase = {_text(mark.phrase)}"]
        lines += [f"clause = {_text(mark.clause or NO_CLAUSE)}", 'source = "policy"']
        source = _source(mark.clause, mark.sentence)
        if mark.phrase.casefold() in seen:
            yield f"{source}\n# The mark “{_line(mark.phrase)}” stands above already.\n"
        elif mark.type in _TYPES:
            yield "\n".join([source, *lines]) + "\n"
        else:
            asked = f"# QUESTION: which type is this mark ({mark.type}) to count as? Until you say so, the letter's own words decide."
            yield "\n".join([source, asked, *(f"#{line}" for line in lines)]) + "\n"
        seen.add(mark.phrase.casefold())


def _other_ways(channels: Iterable[Channel]) -> Iterator[str]:
    """Yield as comments the ways that mailbot does not see: staff enter what comes that way."""
    for channel in channels:
        if channel.channel != "email_free":
            way = f"# Another way, which mailbot does not see: {channel.type} by {channel.channel} ({_line(channel.detail)})"
            yield f"{way}\n{_source(channel.clause, channel.sentence)}\n"


def _notes(warnings: Iterable[Caution]) -> Iterator[str]:
    """Yield what `mailbot policy check` is to warn of as well."""
    for caution in warnings:
        if caution.code in _NOTES:
            clause = [f"clause = {_text(caution.clause)}"] if caution.clause else []
            yield "\n".join(["[[note]]", f'code = "{caution.code}"', *clause, f"text = {_text(caution.text)}"]) + "\n"


def config_of(inboxes: Sequence[str], name: str, policy: str) -> str:
    """Return the least configuration; what only the administrator knows is left empty, so that `mailbot check` asks for it."""
    address = next(iter(inboxes), "")
    provider = _provider(address.rpartition("@")[2])
    shown = [f'provider = "{provider}"  # docs/providers.md says how to get a password for a program'] if provider else []
    imap = [*shown] if provider else ['host = ""  # COMPLETE: the IMAP server', "port = 993", 'tls = "implicit"']
    smtp = [*shown] if provider else ['host = ""  # COMPLETE: the SMTP server', "port = 465", 'tls = "implicit"']
    login = [f"user = {_text(address)}  # the login"]
    lines = [
        "# The least that mailbot needs. config.example.toml explains every key; `mailbot check --config FILE` tells what is missing.",
        "[operator]",
        f"policy = {_text(policy)}",
        'timezone = "Asia/Almaty"',
        "",
        "[store]",
        f"url = {_text(f'sqlite:///{name}.db')}  # beside this file",
        "",
        "[[inbox]]",
        f"address = {_text(address)}" + ("" if address else "  # COMPLETE: the address that people write to"),
        *imap,
        *login,
        'password_file = "imap.password"  # one line, mode 0600',
        'folder = "INBOX"',
        'start = "now"',
        "",
        *(f"# The policy names {other} too: it wants an [[inbox]] of its own, or stands in aliases.\n" for other in inboxes[1:]),
        "[smtp]",
        *smtp,
        f"sender = {_text(address)}",
        *login,
        'password_file = "smtp.password"  # may be the same file',
        "",
        "[staff]",
        "digest_to = []  # COMPLETE: who is told every day what is due",
        'digest_at = "09:00"',
    ]
    return "\n".join(lines) + "\n"


_PROVIDERS = {
    "gmail": ("gmail.com", "googlemail.com"),
    "yandex": ("yandex.ru", "yandex.kz", "yandex.com", "ya.ru"),
    "mail.ru": ("mail.ru", "bk.ru", "inbox.ru", "list.ru", "internet.ru"),
}


def _provider(domain: str) -> str | None:
    return next((name for name, domains in _PROVIDERS.items() if domain in domains), None)


def _source(clause: str | None, sentence: str) -> str:
    return f"# {f'clause {clause}' if clause else 'no clause number'}: {_line(sentence)}"


def _question(text: str, clause: str | None) -> str:
    return f"# QUESTION: {f'clause {clause}: ' if clause else ''}{_line(text)}"


def _line(text: str) -> str:
    """Return the beginning of a text as one line of a comment."""
    line = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return line if len(line) <= _LINE else f"{line[:_LINE].rstrip()} …"


def _free(name: str, taken: set[str]) -> str:
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free)
    return free


def _text(text: str) -> str:
    return json.dumps("".join(character for character in text if character.isprintable()), ensure_ascii=False)


def _texts(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"
