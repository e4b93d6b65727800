"""`Proxies`: those in front of the server, and what they say of a client."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

__all__ = ["Proxies", "forwards"]

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

_SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}


class Proxies:
    """The proxies that are believed.

    Each one adds the address that connected to it at the end of ``X-Forwarded-For``, so that only
    what stands right of the first stranger is true; a client may have written the rest.

    Args:
        trusted: addresses and networks, and ``unix`` for who connects by a Unix socket; or how
            many proxies there are, whatever their addresses.
    """

    def __init__(self, trusted: int | Iterable[str]) -> None:
        self._count = trusted if isinstance(trusted, int) else 0
        names = () if isinstance(trusted, int) else tuple(trusted)
        self._unix = "unix" in names
        self._networks = [ipaddress.ip_network(name) for name in names if name != "unix"]

    def see_through(self, environ: Mapping[str, Any]) -> Mapping[str, Any]:
        """The environ of a request with the address, scheme and host that the client has.

        From a peer that is not believed it is as it was.
        """
        peer = str(environ.get("REMOTE_ADDR", ""))
        client, hops = self._client(peer, _list(environ, "FOR"))
        if not hops:
            return environ
        seen = {**environ, "REMOTE_ADDR": client}
        if client != peer:
            seen.pop("REMOTE_PORT", None)
        scheme = _SCHEMES.get(_said_by(hops, _list(environ, "PROTO")).lower())
        host = _said_by(hops, _list(environ, "HOST"))
        if scheme:
            seen["wsgi.url_scheme"] = scheme
        if host:
            seen["HTTP_HOST"] = host
        return seen

    def _client(self, peer: str, forwarded: list[str]) -> tuple[str, int]:
        """The client's address, and how many proxies lie between."""
        address, hops = peer, 0
        while self._trusts(address, hops):
            hops += 1
            said = _parse(forwarded.pop()) if forwarded else None
            if said is None:
                break
            address = str(said)
        return address, hops

    def _trusts(self, address: str, hops: int) -> bool:
        if self._count:
            return hops < self._count
        parsed = _parse(address)
        if parsed is None:  # web servers differ in what they call a Unix socket
            return self._unix
        return any(parsed in network for network in self._networks)


def forwards(environ: Mapping[str, Any]) -> bool:
    """Whether a request says that a proxy forwards it."""
    return any(f"HTTP_X_FORWARDED_{name}" in environ for name in ("FOR", "PROTO", "HOST"))


def _list(environ: Mapping[str, Any], name: str) -> list[str]:
    value = str(environ.get(f"HTTP_X_FORWARDED_{name}", ""))
    return [part.strip() for part in value.split(",")] if value else []


def _said_by(hops: int, values: list[str]) -> str:
    """What the outermost proxy said, where each adds to a list; or the only one that did."""
    return values[-min(hops, len(values))] if values else ""


def _parse(text: str) -> Address | None:
    """An address, which may have a port; None for anything else."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)  # an IPv4 client of an IPv6 socket
    return address if mapped is None else mapped
