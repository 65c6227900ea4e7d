"""What a message asks for. (interface stub: to be written)"""

from dataclasses import dataclass

from rules.vocabulary import Certainty, Language, Outcome, RequestType


@dataclass(frozen=True, slots=True)
class Reading:
    """What recognition makes of a message: request, held or ordinary, and why."""

    outcome: Outcome
    type: RequestType | None = None
    language: Language | None = None
    matched: str | None = None
    clause: str | None = None
    certainty: Certainty | None = None
    reason: str = ""
    may_be: tuple[RequestType, ...] = ()
    from_template: bool = False
