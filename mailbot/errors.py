"""What can go wrong in the world, sorted by what happens next. The docstring of a class is the sentence of last resort."""


class Problem(Exception):
    """Something is wrong that a person must see."""

    exit_status = 1
    transient = False


class TemporaryFailure(Problem):
    """Something outside does not answer now; the same run later may succeed."""

    exit_status = 75
    transient = True


class ConfigurationMistake(Problem):
    """The configuration cannot be used as it is written."""

    exit_status = 78

    def __init__(self, *mistakes: str) -> None:
        """Keep every mistake: each a sentence that says what, where and how to cure it."""
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


class NoWave(Problem):
    """No wave of requests goes on, so that there is nothing to resume."""

    def __init__(self) -> None:
        """Say the sentence above."""
        super().__init__("no wave of requests goes on: mailbot carries out by itself what it may")


class NoSuchRequest(Problem):
    """The register holds no such request."""

    def __init__(self, reference: str) -> None:
        """Say which reference was looked for and where the right one stands."""
        super().__init__(f"there is no request {reference}; `mailbot requests list` shows them")
