"""What a process was started for, read from its command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import PurePath
from typing import Literal, TypeAlias

Source: TypeAlias = Literal["request", "command", "shell", "task", "process"]
"""What set it off."""

_MANAGEMENT = {"manage.py", "django-admin", "django-admin.exe", "django-admin.py", "django"}
_SHELLS = {"shell", "shell_plus"}


def origin() -> tuple[Source, str]:
    """Return the source of this process and its detail."""
    return origin_of(getattr(sys, "argv", ()), interactive=_is_interactive())


def origin_of(arguments: Sequence[str], *, interactive: bool = False) -> tuple[Source, str]:
    """Read a command line.

    Args:
        arguments: as in ``sys.argv``; empty where Python is embedded.
        interactive: whether somebody types at a prompt.

    Returns:
        ``("command", its name)`` for a management command, ``("shell", "shell")`` and the like
        for a prompt, ``("process", the program's name)`` for everything else.
    """
    program = _program(arguments[0]) if arguments else ""
    if program in _MANAGEMENT and len(arguments) > 1:
        command = arguments[1]
        return ("shell" if command in _SHELLS else "command"), command
    if interactive:
        return "shell", program or "python"
    return "process", program


def _program(path: str) -> str:
    where = PurePath(path)
    # python -m package
    return where.parent.name if where.name == "__main__.py" else where.name


def _is_interactive() -> bool:
    # Python's own prompt sets the first, and so do IPython and notebooks; python -i the second.
    return hasattr(sys, "ps1") or bool(sys.flags.interactive)
