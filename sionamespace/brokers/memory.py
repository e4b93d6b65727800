"""Servers of one process that share clients: a broker with no engine, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import ClassVar
from weakref import WeakValueDictionary

from sionamespace.runtime.originals import new_lock

__all__ = ["MemoryBroker", "MemoryHub", "memory_broker"]

Batch = Sequence[tuple[str, bytes]]


class MemoryHub:
    """Where memory brokers meet. Each may be on an event loop, and a thread, of its own."""

    _named: ClassVar[WeakValueDictionary[str, MemoryHub]] = WeakValueDictionary()
    _naming = new_lock()

    def __init__(self) -> None:
        self._lock = new_lock()
        self._open: dict[MemoryBroker, None] = {}

    @classmethod
    def named(cls, name: str) -> MemoryHub:
        """The hub of a name, the same for all who ask, as long as one of them is there."""
        with cls._naming:
            return cls._named.setdefault(name, cls())

    def join(self, broker: MemoryBroker) -> None:
        """Let a broker send and receive."""
        with self._lock:
            self._open[broker] = None

    def leave(self, broker: MemoryBroker) -> None:
        """Let it do so no more; nothing if it is not there."""
        with self._lock:
            self._open.pop(broker, None)

    def pass_on(self, batch: Batch) -> None:
        """Give messages to all who are there; in the same order to everybody."""
        with self._lock:
            for broker in self._open:
                broker.take_soon(batch)


class MemoryBroker:
    """Carries messages among the servers of one process that were given the same hub.

    It implements `sionamespace.ports.Broker`.
    """

    filters = True
    keeps = False

    def __init__(self, hub: MemoryHub, name: str = "") -> None:
        self.name = f"memory://{name}"
        self._hub = hub
        self._channels: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._receive: Callable[[str, bytes], object] = _nobody

    async def open(
        self, receive: Callable[[str, bytes], object], lost: Callable[[Exception], object]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._hub.join(self)

    async def publish(self, batch: Batch) -> None:
        self._hub.pass_on(batch)

    async def subscribe(self, channels: Sequence[str]) -> None:
        self._channels.update(channels)

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        self._channels.difference_update(channels)

    async def close(self) -> None:
        self._hub.leave(self)
        self._channels.clear()
        self._receive = _nobody

    def take_soon(self, batch: Batch) -> None:
        """Receive messages on the loop. From any thread."""
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop was closed, and nobody is there any more
            self._loop.call_soon_threadsafe(self._take, batch)

    def _take(self, batch: Batch) -> None:
        for channel, message in batch:
            if channel in self._channels:
                self._receive(channel, message)


def memory_broker(url: str) -> MemoryBroker:
    """The broker of ``memory://name``: all of a name meet."""
    name = url.partition("://")[2]
    return MemoryBroker(MemoryHub.named(name), name)


def _nobody(channel: str, message: bytes) -> None:
    """A broker that is closed receives for nobody."""
