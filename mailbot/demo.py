"""The demo, first form: sample messages go through the pipeline into a store that is thrown away afterwards."""


def show() -> None:
    """Print what became of the samples."""
