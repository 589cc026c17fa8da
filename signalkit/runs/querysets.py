"""Asking the record, in the words of the command."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models

from signalkit.runs.exceptions import AppendOnly


class RunQuerySet(models.QuerySet[Any]):
    """Runs; newest first."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse: what is on record is not changed.

        Raises:
            AppendOnly: always.
        """
        raise AppendOnly("Runs are a record: they are not updated.")
