"""A class of event for each of Django's signals, so that type checkers know what it carries.

What a class-based receiver is handed for one of Django's signals *is* of the class here, so that an
annotation says the truth::

    class Welcome(ModelReceiver):
        signal = post_save
        sender = settings.AUTH_USER_MODEL

        def handle(self, event: PostSave[User]) -> None:
            reveal_type(event.created)  # bool
            reveal_type(event.instance)  # User

Most of what they declare are the keywords of the send, which :class:`~signalkit.events.Event` finds
by itself; what a send may lack is None here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.apps import AppConfig
from django.core.handlers.wsgi import get_path_info, get_script_name
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.dispatch import Signal
from django.http import HttpRequest

from signalkit.catalogue import find
from signalkit.events import Event

M = TypeVar("M", bound=Model)


class ClassPrepared(Event):
    """A model class was built."""

    __slots__ = ()


class PreInit(Event):
    """An instance of a model is about to be made."""

    __slots__ = ()

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class ModelEvent(Event, Generic[M]):
    """What the events about one instance of a model have in common."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def sender(self) -> type[M]:
            """The class of the instance; a proxy stays a proxy."""

        @property
        def instance(self) -> M:
            """The object."""


class PostInit(ModelEvent[M]):
    """An instance of a model was made, for a new row or for one that was read."""

    __slots__ = ()


class _WithAlias(ModelEvent[M]):
    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def using(self) -> str:
            """The alias of the database."""


class PreSave(_WithAlias[M]):
    """An instance is about to be saved."""

    __slots__ = ()

    raw: bool
    update_fields: frozenset[str] | None


class PostSave(_WithAlias[M]):
    """An instance was saved."""

    __slots__ = ()

    created: bool
    raw: bool
    update_fields: frozenset[str] | None


class PreDelete(_WithAlias[M]):
    """A row is about to be deleted."""

    __slots__ = ()

    origin: Any
    """The instance or the queryset whose ``delete()`` was called."""


class PostDelete(_WithAlias[M]):
    """A row was deleted."""

    __slots__ = ()

    origin: Any
    """The instance or the queryset whose ``delete()`` was called."""


class M2MChanged(_WithAlias[M]):
    """One step of a change of a many-to-many relation, as Django tells it."""

    __slots__ = ()

    action: str
    """``"pre_add"``, ``"post_add"``, and the same of ``remove`` and ``clear``."""

    reverse: bool
    """Whether the change was made from the side that does not declare the field."""

    model: type[Model]
    """The class of what was added or removed."""

    pk_set: set[Any] | None
    """The keys of what was added or removed; None for ``clear``."""

    @property
    def raw(self) -> bool | None:
        """Whether it comes from a fixture; None before Django 6.1, which does not say."""
        return self._payload.get("raw")


class MigrateEvent(Event):
    """What the events around migrations have in common.

    ``flush`` sends ``post_migrate`` too, without :attr:`plan`, :attr:`apps` and :attr:`stdout`.
    """

    __slots__ = ()

    app_config: AppConfig
    verbosity: int
    interactive: bool

    if TYPE_CHECKING:

        @property
        def using(self) -> str:
            """The alias of the database."""

    @property
    def stdout(self) -> Any:
        """Where the command writes; None in ``flush``."""
        return self._payload.get("stdout")

    @property
    def plan(self) -> list[tuple[Any, bool]] | None:
        """The migrations, each with whether it is undone; None in ``flush``."""
        return self._payload.get("plan")

    @property
    def apps(self) -> Any:
        """The apps and models as they are at this point of the migrations; None in ``flush``."""
        return self._payload.get("apps")

    @property
    def is_flush(self) -> bool:
        """Whether ``flush`` sent it: the tables are there and empty, and nothing was migrated."""
        return "plan" not in self._payload


class PreMigrate(MigrateEvent):
    """The migrations of an app are about to run."""

    __slots__ = ()


class PostMigrate(MigrateEvent):
    """The migrations of an app have run, or its tables were emptied."""

    __slots__ = ()


class RequestStarted(Event):
    """A request has begun."""

    __slots__ = ()

    @property
    def environ(self) -> dict[str, Any] | None:
        """The WSGI environment; None under ASGI."""
        return self._payload.get("environ")

    @property
    def scope(self) -> Mapping[str, Any] | None:
        """The ASGI scope; None under WSGI."""
        return self._payload.get("scope")

    @property
    def is_async(self) -> bool:
        """Whether it came by ASGI."""
        return self.scope is not None

    @property
    def method(self) -> str:
        """Such as ``"GET"``; empty where the server does not say."""
        if self.scope is not None:
            return str(self.scope.get("method", ""))
        return str((self.environ or {}).get("REQUEST_METHOD", ""))

    @property
    def path(self) -> str:
        """The path of the URL, decoded, without the query string."""
        if self.scope is not None:
            return str(self.scope.get("path", ""))
        environ = self.environ
        return "" if environ is None else get_script_name(environ) + get_path_info(environ)


