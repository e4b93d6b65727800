"""A line in which jobs run one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from sionamespace.ports import Runtime

__all__ = ["PATIENCE", "Job", "Line"]

Job = Callable[[], Coroutine[Any, Any, None]]

PATIENCE = 1.0
"""How many seconds the last job waits for those before it."""


class Line:
    """Jobs of one client, one at a time and in order. Used on the engine's thread only.

    No green thread, thread or task stands by: one is started when a job comes to an idle line.
    """

    __slots__ = ("_busy", "_jobs", "_runtime")

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._jobs: deque[Job] = deque()
        self._busy = False

    def put(self, job: Job) -> None:
        """Run a job after those that were put before it. Jobs handle their own errors."""
        self._jobs.append(job)
        if not self._busy:
            self._busy = True
            self._runtime.start(self._work)

    def put_last(self, job: Job) -> None:
        """Run a job after those before it, but wait for them no longer than `PATIENCE`.

        A handler that never ends must not keep its client's ``on_disconnect`` from running.
        """
        if self._busy:
            self._runtime.later(PATIENCE, self._overtake, job)
        self.put(job)

    def _overtake(self, job: Job) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
            self._runtime.start(job)

    async def _work(self) -> None:
        try:
            while self._jobs:
                await self._jobs.popleft()()
        finally:
            # The flag falls in the same step in which the line is found empty. If it is not, a job
            # broke off (eventlet's Timeout is no Exception); the others must not suffer for it.
            self._busy = bool(self._jobs)
            if self._busy:
                self._runtime.start(self._work)
