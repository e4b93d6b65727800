"""An asyncio loop on a real thread, for ``async def`` handlers in sync modes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from functools import partial
from typing import Any

from sionamespace.ports import Runtime
from sionamespace.runtime.originals import new_event_loop, new_lock
from sionamespace.runtime.pending import Pending

__all__ = ["Portal"]


class Portal:
    """Runs coroutines on an event loop of its own, on a thread that starts with the first one.

    Args:
        runtime: the runtime of those who wait for the results.
        start_thread: starts a function on a real thread, a green one would not do.
    """

    def __init__(
        self, runtime: Runtime, start_thread: Callable[[Callable[[], None]], object]
    ) -> None:
        self._runtime = runtime
        self._start_thread = start_thread
        self._lock = new_lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def has_thread(self) -> bool:
        """Whether its thread has started."""
        return self._loop is not None

    def submit(self, coroutine: Coroutine[Any, Any, Any]) -> Pending[Any]:
        """What a coroutine will return; it runs with the caller's context variables."""
        pending: Pending[Any] = Pending(self._runtime)
        context = copy_context()
        try:
            loop = self._running_loop()
        except BaseException:  # there can be no more threads
            coroutine.close()
            raise
        loop.call_soon_threadsafe(self._begin, coroutine, pending, context)
        return pending

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = new_event_loop()
                try:
                    self._start_thread(partial(_serve, loop))
                except BaseException:
                    loop.close()
                    raise
                self._loop = loop
            return self._loop

    def _begin(
        self, coroutine: Coroutine[Any, Any, Any], pending: Pending[Any], context: Context
    ) -> None:
        if pending.done():  # cancelled before it began
            coroutine.close()
            return
        task = context.run(asyncio.ensure_future, coroutine)
        task.add_done_callback(lambda done: settle_from_task(pending, done))
        pending.listen(lambda: self._cancel(task) if pending.cancelled() else None)

    def _cancel(self, task: asyncio.Future[Any]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(task.cancel)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop; what would end it is for whoever waits for what has raised it."""
    while True:
        try:
            loop.run_forever()
            return
        except (SystemExit, KeyboardInterrupt):
            continue


def settle_from_task(pending: Pending[Any], task: asyncio.Future[Any]) -> None:
    """Give a pending value what a finished task has."""
    if task.cancelled():
        pending.cancel()
    elif (error := task.exception()) is not None:
        pending.fail(error)
    else:
        pending.resolve(task.result())


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling a function makes a coroutine; sees through partials and callable objects."""
    while hasattr(function, "func"):
        function = function.func
    if inspect.iscoroutinefunction(function):
        return True
    return inspect.iscoroutinefunction(type(function).__call__)
