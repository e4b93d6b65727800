"""Measures what a broadcast costs the server that sends it, alone and among others: in memory.

python benchmarks/in_memory.py broadcasts --others 1 10 100

All servers are on one event loop, and their clients are lists; a switchboard stands for the broker,
and costs next to nothing. Figures in microseconds.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from sionamespace import Namespace, Server
from sionamespace.cluster import ClusterRoomManager
from sionamespace.engine.memory import MemoryLink
from sionamespace.rooms import MemoryRoomManager, RoomManager

__all__ = ["broadcasts"]

_MEMBERS = 10
_BURST = 10
_TIMES, _ROUNDS = 300, 15
_DATA = {"from": "Ann", "text": "hello everybody, how are you?"}
_UNBEATEN = {"heartbeat": 1000.0, "forget_after": 5000.0}
"""No server says that it is there while something is measured."""

Receive = Callable[[str, bytes], object]


class Switchboard:
    """Where brokers meet. It knows who listens to a channel, as an engine that filters does."""

    def __init__(self) -> None:
        self.listeners: defaultdict[str, dict[Broker, None]] = defaultdict(dict)
        self.taken = 0
        """How many messages were published."""
        self.passed_on = 0
        """How many others they went to, in all."""


class Broker:
    """One server's place at a switchboard; it implements `sionamespace.ports.Broker`."""

    name = "switchboard"
    filters = True
    keeps = False
    receive: Receive

    def __init__(self, board: Switchboard) -> None:
        self._board = board
        self.published: list[tuple[str, bytes]] = []

    async def open(self, receive: Receive, lost: Callable[[Exception], object]) -> None:
        self.receive = receive

    async def publish(self, batch: Sequence[tuple[str, bytes]]) -> None:
        soon = asyncio.get_running_loop().call_soon
        for channel, data in batch:
            for other in self._board.listeners[channel]:
                if other is not self:
                    soon(other.receive, channel, data)
                    self._board.passed_on += 1
        self.published += batch
        self._board.taken += len(batch)

    async def subscribe(self, channels: Sequence[str]) -> None:
        for channel in channels:
            self._board.listeners[channel][self] = None

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        for channel in channels:
            self._board.listeners[channel].pop(self, None)

    async def close(self) -> None:
        pass


class Listeners(Namespace):
    """Clients, some of whom are in the room."""

    async def on_connect(self, sid: str, environ: Any, auth: Any) -> None:
        if auth:
            self.enter_room(sid, "room")


async def broadcasts(sizes: Sequence[int]) -> dict[str, float]:
    """What it takes to emit to a room in memory and among other servers, and what of it grows.

    Args:
        sizes: how many others there are, none with a client in the room.
    """
    figures = {}
    for members, where in ((_MEMBERS, f"{_MEMBERS} here"), (0, "nobody here")):
        for count, how in ((1, "one"), (_BURST, f"{_BURST} at once")):
            alone, shared = await _own_times(members, count)
            figures[f"{how} to {where}, us"] = alone
            figures[f"{how} to {where}, shared, us"] = shared
            figures[f"{how} to {where}, shared, times"] = shared / alone
    for others in sizes:
        took, passed_on = await _published(others)
        figures[f"emit and publish, us, {others} others"] = took
        figures[f"came to {others} others"] = passed_on
    first, *_, last = (figures[f"emit and publish, us, {others} others"] for others in sizes)
    figures["emit and publish, growth"] = last / first
    figures["take one for nobody, us"] = await _taken_for_nobody()
    return figures


async def _own_times(members: int, count: int) -> tuple[float, float]:
    """How long one `emit` of so many at once keeps its caller, in microseconds: with rooms in
    memory, and with those of a cluster."""
    alone = await _server(MemoryRoomManager(), members)
    shared = await _server(ClusterRoomManager(Broker(Switchboard()), **_UNBEATEN), members)
    best = {alone: 1.0, shared: 1.0}
    for _ in range(_ROUNDS):
        for server, took in (await _own_time(alone, shared, count=count)).items():
            best[server] = min(best[server], took)
    await _stop(alone, shared)
    return best[alone] * 1e6, best[shared] * 1e6


async def _own_time(*servers: Server, count: int) -> dict[Server, float]:
    """Seconds for one, on each server. They take turns, so that both emit after the same work, and
    the loop runs meanwhile, so that each finds its outbox empty."""
    took = dict.fromkeys(servers, 0.0)
    for number in range(_TIMES):
        for server in servers if number % 2 else reversed(servers):
            emit = server.namespace(Listeners).emit
            start = time.perf_counter()
            for _ in range(count):
                emit("message", _DATA, room="room")
            took[server] += time.perf_counter() - start
        await _turns(4)
    return {server: total / _TIMES / count for server, total in took.items()}


async def _published(others: int) -> tuple[float, int]:
    """Microseconds from an emit to a room until the broker has it and the servers that are not in
    the room had their turn; and how often it came to any of those."""
    board = Switchboard()
    servers = [
        await _server(ClusterRoomManager(Broker(board), **_UNBEATEN), _MEMBERS if at == 0 else 0)
        for at in range(others + 1)
    ]
    await _until(lambda: len(servers[0].health().nodes) == others)
    board.passed_on = 0
    emit, best = servers[0].namespace(Listeners).emit, 1.0
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        for _ in range(_TIMES):
            wanted = board.taken + 1
            emit("message", _DATA, room="room")
            while board.taken < wanted:
                await asyncio.sleep(0)
            await _turns(2)
        best = min(best, (time.perf_counter() - start) / _TIMES)
    passed_on = board.passed_on
    await _stop(*servers)
    return best * 1e6, passed_on


async def _taken_for_nobody() -> float:
    """Microseconds for a broadcast that comes to a server without a member, as one to several
    rooms does."""
    board = Switchboard()
    sender, taker = Broker(board), Broker(board)
    server = await _server(ClusterRoomManager(sender, **_UNBEATEN), 0)
    other = await _server(ClusterRoomManager(taker, **_UNBEATEN), 0)
    emit, best, receive = server.namespace(Listeners).emit, 1.0, taker.receive
    board.listeners.clear()  # so that the taker hears nothing before it is measured
    for _ in range(_ROUNDS):
        sender.published.clear()
        for _ in range(_TIMES):
            emit("message", _DATA, room=["room", "another"])
        await _until(lambda: len(sender.published) >= _TIMES)
        start = time.perf_counter()
        for channel, data in sender.published:
            receive(channel, data)
        best = min(best, (time.perf_counter() - start) / len(sender.published))
    await _stop(server, other)
    return best * 1e6


async def _server(rooms: RoomManager, members: int) -> Server:
    """One with so many clients in the room, and one outside."""
    server = Server({"/": Listeners()}, rooms=rooms, async_mode="asyncio")
    server.runtime.bind()
    joined: list[str | bytes] = []
    for number in range(members + 1):
        mail: list[str | bytes] = joined if number == members else []
        link = MemoryLink(lambda message, kept=mail: _keep(kept, message), 1 << 20)
        link.receiver = server.accept(link, {})
        link.receiver.receive("0" if number == members else '0{"in": true}')
    await _until(lambda: bool(joined))
    if isinstance(rooms, ClusterRoomManager):
        await _until(lambda: server.health().connected)
        await server.flush()
    return server


async def _stop(*servers: Server) -> None:
    for server in servers:
        left = server.rooms.others.stop()
        if left is not None:
            await left


def _keep(mail: list[str | bytes], message: str | bytes) -> None:
    mail[:] = [message]


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        if time.monotonic() > end:
            raise SystemExit("the servers did not come to each other within 10 s")
        await asyncio.sleep(0)
