"""How the receivers of a listing fared, by the runs on record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from signalkit.conf import config
from signalkit.diagnosis.listing import Row
from signalkit.management.recorded import run_model
from signalkit.registry import registry

if TYPE_CHECKING:
    from signalkit.runs.statistics import Figures


_OURS = "signalkit."


@dataclass(frozen=True, slots=True)
class Fared:
    """The figures of receivers, by name."""

    figures: Mapping[str, Figures]
    expected: Collection[str]
    """The names of those whose runs are recorded."""

    orphans: Collection[str] = field(default_factory=tuple)
    """The names on record that the code has no longer, where they were asked for."""

    def ran(self, name: str) -> bool:
        """Say whether a run of a receiver is on record."""
        found = self.figures.get(name)
        return found is not None and found.last_run is not None

    def notes(self) -> dict[str, str]:
        """Return a line about each receiver whose runs are recorded, or were."""
        return {
            name: _line(figures)
            for name, figures in self.figures.items()
            if name in self.expected or figures.last_run is not None
        }

    def lines(self, style: Any) -> Iterator[str]:
        """Yield the lines about what the code has no longer."""
        for name in self.orphans:
            yield style.WARNING(name)
            yield f"      {_line(self.figures[name])}"

    def as_json(self, name: str) -> dict[str, Any] | None:
        """Return the figures of a receiver for machines; None for what is not recorded."""
        if name not in self.expected and not self.ran(name) and name not in self.orphans:
            return None
        found = self.figures[name]
        last = found.last_run
        return {**asdict(found), "last_run": None if last is None else last.isoformat()}


def look_up(rows: Iterable[Row], using: str, since: datetime | None, *, orphans: bool) -> Fared:
    """Look up how receivers fared.

    Args:
        rows: the listing.
        using: the alias that holds the record.
        since: where the window begins; None for everything on record.
        orphans: whether only those are asked for that the code has no longer.

    Raises:
        CommandError: nothing is recorded there.
    """
    model = run_model(using)
    from signalkit.runs.names import recorded_names
    from signalkit.runs.querysets import all_names
    from signalkit.runs.statistics import figures

    listed = {row.receiver: row for row in rows}
    runs = model.objects.using(using)
    gone: list[str] = []
    if orphans:
        # Plain receivers of modules that are not imported here cannot be told from those that
        # are gone; what is declared elsewhere in this process is not in the selection, but known.
        known = {name for each in registry for name in all_names(each.name)} | {*_plain_names()}
        gone = [name for name in recorded_names(model, using) if name not in known]
    asked_for = gone if orphans else listed
    return Fared(
        figures=figures(runs, {name: all_names(recorded_name(name)) for name in asked_for}, since),
        expected={name for name, row in listed.items() if is_recorded(row)},
        orphans=gone,
    )


def is_ours(row: Row) -> bool:
    """Say whether a row is a plain receiver that signalkit has connected for itself.

    Their runs are never recorded; among those of a project they would only be in the way.
    """
    return row.kind == "plain" and recorded_name(row.path).startswith(_OURS)


def _plain_names() -> Iterator[str]:
    from signalkit.diagnosis.listing import all_rows

    return (recorded_name(row.receiver) for row in all_rows() if row.kind == "plain")


def recorded_name(name: str) -> str:
    """Return what the record calls a receiver that the listing may call ``partial of f``."""
    return name.rpartition(" of ")[2]


def is_recorded(row: Row) -> bool:
    """Say whether the settings and its declaration have a receiver's runs recorded."""
    runs = config().RUNS
    if row.kind == "plain":
        return any(fnmatchcase(recorded_name(row.path), pattern) for pattern in runs.PLAIN)
    declared = registry.find(row.receiver)
    own = None if declared is None else declared.record
    return (runs.RECORD if own is None else own) != "off"


def _line(figures: Figures) -> str:
    from signalkit.runs.report import duration, moment

    if figures.last_run is None:
        text = "no run on record"
    else:
        runs = f"{figures.runs:,}{' newest' if figures.is_sample else ''}"
        text = (
            f"last run {moment(figures.last_run)} · p50 {duration(figures.p50) or '?'} · "
            f"p95 {duration(figures.p95) or '?'}"
        )
        if figures.queries is not None:
            text += f" · {figures.queries:.1f} queries"
        text += f" · of {runs} {'run' if figures.runs == 1 else 'runs'}"
    if figures.failures:
        more = "+" if figures.failures_are_capped else ""
        text += f" · {figures.failures:,}{more} failed"
    return text
