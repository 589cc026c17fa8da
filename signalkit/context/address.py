"""Which address a request came from, as far as those who report it are trusted."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from signalkit.conf import config
from signalkit.conf.context import UNIX, Network

Address = IPv4Address | IPv6Address


def client_address(meta: Mapping[str, Any]) -> str | None:
    """Return the client's address.

    That is the peer of the connection. If the peer is a trusted proxy, it is whom the proxy
    reports at the end of ``X-Forwarded-For``, and so on, to the first who is not trusted.

    Args:
        meta: as ``HttpRequest.META``.

    Returns:
        the address in its canonical form, or None when there is no valid one.
    """
    trusted = config().CONTEXT.TRUSTED_PROXIES
    peer = str(meta.get("REMOTE_ADDR") or "").strip()
    client = read_address(peer)
    if not (_is_trusted(client, trusted) if client else not peer and UNIX in trusted):
        return str(client) if client else None
    for entry in reversed(str(meta.get("HTTP_X_FORWARDED_FOR") or "").split(",")):
        reported = read_address(entry)
        if reported is None:
            break
        client = reported
        if not _is_trusted(client, trusted):
            break
    return str(client) if client else None


def read_address(text: str) -> Address | None:
    """Read ``192.0.2.1``, ``192.0.2.1:80``, ``2001:db8::1``, ``[2001:db8::1]:80`` and the like.

    Returns:
        the address, or None when it is malformed. An IPv4 address mapped to IPv6 is the IPv4 one,
        and a zone (``fe80::1%eth0``) is left out.
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text, bracket, rest = text[1:].partition("]")
        if not bracket or not _is_port(rest):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    if ":" in text:
        text = text.partition("%")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_port(text: str) -> bool:
    return not text or (text[0] == ":" and text[1:].isascii() and text[1:].isdigit())


def _is_trusted(address: Address, trusted: tuple[Network | str, ...]) -> bool:
    return any(not isinstance(network, str) and address in network for network in trusted)
