"""Whom to believe: what the operator's own mail server found out about the sender of a message (RFC 8601).

Only what it wrote itself is read. Whether a message may act with that standing is decided in ``rules.decide``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import authres  # type: ignore[import-untyped]
from publicsuffixlist import PublicSuffixList

from rules.addresses import canonical
from rules.message import DOUBTFUL_SENDER, Message
from rules.vocabulary import Standing

MAX_FIELD = 10_000
"""Characters of a field that are read. A longer one is not parsed, as if it were malformed."""

MAX_SIGNATURES = 20
"""DKIM-Signature fields that are read. Of more, none counts."""

FRESH = timedelta(days=7)
"""How long after it was signed a message still arrives by itself; what comes later may have been sent again by anybody (H62)."""

_DOUBTFUL = DOUBTFUL_SENDER | {"header_too_large", "no_blank_line"}

_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_AUTHSERV_ID = re.compile(r'\s*(?:\([^()]*\)\s*)*"?([\w.-]+)"?(?:\s+1)?\s*(?:\([^()]*\)\s*)*;', re.ASCII)
_OUTSIDE_COMMENTS = re.compile(rf'(?:[^"()\\]|{_QUOTED})++')
_IN_COMMENT = re.compile(r"(?:[^()\\]|\\.)++")
_RESULT = re.compile(rf'(?:[^";]|{_QUOTED})++')
_OURS = re.compile(r"[ \t]*+(?:spf|dkim|dmarc)(?![\w.-])", re.IGNORECASE | re.ASCII)
_WORD = rf'[ \t]*+[^ \t"=]++=(?:[^ \t"]|{_QUOTED})*+'
_WORDS = re.compile(rf"(?:{_WORD})++[ \t]*+")
_EACH_WORD = re.compile(_WORD)
_ASKED_FOR = re.compile(r"[ \t]*+(?:smtp\.mail(?:from)?|header\.(?:[dibs]|from))=.", re.IGNORECASE)
_UNDELIMITED = re.compile(r"[^ \t@=]+")
_DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_BLANKS = re.compile(r"[ \t]+")
_WHOM = {"spf": ("smtp.mailfrom", "smtp.mail"), "dkim": ("header.d", "header.i"), "dmarc": ("header.from",)}
"""Of whom a result speaks. Yandex writes ``smtp.mail``; ``smtp.helo`` says nothing of From."""

_SECONDS = re.compile(r"[0-9]{1,12}")


class Proof(StrEnum):
    """What a standing rests on. Where the results of a message say several of these, the first in this order counts."""

    NO_AUTHSERV_ID = "no_authserv_id"
    """The configuration does not say under which name the operator's mail server writes."""
    NO_RESULTS = "no_results"
    """The message bears no Authentication-Results."""
    OTHER_AUTHSERV_ID = "other_authserv_id"
    """The topmost Authentication-Results bears another name than the configured one, or none (H57, H58)."""
    UNREADABLE_RESULTS = "unreadable_results"
    """The topmost Authentication-Results cannot be parsed, or is too long."""
    DMARC_FAIL = "dmarc_fail"
    """The domain of From disowns the message."""
    SENDER_IN_DOUBT = "sender_in_doubt"
    """Two programs may read two different senders, or two subjects (H44, H45)."""
    OLD_SIGNATURE = "old_signature"
    """Signed over a week before it came, expired, or nobody can tell: whoever has a copy may have sent it again.

    The caller holds such a message: a person must look (H62).
    """
    DKIM = "dkim"
    """A signature of the domain of From covers the whole message."""
    SPF = "spf"
    """The server that sent the message may send for the domain of From."""
    DMARC = "dmarc"
    """The domain of From owns the message: by a signature or by its server, and no signature of that domain has a flaw."""
    BODY_LENGTH_LIMIT = "body_length_limit"
    """The signature covers only the beginning of the body: anybody may have written the rest (H61)."""
    FIELDS_NOT_SIGNED = "fields_not_signed"
    """The signature leaves From or Subject to anybody (H61)."""
    UNREADABLE_SIGNATURE = "unreadable_signature"
    """A signature cannot be read, or there are too many: nobody can tell which one was found good."""
    NO_SIGNATURE = "no_signature"
    """A signature was found good, and the message bears none like it."""
    SPF_FAIL = "spf_fail"
    """The domain of From says that this server may not send for it."""
    DKIM_FAIL = "dkim_fail"
    """A signature of the domain of From is wrong."""
    NOT_ALIGNED = "not_aligned"
    """Another domain than that of From vouches for the message: that counts for nothing (H59)."""
    NO_PASS = "no_pass"  # noqa: S105 (no password)
    """Nothing passed, and nothing that failed is the sender's (H60)."""


