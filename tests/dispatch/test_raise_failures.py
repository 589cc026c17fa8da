"""``signalkit.testing.raise_failures()``: no failure stays in the log alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.dispatch import Signal

from signalkit import Phase, Veto
from signalkit.dispatch.observation import run_finished
from signalkit.testing import raise_failures, run_on_commit
from tests.dispatch.recording import listen

pytestmark = pytest.mark.django_db


class Boom(Exception):
    pass


def fail(error: BaseException) -> Any:
    def note(named: dict[str, Any]) -> None:
        raise error

    return note


def test_an_isolated_failure_is_raised_at_the_end() -> None:
    sent, steps = Signal(), []
    listen(sent, name="shop.fails", on_error="isolate", note=fail(Boom("inline")))

    def under_test() -> None:
        sent.send(sender=None)
        steps.append("went on")

    with pytest.raises(ExceptionGroup) as raised, raise_failures():
        under_test()
    assert steps == ["went on"]
    (error,) = raised.value.exceptions
    assert isinstance(error, Boom)
    assert error.__notes__[0].startswith("Raised by shop.fails (tests.dispatch.recording.listen.")


def test_one_after_the_commit_too() -> None:
    sent = Signal()
    listen(sent, phase=Phase.AFTER_COMMIT, note=fail(Boom("first")))
    listen(sent, phase=Phase.AFTER_COMMIT, note=fail(Boom("second")))

    def under_test() -> None:
        with transaction.atomic():
            sent.send(sender=None)
        run_on_commit()

    with pytest.raises(ExceptionGroup) as raised, raise_failures():
        under_test()
    assert [str(error) for error in raised.value.exceptions] == ["first", "second"]


def test_what_leaves_the_block_is_raised_as_it_is() -> None:
    sent = Signal()
    listen(sent, order=0, note=fail(Boom()))
    with pytest.raises(Boom), raise_failures():
        sent.send(sender=None)


def test_an_error_that_passed_through_two_receivers_is_one() -> None:
    outer, inner = Signal(), Signal()
    listen(inner, order=0, note=fail(Boom()))
    listen(outer, on_error="isolate", note=lambda named: inner.send(sender=None))
    with pytest.raises(ExceptionGroup) as raised, raise_failures():
        outer.send(sender=None)
    (error,) = raised.value.exceptions
    assert len(error.__notes__) == 2


@pytest.mark.parametrize("error", [None, Veto("no")])
def test_nothing_without_a_failure(error: Veto | None) -> None:
    sent, steps = Signal(), []
    listen(sent, order=0, note=fail(error) if error else dict)
    with raise_failures():
        try:
            sent.send(sender=None)
        except Veto:
            steps.append("vetoed")
    assert steps == (["vetoed"] if error else [])


def test_nobody_watches_afterwards() -> None:
    watching = [len(run_finished.receivers)]

    def under_test() -> None:
        watching.append(len(run_finished.receivers))
        raise Boom

    with pytest.raises(Boom), raise_failures():
        under_test()
    assert watching == [watching[0], watching[0] + 1]
    assert len(run_finished.receivers) == watching[0]
