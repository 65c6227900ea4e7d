"""``mailbot run``: the daemon, or one round."""

import os
import sys
from typing import Annotated

import typer

from mailbot.cli.terms import ConfigOption, settings_in, store_failures_told, visible

YOUNG_OBJECTS = 20_000
"""A batch makes thousands of objects that die with it; the usual 700 have the collector run hundreds of times a second."""


def run(
    config: ConfigOption = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Take in what is there, deliver what is due, and end.")] = False,
) -> None:
    """Watch the inbox, record requests, acknowledge them.

    Exit status: 0 done, 1 something is wrong that a person must see, 75 try again later, 78 the configuration is wrong.
    """
    settings = settings_in(config)
    import asyncio
    import gc
    from time import monotonic

    gc.set_threshold(YOUNG_OBJECTS)  # before the imports: they make more of them than any batch
    from mailbot.daemon import Works
    from mailbot.logs import log, set_up_logs
    from rules import details  # noqa: F401 - now, and not while the first update waits for its answer

    set_up_logs()
    with store_failures_told():
        works = Works(settings)
        gc.freeze()  # what is loaded by now lives as long as the process: it need not be looked through again and again
        began = monotonic()
        report = asyncio.run(works.once()) if once else asyncio.Runner().run(works.for_ever())
    if once:
        counts, tally = report.counts, report.tally
        log.info(
            "run_done",
            messages=sum(count.messages for count in counts),
            requests=sum(count.requests for count in counts),
            held=sum(count.held for count in counts),
            letters_accepted=tally.accepted,
            letters_waiting=report.waiting,
            seconds=round(monotonic() - began, 3),
        )
    for problem in report.problems:
        for sentence in str(problem).splitlines():
            sys.stderr.write(f"mailbot: {visible(sentence)}\n")
    if not once:  # H36: a thread that hangs in the store or in a server is not waited for; what it had begun is rolled back
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(report.exit_status)
    sys.exit(report.exit_status)
