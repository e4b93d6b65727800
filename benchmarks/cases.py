"""`Case`: something to measure, and what the figures mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from process import Load, ServerProcess

__all__ = ["CASES", "Case", "Figures", "Metric", "Pace"]

Figures = Mapping[str, float]
"""What one run measured, by the names of the metrics."""

_SETTLE = 2.0
"""How many seconds idle clients are left alone before the memory is read."""


@attrs.frozen
class Pace:
    """How long things take; a quick run is for trying the benchmark, not for figures."""

    warmup: float = 1.0
    seconds: float = 3.0
    runs: int = 3
    crowd: int = 2000
    """How many clients connect where it is about connecting."""

    @classmethod
    def quick(cls) -> Pace:
        """A short run."""
        return cls(0.3, 0.7, 1, 300)


@attrs.frozen
class Metric:
    """A figure. The first one of a case is what it is about."""

    name: str
    more_is_better: bool = False


@attrs.frozen
class Case:
    """Something to measure.

    Args:
        measure: runs the load against a server that was just started.
    """

    name: str
    title: str
    metrics: tuple[Metric, ...]
    measure: Callable[[ServerProcess, Load, Pace], Figures]


_CPU = Metric("server CPU us each")


def _traffic(*arguments: Any) -> Callable[[ServerProcess, Load, Pace], Figures]:
    def measure(server: ServerProcess, load: Load, pace: Pace) -> Figures:
        timing = ("--warmup", pace.warmup, "--seconds", pace.seconds)
        with load.run(*arguments, *timing) as running:
            running.await_event("measuring")
            before = server.cpu_seconds()
            measured = running.await_event("measured")
            spent = server.cpu_seconds() - before
            running.await_event("done")
        messages = max(1, measured["messages"])
        return {
            "per second": measured["messages"] / measured["seconds"],
            _CPU.name: spent / messages * 1e6,
            "p50 ms": measured.get("p50_us", 0) / 1000,
            "p99 ms": measured.get("p99_us", 0) / 1000,
            "server busy": spent / measured["seconds"],
            "generator busy": measured["load_cpu_seconds"] / measured["seconds"],
        }

    return measure


def _warm_up(load: Load) -> None:
    """Have the server import and cache what it needs for its first clients."""
    with load.run("connect", "--clients", 50) as running:
        running.await_event("done")
    time.sleep(0.3)


def _connects(server: ServerProcess, load: Load, pace: Pace) -> Figures:
    _warm_up(load)
    before = server.cpu_seconds()
    with load.run("connect", "--clients", pace.crowd) as running:
        connected = running.await_event("connected")
        spent = server.cpu_seconds() - before
        running.await_event("done")
    return {
        "per second": pace.crowd / connected["seconds"],
        _CPU.name: spent / pace.crowd * 1e6,
    }


def _memory(server: ServerProcess, load: Load, pace: Pace) -> Figures:
    _warm_up(load)
    before = server.memory_bytes()
    with load.run("idle", "--clients", pace.crowd) as running:
        running.await_event("connected")
        time.sleep(_SETTLE)
        after = server.memory_bytes()
        running.end_idle()
        running.await_event("done")
    return {"KB each": (after - before) / 1024 / pace.crowd}


_ECHO_METRICS = (Metric("per second", True), _CPU, Metric("p50 ms"), Metric("p99 ms"))
_RATE_METRICS = (Metric("per second", True), _CPU)

CASES: Mapping[str, Case] = {
    case.name: case
    for case in (
        Case(
            "echo-50x4",
            "Events answered, 50 clients with 4 outstanding each",
            _ECHO_METRICS,
            _traffic("echo", "--clients", 50, "--window", 4),
        ),
        Case(
            "echo-200x1",
            "Events answered, 200 clients with 1 outstanding each",
            _ECHO_METRICS,
            _traffic("echo", "--clients", 200, "--window", 1),
        ),
        # Four requests are in flight: while one is at work, the next ones wait, so the server is
        # never idle, and no client is more than a few hundred bytes behind.
        Case(
            "fanout-500",
            "Messages to a room of 500 clients, one broadcast for an event",
            _RATE_METRICS,
            _traffic("fanout", "--clients", 500, "--window", 4, "--batch", 1),
        ),
        Case(
            "fanout-500-burst",
            "Messages to a room of 500 clients, ten broadcasts for an event",
            _RATE_METRICS,
            _traffic("fanout", "--clients", 500, "--window", 20, "--batch", 10),
        ),
        Case("connect", "Clients that connect, 50 at a time", _RATE_METRICS, _connects),
        Case("memory", "Memory of the server for an idle client", (Metric("KB each"),), _memory),
    )
}
"""What can be measured."""
