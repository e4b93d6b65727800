"""uvicorn's server, behind a `Door`."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import h11
import uvicorn

from sionamespace.logs import NowAndThen
from sionamespace.serving.door import Door
from sionamespace.serving.lifetime import LAST_ONES, LOOK_AGAIN
from sionamespace.workers.balance import Balance
from sionamespace.workers.siblings import PATIENCE, Siblings

__all__ = ["UvicornServer"]

_log = logging.getLogger("sionamespace.run")

_PAUSE = 0.01
"""How many seconds nobody is accepted after that has failed."""
_PATIENCE = 65.0
"""For how many seconds a client may do nothing that it is waited for; up to twice that."""
_STARTUP_FAILED = 3
"""The exit code of uvicorn when the application says that it cannot start."""
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
    ) -> None:
        super().__init__(config)
        self._door = door
        self._stop = stop
        self._stopped = stopped
        self._others_stay = False
        self._may_accept = True
        self._complaints = NowAndThen()
        config.load()
        kind = _LettingGo if door.siblings is None else _HandingOver
        bases = (kind, config.http_protocol_class)
        config.http_protocol_class = type("Protocol", bases, {"siblings": door.siblings})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig in self._door.signals:
            super().handle_exit(sig, frame)

    def leave(self, sig: int, frame: FrameType | None) -> None:
        """End, and accept nobody more while clients go, as others do."""
        self._others_stay = self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        siblings = self._door.siblings
        await super().startup(sockets if siblings is None else [])
        if self.lifespan.should_exit:  # older versions would return as if they had been told to end
            sys.exit(_STARTUP_FAILED)
        if siblings is not None:
            self._share(siblings)
        self._door.opened("https" if self.config.is_ssl else "http", "uvicorn")
        if self.should_exit:  # older versions would not shut down, as it is told so early
            self.should_exit = False
            asyncio.get_running_loop().call_soon(setattr, self, "should_exit", True)

    def _share(self, siblings: Siblings) -> None:
        """Accept clients along with others, and take those that they hand over."""
        loop = asyncio.get_running_loop()
        self._door.listener.setblocking(False)
        loop.add_reader(self._door.listener, self._accept, siblings.balance)
        loop.add_reader(siblings.fileno(), self._receive, siblings)

    def _stop_accepting(self) -> None:
        for server in self.servers:
            server.close()
        self._may_accept = False
        if self._door.siblings is not None:
            asyncio.get_running_loop().remove_reader(self._door.listener)

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._door.forsaken()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._others_stay or not self._door.drain:
            self._stop_accepting()
        if self._others_stay:
            await asyncio.sleep(LAST_ONES)
        self._stop()
        loop = asyncio.get_running_loop()
        end = loop.time() + self._door.drain
        while not self._stopped() and loop.time() < end:
            await asyncio.sleep(LOOK_AGAIN)
        self._stop_accepting()
        await super().shutdown(sockets)

    def _accept(self, balance: Balance) -> None:
        """Accept a client, when it is this worker's turn."""
        pause = balance.pause()
        if not pause:
            try:
                connection, _ = self._door.listener.accept()
            except BlockingIOError:  # another worker was faster
                return
            except OSError as error:
                if self._complaints.is_time("accept"):
                    _log.error("cannot accept a connection: %s; trying again", error)
                pause = _PAUSE  # it is most often a lack of files, which passes
            else:
                balance.accepted()
                self._take(connection)
        if pause:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._door.listener)
            loop.call_later(pause, self._accept_again, balance)

    def _accept_again(self, balance: Balance) -> None:
        if self._may_accept:
            loop = asyncio.get_running_loop()
            loop.add_reader(self._door.listener, self._accept, balance)

    def _receive(self, siblings: Siblings) -> None:
        """Take the connections that siblings have handed over."""
        while True:
            try:
                passed = siblings.receive()
            except BlockingIOError:
                return
            if passed is not None:
                self._take(socket.socket(fileno=passed.descriptor), passed.early)

    def _take(self, connection: socket.socket, early: bytes = b"") -> None:
        """Talk to a client by HTTP."""
        loop = asyncio.get_running_loop()

        def make_protocol() -> Any:
            make: Any = self.config.http_protocol_class
            state = self.lifespan.state
            protocol = make(
                config=self.config, server_state=self.server_state, app_state=state, _loop=loop
            )
            protocol.early = early
            return protocol

        connection.setblocking(False)
        taking = loop.create_task(self._connect(make_protocol, connection))
        self.server_state.tasks.add(taking)  # a loop keeps only weak references
        taking.add_done_callback(self.server_state.tasks.discard)

    async def _connect(self, make_protocol: Callable[[], Any], connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                make_protocol, connection, ssl=self.config.ssl
            )
        except OSError as error:
            _log.debug("a connection broke off: %s", error)


