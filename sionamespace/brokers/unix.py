"""Processes of one machine, by a Unix socket."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

from sionamespace.brokers.remote import Batch, Lost, Receive, RemoteBroker
from sionamespace.brokers.unix_wire import FrameReader, Kind, frame
from sionamespace.errors import ConfigurationError

__all__ = ["UnixBroker"]


_GONE = "the workers' hub has closed the connection"


class UnixBroker(RemoteBroker):
    """Carries messages among the workers of ``Server.run(workers=...)``, by their hub.

    Args:
        url: ``unix:///path/of/the/socket``.

    Raises:
        ConfigurationError: for another URL.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc or not parts.path:
            raise ConfigurationError(
                f"{url!r:.80} names no Unix socket: expected unix:///path/of/the/socket"
            )
        super().__init__(url)
        self._path = unquote(parts.path)

    def _new_session(self, receive: Receive, lost: Lost) -> _Session:
        return _Session(self._path, receive, lost)


class _Session(asyncio.Protocol):
    """One connection to the hub."""

    def __init__(self, path: str, receive: Receive, lost: Lost) -> None:
        self._path = path
        self._receive = receive
        self._lost = lost
        self._reader = FrameReader()
        self._numbers = itertools.count()
        self._receipts: dict[bytes, asyncio.Future[None]] = {}
        self._transport: asyncio.Transport | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_unix_connection(lambda: self, self._path)

    async def publish(self, batch: Batch) -> None:
        await self._send(
            frame(Kind.MESSAGE, _encode(channel), message) for channel, message in batch
        )

    async def subscribe(self, channels: Sequence[str]) -> None:
        await self._send(frame(Kind.SUBSCRIBE, _encode(channel)) for channel in channels)

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        await self._send(frame(Kind.UNSUBSCRIBE, _encode(channel)) for channel in channels)

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _send(self, frames: Iterable[bytes]) -> None:
        """Send frames, and wait until the hub has obeyed them."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError(_GONE)
        number = b"%d" % next(self._numbers)
        receipt = self._receipts[number] = asyncio.get_running_loop().create_future()
        self._transport.write(b"".join((*frames, frame(Kind.RECEIPT, b"", number))))
        try:
            await receipt
        finally:
            del self._receipts[number]

    # What the connection tells.

    def data_received(self, data: bytes) -> None:
        for kind, channel, message, _ in self._reader.feed(data):
            if kind == Kind.MESSAGE:
                self._receive(channel.decode("utf-8", "surrogatepass"), message)
            elif (receipt := self._receipts.get(message)) is not None and not receipt.done():
                receipt.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        gone = error or ConnectionError(_GONE)
        for receipt in self._receipts.values():
            if not receipt.done():
                receipt.set_exception(gone)
        self._lost(gone)


def _encode(channel: str) -> bytes:
    return channel.encode("utf-8", "surrogatepass")