_RANK = {proof: rank for rank, proof in enumerate(Proof)}
_ALIGNED = frozenset({Proof.DKIM, Proof.SPF, Proof.DMARC})
_FAILED = frozenset({Proof.DMARC_FAIL, Proof.SPF_FAIL, Proof.DKIM_FAIL})


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a message's sender is taken for, and why."""

    standing: Standing
    reason: Proof
    domain: str | None = None
    """The domain that vouched for an aligned message."""


class _Result(NamedTuple):
    """One result of the field: what was tried, how it came out, and of whom."""

    method: str
    word: str
    domain: str | None
    selector: str
    value: str
    """The beginning of the signature (RFC 6008)."""


class _Signature(NamedTuple):
    """What a DKIM-Signature field says of itself (RFC 6376, 3.5); ``identity`` is the domain of ``i=``."""

    domain: str
    identity: str
    selector: str
    value: str
    signed: frozenset[str]
    is_limited: bool
    signed_at: float | None
    expires_at: float | None


class _Letter(NamedTuple):
    """What the results are held against."""

    domain: str
    signatures: tuple[_Signature | None, ...]
    received_at: float | None
    date: datetime | None
    """The Date, if there is only one: of two, a signature may mean the other."""

    def is_aligned(self, domain: str | None) -> bool:
        """Tell whether a domain belongs to whom that of From belongs to (RFC 7489, 3.1: relaxed)."""
        return domain is not None and organisation_of(domain) == organisation_of(self.domain)


def vouch(message: Message, authserv_id: str | None) -> Vouched:
    """Return what the mail server of the configured name found out about the sender."""
    results = _topmost_results(message, authserv_id)
    if isinstance(results, Proof):
        return _vouched(results)
    if any((result.method, result.word) == ("dmarc", "fail") for result in results):
        return _vouched(Proof.DMARC_FAIL)
    if message.sender is None or message.defects & _DOUBTFUL:
        return _vouched(Proof.SENDER_IN_DOUBT)
    letter = _letter(message, message.sender)
    proofs = {_weigh(result, letter): result.domain for result in results}
    if any(result.method == "dmarc" for result in results):  # whatever its word, it has weighed what failed
        proofs = {proof: domain for proof, domain in proofs.items() if proof not in _FAILED}
    first = min(proofs, key=_RANK.__getitem__, default=Proof.NO_PASS)
    return _vouched(first, proofs.get(first))


def authserv_id_in(value: str) -> str | None:
    """Return the name at the beginning of an Authentication-Results field (RFC 8601, 2.2); None where there is none."""
    found = _AUTHSERV_ID.match(value)
    return found[1].lower() if found else None


def is_named(authserv_id: str, pattern: str) -> bool:
    """Tell whether a name is the configured one, or one under it, however deep, where that begins with ``*.``."""
    name, wanted = authserv_id.lower(), pattern.lower()
    return name.endswith(wanted[1:]) if wanted.startswith("*.") else name == wanted


def is_safe_pattern(pattern: str) -> bool:
    """Tell whether all names that fit are of one organisation: nobody else can be given one under ``*.yandex.net``, as under ``*.net``."""
    name = pattern.lower().removeprefix("*.")
    return bool(_DOMAIN.fullmatch(name)) and (name == pattern.lower() or not _public_suffixes().is_public(name))


def organisation_of(domain: str) -> str:
    """Return the organisational domain (RFC 7489, 3.2); a public suffix is its own."""
    return _public_suffixes().privatesuffix(domain) or domain


@cache
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList()  # with the private section: users of one host of pages are not one organisation


