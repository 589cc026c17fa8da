"""The context that code runs in: who caused it, and through what."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, NamedTuple, get_args

from django.db.models import Model
from django.http import HttpRequest

from signalkit.context.actor import Actor, actor_of, system
from signalkit.context.address import client_address
from signalkit.context.correlation import WELL_FORMED, is_well_formed, new_correlation_id
from signalkit.context.process import Source, origin
from signalkit.context.texts import shown
from signalkit.context.who import Who

__all__ = ["CONTEXT", "Actor", "Cause", "Context", "Source", "current", "use"]


class Cause(NamedTuple):
    """What there is to remember of a context, for which its request need not be kept."""

    actor: Actor | None
    correlation_id: str
    source: str
    detail: str
    reason: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Context:
    """Who caused something, and through what. Read-only; :func:`use` makes others from it."""

    correlation_id: str
    """The same for everything that one cause set off."""

    source: Source
    """What set it off, one of ``"request"``, ``"command"``, ``"shell"``, ``"task"``,
    ``"process"``."""

    detail: str = ""
    """Which one, as ``"GET /orders/"`` or the name of the command, the task or the program. Never
    a query string; at most 200 characters."""

    reason: str = ""
    """Why, where somebody has said so; at most 200 characters."""

    # Neither is shown: a request's repr has the query string.
    request: HttpRequest | None = field(default=None, repr=False)
    """The request, where there is one."""

    _who: Who = field(default_factory=Who, repr=False)
    _cause: Cause | None = field(default=None, init=False, repr=False)

    @property
    def cause(self) -> Cause:
        """What outlives it, as far as is known by now; the same object until more is known."""
        cause = self._cause
        if cause is None or (
            # With no request, nobody will become known.
            cause.actor is None and self.request is not None and self._who.known() is not None
        ):
            cause = Cause(
                self._who.known(),
                self.correlation_id,
                self.source,
                self.detail,
                self.reason,
                self.address or "",
            )
            object.__setattr__(self, "_cause", cause)
        return cause

    @property
    def actor(self) -> Actor | None:
        """Who did it; None while nobody is known.

        The user of the request is looked up when this is first asked for, and stays the actor even
        if the request logs out. It never raises: where the user cannot be loaded it is None.
        """
        return self._who.actor()

    @property
    def known_actor(self) -> Actor | None:
        """The actor, as far as is known by now: nobody is asked, nothing is loaded.

        Of a request it is the user whom something has looked at before, such as ``login_required``
        or the view. To look by oneself would take two queries, in whatever transaction is open,
        and make the response vary by cookie.
        """
        return self.cause.actor

    @property
    def address(self) -> str | None:
        """The client's IP address, as far as the settings trust who reports it; None without."""
        return None if self.request is None else client_address(self.request.META)


CONTEXT: ContextVar[Context | None] = ContextVar("signalkit_context", default=None)
"""The context of this thread or task. Whoever sets it restores it, with ``set(previous)``."""


def current() -> Context:
    """Return the context that this code runs in.

    It neither fails nor queries. Where none was set, it is that of the process.
    """
    return CONTEXT.get() or of_process()


_process: Context | None = None


def of_process() -> Context:
    """Return the context of whatever no other was set for."""
    global _process
    context = _process
    if context is None:
        source, detail = origin()
        context = Context(correlation_id=new_correlation_id(), source=source, detail=shown(detail))
        _process = context
    return context


def _forget_the_parents() -> None:
    global _process
    _process = None


if hasattr(os, "register_at_fork"):
    # A forked worker is a process of its own.
    os.register_at_fork(after_in_child=_forget_the_parents)


class _Unset:
    def __repr__(self) -> str:
        return "<unset>"


# Of any type, so that the signature below says what is to be given.
_UNSET: Any = _Unset()


