"""Brokers: what carries messages between the processes of a cluster, one engine a module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from sionamespace.brokers.memory import MemoryBroker, MemoryHub
from sionamespace.errors import ConfigurationError
from sionamespace.ports import Broker

__all__ = ["broker_of"]


def broker_of(url: str) -> Broker:
    """The broker that a URL names.

    Raises:
        ConfigurationError: for a scheme that is not known, or whose extra is not installed.
    """
    scheme = urlsplit(url).scheme
    if scheme not in _SCHEMES:
        raise ConfigurationError(
            f"rooms={url!r:.80}: there is no broker for {scheme!r}; expected a URL that begins "
            "with one of: " + ", ".join(f"{known}://" for known in _SCHEMES)
        )
    return _SCHEMES[scheme](url)


def _memory(url: str) -> Broker:
    name = url.partition("://")[2]
    return MemoryBroker(MemoryHub.named(name), name)


_SCHEMES: Mapping[str, Callable[[str], Broker]] = {
    "memory": _memory,
}