def _vouched(proof: Proof, domain: str | None = None) -> Vouched:
    if proof in _ALIGNED:
        return Vouched(Standing.ALIGNED, proof, domain)
    return Vouched(Standing.FAILED if proof in _FAILED else Standing.UNPROVEN, proof)


# --- what the server wrote -------------------------------------------------------------------------------------------
def _topmost_results(message: Message, authserv_id: str | None) -> list[_Result] | Proof:
    """Return the results of SPF, DKIM and DMARC that stand in the topmost field, or why none of them can be believed."""
    if not authserv_id:
        return Proof.NO_AUTHSERV_ID
    field = next(iter(message.fields.get("authentication-results", ())), None)
    if field is None:
        return Proof.NO_RESULTS
    begins = _AUTHSERV_ID.match(field[:MAX_FIELD])
    if begins is None or not is_named(begins[1], authserv_id):
        return Proof.OTHER_AUTHSERV_ID
    results = _read_results(field[begins.end() :]) if len(field) <= MAX_FIELD else None
    return Proof.UNREADABLE_RESULTS if results is None else results


def _read_results(text: str) -> list[_Result] | None:
    """Return the results that are weighed; None for a malformed field.

    ``authres`` gets them without comments, and with nothing but the properties that are asked for. It refuses what servers do write:
    a semicolon at the end, letters of UTF-8 in a comment, an address of IPv6. And what is no property it passes over, which would let
    a sender write one where a server does not quote what it was told: ``smtp.mailfrom=a.example x@b.example``.
    """
    plain = _without_comments(text)
    ours = [result for result in _RESULT.findall(plain or "") if _OURS.match(result)]
    if plain is None or not all(_WORDS.fullmatch(result) for result in ours):
        return None
    if not ours:
        return []
    try:
        found = authres.parse_value("here;" + ";".join(map(_only_what_is_asked_for, ours))).results
    except Exception:  # noqa: BLE001 (whatever it stumbles over, the field is not believed)
        return None
    return [_read_result(one) for one in found]


def _read_result(found: authres.core.AuthenticationResult) -> _Result:
    said: dict[str, str] = {}
    for each in found.properties:
        name = f"{each.type}.{each.name}"
        said[name] = str(each.value) if said.get(name, each.value) == each.value else ""  # two that differ say nothing
    whom = next((said[name] for name in _WHOM.get(found.method, ()) if name in said), "")
    return _Result(found.method, found.result, _domain(whom), said.get("header.s", "").lower(), said.get("header.b", ""))


def _only_what_is_asked_for(result: str) -> str:
    first, *others = _EACH_WORD.findall(_UNDELIMITED.sub(_in_a_labels, result))
    return "".join((first, *(word for word in others if _ASKED_FOR.match(word))))


def _in_a_labels(part: re.Match[str]) -> str:
    """Return a domain that was written in UTF-8 (RFC 8616, 5) in A-labels, as all others are."""
    address = None if part[0].isascii() else canonical(f"x@{part[0]}")
    return address.removeprefix("x@") if address else part[0]


def _without_comments(text: str) -> str | None:
    """Return a field with a space for each comment; None where one does not end, or a quoted string does not."""
    kept, depth, at = [], 0, 0
    while at < len(text):
        if found := (_IN_COMMENT if depth else _OUTSIDE_COMMENTS).match(text, at):
            kept.append(" " if depth else found[0])
            at = found.end()
        elif text[at] in "()" and (depth or text[at] == "("):
            kept.append(" ")
            depth += 1 if text[at] == "(" else -1
            at += 1
        else:
            return None
    return None if depth else "".join(kept)


# --- what it is worth ------------------------------------------------------------------------------------------------
def _weigh(result: _Result, letter: _Letter) -> Proof:
    """Return what one result proves by itself."""
    is_aligned = letter.is_aligned(result.domain)
    match result.method, result.word:
        case "dkim", "pass" if is_aligned:
            meant = _signatures_meant(result, letter)
            return (_first_flaw(meant, letter) or Proof.DKIM) if meant else Proof.NO_SIGNATURE
        case "spf", "pass" if is_aligned:
            return Proof.SPF
        case "dmarc", "pass" if result.domain == letter.domain:
            # It may rest on any signature of the domain, and where there is none, on SPF.
            aligned = [each for each in letter.signatures if each is None or letter.is_aligned(each.domain)]
            return _first_flaw(aligned, letter) or Proof.DMARC
        case "dkim", "fail" if is_aligned:
            return Proof.DKIM_FAIL
        case "spf", "fail" if is_aligned:
            return Proof.SPF_FAIL
        case _, "pass":
            return Proof.NOT_ALIGNED
    return Proof.NO_PASS


