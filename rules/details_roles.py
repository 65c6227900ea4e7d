"""What the words around a value make of it: the old or the new one, or none of the person's own that is to be changed."""

import re
from itertools import pairwise

from rules.details_change import Field
from rules.details_text import BESIDE, NAME_PARTS, Mention, Role, Sentence
from rules.lexicon import details_beside as beside
from rules.lexicon import details_words as words
from rules.lexicon.details_words import FILLER, VALUE

_CLAUSE_ENDS = re.compile(r"[,;]")
_CLAUSE = re.compile(rf"(?:[^,;:]|[,:](?=\s*{VALUE}))+")
_SPOKEN = re.compile(rf"[^,;:{VALUE}{FILLER}]++(?!{VALUE})")
_PLEASE = re.compile(r",?\s*(?:please|kindly|пожалуйста|отинемин|(?<!\w)плиз)(?!\w)(?:\s*,)?")
_TOLD_ENDS = re.compile(r"[,:;.]|\s-\s")
_NOT_THAT_BUT = re.compile(r"емес(?:пин|пиз)?\s*,?\s*(?:ал\s+)?\"?\Z")
_ONLY_JOINS = re.compile(r"[\s\"):-]*(?P<joint>[,/+]?\s*(?:and|or|also|и|или|либо|а\s+также|также|жане|немесе)?)[\s\"(:.-]*\Z")
_IS = re.compile(r"(?<!\w)(?:is|это)\s*\Z")  # "the old one was A, the other is B"
_LEFT_AS_IT_IS = re.compile(r"оставьте|оставить|leave")
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)")
_PARTS = re.compile(r",|(?<!\w)(?:а\s+не|not|вместо|instead|rather)(?!\w)")
_OF_WHAT_WAS_SAID = re.compile(r"\W*(?:it|this|that|these|это|эти|бул|ол|он|речь|for|для)(?!\w)")
_BRACKETS = ' (,-"'
_NEAR = 20


def read_roles(sentence: Sentence, here: list[Mention], title: str) -> None:
    """Say of each value in a sentence what the words around it make of it."""
    before: Mention | None = None
    spoken_of = ""
    for number, mention in enumerate(here):
        if before and before.start == mention.start:  # another part of the same full name
            mention.role, mention.is_beside = before.role, before.is_beside
            continue
        left = sentence.letters[before.end - sentence.start if before else 0 : mention.start - sentence.start]
        following = next((each.start - sentence.start for each in here[number + 1 :] if each.start > mention.start), None)
        right = sentence.letters[mention.end - sentence.start : following] + VALUE * (following is not None)
        if not before and not left.strip(_BRACKETS) and _speaks_of_the_next(sentence.before, mention):
            left = f"{sentence.before} "
        if mention.role is Role.NEUTRAL:
            _read_role(mention, left, right, before)
        if before and beside.INSTEAD_OF.match(left) and beside.SHOWN.search(spoken_of) and not beside.WISHED.search(spoken_of):
            _call(Role.OLD, [before])
            _call(Role.NEW, [mention])
        spoken_of = left if not before or _is_named_anew(left) else f"{spoken_of}{VALUE}{left}"
        mention.is_named = mention.is_named or _names_contact(sentence, mention, title)
        if _is_no_phone_of_theirs(mention, spoken_of, right):
            _strike([mention], "office")
        elif doubt := _doubt(mention, left, right, sentence.letters):
            _strike([mention], doubt)
        if mention.field in NAME_PARTS and not mention.is_beside and not words.NAME_FIELD.search(sentence.letters):
            mention.role = Role.NEUTRAL
        before = mention
    _share_what_follows(sentence, here)


def _share_what_follows(sentence: Sentence, here: list[Mention]) -> None:
    """Let "surname A, given name B, so they should be" hold for both."""
    for first, second in pairwise(here):
        follows = beside.RIGHT_NEW.match(sentence.letters, second.end - sentence.start)
        if (
            follows
            and first.is_named
            and first.role is Role.NEUTRAL
            and second.role is Role.NEW
            and {first.field, second.field} <= NAME_PARTS
        ):
            between = sentence.letters[first.end - sentence.start : second.start - sentence.start]
            first.role = Role.NEW if _ONLY_JOINS.match(_without_field(between)) else first.role


