"""The words of the letters: one table a language (``templates/LANGUAGE/words.toml``), and days as people write them.

The skeletons of the letters stand beside the tables as Jinja2 templates; ``mailbot.letters`` joins the two.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rules.vocabulary import Duty, Language, LetterKind, RequestType

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class TypeWords:
    """What the letters say of one type of request; an empty text is left out of the letter.

    ``undated`` stands where there is no due date, ``proof`` where the law lets the operator keep something,
    ``undo`` only once the thing asked for is done.
    """

    asks: str
    next: str
    undated: str
    needs: str = ""
    proof: str = ""
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Wording:
    """All words of one language."""

    months: tuple[str, ...]
    day: str
    authority: str
    """What is missing where somebody asks for another person."""
    subjects: dict[LetterKind, str]
    done: dict[Duty, str]
    types: dict[RequestType | None, TypeWords]

    def spell(self, day: date | None) -> str:
        """Write ``day`` as people of this language do; no day is an empty text."""
        return self.day.format(day=day.day, month=self.months[day.month - 1], year=day.year) if day else ""

    def tell(self, done: frozenset[Duty]) -> list[str]:
        """Return a sentence for everything in ``done`` that a person wants to hear of, in a fixed order."""
        return [sentence for duty, sentence in self.done.items() if duty in done]


def read_wording(language: Language) -> Wording:
    """Read the table of ``language``; a missing or unknown key is an error."""
    table = tomllib.loads((TEMPLATES / language / "words.toml").read_text("utf-8"))
    words = {name: TypeWords(**{"undated": table["undated"], **entry}) for name, entry in table["type"].items()}
    return Wording(
        months=tuple(table["months"]),
        day=table["day"],
        authority=table["authority"],
        subjects={kind: table["subject"][kind] for kind in LetterKind},
        done={Duty(name): sentence for name, sentence in table["done"].items()},
        types={None: words["held"], **{request_type: words[request_type] for request_type in RequestType}},
    )
