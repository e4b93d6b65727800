"""Redis and Valkey, by the channels of Node's ``@socket.io/redis-adapter``."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import Redis

from sionamespace.brokers.redis import RedisBroker, RedisSession
from sionamespace.brokers.redis_client import address_of, new_client
from sionamespace.brokers.remote import Lost, Receive, RemoteBroker

__all__ = ["NodeBroker"]


class NodeBroker(RemoteBroker):
    """Carries messages as `sionamespace.brokers.redis.RedisBroker` does, and knows who listens.

    A channel that ends with ``*`` is a pattern, with ``? * [ \\`` escaped in what it begins with.

    Args:
        url: as for that one, with ``+node`` after ``redis``, and perhaps ``?key=``, which is the
            option of that name of the npm package.

    Raises:
        ConfigurationError: the URL says what cannot be.
    """

    def __init__(self, url: str) -> None:
        self._address = address_of(url)
        super().__init__(self._address.name)
        self.node_key = self._address.options.pop("key", "socket.io")
        new_client(self._address)  # what is wrong with the URL is said now

    def plain(self) -> RedisBroker:
        """Another one to the same server, for what has nothing to do with Node."""
        return RedisBroker(self._address)

    async def count(self, channel: str) -> int:
        """How many are subscribed to a channel."""
        session: Any = self._opened()
        found: int = await session.count(channel)
        return found

    def _new_session(self, receive: Receive, lost: Lost) -> _Session:
        return _Session(new_client(self._address), receive, lost)


class _Session(RedisSession):
    def __init__(self, client: Redis, receive: Receive, lost: Lost) -> None:
        super().__init__(client, receive, lost, patterns=True)
        self._counting = asyncio.Lock()
        self._is_closed = False

    async def count(self, channel: str) -> int:
        async with self._counting:  # by one connection, however many ask at once
            if self._is_closed:  # the client would open a new one
                raise ConnectionError("the connection to the server was closed")
            [(_, number)] = await self._client.pubsub_numsub(channel)
        return int(number)

    async def close(self) -> None:
        self._is_closed = True
        await super().close()
