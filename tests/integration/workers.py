"""The test application on several workers, and clients on a worker that a test chooses."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from child import Child, ServerProcess
from raw_client import Polling, RawClient, WebSocket

__all__ = ["Workers", "worker_of"]


class Workers(ServerProcess):
    """The test application on several workers."""

    def __init__(self, count: int = 2, **options: object) -> None:
        settings = {"workers": count, "drain": 0.2, **options.pop("settings", {})}
        super().__init__(settings=settings, **options)
        self.count = count

    def pid(self, worker: int, since: int = 0) -> int:
        """The process of a worker, the first of which is 1; the first one from ``since`` on."""
        return pid_of(self, worker, since)

    def client_on(self, worker: int, kind: type[RawClient] = WebSocket) -> RawClient:
        """A client of a worker: it connects until that is the one that gets it."""
        others = []
        try:
            while True:
                client = kind(self)
                if worker_of(client.opened["sid"]) == worker:
                    return client
                others.append(client)
        finally:
            for other in others:
                leave(other)


def leave(client: RawClient) -> None:
    if isinstance(client, Polling):
        client.send("1")
    client.close()


def worker_of(sid: str) -> int:
    """Which worker's client an id is of, the first of which is 1."""
    return 1 + int(sid.rpartition("~")[2][:2], 16)


def pid_of(child: Child, worker: int, since: int = 0) -> int:
    """The process of a worker, as the log of its master tells it."""
    return int(child.wait_for(rf"worker {worker} \(process (\d+)\) serves", since).group(1))


def is_there(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return not re.search(r"\) [ZX] ", stat.read())
    except FileNotFoundError:
        return False


def processes_of(child: Child) -> set[int]:
    """All processes of a child's session, itself among them."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as stat:
                after_name = stat.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(after_name[3]) == child.process.pid and after_name[0] not in "ZX":
            found.add(int(name))
    return found


StartWorkers = Callable[..., Workers]
