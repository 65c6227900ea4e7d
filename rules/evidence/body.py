"""What the body says, where the subject leaves it to the body or is about something else; and the names of what is attached."""

from collections.abc import Sequence

from rules.evidence.alike import AS_LIKELY
from rules.evidence.reading import (
    ANY_TYPE,
    HEARD_ANYHOW,
    Reading,
    all_demands,
    by_demands,
    by_mark,
    changes_in,
    doubted,
    has_link,
    held,
    narrowed,
    question_in,
    request_for,
    update_of,
)
from rules.lexicon.letter import Letter
from rules.lexicon.marks import Marks
from rules.lexicon.senses import Sense
from rules.lexicon.sentence import Words, demands, has, stands_alone
from rules.lexicon.turned import is_turned
from rules.lexicon.words import AS_WRITTEN
from rules.likeness import is_strange, likeness
from rules.normal_form import SUBJECT_LIMIT, folded, plain, unwrapped, words
from rules.vocabulary import Certainty, RequestType


def find_mark_in_body(letter: Letter, marks: Marks) -> Reading | None:
    """The mark stands in the first lines of the body, where the subject says nothing else."""
    if not letter.body or not letter.leaves_it_to_the_body or (marks.all_tell and not letter.telling):
        return None
    for line in [line[:SUBJECT_LIMIT] for line in letter.body_text.splitlines() if line.strip()][:3]:
        core = unwrapped(line).core
        if mark := marks.exact(core) or marks.near(tuple(words(folded(core))), core):
            return by_mark(
                mark, Certainty.NEAR, f"The mark that clause {mark.clause} names stands in the first lines of the body: “{mark.phrase}”."
            )
    return None


def read_body(letter: Letter, marks: Marks) -> Reading | None:
    """The body asks, where the subject is empty, says nothing, or only names a theme."""
    if not letter.body or not letter.leaves_it_to_the_body:
        return None
    together = letter.as_one()
    found = [demand for sentence in together for demand in demands(sentence)]
    if has_link(letter.body_text):  # "unsubscribe: https://…" is the footer of somebody's advertising
        found = [demand for demand in found if demand.type is not RequestType.OPT_OUT]
    asked = next(filter(None, (question_in(sentence, marks) for sentence in together)), None)
    if any(is_turned(sentence) for sentence in letter.telling) and found:
        return held("The body takes a request back or says what must not be done.", tuple(demand.type for demand in found))
    return asked or by_demands(narrowed(found, letter), marks, "The subject leaves it to the body, which asks")


def read_bare_stop(letter: Letter, marks: Marks) -> Reading | None:
    """The subject says only "stop", and the body names what is sent."""
    if not stands_alone(letter.subject) or not any(has(text, Sense.MAILING, Sense.SEND) for text in letter.telling):
        return None
    return request_for(
        marks, RequestType.OPT_OUT, letter.subject[0].text, Certainty.GUESS, "The subject says stop, and the body names what is sent."
    )


def hear_objection(letter: Letter, marks: Marks) -> Reading | None:
    """Somebody objects to a decision of a machine, or wants a person to decide (Law 94-V art. 19-1)."""
    texts = (letter.subject, *letter.telling[:HEARD_ANYHOW])
    if any(has(text, *_OF_ANOTHER_FIRM) for text in texts):
        return None
    said = [word for text in texts for word in text]
    objects = [word for word in said if word.senses & {Sense.OBJECT, Sense.HUMAN}]
    machines = [word for word in said if Sense.AUTOMATED in word.senses]
    of_person = has(said, Sense.DECIDE, Sense.PROCESSING, Sense.DATA, Sense.ME, Sense.MY)
    by_law = of_person and has(said, Sense.OBJECT) and (any(word.of_law for word in machines) or has(said, Sense.PROCESSING))
    if (
        not machines
        or not (by_law or (has(said, Sense.DECIDE) and objects))
        or not has(said, Sense.OBJECT, Sense.REQUEST, Sense.NOT, Sense.WANT)
        or (letter.body is not None and likeness(letter) < AS_LIKELY)
    ):
        return None
    matched = " ".join(word.text for word in (objects[0], machines[0]))
    return request_for(marks, RequestType.OBJECT_AUTOMATED, matched, Certainty.GUESS, "It objects to a decision of a machine.")


