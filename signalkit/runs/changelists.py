"""The list of the admin: read page by page by id, and never counted."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest

OLDER = "older_than"
NEWER = "newer_than"


class RunChangeList(ChangeList):
    """Newest first. A page begins behind an id, so that the last is as quick as the first."""

    older: str | None
    """The query string of the next page; None at the end."""

    newer: str | None

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """Return what is filtered by: all but the place in the list."""
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in (OLDER, NEWER)}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """Return a link within the list; it leads to the newest page unless it names a place."""
        return super().get_query_string(new_params, [OLDER, NEWER, *(remove or ())])

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        """Return the one order: all indexes end with the id."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Read one page, and one row more to know whether it goes on."""
        older, newer = self._place(OLDER), self._place(NEWER)
        size = self.list_per_page
        if newer is not None:
            read = list(self.queryset.filter(pk__gt=newer).order_by("pk")[: size + 1])
            rows = read[:size][::-1]
            has_newer, has_older = len(read) > size, True
        else:
            runs = self.queryset if older is None else self.queryset.filter(pk__lte=older - 1)
            rows = list(runs[: size + 1])
            has_newer, has_older = older is not None, len(rows) > size
            rows = rows[:size]
        self.older = self._link(OLDER, rows[-1].pk) if rows and has_older else None
        self.newer = self._link(NEWER, rows[0].pk) if rows and has_newer else None
        if not rows and (older is not None or newer is not None):
            # Beyond either end: the way back is the newest page.
            self.newer = self.get_query_string()
        self.result_list = rows
        # What the templates of the admin ask for. Nothing has been counted.
        self.result_count = len(rows)
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = False
        self.can_show_all = True
        self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, self.queryset, size)

    def chosen(self) -> list[tuple[str, str, str]]:
        """Return the filters that no list on the side shows: name, value, query string without."""
        return [
            (name, value, self.get_query_string(remove=[name]))
            for name, value in self.params.items()
            if name in ("receiver", "object", "correlation", "run")
        ]

    def _place(self, name: str) -> int | None:
        given = self.params.get(name)
        if given is None:
            return None
        try:
            return int(given)
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error

    def _link(self, name: str, pk: int) -> str:
        return self.get_query_string({name: pk})
