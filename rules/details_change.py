"""A proposed change of a person's details, as a value. How it is read out of a letter stands in ``rules.details``."""

from dataclasses import dataclass
from enum import StrEnum


class Field(StrEnum):
    """What of a person can be changed by letter."""

    EMAIL = "email"
    PHONE = "phone"
    SURNAME = "surname"
    GIVEN_NAME = "given_name"
    PATRONYMIC = "patronymic"


@dataclass(frozen=True, slots=True)
class Change:
    """One proposed change; ``old`` is None where the letter does not say it."""

    field: Field
    old: str | None
    new: str
