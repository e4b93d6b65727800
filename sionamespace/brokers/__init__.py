"""Brokers: what carries messages between the processes of a cluster, one engine a module."""

from __future__ import annotations

from importlib import import_module

from sionamespace.errors import ConfigurationError
from sionamespace.ports import Broker

__all__ = ["broker_of"]

_SCHEMES = {
    "memory": "memory:memory_broker",
    "unix": "unix:UnixBroker",
    **{
        f"{redis}{kind}": module
        for redis in ("redis", "rediss", "valkey", "valkeys")
        for kind, module in {
            "": "redis:RedisBroker",
            "+sentinel": "redis:RedisBroker",
            "+cluster": "redis_cluster:RedisClusterBroker",
            "+node": "nodejs:NodeBroker",
            "+node+sentinel": "nodejs:NodeBroker",
            "+stream": "streams:StreamsBroker",
            "+stream+sentinel": "streams:StreamsBroker",
        }.items()
    },
    "nats": "nats:NatsBroker",
    "nats+tls": "nats:NatsBroker",
    "amqp": "amqp:AmqpBroker",
    "amqps": "amqp:AmqpBroker",
    "postgresql": "postgres:PostgresBroker",
    "postgres": "postgres:PostgresBroker",
}
"""The module of each scheme, and what in it makes a broker of a URL."""
_EXTRAS = {"nodejs": "redis", "redis_cluster": "redis", "streams": "redis"}
"""What must be installed for a module, if it is not named as that is."""


def broker_of(url: str) -> Broker:
    """The broker that a URL names.

    Raises:
        ConfigurationError: a scheme that is not known or whose extra is not installed, or a URL
            that its broker cannot read.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        # The rest of the URL may hold a password.
        raise ConfigurationError(
            f"there is no broker for {scheme if separator else 'a URL without a scheme'!r}; "
            "expected a URL such as redis://localhost:6379, which begins with one of: "
            + ", ".join(f"{known}://" for known in _SCHEMES)
        )
    module, _, name = _SCHEMES[scheme].partition(":")
    try:
        found = import_module(f"sionamespace.brokers.{module}")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{scheme}:// needs the package {error.name!r}, which is not installed: "
            f"pip install 'sionamespace[{_EXTRAS.get(module, module)}]'"
        ) from error
    broker: Broker = getattr(found, name)(url)
    return broker
