"""The classes to subclass. A concrete subclass that names a signal is a declared receiver."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, ClassVar, Generic

from django.dispatch import Signal

from signalkit.catalogue import find, lacks
from signalkit.declaration import Declaration, Origin
from signalkit.declare import mistakes
from signalkit.declare.blame import blame
from signalkit.declare.build import OPTIONS, build
from signalkit.declare.callables import signature_of
from signalkit.declare.naming import automatic_name, origin_of_class
from signalkit.declare.references import ABSTRACT, DECLARATION, names_of
from signalkit.declare.values import read_name
from signalkit.events import Event
from signalkit.exceptions import DeclarationError, UnknownOption, nearest
from signalkit.registry import registry
from signalkit.signal_names import signal_name
from signalkit.states import Phase
from signalkit.types import OncePerTransaction, OnError, Record, Reentry, Sender

CHANGED_BY_CREATION = "_changed_by_creation"
"""Where a base says that a new row has changed the fields in :attr:`ModelReceiver.changed`, too."""

# Options that mean one class alone: a child does not have its parent's name.
_OWN = ("name", "aliases")


class Receiver:
    """Reacts to a signal.

    Set :attr:`signal`, write :meth:`handle`, and the subclass is registered under its name
    (``app_label.ClassName``), held strongly, and guarded against re-entry. There is one instance
    per process: keep nothing about an event on ``self``.

    A subclass that names no signal is a base for others; ``class Base(Receiver, abstract=True)``
    keeps one out that does. ``class Mine(Theirs, replaces="their_app.Theirs")`` takes the place
    of another receiver.
    """

    signal: ClassVar[Signal | Sequence[Signal] | None] = None
    """The signal, or several."""

    sender: ClassVar[Sender] = None
    """A class, ``"app_label.ModelName"``, ``settings.AUTH_USER_MODEL``, a list of these, or
    None to hear every sender."""

    phase: ClassVar[Phase] = Phase.INLINE
    """When :meth:`handle` runs, relative to the transaction of the send."""

    on_error: ClassVar[OnError | None] = None
    """``"raise"`` lets an error propagate; ``"isolate"`` logs it, undoes what the receiver wrote
    where a transaction is open, and stops nobody. None: raise before the commit, isolate after."""

    reentry: ClassVar[Reentry] = "skip"
    """What happens when the receiver is reached again by what it did itself, on the same object
    and alias: ``"skip"``, ``"allow"`` or ``"raise"``."""

    order: ClassVar[int] = 0
    """Lower runs earlier among signalkit's receivers of one signal."""

    after: ClassVar[Any] = ()
    """Receivers, or their names, that run before this one. Stronger than :attr:`order`."""

    once_per_transaction: ClassVar[OncePerTransaction] = False
    """True lets only the last one of a transaction's events count. A method
    ``once_per_transaction(self, event)`` returns what tells the events apart."""

    name: ClassVar[str | None] = None
    """The receiver's name; by default ``app_label.ClassName``. Not inherited."""

    aliases: ClassVar[Sequence[str]] = ()
    """Names that it had before. Not inherited."""

    using: ClassVar[str | None] = None
    """The alias whose transaction counts, for a signal that carries none; ``default`` if None."""

    record: ClassVar[Record | None] = None
    """Which runs ``signalkit.runs`` puts on record: ``"all"``, ``"failures"``, ``"off"``, or the
    share of successes as a number from 0.0 to 1.0, beside all failures. None: what the settings
    say."""

    record_skips: ClassVar[bool] = False
    """Whether it is on record too that a condition, a switch or the guard against re-entry kept
    the receiver from running."""

    announce: ClassVar[bool] = False
    """Whether the transaction of the send writes down that the receiver is going to run, so that a
    run that a crash prevented can be found. For those that wait for the commit."""

    def __init_subclass__(
        cls, *, abstract: bool = False, replaces: object = None, **kwargs: Any
    ) -> None:
        origin = origin_of_class(cls)
        with blame(origin.file):
            if kwargs:
                _refuse_keywords(origin, cls, kwargs)
            super().__init_subclass__(**kwargs)
            mistakes.refuse(origin, cls, (*OPTIONS, "signal", "sender"))
            setattr(cls, ABSTRACT, abstract)
            if abstract or cls.signal is None:
                if replaces is not None:
                    raise DeclarationError(
                        f"{origin} replaces {replaces!r} but is not a receiver itself: it is "
                        "abstract or names no signal."
                    )
                return
            declaration = _declare(origin, cls, replaces)
            registry.add(declaration)
            setattr(cls, DECLARATION, declaration)

    def at_send(self, event: Any) -> Event | None:
        """Look at an event at the send, in every phase, before :meth:`when` is asked.

        It is for classes that others inherit from: what only the moment of the send knows can be
        put into the event here, with ``event.replace()``. It is a plain function, and an error in
        it is the sender's, whatever :attr:`on_error` says.

        Args:
            event: what was sent.

        Returns:
            What :meth:`when`, :meth:`once_per_transaction` and :meth:`handle` are to get; None
            passes the event over.
        """
        return event  # type: ignore[no-any-return]

    def when(self, event: Any) -> bool:
        """Say whether to react to an event at all. Asked at the send, in every phase.

        It is a plain function. An error in it is the sender's, whatever :attr:`on_error` says.

        Args:
            event: what was sent.
        """
        return True

    def handle(self, event: Any) -> Any:
        """React. May be a coroutine function.

        Args:
            event: what was sent. Annotate it with its class: see :mod:`signalkit.builtin_events`.

        Returns:
            In :attr:`Phase.INLINE`, what the sender finds among the responses; in other phases
            nobody asks for it.
        """
        raise NotImplementedError(f"{type(self).__qualname__} defines no handle().")


