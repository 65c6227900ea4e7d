"""Judging one message by itself: no store, no server, no open requests. ``classify`` and the demo use it."""

from dataclasses import asdict, dataclass

from rules.addresses import mailbox_key
from rules.automatic import OwnMail, screen
from rules.body import SEALED, TOO_MANY_PARTS
from rules.decide import PERSONAL, Case, decide
from rules.details_change import Change
from rules.message import Message, read
from rules.normal_form import plain
from rules.own_words import carries_another, own_words, rejoined
from rules.policy import Policy
from rules.recognition import Glance, Reading, Recogniser
from rules.vocabulary import Outcome, RequestType, Standing

CANNOT_BE_READ = Reading(Outcome.HELD, reason="The body cannot be read, and the subject says nothing.", may_be=PERSONAL)


def recognised(recogniser: Recogniser, message: Message) -> Reading:
    """Return what a message asks whose body was read. What only its addressee can open, and a bomb, may be anything (H43, H54)."""
    names = [attachment.name for attachment in message.attachments]
    reading = recogniser.recognise(message.subject, own_words_of(message), names, forwards=carries_another(message))
    if reading.outcome is not Outcome.ORDINARY or not message.defects & {SEALED, TOO_MANY_PARTS}:
        return reading
    return CANNOT_BE_READ if recogniser.glance(message.subject) is Glance.EMPTY_HANDED else reading


def own_words_of(message: Message) -> str | None:
    """Return what the sender wrote, as recognition reads it."""
    return rejoined(own_words(message.text)) if message.text else message.text


def asked_changes(message: Message) -> tuple[Change, ...]:
    """Return what an update asks to change: in our form, if it comes filled in, else in its own words."""
    from rules.details import proposed  # slow to import, and few messages are updates
    from rules.details_form import filled_lines

    text = message.text or ""
    filled = filled_lines(text)
    changes = proposed("", filled, sender=message.sender) if filled else ()
    return changes or proposed(plain(message.subject), rejoined(own_words(text)), sender=message.sender)


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
    changes: tuple[Change, ...] = ()

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
            "changes": [asdict(change) for change in self.changes],
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
        reading = recognised(self._recogniser, message)
        decision = decide(
            Case(message, reading, screening, Standing.UNPROVEN, tie=None, seen_before=False, same_open=None, flags=frozenset())
        )
        if decision.outcome is Outcome.AUTOMATIC and screening is not None:
            reading = Reading(Outcome.AUTOMATIC, reason=f"a machine sent it ({screening.reason.replace('_', ' ')})")
        elif decision.outcome is Outcome.ORDINARY:
            reading = Reading(Outcome.ORDINARY, language=reading.language, reason=reading.reason)
        elif decision.outcome is not reading.outcome:
            reading = Reading(decision.outcome, reading.type, reading.language, reason=decision.reason.replace("_", " "))
        outcome = Outcome.HELD if decision.outcome is Outcome.SHUNTED else decision.outcome  # a person must look, either way
        changes = asked_changes(message) if (outcome, reading.type) == (Outcome.REQUEST, RequestType.UPDATE) else ()
        words = (reading.language, reading.matched, reading.clause, reading.certainty, reading.reason)
        return Verdict(outcome, reading.type, *words, changes)