def _signatures_meant(result: _Result, letter: _Letter) -> list[_Signature | None]:
    """Return every signature that a result may speak of: those that it does not tell apart must all be good.

    Whoever sends a signed message again can add signatures that look better and are wrong, with any selector and any beginning.
    """
    return [
        each
        for each in letter.signatures
        if each is None
        or (
            result.domain in (each.domain, each.identity)
            and letter.is_aligned(each.domain)
            and result.selector in ("", each.selector)
            and each.value.startswith(result.value)
        )
    ]


def _first_flaw(signatures: list[_Signature | None], letter: _Letter) -> Proof | None:
    """Return why the signatures do not count, all of them together; None if they do."""
    return min((flaw for each in signatures for flaw in _flaws(each, letter)), key=_RANK.__getitem__, default=None)


def _flaws(signature: _Signature | None, letter: _Letter) -> Iterator[Proof]:
    if signature is None:
        yield Proof.UNREADABLE_SIGNATURE
        return
    if signature.is_limited:
        yield Proof.BODY_LENGTH_LIMIT
    if not {"from", "subject"} <= signature.signed:
        yield Proof.FIELDS_NOT_SIGNED
    if _is_old(signature, letter):
        yield Proof.OLD_SIGNATURE


def _is_old(signature: _Signature, letter: _Letter) -> bool:
    """Tell whether a signature may be a copy that somebody kept; one that does not tell its age may be."""
    signed_at = signature.signed_at
    if signed_at is None and letter.date and "date" in signature.signed:
        signed_at = letter.date.timestamp()
    if signed_at is None or letter.received_at is None:
        return True
    expired = signature.expires_at is not None and signature.expires_at <= letter.received_at
    return expired or letter.received_at - signed_at > FRESH.total_seconds()


# --- what the message says -------------------------------------------------------------------------------------------
def _letter(message: Message, sender: str) -> _Letter:
    fields, received = message.fields.get("dkim-signature", ()), message.received_stamp
    return _Letter(
        domain=sender.rpartition("@")[2],
        signatures=tuple(map(_read_signature, fields)) if len(fields) <= MAX_SIGNATURES else (None,),
        received_at=received.timestamp() if received else None,
        date=message.date if len(message.fields.get("date", ())) == 1 else None,
    )


def _read_signature(field: str) -> _Signature | None:
    """Return what a signature says of itself; None if two programs may read it differently."""
    tags = _read_tags(field)
    if tags is None:
        return None
    domain = _domain(tags.get("d", ""))
    identity = _domain(tags.get("i", tags.get("d", "")))
    is_sound = all(_SECONDS.fullmatch(tags[name]) for name in ("t", "x") if name in tags)
    if domain is None or identity is None or not is_sound:
        return None
    return _Signature(
        domain,
        identity,
        selector=tags.get("s", "").lower(),
        value=tags.get("b", ""),
        signed=frozenset(tags.get("h", "").lower().split(":")),
        is_limited="l" in tags,
        signed_at=float(tags["t"]) if "t" in tags else None,
        expires_at=float(tags["x"]) if "x" in tags else None,
    )


def _read_tags(field: str) -> dict[str, str] | None:
    """Return the tags of a signature without blanks (RFC 6376, 3.2); None where one is doubled or is none."""
    if len(field) > MAX_FIELD:
        return None
    tags: dict[str, str] = {}
    for tag in _BLANKS.sub("", field).removesuffix(";").split(";"):
        name, equals, value = tag.partition("=")
        if not equals or name in tags:
            return None
        tags[name] = value
    return tags


def _domain(value: str) -> str | None:
    """Return the domain of an address, or a domain alone, in lower-case A-labels."""
    address = canonical("x@" + value.rpartition("@")[2])
    domain = address.removeprefix("x@") if address else ""
    return domain if _DOMAIN.fullmatch(domain) else None
