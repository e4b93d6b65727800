"""What is done to a server, or in memory, to measure a case."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from peers import Peer
from process import Failed, Load, Process, Processes, Run, ServerProcess, measure_in_memory

__all__ = [
    "CPU",
    "OTHERS",
    "PART",
    "ROOM_SIZES",
    "Figures",
    "Pace",
    "broadcasts",
    "churn",
    "codec",
    "connects",
    "latency",
    "measured",
    "memory",
    "pings",
    "rooms",
    "stalled",
    "traffic",
]

Figures = Mapping[str, float]
"""What one run measured, by the names of the metrics."""

CPU = "server CPU us each"
PART = "CPU us each of a part"
ROOM_SIZES = (1000, 10_000, 100_000)
OTHERS = (1, 10, 100)
"""How many other servers there are, none with a client in the room."""

_SETTLE = 2.0
"""How many seconds idle clients are left alone before the memory is read."""
_IDLE = 2.0
"""Over how many seconds the CPU time of an idle server is read."""
_WINDOW = 64
"""How many questions of a client may be unanswered at a fixed rate, before the next must wait."""


@attrs.frozen
class Pace:
    """How long things take; a quick run is for trying the benchmark, not for figures."""

    warmup: float = 0.3
    seconds: float = 1.5
    runs: int = 3
    crowd: int = 2000
    """How many clients connect where it is about connecting."""
    idle: int = 5000
    """How many are idle where it is about that."""
    churn: int = 100_000
    """How many connect and leave."""
    pings: float = 27.0
    """How many seconds an interval of pings takes, and the time in which the clients came."""

    @classmethod
    def quick(cls) -> Pace:
        """A short run."""
        return cls(0.2, 0.5, 1, 300, 500, 2000, 2.0)

    def arguments(self) -> dict[str, float]:
        """What the load generator is told."""
        return {"warmup": self.warmup, "seconds": self.seconds}


def _run_load(load: Load, test: str, settings: Mapping[str, Any]) -> Any:
    """Start it; clients that the server does not take are replaced by current ones."""
    if not load.peer.old:
        settings = {name: value for name, value in settings.items() if name != "old"}
    return load.run(test, **settings)


def measured(
    server: Process | Processes, running: Run, part: Process | Processes | None = None
) -> dict[str, float]:
    """The figures of a run of echo or fan-out; `PART` is what a part of the servers takes."""
    of_part = part or Processes([])
    flooded = running.await_event("measuring")["flooded"]
    before, before_of_part = server.cpu_seconds(), of_part.cpu_seconds()
    found = running.await_event("measured")
    spent, spent_of_part = server.cpu_seconds() - before, of_part.cpu_seconds() - before_of_part
    latencies = running.await_event("latencies")
    running.await_event("done")
    return {
        "per second": found["messages"] / found["seconds"],
        CPU: spent / max(1, found["messages"]) * 1e6,
        PART: spent_of_part / max(1, found["messages"]) * 1e6,
        "p50 ms": latencies["p50_us"] / 1000,
        "p99 ms": latencies["p99_us"] / 1000,
        "server busy": spent / found["seconds"],
        "generator busy": found["load_cpu_seconds"] / found["seconds"],
        "flood a second": (found["flooded"] - flooded) / found["seconds"],
        "flooder closed": found["flooders_closed"],
    }


def traffic(test: str, **settings: Any) -> Callable[[ServerProcess, Load, Pace], Figures]:
    """Echo or fan-out, with as much outstanding as the settings say."""

    def measure(server: ServerProcess, load: Load, pace: Pace) -> Figures:
        with _run_load(load, test, {**settings, **pace.arguments()}) as running:
            return measured(server, running)

    return measure


def latency(server: ServerProcess, load: Load, pace: Pace) -> Figures:
    """Echo at a fixed rate, half of what the server can; each with and without a flood."""

    def echo(**settings: Any) -> dict[str, float]:
        with load.run("echo", clients=50, **settings, **pace.arguments()) as running:
            return measured(server, running)

    saturated = echo(window=4)
    rate = saturated["per second"] / 2
    paced = echo(window=_WINDOW, rate=rate)
    figures = {
        "p50 ms": paced["p50 ms"],
        "p99 ms": paced["p99 ms"],
        "at so many a second": rate,
        "p99 ms, saturated": saturated["p99 ms"],
    }
    try:
        flooded = echo(window=_WINDOW, rate=rate, flooders=1)
        both = echo(window=4, flooders=1)
    except Failed as failed:
        raise Failed(f"beside a flood: {failed}", figures=figures) from None
    return {
        **figures,
        "p99 ms beside a flood": flooded["p99 ms"],
        "p99, times, beside a flood": flooded["p99 ms"] / paced["p99 ms"],
        "events of the flood a second": flooded["flood a second"],
        "times the flooder was closed": flooded["flooder closed"],
        "p99 ms, saturated, beside a flood": both["p99 ms"],
        "p99, times, saturated, beside a flood": both["p99 ms"] / saturated["p99 ms"],
    }


def stalled(server: ServerProcess, load: Load, pace: Pace) -> Figures:
    """Fan-out of 8 KB each, alone and beside clients that read nothing."""
    settings = {"clients": 50, "window": 4, "batch": 1, "size": 8192, **pace.arguments()}
    with load.run("fanout", **settings) as running:
        alone = measured(server, running)
    before = server.memory_bytes()
    with load.run("fanout", **settings, stalled=2) as running:
        beside = _measured_with_reasons(server, running)
    return {
        "rate of the others, times": beside["per second"] / alone["per second"],
        "MB more": max(0, server.memory_bytes() - before) / 1024 / 1024,
        "closed as slow consumers": beside["slow consumer"],
    }


def _measured_with_reasons(server: ServerProcess, running: Run) -> dict[str, float]:
    running.await_event("measuring")
    measured = running.await_event("measured")
    reasons = running.await_event("reasons")["reasons"]
    running.await_event("done")
    return {
        "per second": measured["messages"] / measured["seconds"],
        "slow consumer": reasons[0].get("slow consumer", 0),
    }


def _warm_up(load: Load) -> None:
    """Have the server import and cache what it needs for its first clients."""
    with load.run("connect", clients=50) as running:
        running.await_event("done")
    time.sleep(0.3)


def connects(upgrading: bool = False) -> Callable[[ServerProcess, Load, Pace], Figures]:
    """Clients that connect, to the namespace's CONNECT packet, or to the end of their upgrade."""

    def measure(server: ServerProcess, load: Load, pace: Pace) -> Figures:
        _warm_up(load)
        before = server.cpu_seconds()
        settings = {"clients": pace.crowd, "upgrading": pace.crowd if upgrading else 0}
        with load.run("connect", **settings) as running:
            connected = running.await_event("connected")
            spent = server.cpu_seconds() - before
            running.await_event("done")
        return {
            "per second": pace.crowd / connected["seconds"],
            CPU: spent / pace.crowd * 1e6,
        }

    return measure


