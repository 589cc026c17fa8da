"""The system checks: each a function, run over one reading of the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks

from signalkit.diagnosis.checks import (
    bases,
    bulk,
    connected,
    declared,
    related,
    setting,
    unimported,
    weak,
)
from signalkit.diagnosis.checks.facts import Facts

TAG = "signalkit"

CHECKS: tuple[Callable[[Facts], Iterator[checks.CheckMessage]], ...] = (
    setting.check_setting,
    setting.check_disabled,
    setting.check_modules,
    setting.check_context,
    declared.check_phases,
    declared.check_record,
    declared.check_replaced_exists,
    declared.check_beside_parent,
    declared.check_after_exists,
    declared.check_after_meets,
    declared.check_catch_all,
    declared.check_init,
    declared.check_before_the_row,
    bases.check_unused_bases,
    bulk.check_watched_models,
    bulk.check_nothing_watched,
    related.check_impossible,
    related.check_two_for_one,
    related.check_no_profile_model,
    related.check_profile_of_nobody,
    connected.check_never_awaited,
    connected.check_twice,
    connected.check_silent_senders,
    connected.check_dead,
    connected.check_plain_catch_all,
    connected.check_plain_init,
    weak.check_short_lived,
    unimported.check_undiscovered,
    unimported.check_unimported,
)


def run(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Run all checks. They import nothing and touch no database.

    Args:
        app_configs: the apps whose receivers are asked about; all when None.
        kwargs: what else Django passes to a check.
    """
    facts = Facts(app_configs)
    return [message for check in CHECKS for message in check(facts)]


def register() -> None:
    """Let Django run the checks, with ``check --tag signalkit`` or all together."""
    checks.register(run, TAG, checks.Tags.signals)
