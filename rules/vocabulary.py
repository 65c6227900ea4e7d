"""The words of this field, one meaning each. Every other module spells them as they stand here."""

from enum import StrEnum


class RequestType(StrEnum):
    """What a data subject (or the authority) asks of the operator."""

    UPDATE = "update"
    REVOKE_CONSENT = "revoke_consent"
    STOP_PROCESSING = "stop_processing"
    OBJECT_AUTOMATED = "object_automated"
    OPT_OUT = "opt_out"
    ACCESS = "access"
    BLOCK = "block"
    UNBLOCK = "unblock"
    DESTROY = "destroy"
    RESTRICT_TRANSFER = "restrict_transfer"
    AUTHORITY_INQUIRY = "authority_inquiry"
    QUESTION = "question"


class Event(StrEnum):
    """What staff enter because no mail tells it, and what starts a limit all the same."""

    BREACH = "breach"
    UNLAWFUL = "unlawful"
    PUBLIC_SOURCE = "public_source"
    PURPOSE_ENDED = "purpose_ended"
    TRANSFER = "transfer"
    NO_BREACH_FOUND = "no_breach_found"
    CONSUMER_CLAIM = "consumer_claim"
    DESTRUCTION_IMPOSSIBLE = "destruction_impossible"


class Duty(StrEnum):
    """What an obligation obliges somebody to do."""

    STOP_MESSAGES = "stop_messages"
    STOP_PROCESSING = "stop_processing"
    STOP_TRANSFER = "stop_transfer"
    ANSWER = "answer"
    AMEND = "amend"
    BLOCK = "block"
    UNBLOCK = "unblock"
    DESTROY = "destroy"
    REMOVE_FROM_SOURCE = "remove_from_source"
    NOTIFY_PERSON = "notify_person"
    NOTIFY_THIRD_PARTY = "notify_third_party"
    NOTIFY_AUTHORITY = "notify_authority"
    DELETE_FROM_MAILBOX = "delete_from_mailbox"
    ASK_SENDER = "ask_sender"


class Starts(StrEnum):
    """The fact that a limit is counted from."""

    RECEIPT = "receipt"
    CONFIRMATION = "confirmation"
    FINDING = "finding"
    TRANSFER = "transfer"
    PURPOSE_END = "purpose_end"


class Unit(StrEnum):
    """What a limit is counted in."""

    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"
    MONTHS = "months"
    HOURS = "hours"
    AT_ONCE = "at_once"


class SourceMark(StrEnum):
    """How surely a limit is known: its wording was read, a dated source quotes it, or it is an interpretation."""

    TEXT = "text"
    SECONDARY = "secondary"
    READING = "reading"


class Language(StrEnum):
    """The languages that requests are read in and letters are written in (ISO 639-1)."""

    KK = "kk"
    RU = "ru"
    EN = "en"


class Outcome(StrEnum):
    """What became of a message; every message has exactly one."""

    REQUEST = "request"
    FOLLOW_UP = "follow_up"
    CONFIRMATION = "confirmation"
    STAFF_ACTION = "staff_action"
    AUTOMATIC = "automatic"
    ORDINARY = "ordinary"
    DUPLICATE = "duplicate"
    HELD = "held"
    SHUNTED = "shunted"


class Certainty(StrEnum):
    """How sure recognition is: the phrase itself, a near form of it, or words that usually mean it."""

    EXACT = "exact"
    NEAR = "near"
    GUESS = "guess"


class Standing(StrEnum):
    """What the operator's own mail server says of the sender (RFC 8601)."""

    ALIGNED = "aligned"
    UNPROVEN = "unproven"
    FAILED = "failed"


class Asked(StrEnum):
    """Whose word a one-time code is to bring: the sender's, or that of the address that is to be replaced or recorded (H63)."""

    SENDER = "sender"
    OLD = "old"
    NEW = "new"


class Answer(StrEnum):
    """What a person answers who was asked whether a request is theirs (H110)."""

    YES = "yes"
    NO = "no"


class State(StrEnum):
    """Where a request stands. The moves between states are in ``rules.life``."""

    RECEIVED = "received"
    AWAITING_SENDER = "awaiting_sender"
    AWAITING_STAFF = "awaiting_staff"
    CARRIED_OUT = "carried_out"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    NO_REQUEST = "no_request"


class LetterKind(StrEnum):
    """Why a letter is written. A cause has at most one letter of a kind."""

    ACKNOWLEDGEMENT = "acknowledgement"
    CONFIRMATION = "confirmation"
    NOTICE = "notice"
    REFUSAL = "refusal"
    LAPSE = "lapse"
    WITHDRAWAL = "withdrawal"
    COMPLETION = "completion"
    ANSWER = "answer"
