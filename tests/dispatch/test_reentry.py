"""``reentry=``: whether a receiver hears of what it did itself."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext
from django.db import connection, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import Signal

from signalkit import Event, ModelReceiver, Phase, Receiver
from signalkit.dispatch.running import RUNNING
from signalkit.exceptions import ReentryError
from tests.dispatch.models import Coin, Line
from tests.dispatch.recording import listen, real_commits
from tests.testapp.models import Audiobook, Author, Book, Tag

pytestmark = pytest.mark.django_db(databases=["default", "other"])


class Boom(Exception):
    pass


def acting(
    signal: Any, sender: Any, act: Callable[[Any], object], *, times: int = 2, **options: Any
) -> list[Any]:
    """Declare a receiver that acts on what it hears of, but not for ever."""
    seen: list[Any] = []

    def run(named: dict[str, Any]) -> None:
        seen.append(named.get("instance"))
        if len(seen) <= times:
            act(named.get("instance"))

    listen(signal, sender, note=run, **options)
    return seen


@pytest.fixture
def tag() -> Tag:
    return Tag.objects.create(name="a")


class TestSameObject:
    @pytest.mark.parametrize("signal", [pre_save, post_save], ids=["pre", "post"])
    def test_skip(self, tag: Tag, signal: Signal) -> None:
        seen = acting(signal, Tag, lambda instance: instance.save(), reentry="skip")
        tag.save()
        tag.save()
        assert len(seen) == 2

    def test_allow(self, tag: Tag) -> None:
        seen = acting(post_save, Tag, lambda instance: instance.save(), reentry="allow")
        tag.save()
        assert len(seen) == 3

    def test_functions_allow_by_default(self, tag: Tag) -> None:
        seen = acting(post_save, Tag, lambda instance: instance.save(), created=False)
        tag.save()
        assert len(seen) == 3

    def test_raise(self, tag: Tag) -> None:
        acting(post_save, Tag, lambda instance: instance.save(), reentry="raise", name="shop.again")
        with pytest.raises(ReentryError) as raised:
            tag.save()
        assert str(raised.value) == (
            "shop.again was reached again by what it did itself, on the same object: "
            "shop.again (post_save) → shop.again (post_save). "
            "Use update() or save(update_fields=...) with a condition, or reentry='skip'."
        )

    def test_classes_skip_by_default(self, tag: Tag) -> None:
        seen: list[str] = []

        class Again(ModelReceiver):
            signal = post_save
            sender = Tag

            def handle(self, event: Event) -> None:
                seen.append(event.instance.name)
                event.instance.name += "!"
                event.instance.save()

        tag.save()
        assert seen == ["a"]
        assert Tag.objects.get().name == "a!"

    def test_a_row_that_was_fetched_again(self, tag: Tag) -> None:
        seen = acting(
            post_save, Tag, lambda instance: Tag.objects.get(pk=instance.pk).save(), reentry="skip"
        )
        tag.save()
        assert len(seen) == 1

    def test_an_object_that_is_not_saved_yet(self) -> None:
        seen = acting(pre_save, Tag, lambda instance: instance.save(), reentry="skip")
        Tag(name="a").save()
        assert len(seen) == 1

    def test_through_another_signal(self) -> None:
        seen = acting(
            [post_save, m2m_changed],
            None,
            lambda instance: instance.tags.add(Tag.objects.get_or_create(name="t")[0]),
            reentry="skip",
            when=lambda instance, **kwargs: isinstance(instance, Book),
        )
        Book.objects.create(title="a")
        assert len(seen) == 1

    def test_a_composite_key(self) -> None:
        line = Line.objects.create(invoice=1, number=1)
        seen = acting(
            post_save,
            Line,
            lambda instance: Line.objects.get(pk=instance.pk).save(),
            reentry="skip",
        )
        line.save()
        assert len(seen) == 1


class TestAnotherObject:
    """Whatever is not the same object is heard of."""

    def saves(self, act: Callable[[Any], object], *, sender: Any = Tag) -> list[Any]:
        return acting(post_save, sender, act, reentry="skip", times=1)

    def test_another_row(self, tag: Tag) -> None:
        seen = self.saves(lambda instance: Tag.objects.create(name="b"))
        tag.save()
        assert len(seen) == 2

    def test_the_same_row_elsewhere(self, tag: Tag) -> None:
        seen = self.saves(lambda instance: instance.save(using="other"))
        tag.save()
        assert len(seen) == 2

    def test_an_equal_key_of_another_model(self) -> None:
        seen = self.saves(
            lambda instance: Author(pk=instance.pk, name="b").save(), sender=[Tag, Author]
        )
        Tag.objects.create(pk=4711, name="a")
        assert len(seen) == 2

    def test_the_parent_of_a_child(self) -> None:
        seen = self.saves(lambda instance: instance.book_ptr.save(), sender=[Audiobook, Book])
        Audiobook.objects.create(title="a")
        assert len(seen) == 2

    def test_two_objects_without_a_key(self) -> None:
        seen = acting(pre_save, Tag, lambda instance: Tag(name="b").save(), reentry="skip", times=1)
        Tag(name="a").save()
        assert len(seen) == 2

    def test_two_objects_whose_key_only_the_database_knows(self) -> None:
        sent = Signal()
        seen = acting(
            sent,
            None,
            lambda instance: sent.send(sender=None, instance=Coin()),
            reentry="skip",
            times=1,
        )
        sent.send(sender=None, instance=Coin())
        assert len(seen) == 2


class TestWithoutAnInstance:
    """Then the send itself is compared: signal, sender and what was sent."""

    def sends(self, *payloads: dict[str, Any], sender: object = None) -> int:
        sent = Signal()
        rest = list(payloads)

        def act(instance: object) -> None:
            if rest:
                sent.send(sender=sender, **rest.pop(0))

        seen = acting(sent, None, act, reentry="skip", times=9)
        act(None)
        return len(seen)

    @pytest.mark.parametrize(
        "value",
        ["a", 1, 1.5, Decimal("1.5"), None, b"a", date(2024, 5, 1), Phase.INLINE],
        ids=lambda value: type(value).__name__,
    )
    def test_the_same_send(self, value: Any) -> None:
        assert self.sends({"value": value}, {"value": value}, {"value": value}) == 1

    def test_nothing_but_the_send(self) -> None:
        assert self.sends({}, {}) == 1

    def test_equal_values(self) -> None:
        assert self.sends({"day": date(2024, 5, 1)}, {"day": date(2024, 5, 1)}) == 1

    def test_one_row_fetched_twice(self, tag: Tag) -> None:
        assert self.sends({"tag": tag}, {"tag": Tag.objects.get(pk=tag.pk)}) == 1

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"step": 1}, {"step": 2}),
            ({"step": 1}, {"step": True}),
            ({"step": 1}, {"stop": 1}),
            ({"step": 1}, {}),
            ({"step": [1]}, {"step": [1]}),
            ({"using": "default"}, {"using": "other"}),
        ],
    )
    def test_another_send_is_never_lost(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        assert self.sends(one, other) == 2

    def test_another_row(self, tag: Tag) -> None:
        assert self.sends({"tag": tag}, {"tag": Tag.objects.create(name="b")}) == 2

    def test_another_signal_or_sender(self) -> None:
        first, second = Signal(), Signal()
        seen = acting(
            [first, second],
            None,
            lambda instance: (second.send(sender="a"), first.send(sender="b")),
            reentry="skip",
            times=1,
        )
        first.send(sender="a")
        assert len(seen) == 3


class TestCycles:
    def declare(self, names: str) -> None:
        """Declare receivers of which each one saves what the next one listens to."""
        models: list[Any] = [Tag, Author, Book]
        objects = {
            Tag: Tag.objects.create(name="a"),
            Author: Author.objects.create(name="a"),
            Book: Book.objects.create(title="a"),
        }
        count = len(names)
        for index, called in enumerate(names):
            following = objects[models[(index + 1) % count]]

            class Step(ModelReceiver):
                name = f"shop.{called}"
                signal = post_save
                sender = models[index]
                reentry = "raise" if index == 0 else "allow"
                following_object = following

                def handle(self, event: Event) -> None:
                    self.following_object.save()

        self.start = objects[Tag]

    @pytest.mark.parametrize(
        ("names", "cycle"),
        [("AB", "shop.A → shop.B → shop.A"), ("ABC", "shop.A → shop.B → shop.C → shop.A")],
    )
    def test_the_message_names_the_chain(self, names: str, cycle: str) -> None:
        self.declare(names)
        with pytest.raises(ReentryError) as raised:
            self.start.save()
        assert cycle in str(raised.value).replace(" (post_save)", "")

    def test_it_begins_where_the_cycle_does(self) -> None:
        self.declare("AB")
        listen(
            pre_save, Line, note=lambda named: self.start.save(), name="shop.outer", reentry="skip"
        )
        with pytest.raises(ReentryError) as raised:
            Line.objects.create(invoice=1, number=1)
        assert "shop.outer" not in str(raised.value)

    def test_it_leaves_out_what_has_ended(self) -> None:
        """A copy of the context remembers where it was made."""
        inner, outer = Signal(), Signal()
        contexts: list[contextvars.Context] = []
        listen(
            inner,
            name="shop.inner",
            reentry="skip",
            note=lambda named: contexts.append(contextvars.copy_context()),
        )

        def act(instance: object) -> None:
            inner.send(sender=None)
            contexts[0].run(outer.send, sender=None)

        acting(outer, None, act, name="shop.outer", reentry="raise")
        with pytest.raises(ReentryError) as raised:
            outer.send(sender=None)
        assert "shop.inner" not in str(raised.value)

    def test_a_custom_signal_is_named_too(self) -> None:
        acting(
            _again, None, lambda instance: _again.send(sender=None), reentry="raise", name="shop.A"
        )
        with pytest.raises(
            ReentryError, match=r"shop\.A \(tests\.dispatch\.test_reentry\._again\)"
        ):
            _again.send(sender=None)


_again = Signal()


class TestRestoring:
    @pytest.mark.parametrize("error", [Boom, KeyboardInterrupt])
    def test_an_error_ends_the_run(self, tag: Tag, error: type[BaseException]) -> None:
        def fail(instance: Tag) -> None:
            raise error

        seen = acting(post_save, Tag, fail, reentry="skip", times=1)
        with pytest.raises(error):
            tag.save()
        assert RUNNING.get() is None
        tag.save()
        assert len(seen) == 2

    def test_nested_runs_are_restored_in_turn(self, tag: Tag) -> None:
        other = Tag.objects.create(name="b")
        innermost: list[Any] = []

        class Deep(ModelReceiver):
            signal = post_save
            sender = Tag

            def handle(self, event: Event) -> None:
                running = RUNNING.get()
                assert running is not None
                innermost.append(running.event.pk)
                if event.pk == tag.pk:
                    other.save()
                    assert RUNNING.get() is running

        tag.save()
        assert innermost == [tag.pk, other.pk]
        assert RUNNING.get() is None

    def test_a_chain_of_tasks_does_not_grow(self) -> None:
        """Each is started by a receiver that has ended: what began it is forgotten."""
        sent = Signal()
        contexts: list[contextvars.Context] = []
        lengths: list[int] = []

        def length(running: Any) -> int:
            return 0 if running is None else 1 + length(running.outer)

        def note(named: dict[str, Any]) -> None:
            lengths.append(length(RUNNING.get()))
            contexts.append(contextvars.copy_context())

        listen(sent, note=note, reentry="skip")
        sent.send(sender=None)
        for _ in range(3):
            contexts[-1].run(sent.send, sender=None)
        assert lengths == [1, 1, 1, 1]


@pytest.mark.parametrize("options", [{}, {"using": "default", "on_error": "isolate"}])
def test_a_signal_without_an_alias_is_about_the_one_that_counts(options: dict[str, Any]) -> None:
    sent, seen = Signal(), []

    def save(named: dict[str, Any]) -> None:
        seen.append(named.get("using"))
        named["instance"].save()

    tag = Tag.objects.create(name="sea")
    signals = [sent] if options else [sent, post_save]
    listen(signals, note=save, reentry="skip", **options)
    if options:
        listen(post_save, note=lambda named: sent.send(sender=Tag, instance=named["instance"]))
    sent.send(sender=Tag, instance=tag)
    assert seen == [None]


class TestConcurrency:
    def test_another_thread_is_somebody_else(self) -> None:
        sent = Signal()
        inside, heard = threading.Event(), threading.Event()
        seen: list[str] = []

        class Slow(Receiver):
            signal = sent

            def handle(self, event: Event) -> None:
                seen.append(threading.current_thread().name)
                if len(seen) == 1:
                    inside.set()
                    assert heard.wait(10)

        def first() -> None:
            sent.send(sender=None)

        thread = threading.Thread(target=first, name="first")
        thread.start()
        assert inside.wait(10)
        sent.send(sender=None)
        heard.set()
        thread.join()
        assert len(seen) == 2

    def test_another_task_is_somebody_else(self) -> None:
        sent = Signal()
        seen: list[str] = []

        async def scenario() -> None:
            first_is_in, second_is_done = asyncio.Event(), asyncio.Event()

            class Slow(Receiver):
                signal = sent

                async def handle(self, event: Event) -> None:
                    seen.append(event.who)
                    if event.who == "first":
                        first_is_in.set()
                        await asyncio.wait_for(second_is_done.wait(), 10)

            async def second() -> None:
                await first_is_in.wait()
                (answer,) = await asyncio.gather(sent.asend(sender=None, who="second"))
                assert answer
                second_is_done.set()

            # Sync receivers share one thread per context; these two must not wait for each other.
            async def in_its_own_thread(work: Any) -> None:
                async with ThreadSensitiveContext():
                    await work

            await asyncio.gather(
                asyncio.create_task(in_its_own_thread(sent.asend(sender=None, who="first"))),
                asyncio.create_task(in_its_own_thread(second())),
            )

        asyncio.run(scenario())
        assert seen == ["first", "second"]

    def test_what_outlives_the_receiver_is_not_its_doing(self) -> None:
        """A task or thread that it started has a copy of the context, for as long as it likes."""
        sent = Signal()
        contexts: list[contextvars.Context] = []
        seen = acting(
            sent,
            None,
            lambda instance: contexts.append(contextvars.copy_context()),
            reentry="skip",
            times=1,
        )
        sent.send(sender=None)
        contexts[0].run(sent.send, sender=None)
        assert len(seen) == 2

    def test_what_it_starts_while_it_runs_is_its_doing(self) -> None:
        sent = Signal()
        seen = acting(
            sent,
            None,
            lambda instance: contextvars.copy_context().run(sent.send, sender=None),
            reentry="skip",
        )
        sent.send(sender=None)
        assert len(seen) == 1


@real_commits
class TestDeferred:
    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    @pytest.mark.parametrize("atomic", [True, False])
    def test_a_receiver_that_saves_again(self, phase: Phase, atomic: bool) -> None:
        def save(instance: Tag) -> None:
            if atomic:
                with transaction.atomic():
                    instance.save()
            else:
                instance.save()

        seen = acting(post_save, Tag, save, phase=phase, reentry="skip")
        with transaction.atomic():
            Tag.objects.create(name="a")
        assert len(seen) == 1
        Tag.objects.create(name="b")
        assert len(seen) == 2

    def test_raise_in_a_deferred_phase(self) -> None:
        acting(
            post_save,
            Tag,
            lambda instance: instance.save(),
            phase=Phase.AFTER_COMMIT,
            reentry="raise",
            on_error="raise",
        )
        with pytest.raises(ReentryError), transaction.atomic():
            Tag.objects.create(name="a")

    def test_scheduling_is_not_running(self) -> None:
        """Two saves of one object in one transaction are two events."""
        seen = acting(
            post_save, Tag, lambda instance: None, phase=Phase.AFTER_COMMIT, reentry="skip"
        )
        with transaction.atomic():
            tag = Tag.objects.create(name="a")
            tag.save()
        assert len(seen) == 2

    def test_the_snapshot_of_a_deleted_object(self) -> None:
        """It stands for its row: a receiver that puts the row back is not told of its deletion."""

        def restore(instance: Tag) -> None:
            instance.save(force_insert=True)
            Tag.objects.get(pk=instance.pk).delete()

        seen = acting(post_delete, Tag, restore, phase=Phase.AFTER_COMMIT, reentry="skip")
        Tag.objects.create(name="a").delete()
        assert len(seen) == 1
        assert not connection.in_atomic_block