class _LettingGo:
    """What talks to a client by HTTP, and not longer. It comes before a class of uvicorn's.

    uvicorn alone waits without end for a request that does not come, or not to its end, and for a
    client that does not read.
    """

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    conn: Any
    cycle: Any
    flow: Any
    _received = 0
    _drained = 0
    """How often what waited for the client to read it has become little."""
    _awaited: object = None
    _look_again: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        self._look()

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)  # type: ignore[misc]

    def resume_writing(self) -> None:
        self._drained += 1
        super().resume_writing()  # type: ignore[misc]

    # Of a request that was answered before all of it had come uvicorn does not note the end.

    def on_message_complete(self) -> None:  # of httptools
        super().on_message_complete()  # type: ignore[misc]
        if self.cycle is not None:
            self.cycle.more_body = False

    def handle_events(self) -> None:  # of h11
        super().handle_events()  # type: ignore[misc]
        if self.cycle is not None and self.conn.their_state is h11.IDLE:
            self.cycle.more_body = False

    def connection_lost(self, error: Exception | None) -> None:
        self._look_again.cancel()
        super().connection_lost(error)  # type: ignore[misc]

    def handle_websocket_upgrade(self, *args: Any) -> None:
        self._look_again.cancel()
        super().handle_websocket_upgrade(*args)  # type: ignore[misc]
        # It and its parser have each other, and would wait for the garbage collector.
        vars(self).pop("parser", None)

    def _look(self) -> None:
        """Let go of a client of which the same is awaited as the last time."""
        before, self._awaited = self._awaited, self._find_awaited()
        if self._awaited is not None and self._awaited == before:
            self.transport.abort()
        else:
            self._look_again = self.loop.call_later(_PATIENCE, self._look)

    def _find_awaited(self) -> tuple[str, object] | None:
        """What is awaited of the client, and how far it has come with it."""
        if unread := self.transport.get_write_buffer_size():
            return "reading", (unread, self._drained)
        if self._is_between_requests():
            return "a request", self.cycle
        if self.flow.read_paused:  # it is the application that is awaited
            return None
        return ("a body", self._received) if self.cycle.more_body else None

    def _is_between_requests(self) -> bool:
        cycle = self.cycle
        return cycle is None or (cycle.response_complete and not cycle.more_body)


class _HandingOver(_LettingGo):
    """What talks to a client by HTTP, up to a request that is for another worker's client.

    It comes before a class of uvicorn's.
    """

    siblings: Siblings
    early = b""
    """What was read already of a connection that a sibling has handed over."""
    _unread = b""
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        if self.early:
            self._feed(self.early)

    def data_received(self, data: bytes) -> None:
        if self._in_head or not self._is_between_requests():
            self._feed(data)
            return
        data, self._unread = self._unread + data, b""
        if b"\n" not in data and len(data) < _LONGEST_LINE:
            self._unread = data
        else:
            self._send_home(data, round(PATIENCE / LOOK_AGAIN))

    def _feed(self, data: bytes) -> None:
        before, was_between = self.cycle, self._is_between_requests()
        super().data_received(data)
        self._in_head = was_between and self.cycle is before

    def _send_home(self, data: bytes, tries: int) -> None:
        """Give the connection to the worker whose client this is; if that cannot be, go on."""
        number, sent = self.siblings.home_of(data), None
        if number is not None and not self.transport.is_closing():
            descriptor = self.transport.get_extra_info("socket").fileno()
            sent = self.siblings.try_to_hand_over(number, descriptor, data)
            if sent is None and tries:
                self.transport.pause_reading()
                self.loop.call_later(LOOK_AGAIN, self._send_home, data, tries - 1)
                return
        if sent:
            self.transport.close()
        else:
            self.transport.resume_reading()
            self._feed(data)
