"""What the digest tells of the machine: letters, commands of other systems, messages that could not be read, the mail and the month."""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any

from mailbot.digest_actions import EXPLAIN, Action, actions_for_letter
from mailbot.digest_words import ItemKind, Line, Result, Speaker, named, opened, shown
from rules.orders import Verb
from rules.vocabulary import Outcome
from storage.ledger import SetAside
from storage.outbox import LetterState
from storage.overview import Undelivered
from storage.tasks import ListedTask

_MOST_OF_A_REPLY = 240
_REPLY_CODE = re.compile(r"(?:\d{3}(?: \d\.\d{1,3}\.\d{1,3})?|\d\.\d{1,3}\.\d{1,3})(?= |$)")


def unread(speaker: Speaker, aside: SetAside) -> Line:
    """Tell of a message that could not be read."""
    words = speaker.words["set_aside"]
    return Line(
        words["title"].format(when=speaker.when(aside.received_at)),
        (aside.name, named((aside.place.inbox, aside.place.folder))),
        ItemKind.SET_ASIDE,
        aside.name,
        (words.get(aside.reason, words["could_not_be_read"]),),
        actions=(Action(Verb.DONE), EXPLAIN),
    )


def in_vain(speaker: Speaker, task: ListedTask) -> Line:
    """Tell of what a system's command was tried for in vain: since when, what it said last, and what to do."""
    words, reply = speaker.words["task"], " ".join((task.reply or "").split())
    if len(reply) > _MOST_OF_A_REPLY:  # how it ended stands at the beginning, why at the end
        reply = f"{reply[:40]} … {reply[40 - _MOST_OF_A_REPLY :]}"
    told = [words["failed"].format(when=speaker.when(task.since), n=task.attempts)]
    told += [words["said"].format(reply=shown(reply))] if reply else []
    title = opened(speaker.words["duty"].get(task.what, task.what))
    cure = words["cure"].format(system=task.system)
    actions = (Action(Verb.RETRY), Action(Verb.DONE), EXPLAIN)
    return Line(title, (task.reference, task.system), ItemKind.TASK, str(task.id), (*told, cure), actions=actions)


def letter(speaker: Speaker, stuck: Undelivered) -> Line:
    """Tell of a letter that did not arrive, or goes out later."""
    title = speaker.words["letter"].get(stuck.kind, stuck.kind)
    facts = (*([stuck.reference] if stuck.reference else []), speaker.person(stuck.recipient))
    actions = tuple(actions_for_letter(stuck))
    return Line(title, facts, ItemKind.LETTER, str(stuck.id), (_delivery(speaker, stuck),), actions=actions)


def _delivery(speaker: Speaker, stuck: Undelivered) -> str:
    words = speaker.words["delivery"]
    if stuck.state is LetterState.FAILED:
        code = _REPLY_CODE.match(stuck.reply or "")
        return str(words["failed"].format(reply=code[0] if code else "–"))
    if stuck.state is LetterState.DOUBTFUL:
        return str(words["doubtful"])
    if stuck.is_capped:
        return str(words["capped"].format(when=speaker.when(stuck.not_before)))
    return str(words["waiting"].format(when=speaker.when(stuck.queued_at)))


def mail(speaker: Speaker) -> Iterator[tuple[str, list[str]]]:
    """Account for the mail of every folder: what arrived is what is accounted for, and when it was last seen whole."""
    words, digest = speaker.words["mail"], speaker.digest
    for folder, traffic in digest.traffic.items():
        accounted = sum(traffic.outcomes.values())
        sentence = words["pending" if traffic.pending else "all_in"]
        said = sentence.format(arrived=accounted + traffic.pending, accounted=accounted, pending=traffic.pending)
        told = [f"{words['since'].format(when=speaker.when(digest.since))} {said}"]
        named_outcomes = speaker.words["outcome"].items()
        outcomes = [f"{label}: {traffic.outcomes[Outcome(name)]}" for name, label in named_outcomes if name in traffic.outcomes]
        told += [f"{opened(', '.join(outcomes))}."] if outcomes else []
        told += [f"{words['seen'].format(when=speaker.when(traffic.last_pass_at))}."] if traffic.last_pass_at else []
        yield named(folder), told


def month(speaker: Speaker) -> dict[str, Any]:
    """Return the month's numbers: a row a type, and how long its bars are, in hundredths of the longest."""
    digest, words = speaker.digest, speaker.words
    most = max((counter.total() for counter in digest.numbers.values()), default=1)
    rows = []
    for kind, counter in sorted(digest.numbers.items(), key=lambda pair: (-pair[1].total(), pair[0] or "")):
        present = [result for result in Result if counter[result]]
        told = ", ".join(speaker.count(words["month"][result], counter[result]) for result in present)
        ends = [100 * end // most for end in accumulate((counter[result] for result in present), initial=0)]
        bars = [(result.value, end - start) for result, (start, end) in zip(present, pairwise(ends), strict=True)]
        rows.append({"label": words["type"][kind or "held"], "told": told, "bars": bars, "rest": 100 - ends[-1]})
    heading = words["heading"]["month"].format(month=words["months"][digest.month.month - 1], year=digest.month.year)
    return {"heading": heading, "rows": rows, "legend": [(result.value, words["month"][result]) for result in Result]}
