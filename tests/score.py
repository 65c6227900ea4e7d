"""The scorecard: how well recognition reads labelled letters. ``make score`` prints it, and a test keeps it from sinking.

Letters are judged as ``mailbot classify`` judges a file: the whole of it is at hand.
Labels: a type of request; ``none`` (nobody asks anything); ``review`` (a person must look). ``tests/cases/README.md`` tells more.
"""

import csv
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from pathlib import Path

from mailbot.judging import Judge, Verdict
from mailbot.policies import load_policy
from rules.vocabulary import RequestType

TESTS = Path(__file__).parent
CASES = TESTS / "cases"
SET_ASIDE = CASES / "set_aside"
RECORDED = CASES / "recorded.toml"
PEOPLE = tuple(str(kind) for kind in RequestType)


@dataclass(frozen=True, slots=True)
class Case:
    """A letter and what it must be taken for; ``also`` are labels that are defensible too."""

    operator: str
    language: str
    subject: str
    body: str
    expected: str
    also: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    why: str = ""

    @property
    def policy(self) -> str:
        """The pack in force: medico-intech has one policy in two languages."""
        return self.operator.removesuffix("-en").removesuffix("-kk")

    @property
    def accepted(self) -> frozenset[str]:
        """All labels that are right; an objection to automated processing may be called either way."""
        labels = {self.expected, *self.also}
        return frozenset(labels | {"object_automated"} if "stop_processing" in labels else labels)


@dataclass(frozen=True, slots=True)
class Scored:
    """What a case was taken for, and the sentence that says why."""

    case: Case
    verdict: str
    reason: str

    @property
    def result(self) -> str:
        """Say how it went: right, held, missed, wrong (another type), taken (ordinary mail for a request), acted, passed over."""
        case, verdict = self.case, self.verdict
        if verdict in case.accepted:
            return "right"
        if case.expected == "none":
            return "held" if verdict == "review" else "taken"
        if case.expected == "review":
            return "passed over" if verdict == "none" else "acted"
        return {"review": "held", "none": "missed"}.get(verdict, "wrong")


def score(cases: Iterable[Case]) -> list[Scored]:
    """Judge each case."""
    return [Scored(case, *taken_for(case)) for case in cases]


def taken_for(case: Case) -> tuple[str, str]:
    """Return the label that mailbot gives a letter, and why."""
    verdict = judge(case)
    label = {"request": str(verdict.type), "held": "review"}.get(verdict.outcome, "none")
    return label, verdict.reason


def judge(case: Case, sender: str = "writer@mail.example") -> Verdict:
    """Return the verdict on a letter."""
    return _judge(case.policy).judge(raw(case, sender))


def raw(case: Case, sender: str) -> bytes:
    """Return a letter as it comes over the wire."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = sender, "info@operator.example"
    message["Subject"] = case.subject
    message.set_content(case.body)
    for name in case.attached:
        message.add_attachment(b"%PDF", "application", "pdf", filename=name)
    return message.as_bytes()


@cache
def _judge(policy: str) -> Judge:
    return Judge(load_policy(policy))


# --- Where the cases lie ------------------------------------------------------------------------------------------------------------


def samples() -> list[Case]:
    """Return the development samples."""
    with (TESTS / "samples" / "subjects.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [_sample(row) for row in rows]


def _sample(row: dict[str, str]) -> Case:
    also = tuple(note.removeprefix("alt:").strip(",;") for note in row["note"].split() if note.startswith("alt:"))
    return Case(row["operator"], row["language"], row["subject"], row["body"].replace("\\n", "\n"), row["expected"], also, why=row["note"])


def own(folder: Path = CASES) -> list[Case]:
    """Return the cases of our own in a folder."""
    return [case for file in sorted(folder.glob("subjects_*.toml")) for case in in_file(file)]


def in_file(file: Path) -> Iterator[Case]:
    """Yield the cases of one file."""
    for entry in tomllib.loads(file.read_text(encoding="utf-8"))["case"]:
        yield Case(
            entry["operator"],
            entry["language"],
            entry["subject"],
            entry["body"],
            entry["expected"],
            tuple(entry.get("also", ())),
            tuple(entry.get("attached", ())),
            entry["why"],
        )


def sets(*, with_set_aside: bool = False) -> dict[str, list[Case]]:
    """Return the sets that are scored, by name; what was set aside only on demand."""
    found = {"samples": samples(), "cases": own()}
    return found | {"set aside": own(SET_ASIDE)} if with_set_aside else found


# --- Figures ------------------------------------------------------------------------------------------------------------------------


def figures(scored: Iterable[Scored]) -> dict[str, int]:
    """Count what an officer asks: of the requests, the ordinary letters and those for a person, how many went which way."""
    counted = Counter(
        f"{'requests' if each.case.expected in PEOPLE else each.case.expected} {each.result}".replace(" ", "_") for each in scored
    )
    return dict(sorted(counted.items()))


def recorded() -> dict[str, dict[str, int]]:
    """Return the figures below which nothing may sink."""
    found: dict[str, dict[str, int]] = tomllib.loads(RECORDED.read_text(encoding="utf-8"))
    return found


def by_group(scored: Iterable[Scored], name: str) -> Iterator[str]:
    """Yield a table: a line a type or a language."""
    groups: dict[str, Counter[str]] = {}
    for each in scored:
        groups.setdefault(str(getattr(each.case, name)), Counter())[each.result] += 1
    for group, counted in sorted(groups.items()):
        rest = ", ".join(f"{result} {number}" for result, number in counted.most_common() if result != "right")
        yield f"  {group:<18} {counted['right']:>4} of {counted.total():<4} {100 * counted['right'] / counted.total():5.1f} %   {rest}"


def main() -> None:
    """Print the scorecard."""
    wanted = sets(with_set_aside="--set-aside" in sys.argv)
    for name, cases in wanted.items():
        scored = score(cases)
        print(f"{name}: {len(cases)} letters, {figures(scored)}")
        print(*by_group(scored, "expected"), *by_group(scored, "language"), sep="\n")
        if name == "set aside" and "--show" not in sys.argv:
            continue
        for each in scored:
            if each.result != "right":
                case = each.case
                told = json.dumps([case.subject, case.body], ensure_ascii=False)
                print(f"- {each.result}: {case.policy} {case.expected} taken for {each.verdict}: {told}\n    {each.reason} ({case.why})")


if __name__ == "__main__":
    main()
