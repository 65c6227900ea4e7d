"""``mailbot systems``: the other places that hold subscribers, what their commands have still to do, and trying that again."""

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from mailbot.cli.terms import ConfigOption, JsonOption, print_json, print_lines, print_table, settings_in, store_of, typed_by, visible
from mailbot.errors import Problem

if TYPE_CHECKING:
    from mailbot.config import System
    from storage.tasks import ListedTask

systems_app = typer.Typer(name="systems", help="Other places that hold subscribers, and their open tasks.", no_args_is_help=True)


@systems_app.callback()
def systems() -> None:
    """Other places that hold subscribers, and their open tasks."""


@systems_app.command("list")
def list_systems(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List the systems of the configuration, and what their commands have still to do."""
    settings = settings_in(config)
    with store_of(settings) as database, database.read() as tx:
        from storage import tasks

        found = [(system, tasks.waiting_in(tx, system.name)) for system in settings.system]
    if as_json:
        for system, ahead in found:
            print_json(_row(system, ahead))
        return
    rows = [[system.name, system.mode, *(map(str, _counted(ahead)) if system.command else "--")] for system, ahead in found]
    print_table(("system", "mode", "waiting", "failed"), rows, "The configuration names no other system.")
    for _, ahead in found:
        for task in ahead:
            print_lines(["", f"{task.reference}  {task.what}  {task.system}  {task.state}  tries: {task.attempts}", task.reply or "-"])


@systems_app.command("retry")
def retry(
    name: Annotated[str, typer.Argument(metavar="SYSTEM", help="The system, as `mailbot systems list` shows it.")],
    reference: Annotated[str | None, typer.Argument(metavar="REFERENCE", help="Only what is owed there for this request.")] = None,
    config: ConfigOption = None,
) -> None:
    """Try now what the command of a system has still to do, with all its tries anew.

    A running mailbot does it within half a minute.
    """
    settings, who, now = settings_in(config), typed_by(), datetime.now(UTC)
    mode = next((system.mode for system in settings.system if system.name == name), None)
    if mode is None:
        raise typer.BadParameter(f"{visible(name)} is no system of the configuration", param_hint="SYSTEM")
    if mode != "command":
        shows = "what is open there, `mailbot requests list --open` shows"
        raise Problem(f"{name} has no command to try again: its mode is {mode}; {shows}")
    with store_of(settings) as database, database.write() as tx:
        from storage import register, tasks

        chosen = [task for task in tasks.waiting_in(tx, name) if reference in (None, task.reference)]
        if not chosen:
            raise Problem(f"the command of {name} has nothing to do{f' for {reference}' if reference else ''}")
        count = tasks.retry(tx, [task.id for task in chosen], now)
        told = [(task.reference, "task_retried", who, {"what": task.what, "system": name, "tries": task.attempts}) for task in chosen]
        register.note(tx, told, now)
    in_hand = f"; tried already: {len(chosen) - count}" if count < len(chosen) else ""
    print_lines([f"tried now: {count}{in_hand}"])


def _counted(ahead: "tuple[ListedTask, ...]") -> tuple[int, int]:
    """Return how many tasks wait for a try, and how many failed so often that staff must look."""
    counts = Counter(task.has_failed for task in ahead)
    return counts[False], counts[True]


def _row(system: "System", ahead: "tuple[ListedTask, ...]") -> dict[str, object]:
    waiting, failed = _counted(ahead)
    names = ("id", "reference", "what", "state", "attempts", "since", "not_before", "reply")
    tasks = [{name: _plain(getattr(task, name)) for name in names} for task in ahead]
    return {"name": system.name, "mode": system.mode, "waiting": waiting, "failed": failed, "tasks": tasks}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
