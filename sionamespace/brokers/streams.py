"""Redis and Valkey, by a stream: nothing is lost while a node or its connection is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis

from sionamespace.brokers.redis_client import address_of, close_client, new_client
from sionamespace.brokers.redis_subscriber import decode, encode
from sionamespace.brokers.remote import ASK_EVERY, Batch, Lost, Receive, RemoteBroker
from sionamespace.errors import ConfigurationError

__all__ = ["StreamsBroker"]

READ = 100
"""Entries that are read at once; each may be large."""
CHANNEL, MESSAGE = b"c", b"m"
MARK: dict[Any, Any] = {CHANNEL: b""}
START = b"0-0"

log = logging.getLogger("sionamespace.cluster")


class StreamsBroker(RemoteBroker):
    """Carries messages by one stream, which each node reads on from where it was.

    Every message comes to every node. A node that is away until the stream was trimmed past what
    it has read misses some; that is logged, and counted in ``gaps``.

    Args:
        url: ``redis+stream://username:password@host:port/database?stream=name&maxlen=10000``;
            also with ``rediss``, and with ``+sentinel`` at the end of the scheme, as for
            `sionamespace.brokers.redis.RedisBroker`. ``maxlen`` is how many messages are kept.

    Raises:
        ConfigurationError: the URL says what cannot be.
    """

    filters = False
    keeps = True

    def __init__(self, url: str) -> None:
        address = address_of(url)
        super().__init__(address.name)
        name = address.options.pop("stream", "sionamespace")
        maxlen = address.options.pop("maxlen", "10000")
        if not maxlen.isdecimal() or int(maxlen) < READ:
            raise ConfigurationError(
                f"{self.name}: maxlen is {maxlen!r}; expected how many messages to keep, "
                f"{READ} or more"
            )
        self._address = address
        self._stream = _Stream(name, int(maxlen))
        new_client(address)  # what is wrong with the URL is said now

    @property
    def gaps(self) -> int:
        """How often messages were gone before this node has read them."""
        return self._stream.gaps

    def _new_session(self, receive: Receive, lost: Lost) -> _Session:
        return _Session(new_client(self._address), self._stream, receive, lost)


class _Session:
    """One connection to append by, and one that waits for what comes."""

    def __init__(self, client: Redis, stream: _Stream, receive: Receive, lost: Lost) -> None:
        self._client = client
        self._stream = stream
        self._receive = receive
        self._lost = lost
        self._listens = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self._stream.find_place(self._client)
        self._reader = asyncio.create_task(self._read())

    async def publish(self, batch: Batch) -> None:
        await self._stream.append(self._client, batch)

    async def subscribe(self, channels: Sequence[str]) -> None:
        """All come; but whoever only sends does not read what they do not want."""
        self._listens.set()

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        """All come anyway."""

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
        await close_client(self._client)

    async def _read(self) -> None:
        try:
            while not self._listens.is_set():
                await self._client.ping()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._listens.wait(), ASK_EVERY)
            while True:
                for channel, message in await self._stream.read(self._client):
                    self._receive(channel, message)
        except Exception as error:
            self._lost(error)


class _Stream:
    """The stream, and how far it was read; it outlives the connections."""

    def __init__(self, name: str, maxlen: int) -> None:
        self._name = name
        self._maxlen = maxlen
        self._last = b""
        self.gaps = 0

    async def append(self, client: Redis, batch: Batch) -> None:
        async with client.pipeline(transaction=False) as pipeline:
            for channel, message in batch:
                entry: dict[Any, Any] = {CHANNEL: encode(channel), MESSAGE: message}
                pipeline.xadd(self._name, entry, maxlen=self._maxlen)
            await pipeline.execute()

    async def find_place(self, client: Redis) -> None:
        """Begin after a mark of our own; or go on after the last entry, if that is still there."""
        mark: Any = await client.xadd(self._name, MARK, maxlen=self._maxlen)
        if not self._last:
            self._last = mark
        elif _order(mark) < _order(self._last):  # a server with another clock, and no stream
            self._gap()
        else:
            await self._look_back(client)

    async def read(self, client: Redis) -> Batch:
        """What was appended since the last time; waits for some, but not forever."""
        wait = int(ASK_EVERY * 1000)
        found: Any = await client.xread({self._name: self._last}, count=READ, block=wait)
        for _, entries in found:
            if len(entries) == READ:  # perhaps more was appended meanwhile than is kept
                await self._look_back(client)
            self._last = entries[-1][0]
            return [(decode(e[CHANNEL]), e[MESSAGE]) for _, e in entries if MESSAGE in e]
        return ()

    async def _look_back(self, client: Redis) -> None:
        found: Any = await client.xrange(self._name, count=1)
        for first, _ in found:
            if _order(first) > _order(self._last) and self._last != START:
                self._gap()

    def _gap(self) -> None:
        self.gaps += 1
        log.warning(
            "stream %s: messages that followed %s were gone before this node has read them; "
            "to keep more for nodes that are away, raise maxlen=%d in the URL of the broker",
            *(self._name, self._last.decode(), self._maxlen),
        )
        self._last = START


def _order(entry: bytes) -> tuple[int, ...]:
    """What the ids of entries are ordered by."""
    return tuple(map(int, entry.split(b"-")))
