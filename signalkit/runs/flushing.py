"""Before the record is read: what this process has not written yet is written."""


def before_reading(using: str) -> None:
    """Write the runs that wait to be recorded on a database.

    Args:
        using: the alias that is about to be read.
    """
