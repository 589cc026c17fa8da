"""Everything signalkit raises on purpose: one base, one class per cause."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError
from django.db.transaction import TransactionManagementError


class SignalkitError(Exception):
    """Base of every error that signalkit raises."""


class ConfigurationError(SignalkitError, ImproperlyConfigured):
    """The ``SIGNALKIT`` setting is not usable as it stands."""


class DeclarationError(SignalkitError, ImproperlyConfigured):
    """A receiver, or a typed signal, is declared in a way that cannot work."""

    filename: str | None = None
    """The file to correct, where it is known. ``runserver`` watches it, as it does the one that a
    SyntaxError names: a module whose import failed is not among those that it watches anyway."""


class UnknownOption(DeclarationError, TypeError):
    """A receiver is declared with a keyword that neither signalkit nor Django has."""


class NotInstalled(DeclarationError):
    """Receivers are declared, but nothing connects them: ``signalkit`` is not installed."""


class SenderError(DeclarationError):
    """A receiver names a sender that its signal never has."""


class NameClash(DeclarationError):
    """Two receivers claim one name."""


class OrderError(DeclarationError):
    """The receivers' ``order`` and ``after`` contradict each other."""


class PhaseUnavailable(DeclarationError):
    """A receiver names a phase that no installed app runs."""


class PayloadError(SignalkitError, TypeError):
    """A typed signal is sent with something else than it was declared with."""


class UnknownReceiver(SignalkitError, LookupError):
    """No receiver is declared under this name."""


class UnknownFilter(SignalkitError, LookupError):
    """Something is asked for that this process does not have."""


class ReentryError(SignalkitError, RuntimeError):
    """A receiver was reached again by what it did itself, on the same object."""


class WriteRefused(SignalkitError, RuntimeError):
    """A receiver tried to write where it must not."""


class BeforeCommitLoop(SignalkitError, RuntimeError):
    """Before-commit work kept queueing more before-commit work."""


class TransactionAborted(SignalkitError, TransactionManagementError):
    """The transaction was already lost when its COMMIT was due; it was rolled back."""


class RelatedNotCreated(SignalkitError, IntegrityError):
    """A row that was to be made with another one is refused by the database."""


class Veto(ValidationError):
    """Raised by a receiver to refuse what its sender is about to do.

    It takes what :class:`~django.core.exceptions.ValidationError` takes: a message, a list of
    messages, or a dictionary from field names to messages. The forms, views and admin classes
    in :mod:`signalkit.veto` show it to the user; everywhere else it propagates.
    """


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint such as ``" Did you mean 'phase'?"``, or an empty string."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {matches[0]!r}?" if matches else ""