def use(
    *,
    actor: object = _UNSET,
    reason: str = _UNSET,
    correlation_id: str = _UNSET,
    source: Source = _UNSET,
    detail: str = _UNSET,
    request: HttpRequest | None = _UNSET,
) -> AbstractContextManager[Context]:
    """Say who causes what happens in a ``with`` block, and why.

    ::

        with use(actor="nightly import", reason="prices of the new catalogue"):
            import_prices()

    What is not given stays as it is around the block. It works around ``await`` too. A task that
    is started in the block takes the context along and keeps it; a new thread does not.

    Args:
        actor: a user, who is described as it is now; an :class:`Actor`; a string, the label of an
            actor that is no user; None for nobody.
        reason: why; cut after 200 characters.
        correlation_id: 8 to 64 ASCII letters, digits and ``- _ . :``.
        source: ``"request"``, ``"command"``, ``"shell"``, ``"task"`` or ``"process"``.
        detail: which one; cut after 200 characters.
        request: the request that it belongs to. Unless ``actor`` is given, its user is the actor.

    Returns:
        the block, to be entered once.

    Raises:
        TypeError: a value is not of a kind named above.
        ValueError: a correlation id is malformed, or a text that has to say something is empty.
    """
    changes: dict[str, Any] = {}
    if reason is not _UNSET:
        changes["reason"] = _text("reason", reason)
    if detail is not _UNSET:
        changes["detail"] = _text("detail", detail)
    if correlation_id is not _UNSET:
        changes["correlation_id"] = _correlation_id(correlation_id)
    if source is not _UNSET:
        changes["source"] = _source(source)
    if request is not _UNSET:
        changes["request"] = _request(request)
        if request is not None:
            changes["_who"] = Who(request=request)
    if actor is not _UNSET:
        changes["_who"] = Who(_actor(actor))
    return _Block(changes)


class _Block:
    """What :func:`use` returns."""

    __slots__ = ("_around", "_changes", "_context", "_ended", "_outer")

    def __init__(self, changes: dict[str, Any]) -> None:
        self._changes = changes
        self._context: Context | None = None
        self._ended = False
        # The block that this one is in, and what held around it.
        self._outer: _Block | None = None
        self._around: Context | None = None

    def __enter__(self) -> Context:
        if self._context is not None:
            raise RuntimeError(
                "This block of signalkit.context.use() was entered before, and a block is entered "
                "once. Call use() for each."
            )
        outer = _BLOCK.get()
        # Or a chain of tasks, each started in a block of the one before, would grow for ever.
        while outer is not None and outer._ended:
            outer = outer._outer
        self._outer, self._around = outer, CONTEXT.get()
        self._context = replace(current(), **self._changes)
        CONTEXT.set(self._context)
        _BLOCK.set(self)
        return self._context

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._context is not None and self._is_around():
            CONTEXT.set(self._around)
            _BLOCK.set(self._outer)
        self._ended = True
        self._around = None

    def _is_around(self) -> bool:
        """Say whether this code runs in the block, or in one within it that never ended.

        A generator may be closed by the garbage collector in any thread or task. What holds there
        has nothing to do with it, and stays.
        """
        here = _BLOCK.get()
        while here is not None and here is not self:
            here = here._outer
        return here is self


_BLOCK: ContextVar[_Block | None] = ContextVar("signalkit_context_block", default=None)
"""The innermost block."""


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"use({name}=...) got {value!r}; expected a string. Leave it out if none.")
    return shown(value)


def _correlation_id(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(
            f"use(correlation_id=...) got {value!r}; expected a string: {WELL_FORMED}. "
            "Convert it, for instance with str() or uuid.hex."
        )
    if not is_well_formed(value):
        raise ValueError(
            f"use(correlation_id=...) got {value!r}; expected {WELL_FORMED}. Leave it out to keep "
            "the one around the block, or give uuid.uuid4().hex."
        )
    return value


def _source(value: object) -> Source:
    known: tuple[Source, ...] = get_args(Source)
    for source in known:
        if value == source:
            return source
    raise TypeError(
        f"use(source=...) got {value!r}; expected one of: {', '.join(known)}. Which one exactly is "
        "said with detail=."
    )


def _request(value: object) -> HttpRequest | None:
    if value is None or isinstance(value, HttpRequest):
        return value
    raise TypeError(
        f"use(request=...) got {value!r}; expected Django's HttpRequest, or None. For a request of "
        "another kind, such as REST framework's, give the HttpRequest that it wraps."
    )


def _actor(value: object) -> Actor | None:
    if value is None or isinstance(value, Actor):
        return value
    if isinstance(value, str):
        if not value.strip():
            raise ValueError(
                f"use(actor=...) got {value!r}, which names nobody; expected a label. "
                "Give None for nobody."
            )
        return system(value)
    if isinstance(value, type) or not (
        isinstance(value, Model) or hasattr(value, "is_authenticated")
    ):
        raise TypeError(
            f"use(actor=...) got {value!r}; expected a user or another model instance, an Actor, "
            "a string or None. To name somebody by a primary key, give the user itself, or "
            "Actor(type='auth.User', id='1', label='...')."
        )
    return actor_of(value)
