"""How Redis and Valkey are connected to: one server, or the master that sentinels name."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from sionamespace.brokers.address import Address
from sionamespace.brokers.remote import PATIENCE, SILENCE
from sionamespace.errors import ConfigurationError

__all__ = ["address_of", "close_client", "connection_options", "new_client"]

PORT = 6379
SENTINEL_PORT = 26379
SENTINEL_PATIENCE = 1.0
"""Seconds for one sentinel, so that there is time to ask the others."""


def address_of(url: str) -> Address:
    """Where a URL leads."""
    scheme, _, _ = url.partition("://")
    return Address.parse(url, SENTINEL_PORT if scheme.endswith("+sentinel") else PORT)


def connection_options(address: Address) -> dict[str, Any]:
    """How to connect, in the words of the ``redis`` package, but for where.

    Nothing is tried again behind our back: the cluster does that.

    Raises:
        ConfigurationError: the URL has an option with a value that it cannot have.
    """
    try:
        given: dict[str, Any] = {**parse_url(f"redis://?{urlencode(address.options)}")}
    except ValueError as error:
        raise ConfigurationError(f"{address.name}: {error}") from None
    return {
        "username": address.username,
        "password": address.password,
        "socket_timeout": SILENCE,
        "socket_connect_timeout": PATIENCE,
        "socket_keepalive": True,
        "ssl": address.scheme.startswith(("rediss", "valkeys")),
        **given,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }


def new_client(address: Address) -> Redis:
    """A client of one server, or, for a scheme with ``+sentinel``, of the master that they name.

    Raises:
        ConfigurationError: the URL says what cannot be.
    """
    try:
        client = _client(address, connection_options(address))
        client.connection_pool.make_connection()  # it reads the options, and raises
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{address.name}: {error}") from None
    return client


def _client(address: Address, options: dict[str, Any]) -> Redis:
    if not address.scheme.endswith("+sentinel"):
        (host, port), *_ = address.hosts
        return Redis(host=host, port=port, db=int(address.path or 0), **options)
    master, _, database = address.path.partition("/")
    if not master:
        raise ValueError("expected the name of the master as path, host:port/master")
    client: Redis = _sentinels(address, options).master_for(master, db=int(database or 0))
    return client


def _sentinels(address: Address, options: dict[str, Any]) -> Sentinel:
    own = {name: value for name, value in options.items() if name.startswith("ssl")}
    for name in ("username", "password"):
        own[name] = options.pop(f"sentinel_{name}", None)
    own |= {"socket_timeout": SENTINEL_PATIENCE, "socket_connect_timeout": SENTINEL_PATIENCE}
    own["retry"] = options["retry"]
    return Sentinel(address.hosts, sentinel_kwargs=own, **options)


async def close_client(client: Redis) -> None:
    """Close a client's connections, and those to the sentinels that it asked."""
    manager = getattr(client.connection_pool, "sentinel_manager", None)
    for each in (client, *(manager.sentinels if manager else ())):
        await each.aclose()
