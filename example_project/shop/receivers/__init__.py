"""What follows from what happens in the shop, by subject.

signalkit imports this package when Django is ready; the imports below are all the wiring there is.
Receivers that greet, guard and remember users are in the app `accounts`. `templates` is left out,
and says why.
"""

import django

from . import (
    cache,
    catalogue,
    connections,
    migrations,
    orders,
    plain,
    reload,
    requests,
    search,
    settings,
)

__all__ = [
    "cache",
    "catalogue",
    "connections",
    "migrations",
    "orders",
    "plain",
    "reload",
    "requests",
    "search",
    "settings",
]

if django.VERSION >= (6, 0):
    from . import tasks

    __all__ += ["tasks"]
