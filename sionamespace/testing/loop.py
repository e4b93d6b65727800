"""An asyncio loop that a test drives step by step, on a clock that a test moves."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from greenlet import getcurrent, greenlet

__all__ = ["StepLoop", "apart_from_the_running_loop"]


@contextmanager
def apart_from_the_running_loop() -> Iterator[None]:
    """Held while the loop that the test itself may run on must not be seen."""
    outer = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(outer)


class _IdleSelector(selectors.DefaultSelector):
    """Calls ``idle`` where a real loop would fall asleep."""

    def __init__(self, idle: Callable[[float | None], None]) -> None:
        super().__init__()
        self._idle = idle

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or timeout == 0:
            return events
        self._idle(timeout)
        return super().select(0)


class StepLoop(asyncio.SelectorEventLoop):
    """An event loop in a greenlet of its own, which runs until it has nothing to do.

    Args:
        now: the clock of the test.
        wake_after: asks the test to call `step` again after some seconds of that clock.
    """

    def __init__(self, now: Callable[[], float], wake_after: Callable[[float], Any]) -> None:
        self._now = now
        self._wake_after = wake_after
        self._timer: Any = None
        self._greenlet: greenlet | None = None
        super().__init__(_IdleSelector(self._fall_idle))

    def time(self) -> float:
        """The test's time, so that ``asyncio.sleep`` waits for the test."""
        return self._now()

    def step(self) -> None:
        """Run until there is nothing to do."""
        if self._greenlet is None:
            self._greenlet = greenlet(self.run_forever)
        self._greenlet.parent = getcurrent()
        with apart_from_the_running_loop():
            self._greenlet.switch()

    def finish(self) -> list[asyncio.Task[Any]]:
        """End it; the tasks that were not done, which are cancelled."""
        unfinished = [task for task in asyncio.all_tasks(self) if not task.done()]
        for task in unfinished:
            task.cancel()
        self.step()  # what they do in the end
        self.call_soon(self.stop)
        self.step()
        self.close()
        return unfinished

    def _fall_idle(self, timeout: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if timeout is not None:
            self._timer = self._wake_after(timeout)
        asyncio._set_running_loop(None)
        assert self._greenlet is not None
        self._greenlet.parent.switch()
        asyncio._set_running_loop(self)