def _speaks_of_the_next(sentence: str, mention: Mention) -> bool:
    return sentence.endswith(":") or (mention.field not in NAME_PARTS and VALUE not in sentence)


def _read_role(mention: Mention, left: str, right: str, before: Mention | None) -> None:
    mention.role, is_beside, told_by = _role(left, right)
    mention.traces.append(told_by)
    is_in_passport = mention.field in NAME_PARTS and words.IN_PASSPORT.search(_last_clause(left))
    if is_in_passport and (mention.role in (Role.NEUTRAL, Role.NEW) or words.WRITTEN.match(right)):
        mention.role, is_beside = Role.NEW, True
    mention.is_unnamed = mention.is_unnamed and not (mention.field is Field.SURNAME and beside.LEFT_ME.search(left))
    mention.is_beside = mention.is_beside or is_beside
    if before and before.field is mention.field and (inside := _IN_BRACKETS.match(left + right.partition(VALUE)[0])):
        is_recorded = mention.role is Role.NEUTRAL or words.RECORDED.search(inside[0])
        mention.role, mention.is_beside = (Role.OLD, True) if is_recorded else (mention.role, is_beside)
    if before and mention.role is Role.NEUTRAL and (joined := _ONLY_JOINS.match(_without_field(left))):
        is_alike = bool(joined["joint"].strip()) and not _IS.search(left) if before.field is mention.field else before.role is not Role.OLD
        if is_alike:
            mention.role, mention.is_beside = before.role, before.is_beside


def _role(left: str, right: str) -> tuple[Role, bool, str]:
    """Return the role of the value between two pieces of a sentence, whether words right beside it tell, and which."""
    if _NOT_THAT_BUT.search(left):
        return Role.NEW, True, "not that but"
    for pattern, role in ((beside.RIGHT_OLD, Role.OLD), (beside.RIGHT_NEW, Role.NEW), (beside.RIGHT_CONFIRMED, Role.CONFIRMED)):
        if pattern.match(right):
            return role, True, f"right {role.name}"
    for pattern, role in ((beside.LEFT_OLD, Role.OLD), (beside.LEFT_NEW, Role.NEW)):
        if pattern.search(left):
            return role, True, f"left {role.name}"
    clause = _last_clause(left)
    if told := [*words.ROLE.finditer(clause)]:
        role, is_beside = Role[str(told[-1].lastgroup).upper()], not BESIDE.sub("", clause[told[-1].end() :])
        return role, is_beside, f"clause {role.name}"
    if not clause.strip(_BRACKETS) and (told := [*words.ROLE.finditer(before := _last_clause(left.rstrip(_BRACKETS)))]):
        is_told = not BESIDE.sub("", before[told[-1].end() :])  # "my new number, 8 700 …"
        if is_told and words.RIGHT.fullmatch(told[-1][0]) and left.rstrip(' ("').endswith(","):
            return Role.CONFIRMED, True, "confirmed before"  # "my surname is spelt correctly, …"
        return (Role[str(told[-1].lastgroup).upper()], True, "clause before") if is_told else (Role.NEUTRAL, False, "unsaid")
    if beside.ARRIVES.search(clause) and not beside.WISHED.search(clause):
        return Role.OLD, True, "arrives"
    is_change = bool(words.CHANGE.search(clause))
    if (beside.GOVERNS.search(clause) and not words.REPORTED.search(clause)) or (is_change and clause.rstrip(' "').endswith((":", "-"))):
        return Role.NEW, is_change, f"governed {is_change}"
    return Role.NEUTRAL, False, f"unsaid {is_change}"


def _last_clause(left: str) -> str:
    return _CLAUSE_ENDS.split(_PLEASE.sub(" ", left))[-1]


def _without_field(left: str) -> str:
    """Return what stands between two values without the name of the second one's field: «и», "or", a comma only join them."""
    for name in (*words.CONTACT_FIELD.values(), words.NAME_FIELD, beside.BESIDE_WORDS):
        left = name.sub(" ", left)
    return left


