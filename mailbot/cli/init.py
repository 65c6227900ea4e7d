"""``mailbot init``: the first policy.toml and config.toml of an operator, out of the published policy."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from mailbot.cli.terms import print_lines
from mailbot.errors import Problem


def init(
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="The policy as text or HTML, or a pack (.toml).")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Where to write; else here.")] = Path(),
) -> None:
    """Write policy.toml and config.toml, out of your policy.

    Both are to be completed; nothing is overwritten.
    """
    texts = _from_pack(policy) if policy.suffix == ".toml" else _from_text(policy)
    _write({into / name: text for name, text in texts.items()})
    print_lines([f"written: {into / name}" for name in texts])
    if "policy.toml" in texts:
        print_lines(
            [f"1. Compare {into / 'policy.toml'} with the policy, and answer each QUESTION: mailbot policy check {into / 'policy.toml'}"]
        )
    print_lines(
        [
            f"2. Complete {into / 'config.toml'}: the mail servers, the files of their passwords, and who gets the digest.",
            f"3. Try it, changing nothing: mailbot check --config {into / 'config.toml'}",
        ]
    )


def _from_pack(file: Path) -> dict[str, str]:
    from mailbot.drafting import config_of
    from mailbot.policies import load_policy

    policy = load_policy(str(file))
    return {"config.toml": config_of(policy.inboxes, policy.name, str(file.resolve()))}


def _from_text(file: Path) -> dict[str, str]:
    from mailbot.drafting import beside_law, config_of, pack_name, pack_of
    from mailbot.policy_file import read_policy_file
    from rules.policy_text import read_policy_text

    read = read_policy_file(file)
    found, name = beside_law(read_policy_text(read.text), datetime.now(UTC).date()), pack_name(file)
    return {"policy.toml": pack_of(found, name, read.sha256), "config.toml": config_of(found.inbox_addresses, name, "policy.toml")}


def _write(texts: Mapping[Path, str]) -> None:
    for path in texts:
        if path.exists():
            raise Problem(f"{path} is already there, and nothing was written; move it away, or choose another folder with --into")
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as refused:
        raise Problem(f"{path} cannot be written: {(refused.strerror or 'unknown error').lower()}") from None
