"""What model signals cost when they are heard more widely than needed."""

from __future__ import annotations

from django.db.models.signals import m2m_changed
from django.dispatch import Signal

from signalkit.diagnosis.checks.facts import DELETE_SIGNALS, INIT_SIGNALS


def what_it_costs(signal: Signal) -> str:
    """Return what to expect, as a clause."""
    if signal in INIT_SIGNALS:
        return "it runs for each object made, and so for each row that a query fetches"
    if signal in DELETE_SIGNALS:
        return (
            "while anybody does, Django cannot delete in one statement, and fetches every row "
            "first, those of cascades too"
        )
    if signal is m2m_changed:
        return "each add() to any relation takes a query more"
    return "it runs for each save in the process, sessions and Django's own rows included"
