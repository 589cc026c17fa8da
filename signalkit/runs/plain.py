"""Plain Django receivers on record: those that ``RUNS["PLAIN"]`` names."""


def refresh() -> None:
    """Follow the settings."""
