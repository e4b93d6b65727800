"""RabbitMQ, by one queue for each node."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

import aio_pika
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractQueue,
)

from sionamespace.brokers.address import Address
from sionamespace.brokers.remote import ASK_EVERY, Batch, Lost, Receive, RemoteBroker
from sionamespace.brokers.short_names import short_name
from sionamespace.brokers.tls import tls_context
from sionamespace.errors import ConfigurationError

__all__ = ["AmqpBroker"]

EXCHANGE = "sionamespace"


class AmqpBroker(RemoteBroker):
    """Carries messages over RabbitMQ, or another server that speaks AMQP 0.9.1.

    There is one exchange, ``sionamespace``; each node has a queue that is gone when its connection
    is, so what is published meanwhile does not reach it. The server confirms what it has taken.

    Args:
        url: ``amqp://username:password@host:port,host:port/vhost``, or ``amqps://...`` with TLS
            and ``cafile``, ``certfile`` and ``keyfile`` in a query. Of several servers the first
            that answers is used.

    Raises:
        ConfigurationError: the URL says what cannot be.
    """

    def __init__(self, url: str) -> None:
        secure = url.startswith("amqps:")
        self._address = Address.parse(url, 5671 if secure else 5672)
        super().__init__(self._address.name)
        self._tls = tls_context(self._address, secure)
        if self._address.options:
            raise ConfigurationError(
                f"{self.name}: {[*self._address.options]} is not known; expected of options only "
                "cafile, certfile and keyfile"
            )

    def _new_session(self, receive: Receive, lost: Lost) -> _Session:
        return _Session(self._address, self._tls, receive, lost)


class _Session:
    """One connection, with a channel to publish by and one to receive."""

    _connection: AbstractConnection | None = None
    _exchange: AbstractExchange
    _queue: AbstractQueue

    def __init__(
        self, address: Address, tls: ssl.SSLContext | None, receive: Receive, lost: Lost
    ) -> None:
        self._address = address
        self._tls = tls
        self._receive = receive
        self._lost = lost
        self._channels: dict[str, str] = {}

    async def open(self) -> None:
        await _all([self._open()])

    async def publish(self, batch: Batch) -> None:
        await _all(self._send(channel, message) for channel, message in batch)

    async def subscribe(self, channels: Sequence[str]) -> None:
        for channel in channels:
            self._channels[short_name(channel)] = channel
        await _all([self._bind(channels)])

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        await _all(self._queue.unbind(EXCHANGE, short_name(channel)) for channel in channels)
        for channel in channels:
            self._channels.pop(short_name(channel), None)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _open(self) -> None:
        self._connection = await self._connect()
        self._connection.close_callbacks.add(self._closed)
        sending, receiving = [await self._open_channel() for _ in range(2)]
        self._exchange = await sending.declare_exchange(EXCHANGE, durable=True)
        self._queue = await receiving.declare_queue(exclusive=True, auto_delete=True)
        await self._queue.consume(self._take, no_ack=True)

    async def _bind(self, channels: Sequence[str]) -> None:
        """Bind the queue to all, which the server does in this order, and tells for the last."""
        receiving = await self._queue.channel.get_underlay_channel()
        *others, last = map(short_name, channels)
        for name in others:
            await receiving.queue_bind(self._queue.name, EXCHANGE, name, nowait=True)
        await receiving.queue_bind(self._queue.name, EXCHANGE, last)

    async def _send(self, channel: str, message: bytes) -> None:
        content = aio_pika.Message(message)
        await self._exchange.publish(content, short_name(channel), mandatory=False)

    async def _connect(self) -> AbstractConnection:
        error: Exception | None = None
        for host, port in self._address.hosts:
            try:
                return await aio_pika.connect(
                    host=host,
                    port=port,
                    login=self._address.username or "guest",
                    password=self._address.password or "guest",
                    virtualhost=self._address.path or "/",
                    ssl=self._tls is not None,
                    ssl_context=self._tls,
                    heartbeat=int(ASK_EVERY),  # three that do not come, and it counts as gone
                )
            except Exception as failed:
                error = failed
        assert error is not None
        raise error

    async def _open_channel(self) -> AbstractChannel:
        assert self._connection is not None
        channel: AbstractChannel = await self._connection.channel()
        channel.close_callbacks.add(self._closed)
        return channel

    async def _take(self, message: AbstractIncomingMessage) -> None:
        if (channel := self._channels.get(message.routing_key or "")) is not None:
            self._receive(channel, message.body)

    def _closed(self, _: Any, error: BaseException | None) -> None:
        why = error if isinstance(error, Exception) else None
        self._lost(why or ConnectionError("the server has closed the connection"))


async def _all(steps: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run steps, which begin in this order, until all have ended.

    The package cancels what waits for a connection that breaks, which is not for us to be: nobody
    has cancelled whoever called us.
    """
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        if tasks:
            await asyncio.wait(tasks)
        errors = [task.exception() for task in tasks if not task.cancelled()]
        if len(errors) < len(tasks):
            raise ConnectionError("the connection broke")
        for error in filter(None, errors):
            raise error
    finally:
        for task in tasks:
            task.cancel()
