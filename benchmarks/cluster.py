"""Several servers that share their clients over Redis, and what is done to them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from measures import CPU, PART, Figures, Pace, measured
from peers import Peer
from process import (
    Failed,
    Load,
    Process,
    Processes,
    ServerProcess,
    cores,
    free_port,
    running,
)

__all__ = ["AWAY", "AWAY_ALL", "OF_REDIS", "SATURATED", "Servers", "away", "shared"]

OF_REDIS = "of which Redis"
SATURATED = f"{CPU}, saturated"
AWAY = "CPU us of each server without a member"
AWAY_ALL = "CPU us of all servers and Redis"

_MEMBERS = 200
_RATE = 100
"""Broadcasts a second, which everybody can do on one core."""
_AWAY_MEMBERS, _AWAY_RATE = 10, 500
_WINDOW = 64
"""How many broadcasts may be on their way at a fixed rate, before the next must wait."""


class Servers(Processes):
    """Servers that share their clients, and the Redis by which they do; one needs none.

    All of them are on one core, as the load generator has the other one: so it is what they cost
    that can be measured, and not how much faster several cores would be.
    """

    def __init__(self, servers: list[ServerProcess], redis: Process | None) -> None:
        super().__init__([*servers, *([redis] if redis else [])])
        self.servers = servers
        self.redis = redis
        self.ports = [server.port for server in servers]
        self.versions = servers[0].versions

    @classmethod
    @contextmanager
    def start(cls, peer: Peer, mode: str, compiled: Path, count: int) -> Iterator[Servers]:
        """Servers that were just started, and end with the block.

        Raises:
            Failed: if one does not start, or there is no Redis; and, with what the servers said, if
                the load failed.
        """
        with ExitStack() as stack:
            redis, more = None, list(peer.shared)
            if count > 1:
                port, redis = stack.enter_context(_redis())
                more += ["--redis", f"redis://127.0.0.1:{port}"]
            starts = [ServerProcess.start(peer, mode, compiled, more) for _ in range(count)]
            yield cls([stack.enter_context(start) for start in starts], redis)


@contextmanager
def _redis() -> Iterator[tuple[int, Process]]:
    """A Redis that was just started, with its port."""
    program = shutil.which("redis-server")
    if program is None:
        raise Failed("redis-server is missing: scripts/need redis")
    port = free_port()
    with TemporaryDirectory() as folder:
        settings = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder)
        with running([program, *settings], cores()[0]) as process:
            assert process.stdout is not None
            if not any("Ready to accept connections" in line for line in process.stdout):
                raise Failed("Redis did not start")
            yield port, Process(process)


def shared(servers: Servers, load: Load, pace: Pace) -> Figures:
    """Fan-out from each server to a room spread over all: at a fixed rate, and with no limit."""
    settings = {"clients": _MEMBERS, "batch": 1, **pace.arguments()}
    with load.run("fanout", window=_WINDOW, rate=_RATE, **settings) as run:
        paced = measured(servers, run, part=servers.redis)
    with load.run("fanout", window=8, **settings) as run:
        saturated = measured(servers, run)
    return {
        CPU: paced[CPU],
        OF_REDIS: paced[PART],
        "p50 ms": paced["p50 ms"],
        "p99 ms": paced["p99 ms"],
        "per second": saturated["per second"],
        SATURATED: saturated[CPU],
        "generator busy": saturated["generator busy"],
        "server busy": saturated["server busy"],
    }


def away(servers: Servers, load: Load, pace: Pace) -> Figures:
    """Fan-out to a room of the first server; each of the others has a client who is not in it."""
    first, *others = servers.servers
    with load.at(server.port for server in others).run("idle", clients=len(others)) as idle:
        idle.await_event("connected")
        settings = {"clients": _AWAY_MEMBERS, "batch": 1, "window": _WINDOW, **pace.arguments()}
        with load.at([first.port]).run("fanout", rate=_AWAY_RATE, **settings) as run:
            found = measured(servers, run, part=Processes(others))
        idle.end_idle()
        idle.await_event("done")
    return {
        AWAY: found[PART] * _AWAY_MEMBERS / len(others),
        AWAY_ALL: found[CPU] * _AWAY_MEMBERS,
    }
