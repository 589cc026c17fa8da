"""Asking the record, in the words of the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from signalkit.context.actor import Actor, actor_of
from signalkit.declare.references import names_of
from signalkit.declare.values import wrong
from signalkit.exceptions import nearest
from signalkit.registry import registry
from signalkit.runs.ages import (
    EXPECTED,
    EXPECTED_MOMENT,
    as_stored,
    before,
    parse_age,
    parse_moment,
)
from signalkit.runs.exceptions import AppendOnly
from signalkit.runs.flushing import before_reading
from signalkit.runs.references import parse_reference, reference
from signalkit.runs.windows import first_id_since, last_id_before
from signalkit.states import Outcome

GRACE = timedelta(minutes=1)
"""How long what was scheduled may take before it counts as never run."""


class RunQuerySet(models.QuerySet[Any]):
    """Runs; newest first.

    Each method narrows what the ones before it have left. :meth:`since`, :meth:`older` and
    :meth:`newest` look up ids in the database that the queryset reads, so ``using()`` stands before
    them.
    """

    def of(self, *receivers: str | Callable[..., Any] | type) -> Self:
        """Return the runs of some receivers, those under their former names too.

        Args:
            receivers: their names, whether the code still has them or not; or the receivers.

        Raises:
            DeclarationError: one is neither a name nor a declared receiver.
        """
        if "" in receivers:
            raise wrong("ReceiverRun.objects", "of()", "", "the name of a receiver")
        given = [
            name for each in receivers for name in names_of("ReceiverRun.objects", "of()", each)
        ]
        return self._one_of("receiver", [name for each in given for name in all_names(each)])

    def about(self, *instances: models.Model | str) -> Self:
        """Return the runs for what happened to some objects.

        Args:
            instances: the objects, or their references, such as ``"shop.Book:12"``.

        Raises:
            ValueError: a text is no reference.
            TypeError: something is neither text nor an instance of a model.
        """
        return self._one_of("object", [_reference(each) for each in instances])

    def correlated(self, *correlations: str) -> Self:
        """Return everything that one cause set off, or several.

        Args:
            correlations: the correlation ids.
        """
        return self._one_of("correlation", correlations)

    def ended(self, *outcomes: Outcome | str) -> Self:
        """Return the rows with one of some outcomes.

        Args:
            outcomes: members or values of :class:`~signalkit.states.Outcome`.

        Raises:
            ValueError: there is no such outcome.
        """
        return self._one_of("outcome", [_outcome(each).value for each in outcomes])

    def failed(self) -> Self:
        """Return the runs that raised an error; vetoes are none."""
        return self.ended(Outcome.FAILED)

    def never_ran(self, *, grace: timedelta | str = GRACE) -> Self:
        """Return what was scheduled, and nothing came of it: the process died in between.

        A run that was rolled back or skipped, or failed, is not among them.

        Args:
            grace: how old a scheduled run has to be to count; text such as ``"15m"`` will do.

        Raises:
            ValueError: a text is no age.
            TypeError: it is neither a timedelta nor text.
        """
        came_of_it = self.model._base_manager.filter(run=OuterRef("run")).exclude(
            outcome=Outcome.SCHEDULED.value
        )
        return self.ended(Outcome.SCHEDULED).filter(
            ~Exists(came_of_it), started__lt=before(_age(grace))
        )

    def since(self, moment: datetime | timedelta | str) -> Self:
        """Return the runs that began at a moment or after it.

        One that was written over an hour after it began may be missed: see
        :mod:`signalkit.runs.windows`. It asks the database for the id to begin at.

        Args:
            moment: the moment, or how long ago it was; text as the command takes it, such as
                ``"2h"`` or ``"2026-03-01T12:00"``, will do.

        Raises:
            ValueError: a text is neither.
            TypeError: it is something else.
        """
        start = _moment("since()", moment)
        first = first_id_since(self.model, self.db, start)
        runs = self.filter(started__gte=start)
        return runs if first is None else runs.filter(pk__gte=first)

    def older(self, moment: datetime | timedelta | str) -> Self:
        """Return the runs that began before a moment; else as :meth:`since`.

        Args:
            moment: the moment, or how long ago it was; text as the command takes it, such as
                ``"2h"`` or ``"2026-03-01T12:00"``, will do.

        Raises:
            ValueError: a text is neither.
            TypeError: it is something else.
        """
        end = _moment("older()", moment)
        last = last_id_before(self.model, self.db, end)
        runs = self.filter(started__lt=end)
        return runs if last is None else runs.filter(pk__lte=last)

    def newest(self, number: int) -> Self:
        """Return only what is among the newest rows of the table: a bound for any search.

        Args:
            number: so many ids are looked at, from the highest down.
        """
        everything = self.model._base_manager.using(self.db).order_by("-pk")
        last = everything.values_list("pk", flat=True).first()
        return self if last is None else self.filter(pk__gt=last - number)

    def has_more_than(self, number: int) -> bool:
        """Say whether :meth:`newest` leaves rows of the table out.

        Args:
            number: as it is given there.
        """
        everything = self.model._base_manager.using(self.db)
        last = everything.order_by("-pk").values_list("pk", flat=True).first()
        return last is not None and everything.filter(pk__lte=last - number).exists()

    def by(self, actor: Any) -> Self:
        """Return the runs that somebody caused.

        Args:
            actor: a user or another model instance; an :class:`~signalkit.context.actor.Actor`;
                or a text: ``"auth.User:1"``, or the label, such as a user's name. None for those
                that nobody is known to have caused.
        """
        if actor is None:
            return self.filter(actor_type="", actor_id="", actor_label="")
        if isinstance(actor, str):
            kind, colon, identity = actor.partition(":")
            known = Q(actor_type=kind, actor_id=identity) if colon else Q()
            return (
                self.filter(known | Q(actor_label=actor))
                if colon
                else self.filter(actor_label=actor)
            )
        found = actor if isinstance(actor, Actor) else actor_of(actor)
        if found is None:
            return self.by(None)
        if not found.id:
            return self.filter(actor_type=found.type, actor_label=found.label)
        return self.filter(actor_type=found.type, actor_id=found.id)

    def page(self, limit: int, *, before: int | None = None) -> Self:
        """Return the newest rows, or those that come after a page that was read.

        Args:
            limit: how many at most.
            before: the id of the last row of the page before.
        """
        runs = self.order_by("-pk")
        return (runs if before is None else runs.filter(pk__lt=before))[:limit]

    def using(self, alias: str | None) -> Self:
        """Read another database, in which what waits is written first."""
        runs = super().using(alias)
        before_reading(runs.db)
        return runs

    def _one_of(self, column: str, values: Sequence[str]) -> Self:
        # For a single value, the index yields the rows in the order of their ids. Not so for IN.
        condition = {column: values[0]} if len(values) == 1 else {f"{column}__in": values}
        return self.filter(**condition)

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse: what is on record is not changed.

        Raises:
            AppendOnly: always.
        """
        raise AppendOnly("Runs are a record: they are not updated.")

    def delete(self) -> NoReturn:
        """Refuse: what is on record goes by its age.

        Raises:
            AppendOnly: always.
        """
        raise AppendOnly(
            "Runs are a record: they are not deleted one by one. To take old ones away, use "
            "manage.py signalkit prune."
        )

    # Django offers neither to related managers nor to templates; both change data.
    update.alters_data = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class RunManager(models.Manager.from_queryset(RunQuerySet)):  # type: ignore[misc]
    """Sees to it that what is read is there: runs that wait to be recorded are written first."""

    def get_queryset(self) -> RunQuerySet:
        """Return all runs."""
        runs: RunQuerySet = super().get_queryset()
        before_reading(runs.db)
        return runs


