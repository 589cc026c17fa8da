"""Checks of the project's source for receivers that die as soon as they are connected."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from django.core.checks import CheckMessage, Warning

from signalkit.diagnosis import shortlived, sources
from signalkit.diagnosis.checks.facts import Facts


def check_short_lived(facts: Facts) -> Iterator[CheckMessage]:
    """W012: what is connected weakly is held by nothing else."""
    for name, file in facts.loaded_project_files():
        tree = sources.parse(file, b"receiver(", b".connect(")
        if tree is None:
            continue
        for line, what in shortlived.find(tree, vars(sys.modules[name])):
            yield Warning(
                f"{file}:{line} connects {what} weakly, and nothing else holds it: it is gone "
                "before the signal is sent.",
                hint="Pass weak=False, or connect a function of the module.",
                obj=name,
                id="signalkit.W012",
            )
