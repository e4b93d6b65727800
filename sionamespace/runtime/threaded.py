"""The runtime of the sync modes: handlers block their own thread or green thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

from sionamespace.errors import WouldBlock
from sionamespace.ports import Timer, Waiter
from sionamespace.runtime.calls import call_plain, log_failure, on_event_loop, run_background
from sionamespace.runtime.drive import drive
from sionamespace.runtime.errands import Errands
from sionamespace.runtime.pending import Pending
from sionamespace.runtime.portal import Portal, is_async
from sionamespace.runtime.sockets import Readable

__all__ = ["Driver", "ThreadedRuntime"]

_log = logging.getLogger("sionamespace.runtime")


class Driver(Protocol):
    """The primitives of one concurrency library.

    "The engine's thread" is the one that may touch the engine. With a hub there is one for good;
    with threads it is whichever holds the engine, one at a time.
    """

    name: str

    engine: AbstractContextManager[object]
    """Held by what comes from a web server while it touches the engine, and never while it waits.
    With a hub there is nothing to hold."""

    one_thread: bool
    """Whether web servers must call the engine on one thread."""

    @property
    def has_threads(self) -> bool:
        """Whether it has started threads, which a process forked from this one would not have."""

    def bind(self) -> None:
        """Make the calling thread the engine's own."""

    def here(self) -> bool:
        """Whether the calling thread is the engine's own."""

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function on the engine's thread, in the order posted, from any thread."""

    def catch_up(self) -> None:
        """Run what was posted so far before anything that the calling thread does next."""

    def start(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function in a new thread or green thread; called on the engine's thread."""

    def at_end(self, function: Callable[[], object]) -> None:
        """Call a function, which cannot fail, when what is being done on the engine's thread has
        ended; with a hub that includes the handlers that were started, up to where they wait.
        """

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """Call a function on the engine's thread after some seconds; called there too."""

    def waiter(self) -> Waiter:
        """A waiter for the calling thread or green thread."""

    def sleep(self, seconds: float) -> None:
        """Pause the calling thread or green thread."""

    def watch(self, sock: Any, readable: Readable, finished: Callable[[], object]) -> None:
        """Call ``readable`` on the engine's thread, which is held, whenever a socket can be read.

        When it returns ``OVER`` the socket is watched no more, and ``finished`` is called.
        """

    def unwatch(self, sock: Any) -> None:
        """Watch a socket no more, if it was, and call nothing. The engine is held."""

    def wait_readable(self, sock: Any) -> None:
        """Pause the calling thread or green thread until something can be read from a socket."""

    def wait_writable(self, sock: Any) -> None:
        """Pause it until a socket can be written; raises ``OSError`` if that is closed."""

    def now(self) -> float:
        """The time of the clock behind `later`."""

    def start_real_thread(self, function: Callable[[], object]) -> object:
        """Run a function on an operating system thread that does not keep the process alive."""


class ThreadedRuntime:
    """`sionamespace.ports.Runtime` over the primitives of a threading or green library."""

    def __init__(self, driver: Driver) -> None:
        self.name = driver.name
        self._driver = driver
        self._portal = Portal(self, driver.start_real_thread)
        self.engine = driver.engine
        self.one_thread = driver.one_thread
        self.bind = driver.bind
        self.here = driver.here
        self.post = driver.post
        self.now = driver.now
        self.watch = driver.watch
        self.unwatch = driver.unwatch
        self.wait_readable = driver.wait_readable
        self.wait_writable = driver.wait_writable
        self.start_blocking = driver.start
        self.at_end = driver.at_end

    @property
    def has_threads(self) -> bool:
        """Whether it has started threads, which a process forked from this one would not have."""
        return self._driver.has_threads or self._portal.has_thread

    def awaited(self) -> None:
        """Nothing: the event loop on which somebody awaits it is not this runtime's."""

    def on_engine(self, function: Callable[..., object], *args: Any) -> None:
        if self.here():
            function(*args)
        else:
            self.post(function, *args)

    def start(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._driver.start(_run_step, step)

    def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Pending[Any]:
        if is_async(function):
            pending = self._portal.submit(function(*args, **kwargs))
            pending.listen(lambda: log_failure(pending, function))
            return pending
        pending = Pending(self)
        self.on_engine(self._driver.start, run_background, pending, function, args, kwargs)
        return pending

    async def call(
        self, function: Callable[..., Any], is_async: bool, inline: bool, *args: Any
    ) -> Any:
        return self.run_async(function, *args) if is_async else call_plain(function, args)

    def run_async(self, function: Callable[..., Any], *args: Any) -> Any:
        # It may have ended before it was waited for, and its emits still be in the post.
        begin = partial(self._begin, function, args)
        return Errands(self).wait(begin, self._driver.catch_up)

    async def run_plain(self, function: Callable[..., Any], inline: bool, *args: Any) -> Any:
        return await Errands.ask(function, *args)

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        timer = _Timer(self._driver)
        self.on_engine(timer.start, seconds, function, args)
        return timer

    def waiter(self) -> Waiter:
        if on_event_loop():
            raise WouldBlock(
                "waiting here would stop the event loop that this runs on; "
                "in an `async def`, write `await ack` instead of `ack.result()`"
            )
        return self._driver.waiter()

    def sleep(self, seconds: float) -> None:
        if on_event_loop():
            raise WouldBlock(
                "sleeping here would stop the event loop that this runs on; "
                "in an `async def`, write `await asyncio.sleep(...)`"
            )
        self._driver.sleep(seconds)

    def _begin(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Pending[Any]:
        return self._portal.submit(function(*args))


class _Timer:
    """A timer that may be asked for and cancelled on any thread, as a driver's may not."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._over = False
        self._timer: Timer | None = None

    def start(self, seconds: float, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        if not self._over:
            self._timer = self._driver.later(seconds, self._fire, function, args)

    def cancel(self) -> None:
        if self._over:
            return
        self._over = True
        if self._driver.here():
            self._stop()
        else:
            self._driver.post(self._stop)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _fire(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        if not self._over:
            self._over = True
            function(*args)


def _run_step(step: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        drive(step())
    except Exception:
        _log.exception("a step failed, which is a fault of sionamespace")
