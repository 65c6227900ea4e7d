"""What a message belongs to: something seen before, an open request, or nothing yet.

The picture is what the store knows about the messages of one batch, read in one look-up. Each decision is folded into it,
so that the next message of the batch sees what the one before it did.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from rules.reference import references_in
from rules.vocabulary import Language, RequestType


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """What matching needs to know of a request in the register."""

    reference: str
    type: RequestType | None
    sender_key: bytes | None
    is_open: bool
    language: Language | None = None
    is_held: bool = False
    is_unheard: bool = False
    """Its sender was told nothing: nobody vouched for it, it was taken for spam, or it was not written to us."""


@dataclass(frozen=True, slots=True)
class Tie:
    """The request that a message points to, and whether it comes from that request's own sender.

    ``by_our_words`` says that the message answers one of our letters or names the reference; otherwise it answers the
    person's own message, which others may hold a copy of.
    """

    request: KnownRequest
    from_requester: bool
    by_our_words: bool


@dataclass(frozen=True, slots=True)
class Pointers:
    """What of a message can tie it to others, hashed as the store hashes it."""

    sender_key: bytes | None
    message_key: bytes | None
    text_key: bytes | None
    answered_keys: tuple[bytes, ...]
    answered_ids: tuple[str, ...]
    subject: str


@dataclass(slots=True)
class Picture:
    """What the store knows about the messages of one batch."""

    seen: dict[bytes, set[tuple[bytes | None, bytes]]] = field(default_factory=lambda: defaultdict(set))
    """Message-ID key → what was received under it: (sender's key, text's key)."""
    requests: dict[str, KnownRequest] = field(default_factory=dict)
    by_message: dict[bytes, str] = field(default_factory=dict)
    """Key of a kept message's Message-ID → reference of its request."""
    by_letter: dict[str, str] = field(default_factory=dict)
    """Message-ID of a letter of ours → reference of its request."""
    by_sender: dict[bytes, list[str]] = field(default_factory=lambda: defaultdict(list))

    def has_seen(self, pointers: Pointers) -> bool:
        """Tell whether the same Message-ID with the same text was received before (H27, H28)."""
        if pointers.message_key is None or pointers.text_key is None:
            return False
        return (pointers.sender_key, pointers.text_key) in self.seen.get(pointers.message_key, ())

    def tie(self, pointers: Pointers, by_code: str | None = None) -> Tie | None:
        """Return the request that the message answers or names, if any, or whose one-time code it brings back."""
        named = [self.by_letter.get(message_id) for message_id in pointers.answered_ids]
        named = [by_code, *named, *references_in(pointers.subject)]
        thread = [self.by_message.get(key) for key in pointers.answered_keys]
        for references, by_our_words in ((named, True), (thread, False)):
            for reference in references:
                if reference and (known := self.requests.get(reference)):
                    from_requester = known.sender_key is not None and known.sender_key == pointers.sender_key
                    return Tie(known, from_requester, by_our_words)
        return None

    def open_request_of(self, sender_key: bytes | None, request_type: RequestType | None) -> KnownRequest | None:
        """Return the open request of this type by this sender: the first date governs. What is held was not acted on and does not count.

        One of which the sender was told nothing only counts where there is no other.
        """
        if sender_key is None:
            return None
        requests = (self.requests[reference] for reference in self.by_sender.get(sender_key, ()))
        alike = [known for known in requests if known.is_open and not known.is_held and known.type is request_type]
        return min(alike, key=lambda known: known.is_unheard, default=None)

    def add_request(self, known: KnownRequest) -> None:
        """Put a request into the picture."""
        self.requests[known.reference] = known
        if known.sender_key is not None and known.reference not in self.by_sender[known.sender_key]:
            self.by_sender[known.sender_key].append(known.reference)

    def add_message(self, pointers: Pointers, reference: str | None) -> None:
        """Put a kept message into the picture."""
        if pointers.message_key is not None and pointers.text_key is not None:
            self.seen[pointers.message_key].add((pointers.sender_key, pointers.text_key))
            if reference is not None:
                self.by_message.setdefault(pointers.message_key, reference)


def references_named(subjects: Iterable[str]) -> frozenset[str]:
    """Return every well-formed reference that stands in the subjects."""
    return frozenset(reference for subject in subjects for reference in references_in(subject))
