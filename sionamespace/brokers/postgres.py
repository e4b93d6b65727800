"""PostgreSQL, by LISTEN and NOTIFY."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

from sionamespace.brokers.address import Address
from sionamespace.brokers.parts import Parts
from sionamespace.brokers.remote import (
    ASK_EVERY,
    PATIENCE,
    SILENCE,
    Batch,
    Lost,
    Receive,
    RemoteBroker,
)
from sionamespace.brokers.short_names import short_name

__all__ = ["PostgresBroker"]

PORT = 5432
PIECE = 7999 // 4 * 3
"""Bytes of a message for which, as base64, there is room in a notification."""
NOTIFY = "SELECT pg_notify(to_, text_) FROM unnest($1::text[], $2::text[]) AS all_(to_, text_)"


class PostgresBroker(RemoteBroker):
    """Carries messages by the notifications of a PostgreSQL database.

    A notification is text of less than 8000 bytes, so a message goes as base64, and a larger one
    in parts. A table for these would take rights to make it, somebody to clean it, and a query
    by each node for each message; parts take nothing, and come in order with all the others.

    Args:
        url: ``postgresql://username:password@host:port/database``; the query is as for ``asyncpg``,
            for example ``?sslmode=verify-full&sslrootcert=/etc/ssl/ours.pem``.

    Raises:
        ConfigurationError: the URL says what cannot be.
    """

    def __init__(self, url: str) -> None:
        super().__init__(Address.parse(url, PORT).name)
        self._url = url

    def _new_session(self, receive: Receive, lost: Lost) -> _Session:
        return _Session(self._url, receive, lost)


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """Hands notifications on as they are read.

    The package would have a listener, and a query of its own, for each channel.
    """

    take: Callable[[str, str], object]

    def _process_notification(self, pid: int, name: str, text: str) -> None:
        self.take(name, text)


class _Session:
    """One connection to notify by, and one to listen."""

    def __init__(self, url: str, receive: Receive, lost: Lost) -> None:
        self._url = url
        self._receive = receive
        self._lost = lost
        self._parts = Parts()
        self._channels: dict[str, str] = {}
        self._connections: list[_Connection] = []
        self._turn = asyncio.Lock()
        self._asking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        for _ in range(2):
            # No prepared statements, which a pooler in between could not keep.
            connection = await asyncpg.connect(
                self._url,
                statement_cache_size=0,
                timeout=PATIENCE,
                command_timeout=SILENCE,
                connection_class=_Connection,
            )
            connection.take = self._take
            self._connections.append(connection)
            connection.add_termination_listener(self._terminated)
        self._notifying, self._listening = self._connections
        self._asking = asyncio.create_task(self._ask())

    async def publish(self, batch: Batch) -> None:
        pieces = [
            (short_name(channel), b64encode(piece).decode())
            for channel, message in batch
            for piece in self._parts.split(message, PIECE)
        ]
        await self._notifying.execute(NOTIFY, *zip(*pieces, strict=True))

    async def subscribe(self, channels: Sequence[str]) -> None:
        self._channels.update((short_name(channel), channel) for channel in channels)
        await self._tell("LISTEN", channels)

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        await self._tell("UNLISTEN", channels)
        for channel in channels:
            self._channels.pop(short_name(channel), None)

    async def _tell(self, word: str, channels: Sequence[str]) -> None:
        async with self._turn:
            names = map(short_name, channels)
            await self._listening.execute("; ".join(f'{word} "{name}"' for name in names))

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        for connection in self._connections:
            connection.terminate()

    async def _ask(self) -> None:
        """See that the server is there; the connection itself would wait forever."""
        try:
            while True:
                await asyncio.sleep(ASK_EVERY)
                async with self._turn:
                    await self._listening.execute("SELECT 1", timeout=SILENCE - ASK_EVERY)
        except Exception as error:
            self._lost(error)

    def _take(self, name: str, text: str) -> None:
        if name in self._channels:
            channel = self._channels[name]
            try:
                message = self._parts.join(channel, b64decode(text))
            except ValueError:
                return  # somebody else's
            if message is not None:
                self._receive(channel, message)

    def _terminated(self, _: Any) -> None:
        self._lost(ConnectionError("the server has closed the connection"))
