"""From what is told of a run to a row."""


def install() -> None:
    """Watch the runs."""
