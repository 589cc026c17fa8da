"""Whom a request belongs to: asked late, and kept once known."""

from __future__ import annotations

import logging
from contextvars import ContextVar

from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest
from django.utils.functional import LazyObject

from signalkit.context.actor import Actor, actor_of

logger = logging.getLogger("signalkit.context")

# To load a user may itself set off receivers, which may ask who the user is.
_ASKING: ContextVar[bool] = ContextVar("signalkit_asking_for_the_user", default=False)


class Who:
    """The actor of a context. Contexts that are made from it share it.

    Anonymous is asked again, as the request may log in; a user is not, as it may log out.
    """

    __slots__ = ("_actor", "_request")

    def __init__(self, actor: Actor | None = None, *, request: HttpRequest | None = None) -> None:
        """Say who it is, or whom to ask.

        Args:
            actor: the actor, where it is known.
            request: the request whose user is the actor; None when nobody is to be asked.
        """
        self._actor = actor
        self._request = request

    def known(self) -> Actor | None:
        """Return the actor as far as is known without asking the session or a database."""
        if self._actor is None and self._request is not None:
            self._actor = _loaded_user_of(self._request)
        return self._actor

    def actor(self) -> Actor | None:
        """Return the actor, or None while nobody is known. It never raises."""
        if self._actor is None and self._request is not None and not _ASKING.get():
            _ASKING.set(True)
            try:
                found = _user_of(self._request)
            finally:
                _ASKING.set(False)
            # Another thread of the same request may have been first.
            if self._actor is None:
                self._actor = found
        return self._actor


def _loaded_user_of(request: HttpRequest) -> Actor | None:
    user = vars(request).get("user")
    if isinstance(user, LazyObject):
        # What AuthenticationMiddleware leaves behind once somebody has looked.
        user = vars(request).get("_cached_user", vars(request).get("_acached_user"))
    try:
        return actor_of(user)
    except Exception:
        logger.debug("The user of a request cannot be told.", exc_info=True)
        return None


def _user_of(request: HttpRequest) -> Actor | None:
    try:
        try:
            return actor_of(getattr(request, "user", None))
        except SynchronousOnlyOperation:
            # An event loop runs in this thread. What await request.auser() has left is at hand.
            return actor_of(getattr(request, "_acached_user", None))
    except Exception:
        logger.debug("The user of a request could not be loaded.", exc_info=True)
        return None
