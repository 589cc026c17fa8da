"""The signal that says what it is sent with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeAlias, overload
from weakref import WeakSet

from django.dispatch import Signal

from signalkit.exceptions import PayloadError
from signalkit.signal_names import signal_path
from signalkit.typed import on_commit
from signalkit.typed.checking import Check, complaint, make_check
from signalkit.typed.for_checkers import Load
from signalkit.typed.kinds import Kind
from signalkit.typed.names import NotYet, load_at_declaration, load_at_send, load_at_start
from signalkit.typed.payload import describe
from signalkit.typed.robust import log_failure

P = ParamSpec("P")

Responses: TypeAlias = list[tuple[Callable[..., Any], Any]]
"""The receivers, each with what it returned, or with its error."""

_NOT_GIVEN: Any = object()


class TypedSignal(Signal, Generic[P]):
    """A signal of Django's that is sent with the fields of a frozen dataclass, and nothing else.

    ::

        @dataclass(frozen=True, kw_only=True)
        class OrderPlaced:
            order: Order
            note: str = ""

        order_placed = TypedSignal(OrderPlaced)

        order_placed.send(sender=Order, order=order)

    Receivers are connected as to any other, and get a keyword for each field, defaults included.
    A send that lacks a field, has another keyword or gives a value of another type is refused
    before any receiver is called, and is an error for mypy and pyright. Values are compared with
    the annotations; of generics, the outer kind alone: of a ``list[int]`` that it is a list. What
    a type checker would let through is not refused.
    """

    def __init__(self, payload: Callable[P, object], use_caching: bool = False) -> None:
        """Declare the signal.

        Args:
            payload: a frozen dataclass, whose fields are the keywords of the signal. Annotations
                may be in quotes, name what is imported for type checkers alone, and name models
                as ``"app_label.ModelName"``; no model is imported for it. A ``__post_init__()`` is
                run at each send, and receivers get the values that it leaves.
            use_caching: as in Django: whether to remember who listens to which sender.

        Raises:
            DeclarationError: it is no frozen dataclass; a field is called ``signal``, ``sender``,
                ``self`` or ``robust``, has an annotation that cannot be read, or a default of
                another type. An annotation that names what is not loaded yet is read when
                signalkit's ``ready()`` is called, or else at the first send.
        """
        self._description = describe(payload)
        self._carries_using = "using" in self.fields
        self._kinds: dict[str, Kind] = {}
        # Says whether keywords are right, and adds what is not given: the same dictionary is sent.
        self._check: Check = self._read_and_check
        try:
            self._read(load_at_declaration(self.payload.__module__))
        except NotYet:
            _unread.add(self)
        # Last: one that was refused is no signal, should the garbage collector still know it.
        super().__init__(use_caching)

    @property
    def payload(self) -> type:
        """The dataclass that the signal was declared with."""
        return self._description.payload

    @property
    def signalkit_fields(self) -> frozenset[str]:
        """What receivers may ask for: see :func:`signalkit.catalogue.lacks`."""
        return frozenset(self.fields)

    @property
    def fields(self) -> dict[str, str]:
        """What receivers get besides ``signal`` and ``sender``: names, and types in words."""
        return {field.name: field.expected for field in self._description.fields}

    def send(self, sender: Any, *args: P.args, **kwargs: P.kwargs) -> Responses:
        """Send the signal: the first receiver that raises ends it, and the error propagates.

        Args:
            sender: as in Django.
            args: none; they stand here for type checkers.
            kwargs: the fields of the payload.

        Returns:
            The receivers and what they returned.

        Raises:
            PayloadError: the keywords are not those of the payload. No receiver was called.
        """
        if args or not self._check(kwargs):
            raise self._refused("send", args, kwargs)
        return super().send(sender, **kwargs)

    def send_robust(self, sender: Any, *args: P.args, **kwargs: P.kwargs) -> Responses:
        """Send the signal: the error of a receiver is logged and returned, and stops nobody.

        It answers for every receiver, also where Django's own fails to log the error of one that
        has no ``__qualname__``.

        Args:
            sender: as in Django.
            args: none; they stand here for type checkers.
            kwargs: the fields of the payload.

        Returns:
            The receivers, each with what it returned or the ``Exception`` that it raised.

        Raises:
            PayloadError: the keywords are not those of the payload. No receiver was called.
        """
        if args or not self._check(kwargs):
            raise self._refused("send_robust", args, kwargs)
        return super().send_robust(sender, **kwargs)

    async def asend(self, sender: Any, *args: P.args, **kwargs: P.kwargs) -> Responses:
        """Send the signal from a coroutine; otherwise as :meth:`send`."""
        if args or not self._check(kwargs):
            raise self._refused("asend", args, kwargs)
        return await super().asend(sender, **kwargs)

    async def asend_robust(self, sender: Any, *args: P.args, **kwargs: P.kwargs) -> Responses:
        """Send the signal from a coroutine; otherwise as :meth:`send_robust`."""
        if args or not self._check(kwargs):
            raise self._refused("asend_robust", args, kwargs)
        return await super().asend_robust(sender, **kwargs)

    @overload
    def send_on_commit(self, sender: Any, *args: P.args, **kwargs: P.kwargs) -> None: ...

    @overload
    def send_on_commit(
        self, sender: Any, robust: bool, *args: P.args, **kwargs: P.kwargs
    ) -> None: ...

    @overload
    def send_on_commit(
        self, sender: Any, using: str | None, robust: bool = True, *args: P.args, **kwargs: P.kwargs
    ) -> None: ...

    def send_on_commit(
        self,
        sender: Any,
        *args: Any,
        using: Any = _NOT_GIVEN,
        robust: Any = True,
        **kwargs: Any,
    ) -> None:
        """Send the signal once the outermost transaction that is open has been committed.

        What is wrong with the keywords is refused now. After a rollback nothing is sent; without a
        transaction the signal is sent at once. In a ``TestCase`` the send is one of the callbacks
        that ``captureOnCommitCallbacks()`` knows. The receivers' runs are put down to the context
        and the receiver that this was called in.

        Args:
            sender: as in Django.
            args: none; they stand here for type checkers.
            using: the database alias. By default it is the one that the model instances among the
                fields are saved to, and the default alias when there are none. Where the payload
                has a field ``using``, this is that field.
            robust: whether the receivers' errors are logged and stop nobody; otherwise the first
                one ends the send, and reaches whoever commits.
            kwargs: the fields of the payload.

        Raises:
            PayloadError: the keywords are not those of the payload; there is no such alias; the
                instances are saved to several, and ``using`` is not given.
            django.core.exceptions.SynchronousOnlyOperation: it is called in a coroutine.
        """
        on_commit.refuse_in_coroutine()
        if not isinstance(robust, bool):
            raise PayloadError(
                f"{signal_path(self)}.send_on_commit() got robust={robust!r}; expected True or "
                "False."
            )
        if self._carries_using and using is not _NOT_GIVEN:
            kwargs["using"] = using
        if args or not self._check(kwargs):
            raise self._refused("send_on_commit", args, kwargs)
        using = kwargs.get("using", None if using is _NOT_GIVEN else using)
        send = super().send_robust if robust else super().send
        work = on_commit.Waiting(self, send, sender, kwargs)
        on_commit.send_later(on_commit.alias_for(self, using, kwargs), work)

    def __repr__(self) -> str:
        return f"<TypedSignal of {self.payload.__qualname__} at {id(self):#x}>"

    def _refused(self, method: str, args: tuple[Any, ...], named: dict[str, Any]) -> PayloadError:
        call = f"{signal_path(self)}.{method}()"
        if args:
            example = "".join(f", such as {each.name}=" for each in self._description.sent[:1])
            return PayloadError(
                f"{call}: besides the sender it takes keywords alone{example}. For type checkers "
                f"to say so, write @dataclass(frozen=True, kw_only=True) for "
                f"{self.payload.__qualname__}."
            )
        return PayloadError(f"{call}: {complaint(self._description, self._kinds, named)}")

    def _read_and_check(self, named: dict[str, Any]) -> bool:
        """Check the first keywords since the signal was declared.

        Raises:
            DeclarationError: an annotation turns out to be unreadable.
        """
        self._read(load_at_send)
        return self._check(named)

    def _read(self, load: Load | None) -> None:
        """Find out what the fields have to be.

        Raises:
            NotYet: an annotation names what may come to be known.
            DeclarationError: one cannot be read.
        """
        self._description.read(load, self._kinds)
        # Last: another thread that finds it finds everything.
        self._check = make_check(self._description, self._kinds)
        _unread.discard(self)

    def _log_robust_failure(self, receiver: Callable[..., Any], err: Exception) -> None:
        """Log what Django's robust sends have caught, where Django's own needs a name."""
        log_failure(self, receiver, err)


_unread: WeakSet[TypedSignal[Any]] = WeakSet()
"""Signals whose payloads name what was not there when they were declared."""


def read_payloads() -> None:
    """Read what was declared before the models were loaded, as far as everything is there now.

    Nothing is imported for it.

    Raises:
        DeclarationError: an annotation cannot be read.
    """
    for signal in list(_unread):
        try:
            signal._read(load_at_start)
        except NotYet:
            # Of a class whose module nobody has loaded there is no instance, either.
            continue
