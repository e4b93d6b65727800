"""uvicorn's server, behind a `Door`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from sionamespace.serving.door import Door
from sionamespace.serving.lifetime import LOOK_AGAIN
from sionamespace.workers.siblings import Passed, Siblings

__all__ = ["UvicornServer"]

_LONGEST_LINE = 65536
"""How many bytes of a request's first line are waited for."""


class UvicornServer(uvicorn.Server):
    """uvicorn, which alone would close the clients without a reason, and wait for their polls."""

    def __init__(
        self,
        config: uvicorn.Config,
        door: Door,
        stop: Callable[[], None],
        stopped: Callable[[], bool],
        drain: float,
    ) -> None:
        super().__init__(config)
        self._door = door
        self._stop = stop
        self._stopped = stopped
        self._drain = drain
        self._others_stay = False
        config.load()
        if door.siblings is not None:
            kinds = _HandingOver, config.http_protocol_class
            config.http_protocol_class = type("Protocol", kinds, {"siblings": door.siblings})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig in self._door.signals:
            super().handle_exit(sig, frame)

    def leave(self, sig: int, frame: FrameType | None) -> None:
        """End, and accept nobody more while clients go, as others do."""
        self._others_stay = self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._door.siblings is not None:
            asyncio.get_running_loop().add_reader(self._door.siblings.fileno(), self._receive)
        self._door.opened("https" if self.config.is_ssl else "http", "uvicorn")

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._door.forsaken()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._others_stay:
            for server in self.servers:
                server.close()
        self._stop()
        loop = asyncio.get_running_loop()
        end = loop.time() + self._drain
        while not self._stopped() and loop.time() < end:
            await asyncio.sleep(LOOK_AGAIN)
        await super().shutdown(sockets)

    def _receive(self) -> None:
        """Take the connections that siblings have handed over."""
        assert self._door.siblings is not None
        while True:
            try:
                passed = self._door.siblings.receive()
            except BlockingIOError:
                return
            if passed is not None:
                taking = asyncio.ensure_future(self._take(passed))
                self.server_state.tasks.add(taking)  # a loop keeps only weak references
                taking.add_done_callback(self.server_state.tasks.discard)

    async def _take(self, passed: Passed) -> None:
        loop = asyncio.get_running_loop()

        def make_protocol() -> Any:
            make: Any = self.config.http_protocol_class
            protocol = make(
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
                _loop=loop,
            )
            protocol.early = passed.early
            return protocol

        await loop.connect_accepted_socket(make_protocol, socket.socket(fileno=passed.descriptor))


class _HandingOver:
    """What talks to a client by HTTP, up to a request that is for another worker's client.

    It comes before a class of uvicorn's.
    """

    siblings: Siblings
    early = b""
    """What was read already of a connection that a sibling has handed over."""
    transport: asyncio.Transport
    cycle: Any
    _unread = b""
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        if self.early:
            self._feed(self.early)

    def data_received(self, data: bytes) -> None:
        if self._in_head or not self._is_between_requests():
            self._feed(data)
            return
        data, self._unread = self._unread + data, b""
        if b"\n" not in data and len(data) < _LONGEST_LINE:
            self._unread = data
        elif not self._sent_home(data):
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)  # type: ignore[misc]
        self._in_head = self.cycle is before and self._is_between_requests()

    def _is_between_requests(self) -> bool:
        cycle = self.cycle
        return cycle is None or (cycle.response_complete and not cycle.more_body)

    def _sent_home(self, data: bytes) -> bool:
        number = self.siblings.home_of(data)
        if number is None:
            return False
        descriptor = self.transport.get_extra_info("socket").fileno()
        if not self.siblings.try_to_hand_over(number, descriptor, data):
            return False
        self.transport.close()
        return True
