"""Standing before some methods of one connection, and of no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


class Interception:
    """Puts the methods of somebody in the place of a connection's, which stay within reach.

    They stand on the object, so they live as long as it does, reconnects included.
    """

    def __init__(
        self, connection: BaseDatabaseWrapper, names: Iterable[str], interceptor: object
    ) -> None:
        """Find what is to be stood before; :meth:`place` does it.

        Args:
            connection: the connection.
            names: the names of the methods.
            interceptor: who has methods of these names to stand before them.
        """
        self._connection = connection
        self._methods = {name: getattr(interceptor, name) for name in names}
        # What others have put on this one connection before.
        self._given = {
            name: vars(connection)[name] for name in self._methods if name in vars(connection)
        }
        self.original = _original(type(connection), self._given)
        """Has the connection's own methods, as functions of the connection."""

    def place(self) -> None:
        """Stand before the methods, where that is not so already.

        Again and again: undoing a patch of ``django.db.connection``, which is a proxy, deletes
        what stood on the connection before it.
        """
        for name, method in self._methods.items():
            if vars(self._connection).get(name) in (None, self._given.get(name)):
                setattr(self._connection, name, method)


def _original(cls: type[BaseDatabaseWrapper], given: dict[str, Callable[..., Any]]) -> Any:
    """Return what has the methods that are stood before, as functions of the connection.

    It is the connection's class, asked at each call: others may patch it later, and nothing is
    cheaper in a transaction in which nothing waits.

    Args:
        cls: the class.
        given: methods that the connection has instead of those of its class.
    """
    if not given:
        return cls
    return type("Given", (cls,), {name: _of_connection(method) for name, method in given.items()})


def _of_connection(method: Callable[..., Any]) -> Callable[..., Any]:
    return lambda connection, *args: method(*args)
