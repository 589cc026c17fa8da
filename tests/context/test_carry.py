"""A context on its way to another process, and what is believed of it there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from signalkit.context import Actor, current, use
from signalkit.context.carry import NAMES, carried, resumed
from signalkit.context.correlation import is_well_formed

texts = st.text(max_size=250)
anything = st.none() | st.integers() | texts | st.lists(texts, max_size=1)


class TestThereAndBack:
    @given(
        actor=st.none() | st.builds(Actor, texts, texts, texts.filter(bool)),
        reason=texts,
        correlation_id=st.from_regex(r"[A-Za-z0-9._:-]{8,64}", fullmatch=True),
    )
    def test_it_arrives(self, actor: Actor | None, reason: str, correlation_id: str) -> None:
        with use(actor=actor, reason=reason, correlation_id=correlation_id) as sent:
            message = json.dumps(carried())
        with (
            use(actor="another", reason="another", request=RequestFactory().get("/")),
            resumed(json.loads(message), detail="shop.tasks.count") as arrived,
        ):
            assert arrived.actor == sent.actor
            assert (arrived.reason, arrived.correlation_id) == (sent.reason, correlation_id)
            assert (arrived.source, arrived.detail) == ("task", "shop.tasks.count")
            assert arrived.request is None

    @given(st.dictionaries(st.sampled_from([*NAMES, "other"]), anything), anything)
    def test_whatever_arrives_can_be_stored(self, found: dict[str, Any], own: Any) -> None:
        with resumed(found, detail="a task", correlation_id=own) as context:
            assert is_well_formed(context.correlation_id)
            actor = context.actor
            shown = [context.reason, *([actor.type, actor.id, actor.label] if actor else [])]
            assert all(text.isprintable() and len(text) <= 200 for text in shown)

    def test_a_server_s_own_is_not_carried(self) -> None:
        assert current().source == "process"
        assert carried() == {}

    def test_nobody_and_no_reason_are_left_out(self) -> None:
        with use(correlation_id="abcdefgh"):
            assert carried() == {"correlation_id": "abcdefgh"}


class TestWhatIsBelieved:
    @pytest.mark.parametrize(
        "found",
        [
            {},
            {"actor_type": "auth.User", "actor_id": "7"},
            {"actor_type": "auth.User", "actor_id": 7, "actor_label": "eve"},
            {"actor_type": "auth.User", "actor_id": "7", "actor_label": "e" * 201},
            {"actor_type": "auth.User", "actor_id": "", "actor_label": ""},
        ],
    )
    def test_half_an_actor_is_none(self, found: dict[str, Any]) -> None:
        with resumed(found, detail="a task") as context:
            assert context.actor is None

    def test_an_id_for_want_of_another(self) -> None:
        with resumed({"correlation_id": "no"}, detail="", correlation_id="the-task") as context:
            assert context.correlation_id == "the-task"
        with resumed({}, detail="", correlation_id="no") as context:
            assert len(context.correlation_id) == 32
