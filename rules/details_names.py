"""Names in a letter: where words stand that are one, and which part of the name they are."""

import re
from collections.abc import Iterator
from itertools import islice

from rules.details_change import Field
from rules.details_spelling import Setting, is_patronymic, is_replaced, is_replacing, is_surname, nominatives, parts_of, writer_of
from rules.details_text import BESIDE, Mention, Role, Sentence
from rules.lexicon import details_words as words
from rules.lexicon.details_words import same_letters
from rules.lexicon.not_names import NO_VALUE, NOT_NAMES

MOST_RUNS = 20
"""Runs of capitalised words that are looked at in one sentence."""

_UPPER, _LOWER = "A-ZА-ЯЁӘҒҚҢӨҰҮҺІÄĞIÑÖŞÜÉ", "a-zа-яёәғқңөұүһіäğıñöşüé"
_NAME = (
    rf"(?:[OD]'[{_UPPER}][{_LOWER}]+|[{_UPPER}][{_LOWER}]+(?:['-][{_UPPER}{_LOWER}][{_LOWER}]+)*"
    rf"|[{_UPPER}]{{4,}}(?:-[{_UPPER}]+)?)(?![\w@])"
)
_INSTRUMENTAL = ((re.compile(r"(?<=\w\w)ой\Z"), "а"), (re.compile(r"(?<=\w[иь])ей\Z"), "я"))
_WORD = rf"(?=\w['\w])[{_UPPER}{_LOWER}]+(?:['-][{_UPPER}{_LOWER}]+)*"
_NAMES = re.compile(rf"(?<![\w@]){_NAME}(?:[ ]+{_NAME}){{0,3}}")
_BEHIND_A_LABEL = re.compile(rf"\"?(?P<words>{_WORD}(?: +{_WORD}){{0,2}})(?P<follows>[\s\"!.]*(?:[(,/>-]|$))?")
_TITLE = re.compile(r"(?<!\w)(?:mr|mrs|ms|miss|г-н|г-жа|господин\w?|госпож\w)\.?\s*\Z")
_GOVERNS = re.compile(
    r"(?<!\w)(?:на|меня|с|со|вместо|не|стала?|фамилией|именем|отчеством)\s*(?:(?:фамили\w|имя|имени|отчеств\w)\s+)?[\"(]*$"
)


def name_mentions(written: str, sentence: Sentence, topic: str | None, text: str) -> list[Mention]:
    """Return the names in a sentence; ``topic`` is the part of the name that was spoken of before it."""
    fields = list(words.NAME_FIELD.finditer(sentence.letters))
    found: list[Mention] = []
    for start, end in islice(_runs(written, sentence, topic), MOST_RUNS):
        left, after = sentence.letters[:start], sentence.letters[end:]
        before = [field for field in fields if field.end() <= start]
        field = before[-1] if before else fields[0] if fields else None
        parts = nominatives(written[start:end].split(), Setting(bool(_GOVERNS.search(left)), after, writer_of(text)))
        is_list = len({each.lastgroup for each in before}) > 1 and not found  # "surname, name and patronymic: A B C"
        is_titled = _TITLE.search(left) is not None
        values = (
            {Field.SURNAME: parts[-1]}
            if is_titled and len(parts) == 1
            else _by_field("full" if is_list and len(parts) > 1 else _field_of(field, topic), parts)
        )
        mention_of = sentence.start + start, sentence.start + end
        is_signed = len(parts) > 1 and not left.strip() and not sentence.before.endswith(":") and topic != "full"
        for part, value in values.items():
            mention = Mention(part, value, *mention_of, is_whole=len(values) > 1, is_unnamed=not (field or topic or is_titled))
            mention.is_beside = bool(sentence.label_end and start <= sentence.label_end + 1)
            is_label = bool(field) and (mention.is_beside or left.rstrip(' "').endswith(":"))
            mention.is_named = is_label or _is_asked_for(left, before, topic if sentence.before and not is_signed else None)
            _read_case(mention, written[start:end], after)
            found.append(mention)
    if any(mention.is_unnamed and not mention.is_whole and mention.field is Field.SURNAME for mention in found):
        for mention in found:
            mention.field = mention.field if mention.is_whole else Field.SURNAME
    return found


def _is_asked_for(left: str, before: list[re.Match[str]], topic: str | None) -> bool:
    """Tell whether a name is what a field is to be: "add my patronymic, …", "My surname changed. It is …"; "my name is …" introduces."""
    if not before:
        return topic is not None and not BESIDE.sub("", words.CHANGE.sub("", left))
    return bool(words.CHANGE.search(left, 0, before[-1].start())) and not BESIDE.sub("", left[before[-1].end() :])


