"""Keyed hashes that let the store compare what it must not keep: addresses, Message-IDs, texts.

A hash protects and does not anonymise: with the key, a guessed address can be tested.
"""

from hashlib import blake2b

SIZE = 16
"""Bytes of every hash here."""


class Keys:
    """The store's secret, and each thing that is hashed with it. The kinds never collide."""

    def __init__(self, secret: bytes) -> None:
        """Take the secret (32 random bytes) that lies in the store."""
        kinds = (b"message", b"id", b"address", b"domain", b"text", b"code")
        self._hashers = {kind: blake2b(key=secret, digest_size=SIZE, person=kind) for kind in kinds}

    def of_message(self, message_id: str | None, date: str, sender: str, subject: str, size: int) -> bytes:
        """Return what recognises a message again after its mailbox was renumbered."""
        return self._hash(b"message", "\0".join((message_id or "", date, sender, subject, str(size))))

    def of_message_id(self, message_id: str) -> bytes:
        """Return the key of a Message-ID."""
        return self._hash(b"id", message_id)

    def of_address(self, mailbox_key: str) -> bytes:
        """Return the key of an address, given in the form in which equal mailboxes are equal."""
        return self._hash(b"address", mailbox_key)

    def of_domain(self, domain: str) -> bytes:
        """Return the key of a mail domain."""
        return self._hash(b"domain", domain)

    def of_code(self, code: str) -> bytes:
        """Return the key of a one-time code: the code itself is never stored (H66)."""
        return self._hash(b"code", code)

    def of_text(self, subject: str, text: str) -> bytes:
        """Return the key of what a message says, blind to spaces and line ends."""
        return self._hash(b"text", " ".join(subject.split()) + "\0" + " ".join(text.split()))

    def _hash(self, kind: bytes, text: str) -> bytes:
        hasher = self._hashers[kind].copy()
        hasher.update(text.encode("utf-8", "surrogatepass"))
        return hasher.digest()
