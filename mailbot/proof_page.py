"""The pages of proof, for a regulator to read and print: the dossier of a request, and how the promises of a time were kept.

Types, duties and kinds of letters are in the words of the digest; the pages' own are in ``templates/evidence``. What comes from
messages is escaped, and what would not be seen or would turn other text round is made visible (H102).
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from mailbot.desk import Desk
from mailbot.digest_page import environment
from mailbot.digest_words import Words, shown, words_of
from mailbot.letters import operator_name
from mailbot.promises_kept import Kept
from mailbot.proof import Account
from mailbot.wording import TEMPLATES
from rules.vocabulary import Language
from storage.chain import OWED

MOMENTS = frozenset({"received", "confirmed", "answered", "started", "met", "queued", "marked", "settled", "at"})

COUNTS = ("called", "kept", "late", "open", "ended")

PARTS: Mapping[str, tuple[str, ...]] = {
    "request": (
        "type", "event", "channel", "outcome", "state", "language", "sender", "received", "due", "legal_hold"
    ),
    "understood": ("matched", "reason", "rule", "clause", "certainty", "may_be", "flags", "policy", "policy_version"),
    "standing": ("standing", "rests_on", "confirmed"),
    "asked": ("role", "answer", "answered"),
    "messages": ("received", "attachments"),
    "obligations": ("source", "clause", "mark", "trigger", "starts", "started", "due", "arithmetic", "losing", "met", "by"),
    "letters": ("language", "state", "recipient", "message_id", "attempts", "reply", "queued", "marked", "settled"),
}  # fmt: skip
"""What is shown of each part, in this order."""


@dataclass(frozen=True, slots=True)
class Card:
    """One thing: its name, how it ended, labels with texts, and texts as they were written."""

    rows: Sequence[tuple[str, str]]
    title: str = ""
    verdict: str = ""
    is_late: bool = False
    texts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the history."""

    number: int
    at: str
    what: str
    who: str
    detail: str
    hash: str
    is_proven: bool


def dossier_page(desk: Desk, account: Account, language: Language) -> str:
    """Write the page of a dossier."""
    speaker = _Speaker(account, words_of(language), own_words_of(language))
    title = speaker.own["title"].format(reference=account["reference"])
    values = {"language": language, "w": speaker.own, "title": title, "operator": shown(operator_name(desk.policy, language))}
    return environment().get_template("evidence/dossier.html.j2").render(**values, say=speaker)


def promises_page(desk: Desk, kept: Iterable[Kept], days: tuple[date, date], language: Language) -> str:
    """Write the page of how promises were kept from one day to another."""
    own = own_words_of(language)
    said = own["promises"]
    first, last = (f"{day:%d.%m.%Y}" for day in days)
    rows = [{name: getattr(each, name) for name in COUNTS} | {"source": shown(each.source), "worst": _worst(each, said)} for each in kept]
    values = {"language": language, "w": own, "title": said["title"].format(first=first, last=last), "rows": rows, "counts": COUNTS}
    made = own["made"].format(made=f"{desk.now().astimezone(desk.zone):%d.%m.%Y %H:%M}")
    operator = shown(operator_name(desk.policy, language))
    return environment().get_template("evidence/promises.html.j2").render(**values, made=made, operator=operator)


@lru_cache
def own_words_of(language: Language) -> Words:
    """Return the pages' own words in a language."""
    return tomllib.loads((TEMPLATES / "evidence" / f"{language}.toml").read_text("utf-8"))


