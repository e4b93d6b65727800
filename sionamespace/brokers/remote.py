"""What brokers whose engine is a server do alike: time limits, and saying once that it broke."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

__all__ = [
    "ASK_EVERY",
    "PATIENCE",
    "SILENCE",
    "Batch",
    "Lost",
    "Receive",
    "RemoteBroker",
    "Session",
]

PATIENCE = 5.0
"""Seconds within which a server is connected to."""
ASK_EVERY = 3.0
"""Seconds after which a server that says nothing is asked whether it is there."""
SILENCE = 10.0
"""Seconds after which one that says nothing, though it was asked, counts as gone."""

Batch = Sequence[tuple[str, bytes]]
Receive = Callable[[str, bytes], object]
Lost = Callable[[Exception], object]


class Session(Protocol):
    """What is connected to a server, from `RemoteBroker.open` to its ``close``.

    What waits for the server ends within `SILENCE` or a little more, by the means of the library.
    """

    async def open(self) -> None: ...
    async def publish(self, batch: Batch) -> None: ...
    async def subscribe(self, channels: Sequence[str]) -> None: ...
    async def unsubscribe(self, channels: Sequence[str]) -> None: ...

    async def close(self) -> None:
        """Let go of everything, however far `open` has come. It may raise."""


class RemoteBroker(ABC):
    """A broker whose engine is a server; it implements `sionamespace.ports.Broker`."""

    filters = True
    keeps = False

    def __init__(self, name: str) -> None:
        self.name = name
        self._session: Session | None = None
        self._lost = _Once(None)

    @abstractmethod
    def _new_session(self, receive: Receive, lost: Lost) -> Session:
        """What will connect; it may call ``lost`` as often as it likes."""

    async def open(self, receive: Receive, lost: Lost) -> None:
        await self.close()
        self._lost = _Once(lost)
        self._session = self._new_session(receive, self._lost)
        try:
            await asyncio.wait_for(self._session.open(), PATIENCE)
        except asyncio.TimeoutError:
            await self.close()
            raise TimeoutError(f"{self.name} did not answer within {PATIENCE:g} s") from None
        except BaseException:
            await self.close()
            raise

    async def publish(self, batch: Batch) -> None:
        await self._opened().publish(batch)

    async def subscribe(self, channels: Sequence[str]) -> None:
        if channels:
            await self._opened().subscribe(channels)

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        if channels:
            await self._opened().unsubscribe(channels)

    async def close(self) -> None:
        self._lost.forget()
        session, self._session = self._session, None
        if session is not None:
            with suppress(Exception):
                await asyncio.wait_for(session.close(), PATIENCE)

    def _opened(self) -> Session:
        if self._session is None:
            raise ConnectionError(f"{self.name} is not open")
        return self._session


class _Once:
    """Says that the connection broke: the first time only, and not if whoever asked closed it."""

    def __init__(self, tell: Lost | None) -> None:
        self._tell = tell

    def __call__(self, error: Exception) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(error)

    def forget(self) -> None:
        self._tell = None
