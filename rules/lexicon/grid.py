"""What each act asks when it is done to each object: the one table that turns words into types of request.

Law 94-V art. 8, 10, 19-1, 24 and 25 name these acts; ``rules.lexicon.english``, ``russian`` and ``kazakh`` name their words.
"""

from rules.lexicon.senses import Sense
from rules.vocabulary import RequestType

GRID: dict[Sense, dict[Sense, RequestType]] = {
    Sense.CHANGE: {
        Sense.DATA: RequestType.UPDATE,
        Sense.CONTACT: RequestType.UPDATE,
        Sense.ACCOUNT: RequestType.UPDATE,
    },
    Sense.REVOKE: {
        Sense.CONSENT: RequestType.REVOKE_CONSENT,
        Sense.DATA: RequestType.REVOKE_CONSENT,
    },
    Sense.CANCEL: {
        Sense.CONSENT: RequestType.REVOKE_CONSENT,
        Sense.MAILING: RequestType.OPT_OUT,
    },
    Sense.REFUSE: {
        Sense.CONSENT: RequestType.REVOKE_CONSENT,
        Sense.MAILING: RequestType.OPT_OUT,
        Sense.SEND: RequestType.OPT_OUT,
        Sense.AUTOMATED: RequestType.OBJECT_AUTOMATED,
        Sense.PROCESSING: RequestType.STOP_PROCESSING,
        Sense.TRANSFER: RequestType.RESTRICT_TRANSFER,
    },
    Sense.STOP: {
        Sense.CONSENT: RequestType.REVOKE_CONSENT,
        Sense.AUTOMATED: RequestType.OBJECT_AUTOMATED,
        Sense.PROCESSING: RequestType.STOP_PROCESSING,
        Sense.TRANSFER: RequestType.RESTRICT_TRANSFER,
        Sense.MAILING: RequestType.OPT_OUT,
        Sense.SEND: RequestType.OPT_OUT,
    },
    Sense.UNSUBSCRIBE: {
        Sense.AUTOMATED: RequestType.OBJECT_AUTOMATED,
        Sense.MAILING: RequestType.OPT_OUT,
        Sense.LIST: RequestType.OPT_OUT,
        Sense.ME: RequestType.OPT_OUT,
    },
    Sense.ERASE: {
        Sense.CONSENT: RequestType.REVOKE_CONSENT,
        Sense.AUTOMATED: RequestType.OBJECT_AUTOMATED,
        Sense.MAILING: RequestType.OPT_OUT,
        Sense.LIST: RequestType.OPT_OUT,
        Sense.DATA: RequestType.DESTROY,
        Sense.ACCOUNT: RequestType.DESTROY,
        Sense.CONTACT: RequestType.DESTROY,
        Sense.BASE: RequestType.DESTROY,
        Sense.ME: RequestType.DESTROY,
    },
    Sense.BLOCK: {
        Sense.ACCOUNT: RequestType.BLOCK,
        Sense.TRANSFER: RequestType.RESTRICT_TRANSFER,
        Sense.DATA: RequestType.BLOCK,
        Sense.PROCESSING: RequestType.BLOCK,
    },
    Sense.UNBLOCK: {
        Sense.DATA: RequestType.UNBLOCK,
        Sense.PROCESSING: RequestType.UNBLOCK,
    },
    Sense.TELL: {
        Sense.DATA: RequestType.ACCESS,
        Sense.PROCESSING: RequestType.ACCESS,
    },
    Sense.WHENCE: {
        Sense.DATA: RequestType.ACCESS,
        Sense.CONTACT: RequestType.ACCESS,
    },
    Sense.FORBID: {
        Sense.AUTOMATED: RequestType.OBJECT_AUTOMATED,
        Sense.TRANSFER: RequestType.RESTRICT_TRANSFER,
        Sense.THIRD_PARTY: RequestType.RESTRICT_TRANSFER,
        Sense.PROCESSING: RequestType.STOP_PROCESSING,
        Sense.MAILING: RequestType.OPT_OUT,
    },
    Sense.OBJECT: {
        Sense.AUTOMATED: RequestType.OBJECT_AUTOMATED,
        Sense.TRANSFER: RequestType.RESTRICT_TRANSFER,
        Sense.PROCESSING: RequestType.STOP_PROCESSING,
        Sense.MAILING: RequestType.OPT_OUT,
    },
    Sense.UNLAWFUL: {
        Sense.DATA: RequestType.DESTROY,
    },
    Sense.NOT: {
        Sense.THIRD_PARTY: RequestType.RESTRICT_TRANSFER,
        Sense.TRANSFER: RequestType.RESTRICT_TRANSFER,
        Sense.SEND: RequestType.OPT_OUT,
        Sense.MAILING: RequestType.OPT_OUT,
        Sense.PROCESSING: RequestType.STOP_PROCESSING,
    },
    Sense.WRONG: {
        Sense.DATA: RequestType.UPDATE,
        Sense.CONTACT: RequestType.UPDATE,
    },
    Sense.NEW: {
        Sense.CONTACT: RequestType.UPDATE,
    },
}

WEAK_ACTS = frozenset({Sense.TELL, Sense.WHENCE, Sense.WRONG, Sense.NEW})
"""Acts that give way when another act is done to the same object: "delete the incorrect data" is no update."""

CONTRARY: dict[Sense, RequestType] = {
    Sense.CHANGE: RequestType.UPDATE,
    Sense.REVOKE: RequestType.REVOKE_CONSENT,
    Sense.ERASE: RequestType.DESTROY,
    Sense.BLOCK: RequestType.BLOCK,
    Sense.UNSUBSCRIBE: RequestType.OPT_OUT,
    Sense.REFUSE: RequestType.OPT_OUT,
}
"""What an act says is *not* wanted when it is denied ("do not delete")."""

CONSENT_SCOPES: dict[Sense, RequestType] = {
    Sense.MAILING: RequestType.OPT_OUT,
    Sense.SEND: RequestType.OPT_OUT,
    Sense.TRANSFER: RequestType.RESTRICT_TRANSFER,
    Sense.PROCESSING: RequestType.REVOKE_CONSENT,
    Sense.DATA: RequestType.REVOKE_CONSENT,
    Sense.PERSONAL: RequestType.REVOKE_CONSENT,
}
"""What the withdrawal of a consent comes to when the consent was given for this alone (Law 94-V art. 24(1)(5))."""
