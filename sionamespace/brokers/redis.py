"""Redis and Valkey, by publish and subscribe."""

from __future__ import annotations

from redis.asyncio import Redis

from sionamespace.brokers.address import Address
from sionamespace.brokers.redis_client import address_of, close_client, new_client
from sionamespace.brokers.redis_subscriber import Subscriber, encode
from sionamespace.brokers.remote import Batch, Lost, Receive, RemoteBroker

__all__ = ["RedisBroker", "RedisSession"]


class RedisBroker(RemoteBroker):
    """Carries messages over the channels of a Redis or Valkey server.

    What is published while a node's connection is away does not reach it;
    `sionamespace.brokers.streams.StreamsBroker` keeps it.

    Args:
        url: ``redis://username:password@host:port/database``, ``rediss://...`` with TLS, or
            ``redis+sentinel://host:port,host:port/master/database``. A query holds options of
            the ``redis`` package, as in ``?ssl_ca_certs=/etc/ssl/ours.pem``.

    Raises:
        ConfigurationError: the URL says what cannot be.
    """

    def __init__(self, url: str | Address) -> None:
        self._address = address_of(url) if isinstance(url, str) else url
        super().__init__(self._address.name)
        new_client(self._address)  # what is wrong with the URL is said now

    def _new_session(self, receive: Receive, lost: Lost) -> RedisSession:
        return RedisSession(new_client(self._address), receive, lost)


class RedisSession:
    """One connection to publish by, and one to receive."""

    def __init__(self, client: Redis, receive: Receive, lost: Lost, patterns: bool = False) -> None:
        self._client = client
        connection = client.connection_pool.make_connection()
        self._subscriber = Subscriber(connection, receive, lost, patterns=patterns)
        self.subscribe = self._subscriber.subscribe
        self.unsubscribe = self._subscriber.unsubscribe

    async def open(self) -> None:
        await self._client.ping()
        await self._subscriber.open()

    async def publish(self, batch: Batch) -> None:
        async with self._client.pipeline(transaction=False) as pipeline:
            for channel, message in batch:
                pipeline.publish(encode(channel), message)
            await pipeline.execute()

    async def close(self) -> None:
        await self._subscriber.close()
        await close_client(self._client)