def read_changes(letter: Letter, marks: Marks) -> Reading | None:
    """The body says what is to be another in the writer's own details, under a subject that says so too or says nothing."""
    names_details = has(letter.subject, Sense.CONTACT, Sense.ACCOUNT, Sense.DATA)
    may_mean_it = names_details or letter.leaves_it_to_the_body or has(letter.subject, Sense.CHANGE, Sense.WRONG, Sense.NEW, Sense.SEND)
    is_business = not names_details and any(has(text, Sense.BUSINESS) for text in (letter.subject, *(letter.body or ())))
    if not may_mean_it or is_business or has(letter.subject, Sense.SUBSCRIBE, Sense.OTHERS, Sense.OUR, *_OF_ANOTHER_FIRM):
        return None
    if any(has(text, Sense.OUR, Sense.SUBSCRIBE) for text in letter.telling):
        return None
    if likeness(letter) < AS_LIKELY or is_strange(letter) or not (changes := changes_in(letter)):
        return None
    return update_of(changes, marks)


def read_body_under_another_subject(letter: Letter, marks: Marks) -> Reading | None:
    """The body asks for something of the writer's own, though the subject is about something else."""
    if letter.leaves_it_to_the_body or has(letter.subject, *_OF_ANOTHER_FIRM):
        return None
    is_linked = has_link(letter.body_text)
    is_short_answer = letter.unwrapped.is_reply and sum(map(len, letter.body or ())) <= _SHORT_ANSWER
    found = [
        demand
        for sentence in letter.acting[:HEARD_ANYHOW]
        for demand in demands(sentence)
        if (has(sentence, Sense.ME, Sense.MY) or is_short_answer)
        and not has(sentence, *_OF_ANOTHER_FIRM)
        and not (is_linked and demand.type is RequestType.OPT_OUT)
    ]
    if any(is_turned(sentence) for sentence in letter.telling):
        return None
    reading = by_demands(narrowed(found, letter), marks, "Under another subject the body asks")
    return doubted(reading, "It is asked for on a condition.") if reading and has(letter.subject, Sense.IF) else reading


_OF_ANOTHER_FIRM = (Sense.POLICY, Sense.INSTRUCTION, Sense.GATHERING)
_SHORT_ANSWER = 16
"""Words of an answer to something we sent; who says no more than "do not write any more" means what is above it."""


def read_attachment_names(letter: Letter, _marks: Marks) -> Reading | None:
    """The name of an attachment asks, where subject and body say nothing; what it holds is not read."""
    if not letter.leaves_it_to_the_body:
        return None
    names = [AS_WRITTEN.read(words(folded(plain(name.rpartition(".")[0].replace("_", " "))))) for name in letter.attachments]
    types = [demand.type for name in names for demand in all_demands(name)]
    if types:
        return held("Only the name of an attachment asks for something.", tuple(types))
    if any(has(text, Sense.BUSINESS) for text in (letter.subject, *(letter.body or ()), *names)):
        return None
    if any(name and all(Sense.REQUEST in word.senses for word in name) for name in names) or _holds_only_a_request(letter, names):
        return held("An application is attached, and what it asks is not read.", ANY_TYPE)
    return None


def _holds_only_a_request(letter: Letter, names: Sequence[Words]) -> bool:
    """Tell whether the body says next to nothing, and the subject or an attachment's name calls what is attached a request."""
    says_nothing = sum(map(len, letter.body or ())) <= _GREETING
    return bool(names) and says_nothing and any(map(_is_called_a_request, (letter.subject, *names)))


def _is_called_a_request(text: Words) -> bool:
    """Tell whether ``text`` is "request" or "application", be it with a number, or a name behind it ("Заявление Иванова А.")."""
    strange = [word for word in text if not word.senses & _SMALL_WORDS_OF_A_REQUEST]
    return has(text, Sense.REQUEST, Sense.INQUIRY) and len(strange) <= _NAME_AND_INITIAL and not any(word.senses for word in strange)


_SMALL_WORDS_OF_A_REQUEST = frozenset({Sense.REQUEST, Sense.INQUIRY, Sense.SMALL})
_NAME_AND_INITIAL = 2
_GREETING = 2
"""Words of a body that tells nothing: «Добрый день», «Во вложении»."""
