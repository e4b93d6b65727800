"""`Stay`: how long a server is with the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any

from sionamespace.ports import Runtime
from sionamespace.runtime.originals import new_lock
from sionamespace.runtime.pending import Pending

__all__ = ["Stay"]


class Stay:
    """Runs something on the cluster's loop from `start` to `stop`, after which it may come again.

    From any thread.

    Args:
        live: runs as long as a function says that it goes on.
        left: called on the loop when that has ended, also if somebody cancelled it.
    """

    def __init__(
        self,
        runtime: Runtime,
        live: Callable[[Callable[[], bool]], Awaitable[None]],
        left: Callable[[], object],
    ) -> None:
        self._runtime = runtime
        self._live = live
        self._left = left
        self._lock = new_lock()
        self._running: Pending[Any] | None = None
        self._goes_on = False

    @property
    def has_begun(self) -> bool:
        """Whether it runs, or is about to."""
        return self._running is not None

    def start(self) -> None:
        """Begin, or go on if it was to stop."""
        with self._lock:
            self._goes_on = True
            if self._running is None:
                # In a context of its own: it is no part of what happens to be done now.
                spawn: Any = self._runtime.spawn
                self._running = Context().run(spawn, self._run)

    def stop(self) -> Pending[Any] | None:
        """Have it end; what is returned is done when it has, if it was there."""
        with self._lock:
            self._goes_on = False
            return self._running

    async def _run(self) -> None:
        await asyncio.sleep(0)  # a loop with eager tasks begins this while `start` has the lock
        try:
            while not self._is_over():
                await self._live(lambda: self._goes_on)
        except BaseException:
            # Somebody ended what runs here; who comes next begins anew.
            with self._lock:
                self._running = None
            raise
        finally:
            self._left()

    def _is_over(self) -> bool:
        """Whether it is to end; if so, who comes back begins anew."""
        with self._lock:
            if not self._goes_on:
                self._running = None
            return not self._goes_on
