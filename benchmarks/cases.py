"""`Case`: something to measure, and what the figures mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import cluster
import measures
from cluster import Servers
from measures import Figures, Pace
from peers import IN_MEMORY, MODES, Peer
from process import Load, ServerProcess

__all__ = ["CASES", "Case", "Metric"]


@attrs.frozen
class Metric:
    """A figure. The first one of a case is what it is about."""

    name: str
    more_is_better: bool = False


@attrs.frozen
class Case:
    """Something to measure.

    Args:
        measure: runs the load against a server that was just started; or, in memory, a program.
        modes: those in which it is measured if nobody asks for others.
        bare: whether servers that speak WebSocket only can be measured.
        servers: how many servers share the clients; 0 for one that knows of no others.
        ours: whether others have nothing like it.
        once: whether one run is enough, because it is long and its figures do not vary.
        short: the modes in which one run must do.
    """

    name: str
    title: str
    metrics: tuple[Metric, ...]
    measure: Callable[[Any, Load, Pace], Figures] | Callable[[Peer], Figures]
    modes: tuple[str, ...] = MODES
    bare: bool = False
    servers: int = 0
    ours: bool = False
    once: bool = False
    short: tuple[str, ...] = ()

    def serve(
        self, peer: Peer, mode: str, compiled: Path
    ) -> AbstractContextManager[ServerProcess | Servers]:
        """What is measured, just started; it ends with the block."""
        if self.servers:
            return Servers.start(peer, mode, compiled, self.servers)
        return ServerProcess.start(peer, mode, compiled)


_MAIN = ("eventlet", "asyncio")
"""The modes in which everything is measured."""

_RATE = Metric("per second", more_is_better=True)
_CPU = Metric(measures.CPU)
_ECHO = (_RATE, _CPU, Metric("p50 ms"), Metric("p99 ms"))
_FANOUT = (_RATE, _CPU, Metric("p99 ms"))
_ROOM_WORK = ("enter", "leave", "disconnect", "recipients of 10", "recipients of everybody, each")

_CLUSTER = (
    Metric(measures.CPU),
    Metric(cluster.OF_REDIS),
    Metric("p50 ms"),
    Metric("p99 ms"),
    _RATE,
    Metric(cluster.SATURATED),
)


def _broadcast_metrics() -> tuple[Metric, ...]:
    emits = [
        Metric(f"{how} to {where}, {what}")
        for where in ("10 here", "nobody here")
        for how in ("one", "10 at once")
        for what in ("us", "shared, us", "shared, times")
    ]
    among = [
        Metric(name)
        for others in measures.OTHERS
        for name in (f"emit and publish, us, {others} others", f"came to {others} others")
    ]
    growth = Metric("emit and publish, growth")
    return (*emits, *among, growth, Metric("take one for nobody, us"))


def _room_metrics() -> tuple[Metric, ...]:
    sizes = [f"{size:,}" for size in measures.ROOM_SIZES]
    return tuple(
        Metric(name)
        for work in _ROOM_WORK
        for name in (*(f"{work}, us, of {size}" for size in sizes), f"{work}, growth")
    )


_ALL = (
    Case(
        "echo-50x4",
        "Events answered, 50 clients with 4 outstanding each",
        _ECHO,
        measures.traffic("echo", clients=50, window=4),
        bare=True,
    ),
    Case(
        "echo-200x1",
        "Events answered, 200 clients with 1 outstanding each",
        _ECHO,
        measures.traffic("echo", clients=200, window=1),
        bare=True,
    ),
    # Four requests are in flight: while one is at work, the next ones wait, so the server is
    # never idle, and no client is more than a few hundred bytes behind.
    Case(
        "fanout-500",
        "Messages to a room of 500 clients, one broadcast for an event",
        _FANOUT,
        measures.traffic("fanout", clients=500, window=4, batch=1),
        bare=True,
    ),
    Case(
        "fanout-500-burst",
        "Messages to a room of 500 clients, ten broadcasts for an event",
        _FANOUT,
        measures.traffic("fanout", clients=500, window=20, batch=10),
        # Not under asyncio: there python-socketio runs the two events in flight at once, and their
        # broadcasts come mixed.
        ("eventlet",),
        bare=True,
    ),
    Case(
        "fanout-1000x256",
        "Messages of 256 bytes to a room of 1,000 clients",
        _FANOUT,
        measures.traffic("fanout", clients=1000, window=4, batch=1, size=256),
        _MAIN,
        bare=True,
    ),
    Case(
        "fanout-mixed",
        "Messages to a room of 500: 400 on WebSocket, 50 old clients on it, 50 that poll",
        _FANOUT,
        measures.traffic("fanout", clients=500, window=4, batch=1, old=50, polling=50),
        _MAIN,
    ),
    Case(
        "fanout-polling",
        "Messages to a room of 200 clients that poll",
        _FANOUT,
        measures.traffic("fanout", clients=200, window=4, batch=1, polling=200),
        _MAIN,
    ),
    Case(
        "echo-polling",
        "Events answered, 100 clients that poll with 4 outstanding each",
        _ECHO,
        measures.traffic("echo", clients=100, window=4, polling=100),
        _MAIN,
    ),
    Case(
        "echo-64k",
        "Binary payloads of 64 KiB answered, 20 clients with 2 outstanding each",
        _ECHO,
        measures.traffic("echo", clients=20, window=2, size=65536, binary=True),
        _MAIN,
    ),
    Case(
        "echo-object",
        "Objects of five fields answered, 50 clients with 4 outstanding each",
        _ECHO,
        measures.traffic("echo", clients=50, window=4, object=True),
        _MAIN,
    ),
    Case(
        "connect",
        "Clients that connect, 50 at a time",
        (_RATE, _CPU),
        measures.connects(),
        bare=True,
    ),
    Case(
        "connect-upgrade",
        "Clients that connect by polling and go on by WebSocket, 50 at a time",
        (_RATE, _CPU),
        measures.connects(upgrading=True),
        _MAIN,
    ),
    Case(
        "latency",
        "Latency at half of the saturating rate, 50 clients; and with one more that floods",
        (
            Metric("p50 ms"),
            Metric("p99 ms"),
            Metric("at so many a second", more_is_better=True),
            Metric("p99 ms beside a flood"),
            Metric("p99, times, beside a flood"),
            Metric("events of the flood a second", more_is_better=True),
            Metric("times the flooder was closed"),
            Metric("p99 ms, saturated"),
            Metric("p99 ms, saturated, beside a flood"),
            Metric("p99, times, saturated, beside a flood"),
        ),
        measures.latency,
        short=("gevent", "threads"),
    ),
    Case(
        "stalled",
        "A room of 50 beside 2 clients that stop reading",
        (
            Metric("rate of the others, times", more_is_better=True),
            Metric("MB more"),
            Metric("closed as slow consumers", more_is_better=True),
        ),
        measures.stalled,
        once=True,
    ),
    Case(
        "memory",
        "Memory of the server for each idle client, and its CPU time meanwhile",
        (Metric("KB each"), Metric("CPU %")),
        measures.memory,
        _MAIN,
    ),
    Case(
        "pings",
        "CPU time for idle clients over one interval of pings",
        (Metric("CPU %"),),
        measures.pings,
        ("eventlet",),
        once=True,
    ),
    Case(
        "churn",
        "Memory after clients have connected and left",
        (Metric("bytes kept for each"), Metric("MB after all")),
        measures.churn,
        _MAIN,
        once=True,
    ),
    *(
        Case(
            f"cluster-{count}",
            f"Messages to a room of 200 {where}, 100 broadcasts a second; then all it can",
            _CLUSTER,
            cluster.shared,
            _MAIN,
            servers=count,
            short=("asyncio",),
        )
        for count, where in (
            (1, "on one server, with no Redis"),
            (2, "on 2 servers and Redis"),
            (4, "on 4 servers and Redis"),
        )
    ),
    Case(
        "cluster-away",
        "A broadcast to 10 clients of one server, beside 3 servers with none in the room",
        (Metric(cluster.AWAY), Metric(cluster.AWAY_ALL)),
        cluster.away,
        _MAIN,
        servers=4,
        short=("asyncio",),
    ),
    Case(
        "broadcasts",
        "Emits alone: with rooms in memory, with shared ones, and among 1 to 100 other servers",
        _broadcast_metrics(),
        measures.broadcasts,
        (IN_MEMORY,),
        ours=True,
    ),
    Case(
        "codec",
        "Encoding and decoding alone",
        tuple(
            Metric(f"{work} a {size} event, us")
            for size in ("small", "large")
            for work in ("encode", "decode")
        ),
        measures.codec,
        (IN_MEMORY,),
    ),
    Case(
        "rooms",
        "Rooms alone, among 1,000 to 100,000 members",
        _room_metrics(),
        measures.rooms,
        (IN_MEMORY,),
    ),
)

CASES: Mapping[str, Case] = {case.name: case for case in _ALL}
"""What can be measured."""
