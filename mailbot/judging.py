"""Judging one message by itself: no store, no server, no open requests. ``classify`` and the demo use it."""

from dataclasses import dataclass

from rules.addresses import mailbox_key
from rules.automatic import OwnMail, screen
from rules.decide import Case, decide
from rules.message import read
from rules.own_words import carries_another, own_words
from rules.policy import Policy
from rules.recognition import Reading, Recogniser
from rules.vocabulary import Outcome, Standing


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message is, and why."""

    outcome: Outcome
    type: str | None
    language: str | None
    matched: str | None
    clause: str | None
    certainty: str | None
    reason: str

    def as_row(self) -> dict[str, object]:
        """Return the verdict as the command's JSON has it."""
        return {
            "outcome": self.outcome,
            "type": self.type,
            "language": self.language,
            "matched": self.matched,
            "clause": self.clause,
            "certainty": self.certainty,
            "reason": self.reason,
            "changes": [],
        }


class Judge:
    """Judges messages under one policy."""

    def __init__(self, policy: Policy) -> None:
        """Compile the policy's words once."""
        self._recogniser = Recogniser(policy)
        self._own = OwnMail(frozenset(map(mailbox_key, policy.inboxes)))

    def judge(self, raw: bytes) -> Verdict:
        """Return the verdict on a message as it came."""
        message = read(raw)
        screening = screen(message, self._own)
        words = None if message.text is None else own_words(message.text)
        names = [attachment.name for attachment in message.attachments]
        reading = self._recogniser.recognise(message.subject, words, names, forwards=carries_another(message))
        decision = decide(
            Case(message, reading, screening, Standing.UNPROVEN, tie=None, seen_before=False, same_open=None, flags=frozenset())
        )
        if decision.outcome is Outcome.AUTOMATIC and screening is not None:
            reading = Reading(Outcome.AUTOMATIC, reason=f"a machine sent it ({screening.reason.replace('_', ' ')})")
        elif decision.outcome is Outcome.ORDINARY:
            reading = Reading(Outcome.ORDINARY, language=reading.language, reason=reading.reason)
        elif decision.outcome is not reading.outcome:
            reading = Reading(decision.outcome, reading.type, reading.language, reason=decision.reason.replace("_", " "))
        return Verdict(decision.outcome, reading.type, reading.language, reading.matched, reading.clause, reading.certainty, reading.reason)
