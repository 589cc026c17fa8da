"""Hooks on the life of a database transaction, beyond Django's ``on_commit``."""

from signalkit.transactions.hooks import after_commit, after_rollback, before_commit

__all__ = ["after_commit", "after_rollback", "before_commit"]
