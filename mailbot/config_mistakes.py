"""Puts pydantic's mistakes in words: the key as it is written in the file, what is wrong, what to write instead."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

NEEDS = {
    "string_type": 'needs text, in "quotes"',
    "path_type": 'needs a path, in "quotes"',
    "string_too_short": "is empty",
    "int_type": "needs a whole number, without quotes",
    "bool_type": "needs true or false, without quotes",
    "float_type": "needs a number, without quotes",
    "finite_number": "needs a number that has an end",
    "greater_than": "needs more than {gt:g}",
    "greater_than_equal": "needs at least {ge}",
    "less_than_equal": "needs at most {le}",
    "literal_error": "needs {expected}",
    "missing": "is missing; config.example.toml shows it",
    "value_error": "{error}",
}
"""pydantic's word for a mistake, and ours."""


def sentences(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Yield a sentence for every mistake that was found in a file which should be like ``model``."""
    for mistake in error.errors(include_url=False, include_input=False):
        yield f"{_written(mistake['loc'])}: {_wrong(mistake['type'], mistake['loc'], mistake.get('ctx', {}), model)}"


def _written(place: Sequence[int | str]) -> str:
    """Write a key as in the file; the first of several tables, or of several values, is number 1."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _wrong(kind: str, place: Sequence[int | str], facts: Mapping[str, Any], model: type[BaseModel]) -> str:
    match kind:
        case "extra_forbidden":
            return _unknown(str(place[-1]), _tables_keys(model, place[:-1]))
        case "model_type":
            return f"needs a table: write [{place[0]}]" if len(place) == 1 else f"needs a table: write [[{place[0]}]]"
        case "tuple_type":
            return 'needs a list: write ["…"]' if len(place) > 1 else f"needs tables: write [[{place[0]}]] above each"
        case _:
            return NEEDS[kind].format(**{name: str(fact).replace("'", '"') if name == "expected" else fact for name, fact in facts.items()})


def _unknown(key: str, known: Sequence[str]) -> str:
    close = get_close_matches(key.lower(), known, n=1)
    return "there is no such key; " + (f'did you mean "{close[0]}"?' if close else f"the keys here are {', '.join(known)}")


def _tables_keys(model: type[BaseModel], place: Sequence[int | str]) -> Sequence[str]:
    """Return the keys of the table at ``place``."""
    for name in (part for part in place if isinstance(part, str)):
        kind = model.model_fields[name].annotation
        model = next(each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, BaseModel))
    return tuple(model.model_fields)
