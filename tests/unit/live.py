"""The real runtimes as a test needs them: on a clock that it moves, and waited for until quiet.

Handlers run where they run in production, on green threads, threads or an event loop, while the
test looks on from a thread of its own. What is under way is counted, so that nobody sleeps: a test
goes on as soon as everything has ended or waits.
"""

from __future__ import annotations

import asyncio
import faulthandler
import heapq
import itertools
import selectors
import threading
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

from sionamespace.errors import WouldBlock
from sionamespace.runtime.aio import AsyncioRuntime
from sionamespace.runtime.calls import on_event_loop
from sionamespace.runtime.choice import make_driver
from sionamespace.runtime.threaded import ThreadedRuntime
from sionamespace.runtime.workers import Workers

PATIENCE = 30.0
"""Seconds after which a test that does not come to rest fails."""

_in_job: ContextVar[bool] = ContextVar("in_job", default=False)
_worker = threading.local()
"""The same for the threads of workers, who run each job in the context of who asked for it."""


def in_job() -> bool:
    """Whether what calls is counted as being under way."""
    return _in_job.get() or getattr(_worker, "busy", False)


class Activity:
    """Counts what is under way, on all threads."""

    def __init__(self) -> None:
        self._count = 0
        self._news = threading.Condition()
        self.faults: list[BaseException] = []
        """What functions of ours raised on the engine's thread."""

    def begin(self) -> None:
        with self._news:
            self._count += 1

    def end(self) -> None:
        with self._news:
            self._count -= 1
            if not self._count:
                self._news.notify_all()

    def run(self, function: Callable[..., Any], *args: Any) -> None:
        """Run something for which `begin` was called."""
        try:
            function(*args)
        except BaseException as error:
            self.faults.append(error)
            raise
        finally:
            self.end()

    def run_job(self, function: Callable[..., Any], *args: Any) -> None:
        """The same for what may wait."""
        _in_job.set(True)
        try:
            function(*args)
        finally:
            self.end()

    def wait_until_quiet(self) -> None:
        with self._news:
            if not self._news.wait_for(lambda: not self._count, PATIENCE):
                faulthandler.dump_traceback(all_threads=True)
                raise AssertionError(f"{self._count} are still under way after {PATIENCE} s")


class Timer:
    def __init__(self, function: Callable[[], object]) -> None:
        self.function = function
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Time as the test moves it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()

    def add(self, seconds: float, function: Callable[[], object]) -> Timer:
        timer = Timer(function)
        with self._lock:
            heapq.heappush(self._timers, (self.now + seconds, next(self._order), timer))
        return timer

    def fire_next(self, end: float) -> bool:
        """Fire the next timer up to a time; False if there is none."""
        while True:
            with self._lock:
                if not self._timers or self._timers[0][0] > end:
                    return False
                when, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                self.now = max(self.now, when)
                timer.function()
                return True


