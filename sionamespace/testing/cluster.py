"""`Cluster`: several servers in memory that share their clients, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from sionamespace.brokers.memory import Batch, MemoryBroker, MemoryHub
from sionamespace.cluster import ClusterRoomManager
from sionamespace.health import Health
from sionamespace.namespace import Namespace
from sionamespace.router import Router, Routes
from sionamespace.testing.harness import Harness
from sionamespace.testing.leftovers import Leftovers

__all__ = ["Cluster", "ClusterNode"]

__tracebackhide__ = True  # pytest shows the line of the test instead


class ClusterNode(Harness):
    """One of the servers of a `Cluster`: a `Harness` with the time and the thread of the others."""

    def __init__(
        self,
        runtime: Any,
        leftovers: Leftovers,
        broker: _Broker,
        routes: Any,
        options: dict[str, Any],
        **settings: Any,
    ) -> None:
        self._shared = runtime
        self._broker = broker
        self.changes: list[Health] = []
        """How it stood with the others, whenever that changed."""
        rooms = ClusterRoomManager(broker, on_change=self.changes.append, **settings)
        super().__init__(routes, rooms=rooms, **options)
        self._leftovers = leftovers

    @property
    def name(self) -> str:
        """Its name among the servers, with which its clients' sids end."""
        name: str | None = self.health().node
        assert name is not None
        return name

    def health(self) -> Health:
        """How it stands with the others."""
        self.settle()
        return self._application.rooms.others.health()

    def _begin_runtime(self) -> Any:
        return self._shared

    def _close_runtime(self) -> None:
        """It is the others' too."""


class Cluster:
    """Several servers in memory, on the test's own thread, whose clients reach each other.

        def test_everybody_hears_it():
            with Cluster(Chat, nodes=2) as c:
                ann, bob = c.node(0).connect(), c.node(1).connect()
                ann.emit("message", "hi")
                assert bob.last("message").args == ("hi",)

    Each is a `Harness`, and what a test does at one runs to the end at all of them. What may go
    wrong between servers is done with `cut`, `stall`, `kill` and `heal`, and `advance` moves the
    one clock.

    Args:
        routes: a class of namespaces, or routes with classes, as for `Harness`; or a function that
            makes the routes of each server anew.
        nodes: how many servers there are.
        settings: of the `sionamespace.ClusterRoomManager` of each, such as ``heartbeat``.
        options: as for `Harness`.
    """

    def __init__(
        self,
        routes: type[Namespace] | Routes | Callable[[], Routes | Router | Namespace],
        nodes: int = 2,
        *,
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self._runtime = Harness.make_runtime()
        self._leftovers = Leftovers(self._runtime)
        self._hub = MemoryHub()
        self._routes = routes
        self._settings = settings or {}
        self._options = options
        self.nodes: list[ClusterNode] = []
        """All of the servers."""
        for _ in range(nodes):
            self.add()
        self.advance(self._settings.get("heartbeat", 1.0))  # in which they come to know each other

    def node(self, number: int) -> ClusterNode:
        """One of the servers; the first is 0."""
        return self.nodes[number]

    def add(self) -> ClusterNode:
        """One more server, which comes to the others at once."""
        routes: Any = self._routes
        if callable(routes) and not isinstance(routes, type):
            routes = routes()
        broker = _Broker(self._hub)
        shared = self._runtime, self._leftovers
        node = ClusterNode(*shared, broker, routes, self._options, **self._settings)
        self.nodes.append(node)
        node._application.rooms.others.start()
        self.settle()
        return node

    # What may go wrong.

    def cut(self, number: int) -> None:
        """Break a server's connection to the broker, which it cannot open anew until `heal`."""
        self.nodes[number]._broker.cut()
        self.settle()

    def stall(self, number: int) -> None:
        """Let nothing through between a server and the broker until `heal`, with no error."""
        self.nodes[number]._broker.stall()

    def kill(self, number: int) -> None:
        """Have a server do nothing any more, for good and without a word to the others."""
        self.nodes[number]._broker.dead = True
        self.nodes[number]._application.rooms.others.stop()  # its goodbye reaches nobody
        self.settle()

    def heal(self, number: int) -> None:
        """Let a server reach the broker again; it comes back when it next tries (see `advance`)."""
        self.nodes[number]._broker.heal()
        self.settle()

    def advance(self, seconds: float) -> None:
        """Move the clock of all servers: what falls due on the way happens, in order."""
        self._runtime.advance(seconds)
        self.settle()

    def settle(self) -> None:
        """Run until everything has ended or waits. What a test does calls this by itself."""
        for node in self.nodes:
            node.settle()

    # Its end.

    def finish(self) -> None:
        """End it, as a test does that must leave nothing behind. The ``with`` block does this.

        Raises:
            LeftBehind: as `Harness.finish`, of any of the servers.
        """
        try:
            for node in self.nodes:
                node._broker.heal()
            self.settle()
            clients = [client for node in self.nodes for client in node._all]
            self._leftovers.check(clients, self._shut_down)
        finally:
            self.close()

    def _shut_down(self) -> None:
        for node in self.nodes:
            node._shut_down()

    def close(self) -> None:
        """End it; what still waits is not run, and is no fault."""
        for node in self.nodes:
            node._broker.heal()
            node.close()
        self._runtime.close()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.close()


class _Broker(MemoryBroker):
    """A memory broker that fails when a test wants it to."""

    def __init__(self, hub: MemoryHub) -> None:
        super().__init__(hub)
        self.is_cut = False
        self.stalled = False
        self.dead = False
        self._healed = asyncio.Event()
        self.taken: list[str] = []
        """The channels of the messages that came."""
        self._lost: Callable[[Exception], object] = _unheard

    async def open(
        self, receive: Callable[[str, bytes], object], lost: Callable[[Exception], object]
    ) -> None:
        await self._check()
        self._lost = lost
        await super().open(receive, lost)

    async def publish(self, batch: Batch) -> None:
        await self._check()
        if not self.dead:
            await super().publish(batch)

    async def subscribe(self, channels: Sequence[str]) -> None:
        await self._check()
        await super().subscribe(channels)

    def cut(self) -> None:
        self.is_cut = True
        self._hub.leave(self)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._lost, ConnectionError("the test cut it off"))

    def stall(self) -> None:
        self.stalled, self._healed = True, asyncio.Event()

    def heal(self) -> None:
        self.is_cut = self.stalled = False
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._healed.set)

    def _take(self, batch: Batch) -> None:
        if not self.stalled and not self.dead:
            self.taken += [channel for channel, _ in batch if channel in self._channels]
            super()._take(batch)

    async def _check(self) -> None:
        if self.is_cut:
            raise ConnectionError("the test cut it off")
        if self.stalled:
            await self._healed.wait()


def _unheard(error: Exception) -> None:
    """Before it was open nobody need be told."""
