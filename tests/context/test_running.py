"""The contexts of tasks whose begin and end are told by two signals."""

from __future__ import annotations

from signalkit.context import current, use
from signalkit.context.current import CONTEXT
from signalkit.contrib.running import begin, end


def test_a_task_inside_of_itself() -> None:
    begin("a", use(detail="outer"))
    begin("a", use(detail="inner"))
    end("a")
    assert current().detail == "outer"
    end("a")
    assert CONTEXT.get() is None


def test_one_whose_end_nobody_told_goes_with_the_one_around_it() -> None:
    begin("a", use(detail="outer"))
    begin("b", use(detail="interrupted"))
    end("a")
    assert CONTEXT.get() is None
    end("b")
    assert CONTEXT.get() is None


def test_an_end_without_a_begin() -> None:
    with use(detail="around") as around:
        end("never begun")
        assert current() is around