def _names_contact(sentence: Sentence, mention: Mention, title: str) -> bool:
    """Tell whether a contact's kind is named beside it, in the sentence before, or in the subject."""
    word = words.CONTACT_FIELD.get(mention.field)
    if word is None:
        return False
    is_first = sentence.letters.strip(" .!\n").startswith(VALUE)
    return any(map(word.search, (sentence.letters, sentence.before, title if is_first else "")))


def _is_named_anew(left: str) -> bool:
    """Tell whether it is said anew whose or what a value is."""
    return any(word.search(left) for word in (*words.CONTACT_FIELD.values(), words.MINE))


def _is_no_phone_of_theirs(mention: Mention, spoken_of: str, right: str) -> bool:
    """Tell whether a number is of an office or a fax; "instead of the number at work" it may be the person's."""
    if mention.field is not Field.PHONE:
        return False
    offices = [found.start() for found in words.NOT_THE_PERSONS.finditer(spoken_of)]
    is_spoken_of = any(VALUE not in spoken_of[start:] or not beside.INSTEAD.search(spoken_of, 0, start) for start in offices)
    return bool(is_spoken_of or words.NOT_THE_PERSONS.match(right.lstrip(_BRACKETS)[:_NEAR]))


def _doubt(mention: Mention, left: str, right: str, sentence: str) -> str | None:
    """Tell why a value does not count: it stays what it is, is one more, is there for a while, or is no contact of the person's own."""
    if mention.role is Role.OLD:
        return None
    clause, right = _last_clause(left), right.lstrip(_BRACKETS)
    is_contact = mention.field not in NAME_PARTS
    if words.YOURS.search(clause):
        return "yours"
    if words.SAME.search(clause) or words.SAME.match(right) or words.STAYS.match(right):
        return "same"
    if words.ADDITIONAL.search(left):
        return "additional"
    if words.TEMPORARY.search(sentence):
        return "temporary"
    if is_contact and mention.role is Role.NEUTRAL and words.REPORTED.search(clause):
        return "reported"
    return "in need" if is_contact and not mention.is_beside and words.IN_NEED.search(sentence) else None


