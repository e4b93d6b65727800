"""A runtime for tests: one thread, a clock that only the test moves, and nothing by chance."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

from greenlet import getcurrent, greenlet

from sionamespace.errors import WouldBlock
from sionamespace.runtime.calls import call_plain, on_event_loop, run_background
from sionamespace.runtime.drive import drive
from sionamespace.runtime.errands import Errands
from sionamespace.runtime.originals import get_ident
from sionamespace.runtime.pending import Pending
from sionamespace.runtime.portal import is_async, settle_from_task
from sionamespace.testing.loop import StepLoop, apart_from_the_running_loop
from sionamespace.testing.unfinished import Unfinished, frames_of, frames_of_task

__all__ = ["ManualRuntime"]

_MOST_TIMERS = 10_000
"""How many timers go off before a test that waits for ever is taken to wait for nothing."""


class _Timer:
    def __init__(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.function = function
        self.args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class ManualRuntime:
    """`sionamespace.ports.Runtime` for tests.

    What is started waits until `settle`, and runs in greenlets, so that a handler may wait in the
    middle while the test goes on. ``async def`` runs on a `StepLoop`.
    """

    name = "manual"
    has_threads = False

    def __init__(self) -> None:
        self._ident = get_ident()
        self._hub = getcurrent()
        self._time = 0.0
        self._ready: deque[Callable[[], object]] = deque()
        self._timers: list[tuple[float, int, _Timer]] = []
        self._order = itertools.count()
        self._loop: StepLoop | None = None
        self._asleep: dict[greenlet, None] = {}
        self._spawned: WeakKeyDictionary[Any, Callable[..., Any]] = WeakKeyDictionary()

    # What the package asks of a runtime.

    def bind(self) -> None: ...

    def awaited(self) -> None: ...

    def here(self) -> bool:
        return self._ident == get_ident()

    def post(self, function: Callable[..., object], *args: Any) -> None:
        self._ready.append(lambda: function(*args))

    def on_engine(self, function: Callable[..., object], *args: Any) -> None:
        if self.here():
            function(*args)
        else:
            self.post(function, *args)

    def start(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._ready.append(lambda: drive(step()))

    def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Pending[Any]:
        if is_async(function):
            return self._submit(function(*args, **kwargs), function)
        pending: Pending[Any] = Pending(self)

        def run() -> None:
            self._spawned[getcurrent()] = function
            run_background(pending, function, args, kwargs)

        self._ready.append(run)
        return pending

    async def call(
        self, function: Callable[..., Any], is_async: bool, inline: bool, *args: Any
    ) -> Any:
        return self.run_async(function, *args) if is_async else call_plain(function, args)

    def run_async(self, function: Callable[..., Any], *args: Any) -> Any:
        return Errands(self).wait(lambda: self._submit(function(*args)))

    async def run_plain(self, function: Callable[..., Any], inline: bool, *args: Any) -> Any:
        return await Errands.ask(function, *args)

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> _Timer:
        timer = _Timer(function, args)
        heapq.heappush(self._timers, (self._time + seconds, next(self._order), timer))
        return timer

    def waiter(self) -> _Waiter:
        if on_event_loop():
            raise WouldBlock("waiting here would stop the event loop; write `await`")
        return _Waiter(self)

    def sleep(self, seconds: float) -> None:
        waiter = self.waiter()
        self.later(seconds, waiter.set)
        waiter.wait(None)

    def now(self) -> float:
        return self._time

    # What a test asks of it.

    def settle(self) -> None:
        """Run until everything has ended or waits for something."""
        while self._ready or self._loop is not None:
            while self._ready:
                self._switch_to(greenlet(self._ready.popleft()))
            if self._loop is not None:
                self._loop.step()
            if not self._ready:
                return

    def advance(self, seconds: float) -> None:
        """Move the clock, and let everything happen that falls due on the way, in order."""
        end = self._time + seconds
        self.settle()
        while self._fire_next(end):
            self.settle()
        self._time = end

    def unfinished(self) -> list[Unfinished]:
        """What has begun, is the application's, and waits for something."""
        threads = [(frames_of(asleep.gr_frame), asleep) for asleep in self._asleep]
        tasks = [] if self._loop is None else asyncio.all_tasks(self._loop)
        waiting = threads + [(frames_of_task(task), task) for task in tasks if not task.done()]
        found = (Unfinished.of(frames, self._spawned.get(it)) for frames, it in waiting)
        return [unfinished for unfinished in found if unfinished is not None]

    def run_out(self, more: Callable[[], object], steps: int) -> None:
        """Move the clock on to where ``more()`` is false, by so many timers at the most."""
        self.settle()
        for _ in range(steps):
            if not more() or not self._fire_next(float("inf")):
                return
            self.settle()

    def close(self) -> None:
        """End what is still waiting, without letting it run on."""
        if self._loop is not None:
            self._loop.finish()
            self._loop = None

    # Inside.

    def _fire_next(self, end: float) -> bool:
        """Fire the next timer up to a time; False if there is none."""
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heapq.heappop(self._timers)
            if timer.cancelled:
                continue
            self._time = max(self._time, when)
            self.post(timer.function, *timer.args)
            return True
        return False

    def _submit(
        self, coroutine: Coroutine[Any, Any, Any], spawned: Callable[..., Any] | None = None
    ) -> Pending[Any]:
        if self._loop is None:
            self._loop = StepLoop(self.now, lambda seconds: self.later(seconds, _nothing))
        pending: Pending[Any] = Pending(self)
        task = self._loop.create_task(coroutine)
        if spawned is not None:
            self._spawned[task] = spawned
        task.add_done_callback(lambda done: settle_from_task(pending, done))
        return pending

    def _switch_to(self, other: greenlet) -> None:
        other.parent = getcurrent()
        # A plain function may wait here, also in a test that is itself `async def`.
        with apart_from_the_running_loop():
            other.switch()

    def wait(self, waiter: _Waiter, seconds: float | None) -> bool:
        """Wait: in a greenlet the test goes on, in the test itself the clock moves."""
        if getcurrent() is not self._hub:
            timer = None if seconds is None else self.later(seconds, waiter.give_up)
            waiter.sleep_in(getcurrent())
            if timer is not None:
                timer.cancel()
            return waiter.is_set
        return self._wait_in_test(waiter, float("inf") if seconds is None else seconds)

    def _wait_in_test(self, waiter: _Waiter, seconds: float) -> bool:
        end, fired = self._time + seconds, 0
        self.settle()
        while not waiter.is_set and fired < _MOST_TIMERS and self._fire_next(end):
            self.settle()
            fired += seconds == float("inf")
        if waiter.is_set:
            return True
        if seconds == float("inf"):
            raise WouldBlock("the test waits for something that nothing left can bring about")
        self._time = end
        return False

    def put_to_sleep(self, current: greenlet) -> None:
        """Let the test go on until a greenlet is resumed."""
        self._asleep[current] = None
        try:
            current.parent.switch()
        finally:
            del self._asleep[current]

    def resume(self, waiting: greenlet) -> None:
        """Let a greenlet that waits go on, at the next settling."""
        self._ready.append(lambda: self._switch_to(waiting))


class _Waiter:
    """Waits on a `ManualRuntime`."""

    def __init__(self, runtime: ManualRuntime) -> None:
        self._runtime = runtime
        self._sleeper: greenlet | None = None
        self.is_set = False

    def wait(self, seconds: float | None) -> bool:
        return self._runtime.wait(self, seconds)

    def set(self) -> None:
        self.is_set = True
        self.give_up()

    def give_up(self) -> None:
        sleeper, self._sleeper = self._sleeper, None
        if sleeper is not None:
            self._runtime.resume(sleeper)

    def sleep_in(self, current: greenlet) -> None:
        if not self.is_set:
            self._sleeper = current
            self._runtime.put_to_sleep(current)


def _nothing() -> None:
    pass