def _field_of(field: re.Match[str] | None, topic: str | None) -> str:
    """Return what a name is called; "the name" is the part of it that was spoken of before."""
    return str(field.lastgroup) if field and (field.lastgroup != "name" or not topic) else topic or "name"


def _by_field(field: str, parts: list[str]) -> dict[Field, str]:
    """Return which part of the name the words are."""
    if field in ("name", "given_name") and len(parts) == 1:
        for ending, nominative in _INSTRUMENTAL:
            parts = [ending.sub(nominative, parts[0])]  # «меня зовут Жанной, Наталией»
    if field == "full" and len(parts) == 1:
        return {Field.SURNAME: parts[0]} if is_surname(parts[0]) else {}
    if field == "full" or (field == "name" and len(parts) > 1):
        return parts_of(parts)
    if field == "name":
        return {Field.SURNAME if is_surname(parts[0]) or "-" in parts[0] else Field.GIVEN_NAME: parts[0]}
    asked = Field(field)
    if len(parts) == 1:
        return {} if asked is Field.PATRONYMIC and not is_patronymic(parts[0]) else {asked: parts[0]}
    return {part: value for part, value in parts_of(parts).items() if part is asked}


def _read_case(mention: Mention, written: str, after: str) -> None:
    """Let the Kazakh case of a name tell whether it is replaced or replaces."""
    if is_replaced(written, after):
        mention.role, mention.is_beside = Role.OLD, True
    elif is_replacing(written, after):
        mention.role, mention.is_beside = Role.NEW, True


def _runs(written: str, sentence: Sentence, topic: str | None) -> Iterator[tuple[int, int]]:
    """Yield where words stand that may be a name: behind a label, in quotes, or with a capital not owed to the sentence's beginning."""
    at = 0
    label = sentence.letters[: sentence.label_end]
    is_of_contact = any(field.search(label) for field in words.CONTACT_FIELD.values()) and not words.NAME_FIELD.search(label)
    if label and not is_of_contact and (found := _BEHIND_A_LABEL.match(written, sentence.label_end)):
        start, end = found.span("words")
        capitals = _NAMES.match(written, start)
        is_all = found["follows"] is not None and (not capitals or capitals.end() == end or " " not in found["words"])
        end = end if is_all else capitals.end() if capitals else start
        if start < end and NO_VALUE.isdisjoint(same_letters(written[start:end]).split()):
            yield start, end
            at = end
    first = re.search(r"\w", written)
    for found in _NAMES.finditer(written, at):
        for begins, end in _pieces(written, *found.span()):
            start = begins
            if first and begins == first.start() and not _begins_with_name(written, sentence, begins, end, topic):
                start += next((word.start() for word in re.finditer(r"(?<= )\S+", written[begins:end])), end - begins)
            if start < end:
                yield start, end


def _pieces(written: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a run in the pieces between words that are no name, and between a name and the one that replaces it."""
    begun: int | None = None
    for word in re.finditer(r"\S+", written[start:end]):
        letters = same_letters(word[0])
        place = start + word.start()
        if letters in NOT_NAMES or any(field.fullmatch(letters) for field in (words.NAME_FIELD, *words.CONTACT_FIELD.values())):
            if begun is not None:
                yield begun, place - 1
            begun = None
        elif begun is None:
            begun = place
        if begun is not None and is_replaced(word[0], same_letters(written[start + word.end() : start + word.end() + 80])):
            yield begun, start + word.end()
            begun = None
    if begun is not None:
        yield begun, end


_GOES_WITH_A_NAME = re.compile(
    r"[\")]*\s*(?:емес(?!\w)|емеспин|болуы|болып|болсын|->|→|=>|-\s|\"|is\s+(?:my|correct|right)|верн|правильн|дурыс(?!\w)|вместо|instead|орнына|деген|гой(?!\w)|не\s|not\s|я\s*(?:[.,!\n]|$|был)|\([а-яa-z]|деп)"
)


def _begins_with_name(written: str, sentence: Sentence, start: int, end: int, topic: str | None) -> bool:
    """Tell whether the first word of a sentence is a name all the same: quoted, all there is, or followed by what goes with a value."""
    if (
        written[start - 1 : start] == '"'
        or _GOES_WITH_A_NAME.match(sentence.letters[end:])
        or is_replaced(written[start:end], sentence.letters[end:])
    ):
        return True
    is_all = not re.search(r"\w", written[:start] + written[end:])
    return is_all and (sentence.before.endswith(":") or (sentence.is_on_same_line and topic is not None))