class Ownership:
    """Strikes out what is not the person's own, what was taken back, and what is only asked or supposed."""

    def __init__(self, title: str) -> None:
        """A relative in the subject makes the whole letter one about somebody else."""
        self._is_of_another = _relative_in(title) is not None
        self._has_named_another = self._is_of_another
        self._renames = bool(words.NAME_FIELD.search(title))
        self._has_ended = self._asks = self._demands = self._swaps = False
        self._slip_at = -1
        self._only: frozenset[Field] = frozenset(Field)
        self._asked: set[Field] = set()
        self._to_be_answered_at: list[Mention] = []

    def strike_out(self, letters: str, here: list[Mention], earlier: list[Mention], start: int) -> None:
        """Strike out of a sentence's values, and of the earlier ones, what does not count."""
        self._strike_others(letters, here, earlier, start)
        self._listen(letters, here, earlier, start)
        if not here and not earlier:
            return
        self._correct(letters, here, earlier, start)
        if self._has_ended:
            _strike([each for each in here if each.role is not Role.NEW], "signed")
        if words.KEPT.search(letters) and not here and not words.ADDITIONAL.search(letters):
            _strike([each for each in earlier if each.field in (_fields_in(letters) or Field)], "kept")
        _strike_doubtful(letters, here, earlier, start)

    def _listen(self, letters: str, here: list[Mention], earlier: list[Mention], start: int) -> None:
        """Note what a sentence says of the whole letter: where it ends, what is only asked, and which field alone changes."""
        is_change = words.CHANGE.search(letters) is not None
        self._has_ended = self._has_ended or (bool(earlier) and words.SIGNED.match(letters) is not None)
        self._hear_what_is_asked(letters, here, start)
        swapped = words.SWAPPED.search(letters)
        self._swaps = self._swaps or swapped is not None
        names = [each for each in here if each.field in NAME_PARTS]
        if self._swaps and words.MINE.search(letters, swapped.end() if swapped else 0) and len({each.field for each in names}) > 1:
            _call(Role.NEW, [each for each in names if not swapped or each.start > start + swapped.end()])
        self._asks = self._asks or (not here and words.ASKS_WHAT_IS_RECORDED.search(letters) is not None)
        self._demands = self._demands or (self._asks and is_change and not letters.rstrip().endswith("?"))
        self._renames = self._renames or (is_change and words.NAME_FIELD.search(letters) is not None)
        if is_change and not here and words.ONLY.search(letters):
            self._only = _fields_in(letters) or self._only
        if earlier and not here and words.THAT_IS_MINE.match(letters):
            _confirm(earlier[-1], letters)

    def _hear_what_is_asked(self, letters: str, here: list[Mention], start: int) -> None:
        """Note which fields are to be changed without a value, and the contacts at which an answer is expected."""
        for clause in _CLAUSE.finditer(_PLEASE.sub(lambda found: " " * len(found[0]), letters)):
            for said in _SPOKEN.findall(clause[0]):
                if any(word.search(said) for word in (words.ROLE, words.CHANGE, words.ABOUT)):
                    self._asked |= _fields_in(said)
            named = [each for each in here if clause.start() <= each.start - start < clause.end()]
            if named and words.REACH.search(clause[0]) and not _speaks_of_the_new(clause[0]):
                self._to_be_answered_at += named

    def _correct(self, letters: str, here: list[Mention], earlier: list[Mention], start: int) -> None:
        """Let a slip that is told make what stands before it the old value, and a choice by number one of two."""
        if slip := words.SLIP.search(letters):
            self._slip_at = start + slip.start()
        for mention in here:
            said = [each for each in (*earlier, *here) if each.field is mention.field and each.start < self._slip_at <= mention.start]
            if said and Role.NOT_IT not in {mention.role, *(each.role for each in said)}:
                if mention.role is not Role.OLD:
                    _call(Role.OLD, said)
                    _call(Role.NEW, [mention])
                elif letters[: mention.start - start].rstrip().endswith(":"):  # "I wrote it wrong: …" is the wrong one, or the right one
                    _strike(said, "slip")
        two = [each for each in (*earlier, *here) if each.field not in NAME_PARTS and each.role is not Role.NOT_IT]
        if len(two) != 2 or two[0].field is not two[1].field or letters.rstrip().endswith("?") or _is_unsure(letters):
            return
        chosen = [number for number, choice in enumerate(words.CHOICES) if choice.search(letters)]
        if len(chosen) == 1:
            _call(Role.OLD, two)
            _call(Role.NEW, [two[chosen[0]]])

    def strike_in_the_end(self, found: list[Mention]) -> None:
        """Strike out what is not among "only my phone changed", and a name in labelled lines that only tells whose the new contact is."""
        _strike([each for each in found if each.field not in self._only or (self._asks and not self._demands)], "not this")
        if self._asked:
            only_tell = self._to_be_answered_at + [each for each in found if each.role is Role.NEUTRAL and self._asked <= NAME_PARTS]
            _strike([each for each in only_tell if each.field not in self._asked | NAME_PARTS], "not asked")
        names = [each for each in found if each.field in NAME_PARTS]
        if self._swaps and [each.role for each in names] == [Role.OLD] * 2 and len({each.field for each in names}) > 1:
            _call(Role.NEW, names)
            names[0].field, names[1].field = names[1].field, names[0].field
        contacts = {each.field for each in found if each.is_named and each.role in (Role.NEW, Role.NEUTRAL)} - NAME_PARTS
        is_whole = len({each.field for each in names}) > 1 and not any(each.role is Role.OLD for each in names)
        if len(contacts) == 1 and is_whole and not self._renames:
            _strike([each for each in names if each.role is Role.NEUTRAL], "writer")

    def _strike_others(self, letters: str, here: list[Mention], earlier: list[Mention], start: int) -> None:
        """Strike out another person's values: those beside a relative, and those behind until the person is spoken of again."""
        relative = _relative_in(letters)
        if relative is None:
            mine = words.MINE_OF_ALL if self._is_of_another else words.MINE
            if self._has_named_another and not mine.search(letters):
                _strike(here, "of another")
            return
        self._has_named_another = True
        if not here and _OF_WHAT_WAS_SAID.match(letters):
            _strike(earlier, "of another")
        ends = [found.start() for found in _PARTS.finditer(letters)] if here else []
        for mention in here:
            if not _is_spared(letters, ends, relative, mention.start - start):
                _strike([mention], "relative")


