"""The small form by which a person is asked back: what stands in our letter, and what of it comes filled in."""

import re

from rules.details_change import Field
from rules.vocabulary import Language

HEADINGS = {
    Language.KK: "Өзгерту керек жолдарды толтырып, жауап хатпен жіберіңіз:",
    Language.RU: "Заполните строки, которые нужно изменить, и отправьте в ответ:",
    Language.EN: "Please fill in what is to change, and send it back in a reply:",
}
"""The sentence above the form: behind it, lines of the form count even where a mail program quoted them. Too short to be wrapped."""

LABELS = {
    Language.KK: {
        Field.PHONE: "Телефон",
        Field.EMAIL: "Электрондық пошта",
        Field.SURNAME: "Тегі",
        Field.GIVEN_NAME: "Аты",
        Field.PATRONYMIC: "Әкесінің аты",
    },
    Language.RU: {
        Field.PHONE: "Телефон",
        Field.EMAIL: "Электронная почта",
        Field.SURNAME: "Фамилия",
        Field.GIVEN_NAME: "Имя",
        Field.PATRONYMIC: "Отчество",
    },
    Language.EN: {
        Field.PHONE: "Phone",
        Field.EMAIL: "E-mail",
        Field.SURNAME: "Surname",
        Field.GIVEN_NAME: "Given name",
        Field.PATRONYMIC: "Patronymic",
    },
}

_NAMES = frozenset({Field.SURNAME, Field.GIVEN_NAME, Field.PATRONYMIC})
_MOST_LINES = 60
_LINE = re.compile(
    r"[\s>|*]*(?P<label>"
    + "|".join(sorted({label for labels in LABELS.values() for label in labels.values()}))
    + r")[ \t*]*:[ \t*]*(?P<value>\S.*)"
)


def held_fields(data_held: tuple[str, ...]) -> tuple[Field, ...]:
    """Return the fields that a policy holds, in the form's order; all of them where it lists nothing."""
    order = LABELS[Language.EN]
    return tuple(field for field in order if not data_held or field in data_held or (field in _NAMES and "full_name" in data_held))


def filled_lines(text: str) -> str:
    """Return the lines of our form that were filled in, behind its heading, unquoted and said to be new: none only tells who writes."""
    lines = text.splitlines()
    begins = next((number for number, line in enumerate(lines) if line.strip(" \t>|*").endswith(tuple(HEADINGS.values()))), None)
    if begins is None:
        return ""
    found = filter(None, map(_LINE.fullmatch, lines[begins + 1 : begins + 1 + _MOST_LINES]))
    return "\n".join(f"{line['label']} (new): {line['value']}" for line in found)
