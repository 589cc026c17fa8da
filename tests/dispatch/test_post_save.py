"""A plain receiver of ``post_save`` has an entrance with the keywords written out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from django.db.models.signals import post_save

import signalkit
from signalkit.dispatch.observation import Run, run_finished
from signalkit.exceptions import DeclarationError
from tests.dispatch.recording import listen
from tests.testapp.models import Tag

SENT: dict[str, Any] = {
    "instance": Tag(name="x"),
    "created": True,
    "update_fields": None,
    "raw": False,
    "using": "default",
}
LACKING = [
    {key: SENT[key] for key in kept}
    for count in range(len(SENT) + 1)
    for kept in combinations(SENT, count)
]


def always(**kwargs: Any) -> bool:
    return True


@pytest.mark.parametrize("named", [*LACKING, {**SENT, "reason": "import"}], ids=sorted)
@pytest.mark.parametrize("options", [{"when": always}, {"order": 1}], ids=["when", "order"])
def test_it_gets_what_was_sent_and_nothing_else(
    options: dict[str, Any], named: dict[str, Any]
) -> None:
    seen = listen(post_save, Tag, **options)
    post_save.send(sender=Tag, **named)
    assert seen == [{"signal": post_save, "sender": Tag, **named}]


@pytest.mark.parametrize("named", [SENT, {**SENT, "reason": "import"}], ids=["as Django", "more"])
def test_so_does_its_condition(named: dict[str, Any]) -> None:
    asked: list[dict[str, Any]] = []

    def refuse(**kwargs: Any) -> bool:
        asked.append(kwargs)
        return False

    seen = listen(post_save, Tag, when=refuse)
    post_save.send(sender=Tag, **named)
    assert (asked, seen) == ([{"signal": post_save, "sender": Tag, **named}], [])


@pytest.mark.parametrize("more", [{}, {"reason": "import"}], ids=["as Django", "more"])
@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("created", [True, False, 1, 0])
@pytest.mark.parametrize(
    ("options", "runs"),
    [
        ({"created": True}, lambda created, raw: created),
        ({"created": False}, lambda created, raw: not created),
        ({"raw": False}, lambda created, raw: not raw),
        ({"created": True, "raw": False}, lambda created, raw: created and not raw),
        ({"created": False, "raw": False}, lambda created, raw: not created and not raw),
        ({"order": 1}, lambda created, raw: True),
    ],
)
def test_conditions(
    options: dict[str, Any],
    runs: Callable[[Any, bool], object],
    created: Any,
    raw: bool,
    more: dict[str, Any],
) -> None:
    seen = listen(post_save, Tag, **options)
    post_save.send(sender=Tag, **{**SENT, "created": created, "raw": raw, **more})
    assert len(seen) == bool(runs(created, raw))


def test_a_send_without_created_is_refused() -> None:
    seen = listen(post_save, Tag, created=True)
    with pytest.raises(DeclarationError, match="was sent without created"):
        post_save.send(sender=Tag, instance=SENT["instance"], raw=False, using="default")
    assert seen == []


@pytest.mark.parametrize("named", [SENT, {}], ids=["as Django", "nothing"])
def test_who_is_disabled_does_not_run(named: dict[str, Any]) -> None:
    seen = listen(post_save, Tag, order=1, name="tests.disabled")
    signalkit.disable("tests.disabled")
    try:
        post_save.send(sender=Tag, **named)
    finally:
        signalkit.enable("tests.disabled")
    assert seen == []


def test_whoever_watches_sees_the_same() -> None:
    listen(post_save, Tag, when=always)
    runs: list[Run] = []

    def watch(run: Run, **kwargs: Any) -> None:
        runs.append(run)

    run_finished.connect(watch)
    try:
        post_save.send(sender=Tag, **SENT)
    finally:
        run_finished.disconnect(watch)
    [run] = runs
    assert (run.event.signal, run.event.sender) == (post_save, Tag)
    assert dict(run.event.payload) == SENT
