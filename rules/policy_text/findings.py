"""What can be read out of the text of a policy, as values. Every finding names its clause and the sentence it was read from."""

from dataclasses import dataclass

from rules.vocabulary import Language

ANY = "any"
"""The type of a mark that stands for every request."""
PARTIAL = "revoke_consent_partial"
"""The type of a mark for the withdrawal of a part of a consent."""


@dataclass(frozen=True, slots=True)
class SubjectPhrase:
    """A phrase that people are told to write as the subject of a letter."""

    type: str
    phrase: str
    clause: str | None
    language: Language
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """Within what time something is to happen; ``amount`` is None for "immediately" and "the same day"."""

    what: str
    amount: int | None
    unit: str
    clause: str | None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """Another way for a request than a letter with a mark."""

    type: str
    channel: str
    detail: str
    clause: str | None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Caution:
    """What a person must look at before the policy is relied on."""

    code: str
    text: str
    clause: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was read. What the policy does not say is empty, never guessed."""

    operator_name: str | None
    inbox_addresses: tuple[str, ...]
    subject_phrases: tuple[SubjectPhrase, ...]
    time_limits: tuple[TimeLimit, ...]
    law_references: tuple[str, ...]
    request_channels: tuple[Channel, ...]
    data_categories: tuple[str, ...]
    purposes: tuple[str, ...]
    warnings: tuple[Caution, ...]
    languages: tuple[Language, ...]