def _strike_doubtful(letters: str, here: list[Mention], earlier: list[Mention], start: int) -> None:
    """Strike out what is taken back, in doubt, only asked or supposed."""
    back = words.TAKEN_BACK.search(letters)
    if back and here and _LEFT_AS_IT_IS.match(back[0]) and not any(each.role is Role.NEW for each in here):
        _strike(here, "left")  # "leave my landline as it is" says nothing of the other values
    elif back:
        told = _TOLD_ENDS.search(letters, back.end())
        end = start + (told.start() if told else len(letters))
        _strike([each for each in (*earlier, *here) if each.start < end or each.role is not Role.NEW], "taken back")
    if _is_unsure(letters):
        _strike([*(each for each in earlier if not each.is_beside), *here], "unsure")
    if _is_only_asked(letters):
        _strike([each for each in here if each.role is not Role.OLD], "asked")
    elif (if_ := words.IF.search(letters)) and not words.IF_YOU_CAN.search(letters):
        clause = start + if_.end() + len(letters[if_.end() :].partition(",")[0])
        supposed = [each for each in here if each.role is not Role.OLD and each.start > start + if_.start()]
        _strike([each for each in supposed if not each.is_beside or each.start < clause], "supposed")


def _is_spared(letters: str, ends: list[int], relative: int, at: int) -> bool:
    """Tell whether a value is the person's own though a relative is named: another clause, or what is mine, stands between."""
    if relative < at:
        begins = next((end for end in ends if relative < end < at), at)
        return bool(words.MINE.search(letters, begins, at) or words.MINE_OF_ALL.search(letters, relative, at))
    begins = max((end for end in ends if at < end <= relative), default=relative)
    named_first = _OF_WHAT_WAS_SAID.match(letters, begins) or not BESIDE.sub("", letters[begins:relative])
    return not named_first


def _speaks_of_the_new(clause: str) -> bool:
    return any(found.lastgroup == "new" for found in words.ROLE.finditer(clause))


def _relative_in(letters: str) -> int | None:
    """Return where another person is named."""
    if not words.RELATIVE.search(letters):
        return None
    spared = words.OWN_ALL_THE_SAME.sub(lambda found: " " * len(found[0]), letters)
    found = words.RELATIVE.search(spared)
    return found.start() if found else None


def _is_unsure(letters: str) -> bool:
    """Tell whether the person is in doubt, and not of the old value or a password."""
    if not words.UNSURE.search(letters):
        return False
    return any(words.UNSURE.search(clause) and not words.OF_THE_OLD.search(clause) for clause in letters.split(","))


def _fields_in(letters: str) -> frozenset[Field]:
    """Return the fields that a sentence names."""
    contacts = {field for field, word in words.CONTACT_FIELD.items() if word.search(letters)}
    names = {str(found.lastgroup) for found in words.NAME_FIELD.finditer(letters)}
    parts = NAME_PARTS if names & {"full", "name"} else {part for part in NAME_PARTS if part in names}
    return frozenset(contacts | parts)


def _confirm(mention: Mention, letters: str) -> None:
    """Take a value for the new one of which the next sentence says "that is my number"."""
    if mention.role is Role.NEUTRAL and words.CONTACT_FIELD.get(mention.field, words.NAME_FIELD).search(letters):
        mention.role, mention.is_beside, mention.is_named = Role.NEW, True, True


def _call(role: Role, mentions: list[Mention]) -> None:
    for mention in mentions:
        mention.role, mention.is_beside = role, True


def _strike(mentions: list[Mention], why: str) -> None:
    for mention in mentions:
        mention.traces += f"{mention.role.name} struck", why
    _call(Role.NOT_IT, mentions)


def _is_only_asked(letters: str) -> bool:
    if words.ASKS_INDIRECTLY.search(letters):
        return True
    return letters.rstrip().endswith("?") and (words.ASKS_WHETHER.search(letters) is not None or not words.POLITE.search(letters))
