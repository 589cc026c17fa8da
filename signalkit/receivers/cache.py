"""``InvalidateCache``: what is cached of something is forgotten once it has changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar
from uuid import uuid4

from django.conf import settings
from django.core.cache import caches
from django.db.models.signals import post_delete, post_save
from django.dispatch import Signal

from signalkit.declaration import Origin
from signalkit.declare import mistakes
from signalkit.declare.base import Receiver
from signalkit.declare.blame import blame
from signalkit.declare.build import OPTIONS
from signalkit.declare.naming import origin_of_class
from signalkit.events import Event
from signalkit.exceptions import DeclarationError, nearest
from signalkit.receivers.failures import Failures
from signalkit.receivers.hooks import require_answers, require_any
from signalkit.states import Phase

E = TypeVar("E", bound=Event)

_HOOKS = ("keys", "namespaces")


class InvalidateCache(Receiver, Generic[E], abstract=True):
    """Deletes keys from caches after the commit.

    ::

        class ForgetBook(InvalidateCache[PostSave[Book] | PostDelete[Book]]):
            sender = "shop.Book"

            def keys(self, event):
                return [f"book:{event.pk}"]

            def namespaces(self, event):
                return ["bestsellers"]

    It is generic over the class of its events. A rollback deletes nothing. Of several caches, one
    that is down keeps no other from being dealt with; its error is logged, and the run is on record
    as failed. The hooks are asked after the commit, and see the objects as they are then.

    A reader that has read from the database before the commit, and writes to the cache after the
    deletion, puts back what is outdated. With a namespace that cannot happen: see
    :func:`versioned_key`.
    """

    signal: ClassVar[Signal | Sequence[Signal] | None] = (post_save, post_delete)
    phase: ClassVar[Phase] = Phase.AFTER_COMMIT

    created: ClassVar[bool | None] = None
    """As in :class:`~signalkit.ModelReceiver`."""

    raw: ClassVar[bool] = True
    """True, unlike elsewhere: a fixture outdates what is cached as well."""

    changed: ClassVar[Sequence[str]] = ()
    """As in :class:`~signalkit.ModelReceiver`."""

    include_subclasses: ClassVar[bool] = False
    """As in :class:`~signalkit.ModelReceiver`."""

    caches: ClassVar[Sequence[str]] = ("default",)
    """Names in the settings' ``CACHES``."""

    version: ClassVar[int | None] = None
    """The version of the keys, as in Django's cache API; None for each cache's own."""

    def __init_subclass__(
        cls, *, abstract: bool = False, replaces: object = None, **kwargs: Any
    ) -> None:
        if not abstract and cls.signal is not None:
            origin = origin_of_class(cls)
            with blame(origin.file):
                _refuse(origin, cls)
        super().__init_subclass__(abstract=abstract, replaces=replaces, **kwargs)

    def keys(self, event: E) -> Iterable[str]:
        """Return the keys to delete."""
        return ()

    def namespaces(self, event: E) -> Iterable[str]:
        """Return the namespaces of which every key is outdated, see :func:`versioned_key`."""
        return ()

    def handle(self, event: E) -> None:
        """Delete them from each cache.

        Raises:
            Exception: what a hook raised, or one cache.
            ExceptionGroup: what several caches raised.
        """
        namespaces = [_token_key(each) for each in self._read("namespaces", event)]
        keys = [*dict.fromkeys([*self._read("keys", event), *namespaces])]
        if not keys:
            return
        failures = Failures("caches")
        for alias in self.caches:
            failures.attempt(f"the cache {alias}", partial(self._delete, alias, keys))
        failures.raise_any()

    def _delete(self, alias: str, keys: list[str]) -> None:
        caches[alias].delete_many(keys, version=self.version)

    def _read(self, hook: str, event: E) -> Iterable[str]:
        found: Iterable[str] = getattr(self, hook)(event)
        if isinstance(found, str):
            raise TypeError(
                f"{type(self).__qualname__}.{hook}() returned the string {found!r}; expected a "
                f"list. Write return [{found!r}]."
            )
        return found


def versioned_key(
    namespace: str, key: str, *, cache: str = "default", version: int | None = None
) -> str:
    """Return a key that is another one as soon as its namespace is outdated.

    ::

        key = versioned_key("bestsellers", f"page:{page}")
        books = cache.get(key)
        if books is None:
            books = list(Book.objects.bestsellers(page))
            cache.set(key, books)

    Ask for the key before the database is read. What was read before a change is then stored under
    a key that nobody asks for any more, however late that is. It costs one more read of the cache.

    Args:
        namespace: what :meth:`InvalidateCache.namespaces` returns.
        key: tells what is cached apart within the namespace.
        cache: the name in the settings' ``CACHES`` of the one that is going to be used.
        version: the version of the keys, the same as the receiver's.
    """
    name, backend = _token_key(namespace), caches[cache]
    token = backend.get(name, version=version)
    if token is None:
        token = _new_token()
        # Somebody else may be quicker; then theirs counts.
        if not backend.add(name, token, timeout=None, version=version):
            token = backend.get(name, token, version=version)
    return f"{namespace}:{token}:{key}"


async def aversioned_key(
    namespace: str, key: str, *, cache: str = "default", version: int | None = None
) -> str:
    """Do what :func:`versioned_key` does, in a coroutine."""
    name, backend = _token_key(namespace), caches[cache]
    token = await backend.aget(name, version=version)
    if token is None:
        token = _new_token()
        if not await backend.aadd(name, token, timeout=None, version=version):
            token = await backend.aget(name, token, version=version)
    return f"{namespace}:{token}:{key}"


def _token_key(namespace: str) -> str:
    return f"signalkit.namespace:{namespace}"


def _new_token() -> str:
    # No number that grows: a cache that has dropped it would begin anew, with old entries.
    return uuid4().hex


def _refuse(origin: Origin, cls: type[InvalidateCache[Any]]) -> None:
    mistakes.refuse(origin, cls, (*OPTIONS, "signal", "sender", "caches", "version"), _HOOKS)
    found = require_answers(origin, cls, InvalidateCache, _HOOKS)
    require_any(origin, InvalidateCache, _HOOKS, found)
    if not isinstance(cls.caches, (list, tuple)) or not cls.caches:
        raise DeclarationError(
            f"{origin}: caches is {cls.caches!r}; expected a list of names in the settings' "
            "CACHES, such as ('default',)."
        )
    for alias in cls.caches:
        if alias not in settings.CACHES:
            raise DeclarationError(
                f"{origin}: caches names {alias!r}, which the settings' CACHES have not."
                f"{nearest(str(alias), settings.CACHES)}"
            )
    version = cls.version
    if not (version is None or type(version) is int):
        raise DeclarationError(f"{origin}: version is {version!r}; expected an integer, or None.")
