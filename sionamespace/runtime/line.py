"""A line in which jobs run one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from sionamespace.ports import Runtime
from sionamespace.runtime.originals import new_lock

__all__ = ["PATIENCE", "Job", "Line"]

Job = Callable[..., Coroutine[Any, Any, None]]

PATIENCE = 1.0
"""How many seconds the last job waits for those before it."""


class Line:
    """Jobs of one client, one at a time and in order. Used on the engine's thread only.

    No green thread, thread or task stands by: one is started when a job comes to an idle line.
    """

    __slots__ = ("_busy", "_jobs", "_runtime")

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._jobs: deque[tuple[Job, tuple[Any, ...]]] = deque()
        # A lock as a flag, as it is tested and set in one step: a job may come on one thread while
        # another finds the line empty.
        self._busy = new_lock()

    def put(self, job: Job, *args: Any) -> None:
        """Run a job after those that were put before it. Jobs handle their own errors."""
        self._jobs.append((job, args))
        if self._busy.acquire(False):
            self._runtime.start(self._work)

    def put_last(self, job: Job) -> None:
        """Run a job after those before it, but wait for them no longer than `PATIENCE`.

        A handler that never ends must not keep its client's ``on_disconnect`` from running.
        """
        if self._busy.locked():
            self._runtime.later(PATIENCE, self._overtake, job)
        self.put(job)

    def _overtake(self, job: Job) -> None:
        with suppress(ValueError):  # its turn has come
            self._jobs.remove((job, ()))
            self._runtime.start(job)

    async def _work(self) -> None:
        try:
            while self._jobs:
                try:
                    job, args = self._jobs.popleft()
                except IndexError:  # it was one that waited no longer
                    break
                await job(*args)
        finally:
            # More may be there: it came just now, or a job broke off (eventlet's Timeout is no
            # Exception), for which the others must not suffer.
            self._busy.release()
            if self._jobs and self._busy.acquire(False):
                self._runtime.start(self._work)
