"""The record in the admin: to be read, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connections, router
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from signalkit.runs import report, trees
from signalkit.runs.changelists import RunChangeList
from signalkit.runs.finding import find
from signalkit.runs.models import ReceiverRun
from signalkit.runs.tables import TABLE, tables

_TREE = "signalkit_runs_receiverrun_tree"


def _unless_absent(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Have a view say what to do where the table is absent; Django would say ``no such table``."""

    @wraps(view)
    def wrapped(
        self: ReceiverRunAdmin, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # Who may not look is refused by the view.
        if self.has_view_permission(request) and (why := _why_absent()):
            return self.absent_view(request, why)
        return view(self, request, *args, **kwargs)

    return wrapped


def _why_absent() -> str | None:
    """Return why there is nothing to be read; None where the table is there."""
    connection = connections[router.db_for_read(ReceiverRun)]
    connection.ensure_connection()
    why = tables.why_not(connection)
    if why is None:
        return None
    # That may have been found out half a minute ago, or be true of what is written alone.
    with connection.cursor() as cursor:
        found = TABLE in connection.introspection.table_names(cursor)
    return None if found else why


@admin.register(ReceiverRun)
class ReceiverRunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists, finds and shows runs; nobody adds, changes or deletes one."""

    list_display = ("when", "ended", "what", "took", "sent", "cause")
    list_display_links = ("when",)
    list_filter = ("outcome",)
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    actions = None
    # What is searched is said by get_search_results(); without a field there is no box.
    search_fields = ("correlation",)
    search_help_text = (
        "A correlation id, an object such as shop.Book:12, or the beginning of a receiver's name."
    )
    fieldsets: ClassVar[Any] = (
        (
            None,
            {
                "fields": (
                    "of_receiver",
                    "how",
                    "signal",
                    "sender",
                    "about",
                    "phase",
                    "reason",
                )
            },
        ),
        ("Error", {"fields": ("error", "message", "trace")}),
        (
            "Time",
            {"fields": ("started", "took", "queries", "attempt", "alias")},
        ),
        (
            "Cause",
            {"fields": ("who", "through", "address", "tree", "same_run", "above")},
        ),
    )

    class Media:
        """Its styles; the names of colours are those of the admin, light and dark."""

        css: ClassVar = {"all": ["signalkit_runs/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RunChangeList]:
        """Return the list that does not count."""
        return RunChangeList

    @_unless_absent
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, called by what it lists."""
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    @_unless_absent
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show one run."""
        return super().changeform_view(request, *args, **kwargs)

    @_unless_absent
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse."""
        return super().delete_view(request, *args, **kwargs)

    @_unless_absent
    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show that nobody has changed a run."""
        return super().history_view(request, *args, **kwargs)

    def absent_view(self, request: HttpRequest, why: str) -> HttpResponse:
        """Say that there is no table, and what to do.

        Args:
            request: of whichever page.
            why: in words.
        """
        context = {
            **self.admin_site.each_context(request),
            "title": str(self.opts.verbose_name_plural).capitalize(),
            "opts": self.opts,
            "why": why,
        }
        page = "admin/signalkit_runs/receiverrun/absent.html"
        return TemplateResponse(request, page, context, status=503)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Find runs by index."""
        return (find(queryset, search_term) if search_term.strip() else queryset), False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out what says nothing: the error of a run that raised none."""
        if obj is None or obj.error:
            return self.fieldsets
        told = (("Why it did not run", {"fields": ("why",)}),) if obj.message else ()
        first, *others = (each for each in self.fieldsets if each[0] != "Error")
        return (first, *told, *others)

    def get_urls(self) -> list[URLPattern]:
        """Add the page of what caused what."""
        page = self.admin_site.admin_view(self.tree_view)
        return [path("tree/<path:correlation>/", page, name=_TREE), *super().get_urls()]

    @_unless_absent
    def tree_view(self, request: HttpRequest, correlation: str) -> HttpResponse:
        """Show what caused what, of one correlation id.

        Raises:
            PermissionDenied: the user may not see runs.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        runs = self.get_queryset(request).filter(correlation=correlation).order_by("pk")
        rows = list(runs[: trees.LARGEST + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": "What caused what",
            "subtitle": correlation,
            "opts": self.opts,
            "nodes": [
                {
                    "node": node,
                    "row": node.row,
                    "indent": min(node.depth, 20) * 1.5,
                    "took": report.duration(node.row.duration),
                }
                for node in trees.tree(rows[: trees.LARGEST])
            ],
            "correlation": correlation,
            "most": trees.LARGEST if len(rows) > trees.LARGEST else None,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/signalkit_runs/receiverrun/tree.html", context)

    @admin.display(description="began")
    def when(self, run: Any) -> str:
        """Return when it began, to the second."""
        return report.moment(run.started)

    @admin.display(description="outcome")
    def how(self, run: Any) -> SafeString:
        """Return the outcome, coloured."""
        return format_html(
            '<span class="outcome outcome-{}">{}</span>', run.outcome, run.get_outcome_display()
        )

    @admin.display(description="outcome")
    def ended(self, run: Any) -> SafeString:
        """Return the outcome, and below it what kept the run from running."""
        why = "" if run.error else run.message
        below = format_html('<div class="quiet">{}</div>', why) if why else ""
        return format_html("{}{}", self.how(run), below)

    @admin.display(description="message")
    def why(self, run: Any) -> str:
        """Return what kept it from running."""
        return str(run.message)

    @admin.display(description="receiver and object")
    def what(self, run: Any) -> SafeString:
        """Return the receiver, and below it the object."""
        return format_html("{}<div>{}</div>", self.of_receiver(run), self.about(run))

    @admin.display(description="receiver")
    def of_receiver(self, run: Any) -> SafeString:
        """Return the receiver, with a link to its runs."""
        return self._filtered("receiver", run.receiver)

    @admin.display(description="object", empty_value="")
    def about(self, run: Any) -> SafeString:
        """Return the object, with a link to what happened to it."""
        return self._filtered("object", run.object)

    @admin.display(description="duration")
    def took(self, run: Any) -> str:
        """Return how long it took."""
        return report.duration(run.duration)

    @admin.display(description="queries", empty_value="")
    def sent(self, run: Any) -> int | None:
        """Return how many statements it sent."""
        queries: int | None = run.queries
        return queries

    @admin.display(description="caused by")
    def cause(self, run: Any) -> SafeString:
        """Return who caused it, with a link to all that came of it."""
        text = run.actor_label or run.detail or run.source or run.correlation[:12]
        return self._tree_link(run, text)

    @admin.display(description="actor")
    def who(self, run: Any) -> str:
        """Return who caused it."""
        return report.who(run)

    @admin.display(description="through")
    def through(self, run: Any) -> str:
        """Return what set it off."""
        return report.through(run)

    @admin.display(description="correlation id")
    def tree(self, run: Any) -> SafeString:
        """Return the correlation id, with a link to what caused what."""
        return self._tree_link(run, run.correlation)

    @admin.display(description="rows of this run")
    def same_run(self, run: Any) -> SafeString:
        """Return the number of the run, with a link to its rows."""
        return self._filtered("run", run.run)

    @admin.display(description="run that caused it")
    def above(self, run: Any) -> SafeString:
        """Return the number of the run that it was caused in, with a link to its rows."""
        return self._filtered("run", run.parent)

    @admin.display(description="traceback")
    def trace(self, run: Any) -> SafeString:
        """Return the traceback as it was printed."""
        return format_html('<pre class="traceback">{}</pre>', run.traceback)

    def _filtered(self, name: str, value: Any) -> SafeString:
        if not value:
            return SafeString("")
        page = reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist",
            current_app=self.admin_site.name,
        )
        return format_html('<a href="{}?{}">{}</a>', page, urlencode({name: value}), value)

    def _tree_link(self, run: Any, text: str) -> SafeString:
        if not run.correlation:
            return format_html("{}", text)
        page = reverse(f"admin:{_TREE}", args=[run.correlation], current_app=self.admin_site.name)
        return format_html('<a href="{}">{}</a>', page, text)
