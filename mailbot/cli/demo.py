"""``mailbot demo``: what mailbot makes of sample mail, on this machine, between mail servers of its own."""

import logging

from mailbot.errors import Problem


def demo() -> None:
    """Show sample messages on their way through the daemon: recognised, recorded with due dates, answered.

    Exit status: 0 every message ended as its label says, 1 one did not.
    """
    from rich.console import Console

    try:
        from mailbot.demo.showing import show
    except ModuleNotFoundError as missing:
        package = str(missing.name).partition(".")[0]
        raise Problem(f"the demo needs mail servers, and {package} is not installed: type `make demo` in a checkout") from None
    from mailbot.demo.samples import read_samples
    from mailbot.logs import set_up_logs

    set_up_logs(logging.WARNING)  # what is done is shown anyway
    show(read_samples(), Console())