class Live:
    """A real runtime for one session of tests. The thread that makes it is that of the tests."""

    def __init__(self, mode: str) -> None:
        self.name = mode
        self._tester = threading.get_ident()
        self.activity, self._clock = Activity(), Clock()
        make = _asyncio if mode == "asyncio" else _threaded
        self._runtime = make(mode, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    # What the runtimes ask.

    def now(self) -> float:
        return self._clock.now

    def add_timer(self, seconds: float, function: Callable[[], object]) -> Timer:
        return self._clock.add(seconds, function)

    def make_waiter(self, make: Callable[[], Any]) -> Any:
        if threading.get_ident() == self._tester and not in_job():
            return _TestWaiter(self)
        return _Waiter(self, make)

    # What a test asks.

    def settle(self) -> None:
        """Wait until everything has ended or waits for something."""
        if self._runtime.here():  # it is part of what is under way
            return
        self.activity.wait_until_quiet()
        if self.activity.faults:
            raise self.activity.faults.pop(0)

    def advance(self, seconds: float) -> None:
        """Move the clock, and let everything happen that falls due on the way, in order."""
        end = self._clock.now + seconds
        self.settle()
        while self._clock.fire_next(end):
            self.settle()
        self._clock.now = end

    def unfinished(self) -> list[Any]:
        """Not known of real threads."""
        return []

    def close(self) -> None:
        """Let what waits for time go on, and so end."""
        self.advance(3600)

    def wait_in_test(self, waiter: _TestWaiter, seconds: float | None) -> bool:
        end = float("inf") if seconds is None else self._clock.now + seconds
        self.settle()
        while not waiter.is_set and self._clock.fire_next(end):
            self.settle()
        if waiter.is_set:
            return True
        if seconds is None:
            raise WouldBlock("the test waits for something that nothing left can bring about")
        self._clock.now = end
        return False


class _TestWaiter:
    """Waits in the test itself, and moves the clock."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self.is_set = False

    def wait(self, seconds: float | None) -> bool:
        return self._live.wait_in_test(self, seconds)

    def set(self) -> None:
        self.is_set = True


class _Waiter:
    """Waits in a handler; while it does, the handler is not under way."""

    def __init__(self, live: Live, make: Callable[[], Any]) -> None:
        self._live = live
        self._make = make
        self._lock = threading.Lock()
        self._inner: Any = None
        self.is_set = False

    def wait(self, seconds: float | None) -> bool:
        timer = None if seconds is None else self._live.add_timer(seconds, self._wake)
        inner = self._make()
        with self._lock:
            if self.is_set:
                return True
            self._inner = inner
        if counted := in_job():
            self._live.activity.end()
        inner.wait(None)
        if not counted:
            self._live.activity.end()
        if timer is not None:
            timer.cancel()
        return self.is_set

    def set(self) -> None:
        self.is_set = True
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            inner, self._inner = self._inner, None
        if inner is not None:
            self._live.activity.begin()  # before it goes on, so that no gap looks like rest
            inner.set()


# Threads and green threads.


class _Driver:
    """A driver whose jobs are counted."""

    def __init__(self, mode: str, live: Live) -> None:
        driver = make_driver(mode)
        self._driver, self._live, self._activity = driver, live, live.activity
        self.now = live.now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)  # the rest is as it is

    def post(self, function: Callable[..., object], *args: Any) -> None:
        self._activity.begin()
        self._driver.post(self._activity.run, function, *args)

    def start(self, function: Callable[..., object], *args: Any) -> None:
        self._activity.begin()
        self._driver.start(self._activity.run_job, function, *args)

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        return self._live.add_timer(seconds, partial(self.post, function, *args))

    def waiter(self) -> Any:
        return self._live.make_waiter(self._driver.waiter)

    def sleep(self, seconds: float) -> None:
        waiter = self.waiter()
        self._live.add_timer(seconds, waiter.set)
        waiter.wait(None)


def _threaded(mode: str, live: Live) -> ThreadedRuntime:
    driver, bound = _Driver(mode, live), threading.Event()

    def run() -> None:
        driver.bind()
        forever = driver._driver.waiter()
        bound.set()
        forever.wait(None)

    threading.Thread(target=run, daemon=True, name=f"{mode}-engine").start()
    assert bound.wait(PATIENCE)
    runtime = ThreadedRuntime(driver)
    runtime._portal._loop = loop = _Loop(live)
    threading.Thread(target=loop.run_forever, daemon=True, name=f"{mode}-portal").start()
    return runtime


# asyncio.


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that is under way unless it sleeps."""

    def __init__(self, live: Live) -> None:
        self._activity = live.activity
        self.time = live.now
        self._activity.begin()
        super().__init__(_Selector(live, self._wake))

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Any:
        self._activity.begin()
        return super().call_soon_threadsafe(self._activity.run, callback, *args, context=context)

    def _wake(self) -> None:
        self.call_soon_threadsafe(lambda: None)


class _Selector(selectors.DefaultSelector):
    """Sleeps until a time of the test's clock."""

    def __init__(self, live: Live, wake: Callable[[], object]) -> None:
        super().__init__()
        self._live = live
        self._wake = wake

    def select(self, timeout: float | None = None) -> Any:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        timer = None if timeout is None else self._live.add_timer(timeout, self._wake)
        self._live.activity.end()
        events = super().select(None)
        self._live.activity.begin()
        if timer is not None:
            timer.cancel()
        return events


class _Workers(Workers):
    """Worker threads whose jobs are counted."""

    def __init__(self, most: int, activity: Activity) -> None:
        super().__init__(most)
        self._activity = activity

    def submit(self, function: Callable[..., object], *args: Any) -> None:
        self._activity.begin()
        super().submit(self._run, function, *args)

    def _run(self, function: Callable[..., object], *args: Any) -> None:
        _worker.busy = True
        try:
            function(*args)
        finally:
            self._activity.end()


class _Asyncio(AsyncioRuntime):
    def __init__(self, live: Live) -> None:
        super().__init__(64)
        self._live = live
        self._workers = _Workers(64, live.activity)
        self.now = live.now

    def waiter(self) -> Any:
        make = super().waiter
        return make() if on_event_loop() else self._live.make_waiter(make)

    def sleep(self, seconds: float) -> None:
        super().sleep(0)  # which tells whether it may
        waiter = self.waiter()
        self._live.add_timer(seconds, waiter.set)
        waiter.wait(None)


def _asyncio(mode: str, live: Live) -> AsyncioRuntime:
    runtime, loop, bound = _Asyncio(live), _Loop(live), threading.Event()
    loop.call_soon(runtime.bind)
    loop.call_soon(bound.set)
    threading.Thread(target=loop.run_forever, daemon=True, name="asyncio-engine").start()
    assert bound.wait(PATIENCE)
    return runtime
