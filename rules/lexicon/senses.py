"""What a word can mean to us. The tables of each language say which words carry which sense."""

from enum import Enum, auto


class Sense(Enum):
    """One meaning of a word, the same in every language."""

    __hash__ = object.__hash__  # members are single objects, and Enum's own hash is a Python call for every look-up

    # Acts: what is asked.
    CHANGE = auto()
    REVOKE = auto()
    CANCEL = auto()
    REFUSE = auto()
    STOP = auto()
    UNSUBSCRIBE = auto()
    ERASE = auto()
    BLOCK = auto()
    UNBLOCK = auto()
    TELL = auto()
    WHENCE = auto()
    FORBID = auto()
    OBJECT = auto()
    UNLAWFUL = auto()
    NOT = auto()

    # Objects: what the act is asked for.
    CONSENT = auto()
    DATA = auto()
    CONTACT = auto()
    MAILING = auto()
    SEND = auto()
    PROCESSING = auto()
    TRANSFER = auto()
    THIRD_PARTY = auto()
    ACCOUNT = auto()
    LIST = auto()
    BASE = auto()
    ME = auto()
    AUTOMATED = auto()

    # What says more about an object.
    PERSONAL = auto()
    MY = auto()
    YOUR = auto()
    NEW = auto()
    WRONG = auto()
    WANT = auto()
    OUR = auto()
    """Whose a thing is that belongs to the writer's firm."""
    DECIDE = auto()
    HUMAN = auto()
    """Who is to decide in place of a machine."""
    INQUIRY = auto()
    """A request by its name, for something: «запрос»."""
    CLAUSE = auto()
    THREAT = auto()
    HELPS = auto()
    """Somebody only writes down what another dictates."""
    REPRESENTS = auto()
    """Who acts for another: a lawyer, a power of attorney."""
    FOR = auto()
    """In whose name somebody writes."""
    HIS = auto()
    """Whose a thing is that is neither the writer's nor ours: his, her, their."""
    BULK = auto()
    """A mailing that is one by its very name, whatever it is about: a newsletter, advertising."""
    SCOPE = auto()
    """A preposition after which the scope of a consent stands."""

    # The frame of a letter.
    QUESTION = auto()
    HOW_MUCH = auto()
    """Other words that a question begins with: how long, where, who."""
    WHETHER = auto()
    """Asking whether or how one may do something, which asks for no more than an answer."""
    POLICY = auto()
    REQUEST = auto()
    AUTHORITY = auto()
    STATE_BODY = auto()
    ORDER = auto()
    """What only a state body writes: an order to mend, a check."""
    RELATIVE = auto()
    OTHERS = auto()
    COMPLAINT = auto()
    LEAK = auto()
    GATHERING = auto()
    """Where personal data are talked about: a seminar, a course, a newspaper."""
    SUBSCRIBE = auto()
    GIVEN = auto()
    """What is said by who gives a consent."""
    INSTRUCTION = auto()
    """What a footer tells its reader: where to click, what may be done, whom the letter was meant for."""
    MATTER = auto()
    """A text or a program that is worked on: a template, a ticket, what does not work."""
    TAKEN_BACK = auto()
    IF = auto()
    AGAIN = auto()
    """What somebody says who sends an own letter a second time."""
    THANKS = auto()
    EMPTY = auto()
    """Words of a salutation or an envelope: a subject of nothing else leaves all to the body."""
    BUSINESS = auto()
    """What ordinary mail is about: an invoice, a delivery, an appointment."""
    SMALL = auto()
    """A word that adds nothing: an article, a preposition, a politeness."""
    BREAK = auto()


ACTS = frozenset(
    {
        Sense.CHANGE,
        Sense.REVOKE,
        Sense.CANCEL,
        Sense.REFUSE,
        Sense.STOP,
        Sense.UNSUBSCRIBE,
        Sense.ERASE,
        Sense.BLOCK,
        Sense.UNBLOCK,
        Sense.TELL,
        Sense.WHENCE,
        Sense.FORBID,
        Sense.OBJECT,
        Sense.UNLAWFUL,
        Sense.NOT,
        Sense.WRONG,
        Sense.NEW,
    }
)

Table = dict[Sense, str]
"""Words of one language by sense: separated by spaces; ``-`` at the end stands for any ending, ``_`` joins the words of a phrase."""
