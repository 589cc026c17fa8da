"""Prints what happened, so that one can read it."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from inspect import getdoc
from textwrap import wrap
from typing import Any

from django.core.management.base import OutputWrapper
from django.core.management.color import Style
from django.db.backends.base.base import BaseDatabaseWrapper
from django.dispatch import Signal
from django.template import Template

from signalkit import Outcome, Phase
from signalkit.declaration import Declaration, Origin
from signalkit.dispatch.observation import Run

from .. import signals
from .recorder import Deed, Entry, Expectation, Note

WIDTH = 98
WHEN = {
    Phase.INLINE: "at once",
    Phase.BEFORE_COMMIT: "before commit",
    Phase.AFTER_COMMIT: "after commit",
    Phase.AFTER_ROLLBACK: "after rollback",
}
WAITS = {
    Phase.BEFORE_COMMIT: "waits until just before the commit",
    Phase.AFTER_COMMIT: "waits for the commit",
    Phase.AFTER_ROLLBACK: "stands by for a rollback",
}


@dataclass
class Line:
    """Runs of one receiver that can be told as one."""

    run: Run
    times: int = 0
    seconds: float = 0.0

    def add(self, run: Run) -> None:
        """Count one more."""
        self.times += 1
        self.seconds += run.duration or 0.0


class Narrator:
    """Writes to a command's output in a command's style."""

    def __init__(self, out: OutputWrapper, style: Style, signals: dict[str, Signal]) -> None:
        """Take what to write with.

        Args:
            out: where to write.
            style: how to colour; a style without colours where there are none.
            signals: Django's signals by their dotted names.
        """
        self._out = out
        self._style = style
        self._names = {id(signal): name.rpartition(".")[2] for name, signal in signals.items()}
        self._step = 0

    def title(self, title: str, why: str) -> None:
        """Begin a step."""
        self._step += 1
        self._print()
        self._print(self._style.MIGRATE_HEADING(f"{self._step:>2}  {title}"))
        for line in _wrapped(why, WIDTH - 4):
            self._print(f"    {line}")

    def tell(self, entries: Iterable[Entry]) -> None:
        """Tell what happened in a step, deed by deed."""
        for part in _parts(entries):
            self._tell_part(part)

    def summary(self, observed: dict[str, int]) -> None:
        """List the built-in signals with how often a receiver ran for each."""
        self._print()
        self._print(self._style.MIGRATE_HEADING("Receivers that ran, by built-in signal"))
        for name, times in observed.items():
            mark = self._style.SUCCESS("✓") if times else self._style.ERROR("✗")
            self._print(f"  {mark} {name:<58}{times:>6}")

    def verdict(self, seen: int, of: int) -> None:
        """Say how many there were."""
        style = self._style.SUCCESS if seen == of else self._style.ERROR
        self._print()
        self._print(style(f"{seen} of {of} built-in signals observed"))

    def _tell_part(self, part: list[Entry]) -> None:
        undone: dict[str, Declaration] = {}
        for entry in _merged(part):
            match entry:
                case Deed():
                    self._print()
                    result = f"  {self._style.NOTICE(entry.result)}" if entry.result else ""
                    self._print(f"  {self._style.MIGRATE_LABEL('▸ ' + entry.text)}{result}")
                case Line():
                    self._tell_line(entry)
                    if entry.run.outcome is Outcome.ROLLED_BACK:
                        undone[entry.run.receiver.name] = entry.run.receiver
                case Note():
                    mark = "✉" if entry.kind == "letter" else "!"
                    self._print(self._style.NOTICE(f"      {mark} {entry.kind} {entry.text}"))
                case Expectation():
                    style = self._style.SUCCESS if entry.holds else self._style.ERROR
                    self._print(style(f"    {'=' if entry.holds else '≠'} {entry.text}"))
        if undone:
            self._print(self._style.WARNING("    so this did not happen:"))
            for receiver in undone.values():
                self._print(self._style.WARNING(f"      - {_promise(receiver)}"))

    def _tell_line(self, line: Line) -> None:
        run, times = line.run, f" ×{line.times}" if line.times > 1 else ""
        signal = self._names.get(id(run.event.signal)) or _custom_name(run.event.signal)
        what = f"{signal} {_sender(run.event.sender)}".rstrip()
        name = f"{run.receiver.name}{times}"
        columns = f"{what:<34} {name:<30}"
        took = f"{WHEN[run.phase]:<14} {line.seconds * 1000:>8.2f} ms"
        match run.outcome:
            case Outcome.SUCCEEDED:
                self._print(f"    {self._style.SUCCESS('✓')} {columns} {took}")
            case Outcome.FAILED | Outcome.VETOED:
                verb = "vetoed" if run.outcome is Outcome.VETOED else "failed"
                self._print(f"    {self._style.ERROR('✗')} {columns} {took}  {verb}")
                for row in _wrapped(_message(run.error), WIDTH - 8):
                    self._print(self._style.ERROR(f"        {row}"))
            case Outcome.SCHEDULED:
                self._print(f"    … {columns} {WAITS[run.phase]}")
            case Outcome.ROLLED_BACK:
                self._print(self._style.WARNING(f"    ↩ {columns} will not run: rolled back"))

    def _print(self, text: str = "") -> None:
        self._out.write(text)


def _parts(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Split what happened so that each part begins with a deed."""
    parts: list[list[Entry]] = [[]]
    for entry in entries:
        if isinstance(entry, Deed):
            parts.append([])
        parts[-1].append(entry)
    return [part for part in parts if part]


def _merged(part: list[Entry]) -> list[Deed | Note | Expectation | Line]:
    """Tell as one what a receiver did many times, where it did it first."""
    lines: dict[tuple[Any, ...], Line] = {}
    told: list[Deed | Note | Expectation | Line] = []
    for entry in part:
        if not isinstance(entry, Run):
            told.append(entry)
            continue
        key = (
            entry.receiver.name,
            id(entry.event.signal),
            _sender(entry.event.sender),
            entry.outcome,
            _message(entry.error),
        )
        if key not in lines:
            lines[key] = Line(entry)
            told.append(lines[key])
        lines[key].add(entry)
    return told


def _sender(sender: Any) -> str:
    """Return a sender's name for people."""
    if sender is None or isinstance(sender, str):
        return ""
    if isinstance(sender, type) and issubclass(sender, BaseDatabaseWrapper):
        return sender.vendor
    if isinstance(sender, type):
        return sender.__name__
    if isinstance(sender, Template):
        return ""
    return getattr(sender, "label", None) or type(sender).__name__


def _custom_name(signal: Signal) -> str:
    """Find what the shop calls one of its own signals."""
    return next((name for name, value in vars(signals).items() if value is signal), "a signal")


def find(origin: Origin) -> Any:
    """Return the function or class that a receiver was declared as."""
    found: Any = import_module(origin.module)
    for name in origin.qualname.split("."):
        found = getattr(found, name)
    return found


def _promise(receiver: Declaration) -> str:
    """Return what a receiver would have done: the first sentence of its docstring."""
    sentence = (getdoc(find(receiver.origin)) or receiver.name).partition("\n")[0]
    return f"{sentence}  ({receiver.name})"


def _message(error: BaseException | None) -> str:
    """Return an error in one line."""
    if error is None:
        return ""
    messages = getattr(error, "messages", None) or [str(error)]
    return f"{type(error).__name__}: {' '.join(messages)}"


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(" ".join(text.split()), width)