def _worst(kept: Kept, words: Words) -> str:
    if kept.worst is None:
        return "–"
    said = words["days_late" if kept.worst.days < 0 else "days_in_hand"]
    return str(said.format(reference=kept.worst.reference, days=abs(kept.worst.days)))


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Says a dossier in one language."""

    account: Account
    words: Words
    own: Words

    def made(self) -> str:
        return str(self.own["made"].format(made=_written_moment(self.account["made"])))

    def chain(self) -> Iterator[tuple[bool, str]]:
        """Say whether the chain holds, and what is wrong with it as far as it concerns this request."""
        chain = self.account["chain"]
        count = len(chain["faults"]) + chain["faults_elsewhere"]
        if not count:
            yield True, self.own["holds"].format(lines=chain["lines"], head=chain["head"])
            return
        yield False, self.own["broken"].format(count=count)
        for fault in chain["faults"]:
            where = f"{self.own['line'].format(line=fault['line'])}: " if fault["line"] else ""
            yield False, f"{where}{shown(fault['tells'])}"
        if chain["faults_elsewhere"]:
            yield False, self.own["faults_elsewhere"].format(count=chain["faults_elsewhere"])

    def sections(self) -> Iterator[tuple[str, list[Card]]]:
        """Yield the parts of the page, but for the history."""
        account, heading = self.account, self.own["heading"]
        yield heading["request"], [Card(self._rows("request", account))]
        yield heading["understood"], [Card(self._rows("understood", account["understood"]))]
        asked = [Card(self._rows("asked", each)) for each in account["standing"]["asked"]]
        yield heading["standing"], [Card(self._rows("standing", account["standing"])), *asked]
        yield heading["messages"], [self._message(each) for each in account["messages"]]
        yield heading["obligations"], [self._owed(each) for each in account["obligations"]]
        yield heading["letters"], [self._letter(each) for each in account["letters"]]

    def history(self) -> Iterator[Row]:
        """Yield the lines of the chain in the words in which they are hashed."""
        for line in self.account["history"]:
            said = _stated(line["detail"][OWED]) if line["what"] == OWED and line["proven"] else line["detail"]
            detail = "; ".join(f"{name}: {_plain(value)}" for name, value in said.items())
            at = _written_moment(line["at"])
            yield Row(line["line"], at, line["what"], shown(line["who"]), _in_lines(detail), line["hash"][:16], line["proven"])

    def _message(self, message: Account) -> Card:
        kept = (message["header"].strip(), (message["text"] or "").strip())
        return Card(self._rows("messages", message), texts=[_in_lines(text) for text in kept if text])

    def _owed(self, owed: Account) -> Card:
        days, met = owed["days_in_hand"], owed["met"]
        if days is None:
            verdict = ("met" if met else "undated") if met or owed["due"] is None else "ended"
        else:
            verdict = ("kept" if met else "open") if days >= 0 else ("late" if met else "overdue")
        said = self.own["verdict"][verdict].format(days=abs(days or 0))
        losing = [f"{each['source']}: {each['due'] or '–'} ({each['arithmetic'] or '–'})" for each in owed["losing"]]
        title = f"{self._duty(owed['what'])} ({shown(owed['system'])})"
        return Card(self._rows("obligations", {**owed, "losing": losing}), title, said, days is not None and days < 0)

    def _letter(self, letter: Account) -> Card:
        kind = self.words["letter"].get(letter["kind"], letter["kind"])
        is_doubtful = bool(letter["settled"]) and not letter["proven"]
        texts = [_in_lines(letter["text"].strip())] if letter["text"] else []
        return Card(self._rows("letters", letter), kind, self.own["not_proven"] if is_doubtful else "", is_doubtful, texts)

    def _rows(self, part: str, values: Account) -> list[tuple[str, str]]:
        """Return labels with texts; of what is not known no label is needed."""
        return [
            (self.own["label"][name], self._said(part, name, values[name])) for name in PARTS[part] if values[name] not in (None, [], "")
        ]

    def _said(self, part: str, name: str, value: object) -> str:
        if isinstance(value, list):
            return "\n".join(self._said(part, name, each) for each in value)
        text = str(value)
        if name in MOMENTS:
            return _written_moment(text)
        if name == "due":
            return f"{date.fromisoformat(text):%d.%m.%Y}"
        known = self._known("letter_state" if (part, name) == ("letters", "state") else name)
        return str(known.get(text) or _in_lines(text))

    def _known(self, name: str) -> Mapping[str, str]:
        """Return the words for the values of a field, if it has a few only."""
        if name in ("type", "may_be", "trigger", "event"):
            return {**self.words.get("event", {}), **self.words["type"]}
        found: Mapping[str, str] = self.own["word"].get(name) or (self.words["channel"] if name == "channel" else {})
        return found

    def _duty(self, what: str) -> str:
        said = str(self.words["duty"].get(what, what))
        return said[:1].upper() + said[1:]


def _written_moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%d.%m.%Y %H:%M:%S}"


def _in_lines(text: str) -> str:
    """Return text with its lines and nothing else that is not seen (H102)."""
    return "\n".join(map(shown, text.splitlines()))


def _stated(owed: Iterable[Account]) -> Mapping[str, str]:
    """Return what a line states of obligations in few words: by when each is due, and since when it is met."""
    return {f"{each['what']} ({each['system']})": f"{each['due'] or '–'}{' ✓ ' + each['met'][:19] if each['met'] else ''}" for each in owed}


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
