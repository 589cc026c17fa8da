"""Text that is compared letter by letter on every database."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class ExactCharField(models.CharField):  # type: ignore[type-arg]
    """A CharField whose comparisons tell upper from lower case, on MySQL and MariaDB too.

    ``shop.Announce`` and ``shop.announce`` are two receivers, and keys may differ in nothing else.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Return the type of the column, with a collation where the default one may not do."""
        parameters = super().db_parameters(connection)
        if connection.vendor != "mysql":
            return parameters
        return {**parameters, "collation": "utf8mb4_bin"}
