"""`TransportWebSocket`: a WebSocket on the transport of a web server's event loop.

ASGI has a message for each packet in either direction, which a web server queues and wakes a task
for. A server that hands over the connection itself, once the WebSocket is open, spares all that;
it does so by an extension of the scope, `HAND_OVER` (see `sionamespace.uvicorn`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

from sionamespace.engine.handshake import Accepted
from sionamespace.engine.websocket import WebSocketDriver
from sionamespace.runtime.sockets import AGAIN
from sionamespace.types import Reason

__all__ = ["HAND_OVER", "AtEnd", "HandOver", "TransportWebSocket"]

HAND_OVER = "sionamespace.hand_over"
"""The extension's name in the scope; there is a `HandOver` behind it."""

_FAREWELL_SECONDS = 10.0
"""How long a client that is sent away may take to read what was sent to it."""

AtEnd: TypeAlias = Callable[[Callable[[], object]], object]


def _nothing(*args: Any) -> None:
    pass


class TransportWebSocket(WebSocketDriver):
    """One WebSocket on a transport, of which it becomes the protocol.

    Args:
        max_bytes: the size of a message, past which the connection fails with code 1009.
        at_end: calls a function when what can be done now has been done.
        lost: told when the connection has ended, as a protocol is.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        max_bytes: int,
        at_end: AtEnd,
        lost: Callable[[Exception | None], object] = _nothing,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._socket = _TransportSocket(transport, loop)
        self._writer: Callable[[], object] = _nothing
        self._untaken = b""
        self._over: asyncio.Future[str] = loop.create_future()
        self._tell_lost = lost
        super().__init__(self._socket, Accepted(max_bytes), self._write_later, at_end=at_end)

    def _write_later(self, writer: Callable[[], object]) -> None:
        self._writer = writer

    async def read(self, receive: object) -> str:
        """Wait for the end; why it ended. Each packet goes to ``on_packet``."""
        return await self._over

    # What the transport tells.

    def data_received(self, data: bytes) -> None:
        """Take some bytes, of many the first: a flood leaves the others their turns."""
        if self._over.done():
            return
        if self._reader.more:
            self._untaken += data
        elif self._take(data, self._end) is AGAIN:
            self._socket.hold(self._take_next)

    def _take_next(self) -> bool:
        data, self._untaken = self._untaken, b""
        return not self._over.done() and self._take(data, self._end) is AGAIN

    def eof_received(self) -> None:
        """The client says nothing more, and may never read what was written to it."""
        self._socket.shutdown()

    def pause_writing(self) -> None:
        """Write no more for now."""
        self._socket.paused = True

    def resume_writing(self) -> None:
        """Write what waits."""
        self._socket.paused = False
        writer, self._writer = self._writer, _nothing
        writer()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended."""
        while self._reader.more and not self._over.done():
            data, self._untaken = self._untaken, b""
            self._take(data, self._end)
        self._end(Reason.TRANSPORT_CLOSE if error is None else Reason.TRANSPORT_ERROR)
        self._let_go()
        self._socket.lost()
        tell_lost, self._tell_lost = self._tell_lost, _nothing
        tell_lost(error)

    def _let_go(self) -> None:
        super()._let_go()
        self._start = _nothing

    def shut_down(self) -> None:
        """The web server ends."""
        self.close()
        self._flush()
        self._socket.shutdown()
        self._end(Reason.SHUTDOWN)

    def _end(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(reason)


HandOver: TypeAlias = Callable[[int, AtEnd], "TransportWebSocket | None"]
"""Hands the connection of an accepted WebSocket over, for messages up to a number of bytes; None
if it cannot, and all goes on by ASGI's messages."""


class _TransportSocket:
    """Implements `sionamespace.engine.websocket.RawSocket`, but for what reads."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.paused = False
        self._transport = transport
        self._loop = loop
        self._farewell: asyncio.TimerHandle | None = None
        self._lost = False

    def recv(self, size: int) -> bytes:
        raise NotImplementedError("a transport brings what it reads")

    def send(self, data: bytes) -> int:
        if self.paused:
            raise BlockingIOError
        if self._transport.is_closing():
            raise BrokenPipeError
        self._transport.write(data)
        return len(data)

    def hold(self, take: Callable[[], bool]) -> None:
        """Bring nothing more, and call something in each round of the loop, until it says False."""
        self._transport.pause_reading()
        self._loop.call_soon(self._go_on, take)

    def _go_on(self, take: Callable[[], bool]) -> None:
        if take():
            self._loop.call_soon(self._go_on, take)
        elif not self._lost:  # that of TLS is nothing then, before Python 3.11
            self._transport.resume_reading()

    def wait_writable(self) -> None:
        """Nothing: whoever writes later is called when it can."""

    def shutdown(self) -> None:
        if self._lost:
            return
        if self.paused:
            self._transport.abort()  # it would wait for a client that does not read
        elif self._farewell is None:
            self._transport.close()
            self._farewell = self._loop.call_later(_FAREWELL_SECONDS, self._transport.abort)

    def lost(self) -> None:
        """The connection has ended."""
        self._lost = True
        if self._farewell is not None:
            self._farewell.cancel()

    def detach(self) -> bool:
        return True

    def close(self) -> None:
        self.shutdown()