def memory(server: ServerProcess, load: Load, pace: Pace) -> Figures:
    """The resident memory for each idle client, and the CPU time while nothing happens."""
    _warm_up(load)
    before = server.memory_bytes()
    with load.run("idle", clients=pace.idle) as running:
        running.await_event("connected")
        time.sleep(_SETTLE)
        after = server.memory_bytes()
        busy = _cpu_percent(server, _IDLE)
        running.end_idle()
        running.await_event("done")
    return {"KB each": (after - before) / 1024 / pace.idle, "CPU %": busy}


def pings(server: ServerProcess, load: Load, pace: Pace) -> Figures:
    """The CPU time that idle clients cost because they are asked whether they are still there."""
    _warm_up(load)
    with load.run("idle", clients=pace.idle) as running:
        running.await_event("connected")
        busy = _cpu_percent(server, pace.pings)
        running.end_idle()
        running.await_event("done")
    return {"CPU %": busy}


def _cpu_percent(server: ServerProcess, seconds: float) -> float:
    before = server.cpu_seconds()
    time.sleep(seconds)
    return (server.cpu_seconds() - before) / seconds * 100


def churn(server: ServerProcess, load: Load, pace: Pace) -> Figures:
    """What is kept of clients that came and left; the first tenth is for what caches keep."""

    def come_and_go(count: int) -> int:
        with load.run("churn", clients=50, count=count) as running:
            running.await_event("connected")
            running.await_event("done")
        time.sleep(_SETTLE)
        return server.memory_bytes()

    before = come_and_go(pace.churn // 10)
    after = come_and_go(rest := pace.churn - pace.churn // 10)
    return {
        "bytes kept for each": max(0, after - before) / rest,
        "MB after all": after / 1024 / 1024,
    }


def codec(peer: Peer) -> Figures:
    """Microseconds for encoding and for decoding one event."""
    return measure_in_memory(peer.in_memory("codec"), peer.environ())


def broadcasts(peer: Peer) -> Figures:
    """Microseconds for what a broadcast costs, alone and among other servers."""
    command = peer.in_memory("broadcasts", "--others", *map(str, OTHERS))
    return measure_in_memory(command, peer.environ())


def rooms(peer: Peer) -> Figures:
    """Microseconds for what is done with rooms, and how many times more among 100 times as many."""
    figures: dict[str, float] = {}
    for members in ROOM_SIZES:
        command = peer.in_memory("rooms", "--members", str(members))
        for name, took in measure_in_memory(command, peer.environ()).items():
            figures[f"{name}, of {members:,}"] = took
    first, *_, last = (f"{members:,}" for members in ROOM_SIZES)
    for name in [name for name in figures if name.endswith(f", us, of {first}")]:
        work = name.removesuffix(f", us, of {first}")
        figures[f"{work}, growth"] = figures[f"{work}, us, of {last}"] / figures[name]
    return figures
