"""``SIGNALKIT["CONTEXT"]``: whom to believe about where a request comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal, TypeAlias

from signalkit.conf.values import SETTING, names, refuse_unknown, wrong

Network: TypeAlias = IPv4Network | IPv6Network
Proxy: TypeAlias = Network | Literal["unix"]

UNIX: Literal["unix"] = "unix"
"""Stands for a proxy that is connected by a unix socket, which has no address."""


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """The upper-case names are the keys of the dictionary."""

    TRUSTED_PROXIES: tuple[Proxy, ...] = ()
    """Whose ``X-Forwarded-For`` is believed; ``"unix"`` is a peer without an address."""

    CORRELATION_HEADER: str | None = "X-Request-ID"
    """The header that brings a correlation id, and takes it back with the response. With None,
    every request gets a new one and says nothing of it."""


DEFAULT = ContextSettings()

_KEY = "['CONTEXT']"
_HEADER = re.compile(r"[A-Za-z0-9-]+")


def parse_context(value: object) -> ContextSettings:
    """Read it.

    Raises:
        ConfigurationError: it is no dictionary, or has an unknown key or a wrong value.
    """
    if not isinstance(value, Mapping):
        raise wrong(_KEY, value, "a dictionary such as {'TRUSTED_PROXIES': ['10.0.0.0/8']}")
    refuse_unknown(f"{SETTING}{_KEY}", value, [field.name for field in fields(ContextSettings)])
    return ContextSettings(
        TRUSTED_PROXIES=_proxies(value.get("TRUSTED_PROXIES", ())),
        CORRELATION_HEADER=_header(value.get("CORRELATION_HEADER", DEFAULT.CORRELATION_HEADER)),
    )


def _proxies(value: object) -> tuple[Proxy, ...]:
    key = f"{_KEY}['TRUSTED_PROXIES']"
    wanted = "a list of addresses and networks such as ['127.0.0.1', '10.0.0.0/8'], or 'unix'"
    return tuple(_proxy(name, value) for name in names(key, value, wanted))


def _proxy(name: str, value: object) -> Proxy:
    if name == UNIX:
        return UNIX
    key = f"{_KEY}['TRUSTED_PROXIES']"
    try:
        network = ip_network(name)
    except ValueError as error:
        wanted = f"addresses, networks, or 'unix', which {name!r} is not ({error})"
        raise wrong(key, value, wanted) from error
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise wrong(key, value, f"IPv4 addresses written as such, which {name!r} is not")
    return network


def _header(value: object) -> str | None:
    if value is None or (isinstance(value, str) and _HEADER.fullmatch(value)):
        return value
    wanted = "the name of a header such as 'X-Request-ID', or None"
    raise wrong(f"{_KEY}['CORRELATION_HEADER']", value, wanted)
