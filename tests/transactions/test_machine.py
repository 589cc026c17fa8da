"""Everything that can happen to a transaction, in any order, against a small model."""

from __future__ import annotations

import logging
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.transactions.machine.machine import Transactions
from tests.transactions.support import real_commits

EXAMPLES = int(os.environ.get("SIGNALKIT_MACHINE_EXAMPLES", "120"))
STEPS = int(os.environ.get("SIGNALKIT_MACHINE_STEPS", "5"))


@real_commits
def test_transactions_do_what_the_model_does(caplog: pytest.LogCaptureFixture) -> None:
    # Thousands of errors of after-rollback work are logged, as they should be.
    caplog.set_level(logging.CRITICAL, logger="signalkit.transactions")
    run_state_machine_as_test(
        Transactions,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )
