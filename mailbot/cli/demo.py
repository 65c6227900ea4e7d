"""``mailbot demo``: what mailbot makes of sample mail, on this machine, without any server."""


def demo() -> None:
    """Show sample messages on their way through: recognised, recorded with due dates, answered."""
    from mailbot.demo import show

    show()
