"""Redis and Valkey Cluster, by sharded channels."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException

from sionamespace.brokers.address import Address
from sionamespace.brokers.redis_client import address_of, connection_options
from sionamespace.brokers.redis_subscriber import Subscriber, encode
from sionamespace.brokers.remote import Batch, Lost, Receive, RemoteBroker
from sionamespace.errors import ConfigurationError

__all__ = ["RedisClusterBroker"]


class RedisClusterBroker(RemoteBroker):
    """Carries messages over the sharded channels of a cluster of Redis 7 or Valkey servers.

    A channel is on the server that has its slot, so what is sent to one channel comes in order,
    and what is sent to several may not. When channels move to another server, the connection
    counts as lost.

    Args:
        url: ``redis+cluster://username:password@host:port,host:port``, or with ``rediss``: some
            of the servers, which know the others.

    Raises:
        ConfigurationError: the URL says what cannot be.
    """

    def __init__(self, url: str) -> None:
        self._address = address_of(url)
        super().__init__(self._address.name)
        _new_client(self._address)  # what is wrong with the URL is said now

    def _new_session(self, receive: Receive, lost: Lost) -> _Session:
        return _Session(_new_client(self._address), receive, lost)


def _new_client(address: Address) -> RedisCluster:
    try:
        nodes = [ClusterNode(host, port) for host, port in address.hosts]
        options = connection_options(address)
        return RedisCluster(startup_nodes=nodes, db=int(address.path or 0), **options)
    except (TypeError, ValueError, RedisClusterException) as error:
        raise ConfigurationError(f"{address.name}: {error}") from None


class _Session:
    """Connections to publish by, and one to each server to receive."""

    def __init__(self, client: RedisCluster, receive: Receive, lost: Lost) -> None:
        self._client = client
        self._receive = receive
        self._lost = lost
        self._subscribers: dict[str, Subscriber] = {}
        self._homes: dict[str, Subscriber] = {}

    async def open(self) -> None:
        await self._client.initialize()
        for node in self._client.get_primaries():
            connection = node.acquire_connection()
            subscriber = Subscriber(connection, self._receive, self._lost, sharded=True)
            self._subscribers[node.name] = subscriber
            await subscriber.open()

    async def publish(self, batch: Batch) -> None:
        async with self._client.pipeline() as pipeline:
            for channel, message in batch:
                pipeline.execute_command("SPUBLISH", encode(channel), message)
            await pipeline.execute()

    async def subscribe(self, channels: Sequence[str]) -> None:
        for channel in channels:
            self._homes[channel] = self._home_of(channel)
        await self._ask(Subscriber.subscribe, channels)

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        await self._ask(Subscriber.unsubscribe, channels)
        for channel in channels:
            self._homes.pop(channel, None)

    async def close(self) -> None:
        for subscriber in self._subscribers.values():
            await subscriber.close()
        await self._client.aclose()

    def _home_of(self, channel: str) -> Subscriber:
        node: Any = self._client.get_node_from_key(encode(channel))  # type: ignore[arg-type]
        if node is None or node.name not in self._subscribers:
            raise ConnectionError(f"no known server of the cluster has the slot of {channel!r:.80}")
        return self._subscribers[node.name]

    async def _ask(self, what: Callable[..., Awaitable[None]], channels: Sequence[str]) -> None:
        homes = defaultdict(list)
        for channel in channels:
            if channel in self._homes:
                homes[self._homes[channel]].append(channel)
        await asyncio.gather(*(what(home, its) for home, its in homes.items()))