class ModelReceiver(Receiver):
    """Reacts to a signal about a model's rows. Fixtures (``raw``) are left alone by default."""

    created: ClassVar[bool | None] = None
    """For ``post_save``: only creations (True), only updates (False), or both (None)."""

    raw: ClassVar[bool] = False
    """Whether it runs for what ``loaddata`` writes too."""

    changed: ClassVar[Sequence[str]] = ()
    """For ``pre_save`` and ``post_save``: field names of which an update changed at least one.
    Costs one narrow query per save of the model."""

    include_subclasses: ClassVar[bool] = False
    """Whether proxies and children of the sender count too, those defined later included."""


def _declare(origin: Origin, cls: type[Receiver], replaces: object) -> Declaration:
    if cls.handle is Receiver.handle:
        raise DeclarationError(f"{origin} defines no handle(self, event).")
    if issubclass(cls, ModelReceiver):
        _refuse_other_signals(origin, cls.signal)
    instance = _instance(origin, cls)
    own = vars(cls)
    options = {option: getattr(instance, option, _DEFAULTS.get(option)) for option in OPTIONS}
    options.update({option: own.get(option, _DEFAULTS[option]) for option in _OWN})
    options["when"] = None if cls.when is Receiver.when else instance.when
    at_send = None if cls.at_send is Receiver.at_send else instance.at_send
    name = options.pop("name")
    return build(
        name=automatic_name(origin) if name is None else read_name(origin, name),
        origin=origin,
        kind="class",
        call=instance.handle,
        signal=cls.signal,
        sender=cls.sender,
        options=options,
        given=_given(cls),
        replaces=_replaced(origin, replaces),
        at_send=at_send,
        changed_by_creation=bool(getattr(instance, CHANGED_BY_CREATION, False)),
        extends=tuple(
            vars(parent)[DECLARATION].name
            for parent in cls.__mro__[1:]
            if DECLARATION in vars(parent)
        ),
    )


_DEFAULTS: dict[str, Any] = {
    "name": None,
    "aliases": (),
    # What a Receiver that is no ModelReceiver does about the options that it has not.
    "created": None,
    "raw": False,
    "changed": (),
    "include_subclasses": False,
}


def _given(cls: type[Receiver]) -> frozenset[str]:
    """Return the options that the class itself sets, and a policy that it inherits."""
    given = {option for option in OPTIONS if vars(cls).get(option) is not None}
    return frozenset(given if cls.on_error is None else {*given, "on_error"})


def _instance(origin: Origin, cls: type[Receiver]) -> Receiver:
    # ABCMeta has not counted them yet: it does so once the class is made.
    unwritten = [
        name
        for name in dir(cls)
        if getattr(inspect.getattr_static(cls, name), "__isabstractmethod__", False)
    ]
    if unwritten:
        raise DeclarationError(
            f"{origin} leaves {', '.join(unwritten)} abstract. Write what is missing, or keep the "
            "class out with abstract=True in the class statement."
        )
    signature = signature_of(cls)
    try:
        if signature is not None:
            signature.bind()
    except TypeError as error:
        raise DeclarationError(
            f"{origin} cannot be made: its __init__ takes arguments ({error}). signalkit makes "
            "the one instance itself, without any."
        ) from None
    return cls()


def _replaced(origin: Origin, replaces: object) -> str | None:
    if replaces is None:
        return None
    names = names_of(origin, "replaces", replaces)
    if len(names) > 1:
        raise DeclarationError(
            f"{origin} replaces several receivers at once: {', '.join(names)}. Name one of them."
        )
    return names[0]


def _refuse_keywords(origin: Origin, cls: type[Receiver], given: dict[str, Any]) -> None:
    """Refuse keywords of the class statement that no class on the way would take."""
    # signalkit's own bases hand on what they do not know.
    between = [
        parent
        for parent in cls.__mro__[1:]
        if parent not in (Generic, object) and not parent.__module__.startswith("signalkit.")
    ]
    if not any("__init_subclass__" in vars(parent) for parent in between):
        known = ("abstract", "replaces")
        key = next(iter(given))
        raise UnknownOption(
            f"{origin}: a class statement takes no {key!r}."
            f"{nearest(key, known)} It takes: {', '.join(known)}."
        )


def _refuse_other_signals(origin: Origin, signal: object) -> None:
    for item in signal if isinstance(signal, (list, tuple)) else (signal,):
        if not isinstance(item, Signal) or not lacks(item, "instance"):
            continue
        known = find(item)
        if known is None or not known.is_about_many:
            raise DeclarationError(
                f"{origin} is a ModelReceiver, but {signal_name(item)} is not about an instance. "
                "Subclass signalkit.Receiver."
            )
