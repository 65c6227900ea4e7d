"""Finds packs, built in or in a file, and loads them. How a pack is written is ``rules.pack_text``."""

import tomllib
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from mailbot.errors import ConfigurationMistake
from rules.pack_text import PackMistakes, read_law, read_policy
from rules.policy import Law, Policy

PACKS = files("rules") / "packs"
LAW = "kz-94v"
"""The law that is read by where no policy is named."""


def load_policy(name_or_path: str) -> Policy:
    """Load a built-in policy by its name, or the pack in a file."""
    text, file = pack_called(name_or_path)
    try:
        return read_policy(text, file, law_named)
    except PackMistakes as broken:
        raise ConfigurationMistake(*map(str, broken.mistakes)) from None


def law_alone() -> Policy:
    """Return a policy that promises nothing of its own: what is read under it is read by the law's words."""
    return Policy("law-alone", law_named(LAW), {}, (), (), (), (), {}, (), (), (), None, "", "", version="")


def built_in_names() -> tuple[str, ...]:
    """Return the names of the policies that come with the program."""
    return tuple(name for name, text in built_in_packs().items() if is_policy(text))


def pack_called(name_or_path: str) -> tuple[str, str]:
    """Return the text of a pack and the name its mistakes are reported under."""
    built_in = built_in_packs().get(name_or_path)
    if built_in and is_policy(built_in):
        return built_in, f"{name_or_path}.toml"
    path = Path(name_or_path)
    if not path.is_file():
        raise ConfigurationMistake(neither(name_or_path))
    try:
        return path.read_text(encoding="utf-8"), name_or_path
    except UnicodeDecodeError:
        raise ConfigurationMistake(f"{name_or_path}: the pack is not UTF-8; save it as UTF-8") from None
    except OSError as refused:
        raise ConfigurationMistake(f"{name_or_path}: the pack cannot be read: {refused.strerror}") from None


def neither(name: str) -> str:
    """Say that ``name`` is no built-in policy and no file, and what was probably meant."""
    names = built_in_names()
    close = get_close_matches(name.casefold(), names, n=1)
    meant = f'did you mean "{close[0]}"? ' if close else ""
    return f'policy "{name}" is neither a built-in policy nor a file; {meant}Built in: {", ".join(names)}'


def law_named(name: str) -> Law:
    """Load a law by its name; a ``LookupError`` says which there are."""
    packs = built_in_packs()
    if name not in packs or is_policy(packs[name]):
        raise LookupError(f"the laws are {', '.join(known for known, text in packs.items() if not is_policy(text))}")
    return read_law(packs[name], f"{name}.toml")


def built_in_packs() -> dict[str, str]:
    """Return the text of every pack that comes with the program, laws and policies, by name."""
    found = sorted((entry for entry in PACKS.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return {entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8") for entry in found}


def is_policy(text: str) -> bool:
    """Tell a policy, which stands under a law, from a law."""
    return "law" in tomllib.loads(text)
