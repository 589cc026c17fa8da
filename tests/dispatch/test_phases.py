"""When receivers run, with real commits and rollbacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_out
from django.db import connection, connections, transaction
from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import Signal

from signalkit import Event, ModelReceiver, Phase, Receiver
from signalkit.dispatch import phases
from signalkit.dispatch.phases import is_available
from signalkit.exceptions import BeforeCommitLoop, DeclarationError, PhaseUnavailable
from tests.dispatch.recording import both_aliases, listen, real_commits, undone
from tests.testapp.models import Audiobook, Author, Book, Record, Tag

pytestmark = real_commits

DEFERRED = [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT, Phase.AFTER_ROLLBACK]


class Boom(Exception):
    pass


def in_transaction(using: str = "default") -> bool:
    return connections[using].in_atomic_block


def listen_in(phase: Phase, *, using: str = "default", **options: Any) -> list[bool]:
    """Declare a receiver of tags; it notes whether a transaction was open when it ran."""
    return listen(
        post_save, Tag, phase=phase, note=lambda named: in_transaction(named["using"]), **options
    )


class TestCommit:
    def test_each_phase_at_its_moment(self) -> None:
        inline, before, after, never = (listen_in(phase) for phase in (Phase.INLINE, *DEFERRED))
        with transaction.atomic():
            Tag.objects.create(name="a")
            assert (inline, before, after, never) == ([True], [], [], [])
            with transaction.atomic():
                Tag.objects.create(name="b")
            assert (inline, before, after, never) == ([True, True], [], [], [])
        assert (inline, before, after, never) == ([True] * 2, [True] * 2, [False] * 2, [])

    def test_before_commit_is_inside_and_after_commit_is_durable(self) -> None:
        other_connection = connection.copy()

        def count(**kwargs: Any) -> int:
            with other_connection.cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM testapp_tag")
                return int(cursor.fetchone()[0])

        before = listen(
            post_save, Tag, phase=Phase.BEFORE_COMMIT, note=lambda named: count(**named)
        )
        after = listen(post_save, Tag, phase=Phase.AFTER_COMMIT, note=lambda named: count(**named))
        try:
            with transaction.atomic():
                Tag.objects.create(name="a")
        finally:
            other_connection.close()
        assert (before, after) == ([0], [1])

    def test_without_a_transaction_everything_is_at_once(self) -> None:
        inline, before, after, never = (listen_in(phase) for phase in (Phase.INLINE, *DEFERRED))
        Tag.objects.create(name="a")
        assert (inline, before, after, never) == ([False], [False], [False], [])

    def test_classes_as_well(self) -> None:
        ran: list[tuple[str, bool]] = []

        class Later(ModelReceiver):
            signal = post_save
            sender = Tag
            phase = Phase.AFTER_COMMIT

            def handle(self, event: Event) -> None:
                ran.append((event.instance.name, in_transaction()))

        with transaction.atomic():
            Tag.objects.create(name="a")
            assert ran == []
        assert ran == [("a", False)]

    def test_the_order_of_the_sends_is_kept(self) -> None:
        seen: list[tuple[str, str]] = []

        def note(who: str, named: dict[str, Any]) -> None:
            seen.append((who, named["instance"].name))

        for phase in (Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT):
            for who in "xy":
                listen(
                    post_save,
                    Tag,
                    phase=phase,
                    note=partial(note, who),
                )
        with transaction.atomic():
            Tag.objects.create(name="a")
            Tag.objects.create(name="b")
        assert seen == [("x", "a"), ("y", "a"), ("x", "b"), ("y", "b")] * 2


class TestRollback:
    def test_of_everything(self) -> None:
        before, after, rolled_back = (listen_in(phase) for phase in DEFERRED)
        with undone():
            Tag.objects.create(name="a")
        assert (before, after, rolled_back) == ([], [], [False])
        assert not Tag.objects.exists()

    def test_of_a_savepoint(self) -> None:
        before, after, rolled_back = (
            listen(post_save, Tag, phase=phase, note=lambda named: named["instance"].name)
            for phase in DEFERRED
        )
        with transaction.atomic():
            Tag.objects.create(name="kept")
            with undone():
                Tag.objects.create(name="lost")
            assert rolled_back == []
        assert (before, after, rolled_back) == (["kept"], ["kept"], ["lost"])

    def test_a_before_commit_receiver_that_fails_undoes_everything(self) -> None:
        listen(post_save, Tag, phase=Phase.BEFORE_COMMIT, note=lambda named: 1 / 0)
        after, rolled_back = listen_in(Phase.AFTER_COMMIT), listen_in(Phase.AFTER_ROLLBACK)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            Tag.objects.create(name="a")
        assert not Tag.objects.exists()
        assert (after, rolled_back) == ([], [False])

    def test_a_receiver_may_write_what_was_lost_down(self) -> None:
        listen(
            post_save,
            Tag,
            phase=Phase.AFTER_ROLLBACK,
            note=lambda named: Record.objects.create(text=f"lost {named['instance'].name}"),
        )
        with undone():
            Tag.objects.create(name="a")
        assert Record.objects.get().text == "lost a"

    def test_an_after_rollback_receiver_that_fails_stops_nobody(self) -> None:
        listen(post_save, Tag, phase=Phase.AFTER_ROLLBACK, note=lambda named: 1 / 0)
        second = listen_in(Phase.AFTER_ROLLBACK)
        with undone():
            Tag.objects.create(name="a")
        assert second == [False]


@both_aliases
class TestAlias:
    """It is the transaction on the signal's own alias that counts."""

    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    @pytest.mark.parametrize(("saved", "surrounding"), [("other", "default"), ("default", "other")])
    def test_a_transaction_elsewhere_is_no_reason_to_wait(
        self, phase: Phase, saved: str, surrounding: str
    ) -> None:
        seen = listen(post_save, Tag, phase=phase, note=lambda named: named["using"])
        with transaction.atomic(using=surrounding):
            Tag.objects.using(saved).create(name="a")
            assert seen == [saved]

    @pytest.mark.parametrize("saved", ["other", "default"])
    def test_nested_transactions_of_two_aliases(self, saved: str) -> None:
        before, after, rolled_back = (
            listen(post_save, Tag, phase=phase, note=lambda named: named["using"])
            for phase in DEFERRED
        )
        with undone(), transaction.atomic(using="other"):
            Tag.objects.using(saved).create(name="a")
            assert after == []
        if saved == "other":
            assert (before, after, rolled_back) == (["other"], ["other"], [])
        else:
            assert (before, after, rolled_back) == ([], [], ["default"])

    @pytest.mark.parametrize(("option", "expected"), [(None, "default"), ("other", "other")])
    def test_a_signal_that_carries_no_alias(self, option: str | None, expected: str) -> None:
        sent = Signal()
        seen = listen(sent, phase=Phase.AFTER_COMMIT, using=option)
        for alias in ("default", "other"):
            with transaction.atomic(using=alias):
                sent.send(sender=None)
                assert bool(seen) is (alias != expected)
            assert len(seen) == 1
            seen.clear()

    def test_a_class_names_its_alias(self) -> None:
        seen: list[str | None] = []

        class LoggedOut(Receiver):
            signal = user_logged_out
            phase = Phase.AFTER_COMMIT
            using = "other"

            def handle(self, event: Event) -> None:
                seen.append(event.using)

        with transaction.atomic(using="other"):
            user_logged_out.send(sender=object, request=None, user=None)
            assert seen == []
        assert seen == [None]

    @pytest.mark.parametrize(("option", "expected"), [(None, "default"), ("other", "other")])
    def test_a_signal_of_ones_own_may_carry_one(self, option: str | None, expected: str) -> None:
        """What the receiver names is stronger: there, using may mean anything."""
        sent = Signal()
        seen = listen(sent, phase=Phase.AFTER_COMMIT, using=option)
        with transaction.atomic(using="default"), transaction.atomic(using="other"):
            sent.send(sender=None, using="default")
            assert seen == []
        assert len(seen) == 1
        with transaction.atomic(using=expected):
            sent.send(sender=None, using="default")
            assert len(seen) == 1
        assert len(seen) == 2


