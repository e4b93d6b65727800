"""`Subscriber`: the one connection to a Redis server by which its messages come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio.connection import AbstractConnection

from sionamespace.brokers.remote import ASK_EVERY, SILENCE

__all__ = ["Subscriber", "decode", "encode"]


def encode(channel: str) -> bytes:
    """A channel as Redis has it."""
    return channel.encode("utf-8", "surrogatepass")


def decode(channel: bytes) -> str:
    """A channel as we have it."""
    return channel.decode("utf-8", "surrogatepass")


class Subscriber:
    """Receives on a connection of its own, which the package's ``PubSub`` would open anew silently.

    Args:
        connection: to the server; nobody else uses it.
        receive: called with the channel and each message.
        lost: called when the connection broke, or the server says nothing though it was asked.
        sharded: use the sharded channels of Redis Cluster.
        patterns: what ends with ``*`` is a pattern of channels.
    """

    def __init__(
        self,
        connection: AbstractConnection,
        receive: Callable[[str, bytes], object],
        lost: Callable[[Exception], object],
        sharded: bool = False,
        patterns: bool = False,
    ) -> None:
        self._connection = connection
        self._receive = receive
        self._lost = lost
        self._prefix = "S" if sharded else ""
        self._patterns = patterns
        self._asked: set[tuple[bytes, bytes]] = set()
        self._confirmed: asyncio.Future[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connect, and receive from now on."""
        await self._connection.connect()
        self._tasks = [asyncio.create_task(step()) for step in (self._read, self._ask)]

    async def subscribe(self, channels: Sequence[str]) -> None:
        """Receive what is sent to channels; returns when that is in effect."""
        await self._command("SUBSCRIBE", channels)

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        """Receive it no more; returns when that is in effect."""
        await self._command("UNSUBSCRIBE", channels)

    async def close(self) -> None:
        """Receive nothing any more."""
        for task in self._tasks:
            task.cancel()
        with suppress(Exception):
            await self._connection.disconnect(nowait=True)

    async def _command(self, word: str, channels: Sequence[str]) -> None:
        commands = [(self._word(word, name), encode(name)) for name in dict.fromkeys(channels)]
        self._asked = {(command.lower().encode(), name) for command, name in commands}
        self._confirmed = asyncio.get_running_loop().create_future()
        # One command for each: sharded ones take several channels of one slot only.
        await self._send(*commands)
        await self._confirmed

    def _word(self, word: str, channel: str) -> str:
        return f"P{word}" if self._patterns and channel.endswith("*") else f"{self._prefix}{word}"

    async def _send(self, *commands: tuple[str | bytes, ...]) -> None:
        await self._connection.send_packed_command(
            self._connection.pack_commands(commands), check_health=False
        )

    async def _read(self) -> None:
        try:
            while (reply := await self._connection.read_response(timeout=SILENCE)) is not None:
                self._take(reply)
            raise TimeoutError(f"the server said nothing for {SILENCE:g} s")
        except Exception as error:
            if self._confirmed is not None and not self._confirmed.done():
                self._confirmed.set_exception(error)
                self._confirmed.exception()  # whoever waits for it may have gone
            self._lost(error)

    def _take(self, reply: Any) -> None:
        if not isinstance(reply, list) or reply[0] == b"pong":
            return
        kind, channel, *_, content = reply
        if kind == b"pmessage":
            self._receive(decode(reply[2]), content)
        elif kind in (b"message", b"smessage"):
            self._receive(decode(channel), content)
        elif (kind, channel) in self._asked:
            self._asked.remove((kind, channel))
            if not self._asked and self._confirmed is not None:
                self._confirmed.set_result(None)
        elif kind == b"sunsubscribe":
            raise ConnectionError("channels have moved to another server of the cluster")

    async def _ask(self) -> None:
        with suppress(Exception):  # the reader will know
            while True:
                await asyncio.sleep(ASK_EVERY)
                await self._send(("PING",))