def all_names(name: str) -> tuple[str, ...]:
    """Return the names under which a receiver may be on record: its own, and former ones."""
    declaration = registry.find(name)
    return (name,) if declaration is None else (declaration.name, *declaration.aliases)


def _reference(given: models.Model | str) -> str:
    if isinstance(given, str):
        return parse_reference(given)
    if isinstance(given, models.Model):
        return reference(given)
    raise TypeError(
        f"about() was given {given!r}; expected an instance of a model, or text such as "
        "'shop.Book:12'."
    )


def _outcome(given: Outcome | str) -> Outcome:
    try:
        return Outcome(given)
    except ValueError as error:
        known = [each.value for each in Outcome]
        raise ValueError(
            f"There is no outcome {given!r}; there are {', '.join(known)}."
            f"{nearest(str(given), known)}"
        ) from error


def _moment(method: str, given: datetime | timedelta | str) -> datetime:
    if isinstance(given, str):
        return parse_moment(given)
    if isinstance(given, timedelta):
        return before(given)
    if isinstance(given, datetime):
        return as_stored(given)
    raise TypeError(
        f"{method} was given {given!r}; expected a datetime, a timedelta back from now, "
        f"{EXPECTED_MOMENT}."
    )


def _age(given: timedelta | str) -> timedelta:
    if isinstance(given, str):
        return parse_age(given)
    if isinstance(given, timedelta):
        return given
    raise TypeError(f"never_ran(): grace is {given!r}; expected a timedelta, or {EXPECTED}.")
