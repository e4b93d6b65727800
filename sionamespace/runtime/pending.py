"""`Pending`: a value that is not known yet, to wait for, to await, or to be called with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from sionamespace.ports import Runtime
from sionamespace.runtime.originals import new_lock

__all__ = ["Pending"]

T = TypeVar("T")

_log = logging.getLogger("sionamespace.runtime")


class Pending(Generic[T]):
    """A value that is not known yet. It follows ``concurrent.futures.Future`` where it can.

    In a ``def``: ``pending.result(timeout)``. In an ``async def``: ``await pending``. In both:
    ``pending.add_done_callback(function)``. It may be used from any thread, and from any event
    loop.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = new_lock()
        self._done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._listeners: list[Callable[[], object]] = []

    @classmethod
    def known(cls, runtime: Runtime, value: T) -> Pending[T]:
        """A value that is known already."""
        pending = Pending[T](runtime)
        pending.resolve(value)
        return pending

    # What the application uses.

    def done(self) -> bool:
        """Whether the value, or an error instead of it, is known."""
        return self._done

    def result(self, timeout: float | None = None) -> T:
        """The value; waits for it, and blocks only this thread or green thread.

        Args:
            timeout: how many seconds to wait; None waits as long as it takes.

        Raises:
            TimeoutError: if it is not known by then; it may still come.
            WouldBlock: on an event loop, where only ``await`` can wait.
            concurrent.futures.CancelledError: if it was cancelled.
        """
        self._wait(timeout)
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """The error instead of the value, or None; waits as `result` does."""
        self._wait(timeout)
        return self._error

    def cancel(self) -> bool:
        """Give up waiting for it; False if it was already done."""
        return self.fail(CancelledError())

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return isinstance(self._error, CancelledError)

    def add_done_callback(self, function: Callable[[Any], object]) -> None:
        """Have a function called with this object once it is done, in the background."""
        self.listen(lambda: self._runtime.spawn(self._call_back, function))

    def __await__(self) -> Generator[Any, None, T]:
        if not self._done:
            self._runtime.awaited()
            loop = asyncio.get_running_loop()
            woken: asyncio.Future[None] = loop.create_future()
            wake = partial(_wake_from_outside, loop, woken)
            self.listen(wake)
            try:
                yield from woken
            except BaseException:  # such as a time-out of who awaits it, again and again
                self._ignore(wake)
                raise
        return self.result()

    def __repr__(self) -> str:
        state = "pending" if not self._done else repr(self._error or self._value)
        return f"<{type(self).__name__} {state:.80}>"

    # What this package uses.

    def resolve(self, value: T) -> bool:
        """Set the value; False if it was already done. From any thread."""
        return self._settle(value, None)

    def fail(self, error: BaseException) -> bool:
        """Set an error instead; False if it was already done. From any thread."""
        return self._settle(None, error)

    def listen(self, listener: Callable[[], object]) -> None:
        """Have a quick function that cannot fail called once it is done, by whoever settles it."""
        with self._lock:
            if not self._done:
                self._listeners.append(listener)
                return
        listener()

    def _ignore(self, listener: Callable[[], object]) -> None:
        """Not call a function that listens, if it has not been called."""
        with self._lock, suppress(ValueError):
            self._listeners.remove(listener)

    def _settle(self, value: Any, error: BaseException | None) -> bool:
        with self._lock:
            if self._done:
                return False
            self._value, self._error, self._done = value, error, True
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener()
        return True

    def _wait(self, timeout: float | None) -> None:
        if self._done:
            return
        waiter = self._runtime.waiter()
        self.listen(waiter.set)
        try:
            if not waiter.wait(timeout) and not self._done:
                raise self._timed_out(timeout)
        except BaseException:  # also a library's own time-out, or an end of the green thread
            self._ignore(waiter.set)
            raise

    def _timed_out(self, timeout: float | None) -> Exception:
        return TimeoutError(f"not known after {timeout} s")

    def _call_back(self, function: Callable[[Any], object]) -> None:
        try:
            function(self)
        except Exception:
            _log.exception("a done callback failed: %r", function)


def _wake_from_outside(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and whoever awaited with it
        loop.call_soon_threadsafe(_wake, future)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