class TestFailingAfterCommit:
    """One failing receiver stops nobody."""

    def chain(self, *failing: str, **options: Any) -> list[str]:
        ran: list[str] = []

        def step(name: str) -> Callable[[dict[str, Any]], None]:
            def run(named: dict[str, Any]) -> None:
                ran.append(name)
                if name in failing:
                    raise Boom(name)

            return run

        def on_commit(name: str) -> None:
            def callback() -> None:
                step(name)({})

            transaction.on_commit(callback)

        for name in ("ours 1", "ours 2", "ours 3"):
            listen(post_save, Tag, phase=Phase.AFTER_COMMIT, note=step(name), **options)
        with transaction.atomic():
            on_commit("foreign 1")
            Tag.objects.create(name="a")
            on_commit("foreign 2")
        return ran

    ALL = ["foreign 1", "ours 1", "ours 2", "ours 3", "foreign 2"]

    def test_nobody_fails(self) -> None:
        assert self.chain() == self.ALL

    @pytest.mark.parametrize("failing", ["ours 1", "ours 2", "ours 3"])
    def test_one_of_ours(self, failing: str, caplog: pytest.LogCaptureFixture) -> None:
        assert self.chain(failing) == self.ALL
        assert "failed in phase after_commit of post_save" in caplog.text

    def test_one_of_ours_that_raises(self) -> None:
        ran: list[str] = []
        listen(
            post_save,
            Tag,
            phase=Phase.AFTER_COMMIT,
            on_error="raise",
            note=lambda named: 1 / 0,
        )
        listen(post_save, Tag, phase=Phase.AFTER_COMMIT, note=lambda named: ran.append("ours"))

        def save() -> None:
            with transaction.atomic():
                Tag.objects.create(name="a")
                transaction.on_commit(lambda: ran.append("foreign"))

        with pytest.raises(ZeroDivisionError):
            save()
        assert ran == ["ours", "foreign"]
        assert Tag.objects.exists()

    def test_two_of_ours_that_raise(self) -> None:
        with pytest.raises(ExceptionGroup) as raised:
            self.chain("ours 1", "ours 3", on_error="raise")
        assert [str(error) for error in raised.value.exceptions] == ["ours 1", "ours 3"]

    @pytest.mark.parametrize("place", ["before", "after"])
    def test_a_foreign_callback(self, place: str) -> None:
        ran: list[str] = []

        def fail() -> None:
            ran.append("foreign")
            raise Boom

        def save() -> None:
            with transaction.atomic():
                if place == "before":
                    transaction.on_commit(fail)
                Tag.objects.create(name="a")
                if place == "after":
                    transaction.on_commit(fail)

        listen(post_save, Tag, phase=Phase.AFTER_COMMIT, note=lambda named: ran.append("ours"))
        with pytest.raises(Boom):
            save()
        assert sorted(ran) == ["foreign", "ours"]

    def test_an_error_outside_any_transaction(self) -> None:
        listen(post_save, Tag, phase=Phase.AFTER_COMMIT, note=lambda named: 1 / 0)
        after = listen_in(Phase.AFTER_COMMIT)
        Tag.objects.create(name="a")
        assert after == [False]

    def test_an_error_that_may_be_raised_outside_any_transaction(self) -> None:
        listen(post_save, Tag, phase=Phase.AFTER_COMMIT, on_error="raise", note=lambda named: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Tag.objects.create(name="a")
        assert Tag.objects.exists()


class TestWhatReceiversMayDo:
    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    def test_write_in_and_out_of_transactions_and_send_further(self, phase: Phase) -> None:
        order: list[str] = []
        sent = Signal()

        def note(name: str, named: dict[str, Any]) -> None:
            order.append(f"{name} {named['what']}")

        for name, each in (
            ("inline", Phase.INLINE),
            ("before", DEFERRED[0]),
            ("after", DEFERRED[1]),
        ):
            listen(
                sent,
                phase=each,
                note=partial(note, name),
            )

        def work(named: dict[str, Any]) -> None:
            Record.objects.create(text="plain")
            with transaction.atomic():
                Record.objects.create(text="atomic")
                sent.send(sender=None, what="kept")
                with undone():
                    Record.objects.create(text="undone")
                    sent.send(sender=None, what="lost")

        listen(post_save, Tag, phase=phase, note=work, on_error="raise")
        with transaction.atomic():
            Tag.objects.create(name="a")
        assert set(Record.objects.values_list("text", flat=True)) == {"plain", "atomic"}
        assert order == ["inline kept", "inline lost", "before kept", "after kept"]

    def test_save_what_it_was_told_of_again(self) -> None:
        seen = []

        class Again(ModelReceiver):
            signal = post_save
            sender = Tag
            phase = Phase.AFTER_COMMIT

            def handle(self, event: Event) -> None:
                seen.append(event.instance.name)
                event.instance.name += "!"
                with transaction.atomic():
                    event.instance.save()
                event.instance.save()

        with transaction.atomic():
            Tag.objects.create(name="a")
        assert seen == ["a"]
        assert Tag.objects.get().name == "a!"

    def test_before_commit_work_that_never_ends_is_named(self) -> None:
        listen(
            post_save,
            Tag,
            name="shop.endless",
            phase=Phase.BEFORE_COMMIT,
            note=lambda named: named["instance"].save(),
        )
        with pytest.raises(BeforeCommitLoop, match=r"shop\.endless"), transaction.atomic():
            Tag.objects.create(name="a")
        assert not Tag.objects.exists()


class TestDeletes:
    """Django takes the primary key off what it has deleted."""

    @pytest.mark.parametrize("signal", [pre_delete, post_delete], ids=["pre", "post"])
    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    def test_the_key_is_kept(self, signal: Signal, phase: Phase) -> None:
        seen = listen(
            signal,
            Tag,
            phase=phase,
            note=lambda named: (
                named["instance"].pk,
                named["instance"].name,
                named["origin"] is named["instance"],
            ),
        )
        tag = Tag.objects.create(name="a")
        pk = tag.pk
        with transaction.atomic():
            tag.delete()
        assert not tag.pk
        assert seen == [(pk, "a", True)]

    def test_after_a_rollback(self) -> None:
        seen = listen(
            post_delete,
            Tag,
            phase=Phase.AFTER_ROLLBACK,
            note=lambda named: named["instance"].pk,
        )
        tag = Tag.objects.create(name="a")
        pk = tag.pk
        with undone():
            tag.delete()
        assert seen == [pk]
        assert Tag.objects.filter(pk=pk).exists()

    def test_inline_receivers_see_the_object_itself(self) -> None:
        seen = listen(post_delete, Tag, name="tests.inline", note=lambda named: named["instance"])
        tag = Tag.objects.create(name="a")
        tag.delete()
        assert seen[0] is tag

    def test_a_cascade(self) -> None:
        seen = listen(
            post_delete,
            Book,
            phase=Phase.AFTER_COMMIT,
            note=lambda named: (named["instance"].pk, named["origin"].pk, type(named["origin"])),
        )
        author = Author.objects.create(name="Ursula")
        books = [Book.objects.create(title=title, author=author) for title in "ab"]
        expected = [(book.pk, author.pk, Author) for book in books]
        author.delete()
        assert not author.pk
        assert sorted(seen) == expected

    def test_a_queryset_is_the_origin(self) -> None:
        seen = listen(
            post_delete, Tag, phase=Phase.AFTER_COMMIT, note=lambda named: named["origin"]
        )
        Tag.objects.create(name="a")
        rows = Tag.objects.filter(name="a")
        rows.delete()
        assert seen[0] is rows

    def test_a_child_model(self) -> None:
        seen = listen(
            post_delete,
            [Audiobook, Book],
            phase=Phase.AFTER_COMMIT,
            note=lambda named: (named["sender"], named["instance"].pk, named["instance"].title),
        )
        audio = Audiobook.objects.create(title="a")
        pk = audio.pk
        audio.delete()
        assert set(seen) == {(Audiobook, pk, "a"), (Book, pk, "a")}

    def test_what_was_fetched_along_is_kept_apart(self) -> None:
        seen = listen(
            post_delete,
            Book,
            phase=Phase.AFTER_COMMIT,
            note=lambda named: named["instance"].author.name,
        )
        book = Book.objects.create(title="a", author=Author.objects.create(name="Ursula"))
        with transaction.atomic():
            book.delete()
            book.author = Author(name="Octavia")
        assert seen == ["Ursula"]

    def test_classes_too(self) -> None:
        seen: list[Any] = []

        class Deleted(ModelReceiver):
            signal = post_delete
            sender = Tag
            phase = Phase.AFTER_COMMIT

            def handle(self, event: Event) -> None:
                seen.append((event.pk, event.origin is event.instance))

        tag = Tag.objects.create(name="a")
        pk = tag.pk
        tag.delete()
        assert seen == [(pk, True)]

    def test_a_class_that_the_registry_does_not_know(self) -> None:
        """Migrations delete rows of models as they were once."""
        from django.db import models
        from django.db.migrations.state import ModelState, ProjectState

        state = ProjectState()
        state.add_model(
            ModelState("gone", "Forgotten", [("id", models.BigAutoField(primary_key=True))])
        )
        forgotten = state.apps.get_model("gone", "Forgotten")
        seen = listen(post_delete, phase=Phase.AFTER_COMMIT, note=lambda named: named["instance"])
        with transaction.atomic():
            post_delete.send(
                sender=forgotten, instance=forgotten(pk=3), using="default", origin=None
            )
        assert (type(seen[0]), seen[0].pk) == (forgotten, 3)


class TestDurable:
    def test_it_is_refused_at_the_send_and_nothing_is_lost_silently(self) -> None:
        seen = listen(post_save, Tag, phase=Phase.DURABLE, name="tests.durable")
        refused = pytest.raises(PhaseUnavailable, match=r"tests\.durable .* no installed app runs")
        with refused, transaction.atomic():
            Tag.objects.create(name="a")
        assert seen == []
        assert not Tag.objects.exists()

    def test_an_app_may_bring_it_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = listen(post_save, Tag, phase=Phase.DURABLE)
        assert not is_available(Phase.DURABLE)
        monkeypatch.setattr(phases, "_schedulers", dict(phases._schedulers))
        phases.register_phase(Phase.DURABLE, lambda declaration, run: run)
        assert is_available(Phase.DURABLE)
        Tag.objects.create(name="a")
        assert len(seen) == 1

    def test_everything_else_is_there(self) -> None:
        assert all(is_available(phase) for phase in (Phase.INLINE, *DEFERRED))


class TestOncePerTransaction:
    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    def test_the_last_event_counts(self, phase: Phase) -> None:
        seen = listen(
            post_save,
            Tag,
            phase=phase,
            once_per_transaction=True,
            note=lambda named: named["instance"].name,
        )
        with transaction.atomic():
            for name in "abc":
                Tag.objects.create(name=name)
        assert seen == ["c"]
        with transaction.atomic():
            Tag.objects.create(name="d")
        assert seen == ["c", "d"]

    def test_without_a_transaction_each_event_counts(self) -> None:
        seen = listen(post_save, Tag, phase=Phase.AFTER_COMMIT, once_per_transaction=True)
        Tag.objects.create(name="a")
        Tag.objects.create(name="b")
        assert len(seen) == 2

    def test_after_rollback(self) -> None:
        seen = listen(
            post_save,
            Tag,
            phase=Phase.AFTER_ROLLBACK,
            once_per_transaction=True,
            note=lambda named: named["instance"].name,
        )
        with undone():
            for name in "abc":
                Tag.objects.create(name=name)
        assert seen == ["c"]

    def test_a_callable_of_a_function(self) -> None:
        seen = listen(
            post_save,
            Tag,
            phase=Phase.AFTER_COMMIT,
            once_per_transaction=lambda instance, **kwargs: instance.pk,
            note=lambda named: named["instance"].name,
        )
        with transaction.atomic():
            first, second = Tag.objects.create(name="a"), Tag.objects.create(name="b")
            first.name = "c"
            first.save()
            second.save()
        assert seen == ["c", "b"]

    def test_a_method_of_a_class(self) -> None:
        seen: list[str] = []

        class Once(ModelReceiver):
            signal = post_save
            sender = Tag
            phase = Phase.AFTER_COMMIT

            def once_per_transaction(self, event: Event) -> object:
                return event.pk

            def handle(self, event: Event) -> None:
                seen.append(event.instance.name)

        with transaction.atomic():
            tag = Tag.objects.create(name="a")
            Tag.objects.create(name="b")
            tag.save()
        assert sorted(seen) == ["a", "b"]

    def test_none_is_a_key_like_any_other(self) -> None:
        seen = listen(
            post_save,
            Tag,
            phase=Phase.AFTER_COMMIT,
            once_per_transaction=lambda **kwargs: None,
        )
        with transaction.atomic():
            Tag.objects.create(name="a")
            Tag.objects.create(name="b")
        assert len(seen) == 1

    @pytest.mark.parametrize("phase", DEFERRED)
    def test_an_unhashable_key_is_refused_at_the_send(self, phase: Phase) -> None:
        listen(
            post_save,
            Tag,
            name="tests.unhashable",
            phase=phase,
            once_per_transaction=lambda **kwargs: [],
        )
        refused = pytest.raises(DeclarationError, match=r"tests\.unhashable.*'list'.*event\.pk")
        with refused, transaction.atomic():
            Tag.objects.create(name="a")
        assert not Tag.objects.exists()

    def test_two_receivers_with_one_key_are_two(self) -> None:
        first, second = (
            listen(
                post_save,
                Tag,
                phase=Phase.AFTER_COMMIT,
                once_per_transaction=lambda **kwargs: "key",
            )
            for _ in range(2)
        )
        with transaction.atomic():
            Tag.objects.create(name="a")
        assert (len(first), len(second)) == (1, 1)

    @both_aliases
    def test_each_alias_has_its_own_last_event(self) -> None:
        seen = listen(
            post_save,
            Tag,
            phase=Phase.AFTER_COMMIT,
            once_per_transaction=True,
            note=lambda named: named["using"],
        )
        with transaction.atomic(using="other"), transaction.atomic():
            Tag.objects.using("other").create(name="a")
            Tag.objects.create(name="b")
        assert sorted(seen) == ["default", "other"]

    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    def test_the_last_that_survived_its_savepoints(self, phase: Phase) -> None:
        seen = listen(
            post_save,
            Tag,
            phase=phase,
            once_per_transaction=True,
            note=lambda named: named["instance"].name,
        )
        with transaction.atomic():
            Tag.objects.create(name="kept")
            with undone():
                Tag.objects.create(name="lost")
        assert seen == ["kept"]