class RequestFinished(Event):
    """A response was sent and closed."""

    __slots__ = ()


class GotRequestException(Event):
    """A view or a middleware raised what nobody handled."""

    __slots__ = ()

    request: HttpRequest

    @property
    def exception(self) -> BaseException | None:
        """What was raised. Only a :class:`~signalkit.receivers.RequestReceiver` has it later on."""
        if "exception" in self._payload:
            exception: BaseException | None = self._payload["exception"]
            return exception
        return sys.exception()


class SettingChanged(Event):
    """A test changed a setting, or changed it back."""

    __slots__ = ()

    setting: str
    value: Any
    """None when the setting is gone again."""

    enter: bool
    """Whether it was changed, rather than changed back."""


class UserLoggedIn(Event):
    """A user has logged in."""

    __slots__ = ()

    request: HttpRequest
    user: Any


class UserLoggedOut(Event):
    """A user has logged out. Sent while the session is still there."""

    __slots__ = ()

    request: HttpRequest
    user: Any
    """None when nobody was logged in."""


class UserLoginFailed(Event):
    """Somebody could not be authenticated."""

    __slots__ = ()

    credentials: dict[str, Any]
    """What was tried. Django has masked what is called a password, and what sounds like one."""

    @property
    def request(self) -> HttpRequest | None:
        """The request; None where ``authenticate()`` was called without."""
        return self._payload.get("request")


class ConnectionCreated(Event):
    """A connection to a database was opened."""

    __slots__ = ()

    connection: BaseDatabaseWrapper

    @property
    def alias(self) -> str:
        """The alias of the database."""
        alias: str = self._payload["connection"].alias
        return alias

    @property
    def vendor(self) -> str:
        """Such as ``"sqlite"``, ``"postgresql"`` or ``"mysql"``, which MariaDB is, too."""
        vendor: str = self._payload["connection"].vendor
        return vendor


class TemplateRendered(Event):
    """A test rendered a template."""

    __slots__ = ()

    template: Any
    context: Any


class AutoreloadStarted(Event):
    """``runserver`` begins to watch files."""

    __slots__ = ()


class FileChanged(Event):
    """A watched file has changed. A receiver that answers with truth keeps the server running."""

    __slots__ = ()

    file_path: Path


class TaskEvent(Event):
    """What the events of Django's tasks have in common."""

    __slots__ = ()

    task_result: Any
    """Django's ``TaskResult``."""

    @property
    def task(self) -> str:
        """The dotted path of the task's function."""
        return str(self._payload["task_result"].task.module_path)

    @property
    def task_id(self) -> str:
        """What tells this call of the task from others."""
        return str(self._payload["task_result"].id)


class TaskEnqueued(TaskEvent):
    """A task was put into a queue."""

    __slots__ = ()


class TaskStarted(TaskEvent):
    """A worker begins with a task."""

    __slots__ = ()


class TaskFinished(TaskEvent):
    """A task has ended, well or not."""

    __slots__ = ()

    @property
    def has_failed(self) -> bool:
        """Whether it ended with an error."""
        return str(self._payload["task_result"].status) == "FAILED"

    @property
    def errors(self) -> Iterable[Any]:
        """Django's ``TaskError`` of each attempt that failed."""
        errors: Iterable[Any] = self._payload["task_result"].errors
        return errors


_CLASSES: dict[str, type[Event]] = {
    "class_prepared": ClassPrepared,
    "pre_init": PreInit,
    "post_init": PostInit,
    "pre_save": PreSave,
    "post_save": PostSave,
    "pre_delete": PreDelete,
    "post_delete": PostDelete,
    "m2m_changed": M2MChanged,
    "pre_migrate": PreMigrate,
    "post_migrate": PostMigrate,
    "request_started": RequestStarted,
    "request_finished": RequestFinished,
    "got_request_exception": GotRequestException,
    "setting_changed": SettingChanged,
    "user_logged_in": UserLoggedIn,
    "user_logged_out": UserLoggedOut,
    "user_login_failed": UserLoginFailed,
    "connection_created": ConnectionCreated,
    "template_rendered": TemplateRendered,
    "autoreload_started": AutoreloadStarted,
    "file_changed": FileChanged,
    "task_enqueued": TaskEnqueued,
    "task_started": TaskStarted,
    "task_finished": TaskFinished,
}


def class_for(signal: Signal) -> type[Event]:
    """Return the class of a signal's events: for one that is not Django's, ``Event`` itself."""
    known = find(signal)
    return Event if known is None else _CLASSES.get(known.name, Event)
