"""Mail addresses: who wrote, to whom, and when two spellings are one mailbox.

A From field is read strictly: what two programs may read as two senders has none. Other fields are read leniently.
"""

import re
import unicodedata
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

from rules.encoded_words import decode_header_text

MAX_FIELD = 10_000
_MAX_ADDRESS = 320
_MAX_LABEL = 63
_MAX_LISTED = 1000

# Possessive (*+), so that hostile fields take linear time.
_ATOM = r'[^\x00-\x20\x7f<>@,;:()"\\\[\]]++'
_ADDRESS = f"{_ATOM}@{_ATOM}"
_COMMENT = r'(?:\([^()<>@\\"]*\)[ \t]*)?'
_ONE_MAILBOX = re.compile(
    rf'(?P<name>(?:"(?:[^"\\]|\\.)*+"|[^"<>@,;:()\\\[\]])*+){_COMMENT}<[ \t]*(?P<angle>{_ADDRESS})[ \t]*>[ \t]*{_COMMENT}'
    rf"|(?P<bare>{_ADDRESS})[ \t]*{_COMMENT}"
)
_TOKEN = re.compile(r'[^\x00-\x20\x7f<>,;:()"\\\[\]]+')
_QUOTED = re.compile(r'"[^"]*"')
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_FOLDS_TO_ASCII = re.compile("([\u212a\u037e\u1fef])")  # NFC would make K, ; and ` of these


class Sender(NamedTuple):
    """What a From field says: the one address that everybody reads in it, or None with the defect."""

    address: str | None
    addresses: tuple[str, ...] = ()
    defects: frozenset[str] = frozenset()


def read_sender(values: tuple[str, ...]) -> Sender:
    """Return the sender of a message from all of its From fields (RFC 5322, 3.6.2)."""
    if len(values) == 1 and (address := only_mailbox(values[0])):
        return Sender(address, (address,))
    found = tuple(dict.fromkeys(address for value in values for address in addresses_in(value)))
    return Sender(None, found, frozenset({_defect(values, found)}))


def only_mailbox(value: str) -> str | None:
    """Return the address of a field that holds exactly one mailbox, whoever reads it (CVE-2023-27043)."""
    match = _ONE_MAILBOX.fullmatch(value) if len(value) <= MAX_FIELD else None
    if match is None:
        return None
    address = canonical(match["angle"] or match["bare"])
    name = match["name"]
    if not name or ("@" not in name and "=?" not in name):
        return address
    shown = decode_header_text(name).text.strip("\"' ")
    return address if "@" not in shown or (address and same_mailbox(shown, address)) else None


def addresses_in(value: str) -> tuple[str, ...]:
    """Return every address in an address list, as far as it can be read; groups and names do not matter."""
    value = value[: MAX_FIELD * 10]
    if '"' in value:
        value = _QUOTED.sub(" ", value)
    found = [canonical(token) for token in _TOKEN.findall(value) if "@" in token]
    return tuple(dict.fromkeys(address for address in found[:_MAX_LISTED] if address))


def canonical(address: str) -> str | None:
    """Return an address, one character a byte or Unicode, with its domain in lower-case A-labels; None if it is none."""
    if len(address) > _MAX_ADDRESS:
        return None
    local, _, domain = address.rpartition("@")
    if not address.isascii():
        local, domain = _composed(_unicode(local)), _ascii_domain(_unicode(domain))
        if not local.isprintable() or " " in local:
            return None
    domain = domain.lower().removesuffix(".")
    well_formed = local and "@" not in local and domain and ".." not in domain and domain[0] != "."
    return f"{local}@{domain}" if well_formed else None


def mailbox_key(address: str) -> str:
    """Return what is equal for two spellings of one mailbox, and for nothing else (CVE-2019-19844)."""
    local, _, domain = (canonical(address) or address).rpartition("@")
    return f"{local.translate(_ASCII_LOWER)}@{domain}"


def same_mailbox(one: str, other: str) -> bool:
    """Tell whether two addresses are one mailbox. ``+tag``, dots and look-alikes make them two."""
    return mailbox_key(one) == mailbox_key(other)


def _defect(values: tuple[str, ...], found: tuple[str, ...]) -> str:
    if len(values) > 1:
        return "doubled_from"
    if not values or not values[0]:
        return "missing_from"
    if not found:
        return "unreadable_from"
    return "several_senders" if len(found) > 1 and "," in values[0] else "ambiguous_from"


def _unicode(part: str) -> str:
    """Return UTF-8 that was read one character a byte (RFC 6532) as the text it is."""
    try:
        return part.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return part


def _composed(text: str) -> str:
    pieces = _FOLDS_TO_ASCII.split(text)
    return "".join(piece if _FOLDS_TO_ASCII.match(piece) else unicodedata.normalize("NFC", piece) for piece in pieces)


def _ascii_domain(domain: str) -> str:
    """Return a domain as A-labels (RFC 5890, 2.3.2.1); "" if it cannot be one.

    The codec "idna" is not used: it turns ß into ss, which is another domain.
    """
    labels = unicodedata.normalize("NFC", domain).lower().split(".")
    if any(len(label) > _MAX_LABEL or not (label + "x").isprintable() for label in labels):
        return ""
    return ".".join(label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in labels)
