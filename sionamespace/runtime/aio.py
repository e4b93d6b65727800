"""The runtime of the asyncio mode: the engine's thread is the one of the event loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any

from sionamespace.errors import WouldBlock
from sionamespace.ports import Timer, Waiter
from sionamespace.runtime.calls import call_plain, log_failure, on_event_loop, run_background
from sionamespace.runtime.errands import Errands
from sionamespace.runtime.originals import get_ident
from sionamespace.runtime.pending import Pending
from sionamespace.runtime.portal import is_async, settle_from_task
from sionamespace.runtime.steps import Step, Steps
from sionamespace.runtime.waiting import ThreadWaiter
from sionamespace.runtime.workers import Workers

__all__ = ["AsyncioRuntime"]

_log = logging.getLogger("sionamespace.runtime")


class AsyncioRuntime:
    """`sionamespace.ports.Runtime` on the application's own event loop.

    ``async def`` handlers run on the loop; ``def`` handlers run on worker threads, where they may
    block, unless they are marked ``inline``.

    Args:
        threads: how many ``def`` handlers and background functions may run at once; more wait.
    """

    name = "asyncio"
    start: Callable[[Step], None]
    """As in `sionamespace.ports.Runtime`; there is nothing to start before `bind`."""

    def __init__(self, threads: int) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ident: int | None = None
        self._is_guess = False
        """Whether it is only the loop on which something was awaited before the engine ran."""
        self._workers = Workers(threads)
        self._tasks: set[asyncio.Task[Any]] = set()  # a loop keeps only weak references
        self._context = copy_context()
        """In which the server was made, of which each handler has a copy."""
        self._early: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self._ends: list[Callable[[], object]] = []
        self._end_is_due = False

    @property
    def has_threads(self) -> bool:
        """Whether it has started threads, which a process forked from this one would not have."""
        return self._workers.has_threads

    def awaited(self) -> None:
        # An application may do so before it has a client, and has no other event loop.
        if self._loop is None or self._loop.is_closed():
            self._bind_to(asyncio.get_running_loop())
            self._is_guess = True

    def bind(self) -> None:
        if self._loop is None or self._is_guess or self._loop.is_closed():
            self._is_guess = False
            if self._loop is not asyncio.get_running_loop():
                self._bind_to(asyncio.get_running_loop())

    def _bind_to(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._end_is_due = False
        self.start = Steps(self._loop, self._context, self._end).start
        self._ident = get_ident()
        early, self._early = self._early, []
        for function, args in early:
            self._loop.call_soon(function, *args)

    def here(self) -> bool:
        # Before the loop is known there is no client, and nothing that could be disturbed.
        return self._ident is None or self._ident == get_ident()

    def post(self, function: Callable[..., object], *args: Any) -> None:
        if self._loop is None:
            self._early.append((function, args))
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)

    def on_engine(self, function: Callable[..., object], *args: Any) -> None:
        # `here`, written out: each answer to a client comes by.
        if self._ident is None or self._ident == get_ident():
            function(*args)
        else:
            self.post(function, *args)

    def at_end(self, function: Callable[[], object]) -> None:
        """Call a function, which cannot fail, when what can be done now has been done.

        Called on the loop's thread. That is when the last step of a round of the loop has run; or
        in the next round, if that one waits for something.
        """
        assert self._loop is not None
        if not self._end_is_due:
            self._end_is_due = True
            self._loop.call_soon(self._end_round)
        self._ends.append(function)

    def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Pending[Any]:
        pending: Pending[Any] = Pending(self)
        context = copy_context()
        if is_async(function):
            begin = self._begin_async
            self._on_loop(context.run, begin, pending, function, args, kwargs)
        else:
            run = run_background
            self._workers.submit(context.run, run, pending, function, args, kwargs)
        return pending

    def call(
        self, function: Callable[..., Any], is_async: bool, inline: bool, *args: Any
    ) -> Awaitable[Any]:
        if is_async:
            handled: Awaitable[Any] = function(*args)
            return handled
        return self._call_plain(function, inline, args)

    async def _call_plain(
        self, function: Callable[..., Any], inline: bool, args: tuple[Any, ...]
    ) -> Any:
        if inline:
            return call_plain(function, args)
        loop = asyncio.get_running_loop()
        # By the loop also when it ends at once, so that its emits, which it posts, come first.
        future: asyncio.Future[Any] = loop.create_future()
        self._workers.submit(copy_context().run, _run_handler, loop, future, function, args)
        return await future

    def run_async(self, function: Callable[..., Any], *args: Any) -> Any:
        return Errands(self).wait(partial(self._submit, function, args))

    async def run_plain(self, function: Callable[..., Any], inline: bool, *args: Any) -> Any:
        if Errands.waited_for() and not inline:
            return await Errands.ask(function, *args)
        return await self._call_plain(function, inline, args)

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        timer = _Timer(self)
        self._on_loop(timer.start, seconds, function, args)
        return timer

    def call_later(
        self, seconds: float, function: Callable[..., object], *args: Any
    ) -> asyncio.TimerHandle:
        """Call a function after some seconds; on the loop's thread only."""
        assert self._loop is not None
        return self._loop.call_later(seconds, function, *args)

    def waiter(self) -> Waiter:
        _check_may_block("write `await ack` instead of `ack.result()`")
        return ThreadWaiter()

    def sleep(self, seconds: float) -> None:
        _check_may_block("write `await asyncio.sleep(...)`")
        time.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()

    def _end_round(self) -> None:
        self._end_is_due = False
        self._end()

    def _end(self) -> None:
        ends, self._ends = self._ends, []
        for end in ends:
            end()

    def _on_loop(self, function: Callable[..., object], *args: Any) -> None:
        if self._loop is not None and self.here():
            function(*args)
        else:
            self.post(function, *args)

    def _create_task(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        assert self._loop is not None
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _begin_async(
        self,
        pending: Pending[Any],
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        if pending.done():  # it was cancelled before it began
            return
        try:
            coroutine = function(*args, **kwargs)
        except BaseException as error:  # its arguments do not fit
            pending.fail(error)
            raise
        task = self._create_task(coroutine)
        task.add_done_callback(lambda done: settle_from_task(pending, done))
        pending.listen(lambda: self._cancel(task) if pending.cancelled() else None)
        pending.listen(lambda: log_failure(pending, function))

    def _submit(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Pending[Any]:
        pending: Pending[Any] = Pending(self)
        self.post(copy_context().run, self._settle_later, pending, function, args)
        return pending

    def _settle_later(
        self, pending: Pending[Any], function: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        task = self._create_task(_call(function, args))
        task.add_done_callback(lambda done: settle_from_task(pending, done))

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        self._on_loop(task.cancel)


class _Timer:
    """A timer that may be asked for and cancelled on any thread."""

    def __init__(self, runtime: AsyncioRuntime) -> None:
        self._runtime = runtime
        self._over = False
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        if not self._over:
            self._handle = self._runtime.call_later(seconds, self._fire, function, args)

    def cancel(self) -> None:
        self._over = True
        if self._handle is not None and self._runtime.here():
            self._handle.cancel()

    def _fire(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        if not self._over:
            self._over = True
            function(*args)


def _check_may_block(mend: str) -> None:
    if on_event_loop():
        raise WouldBlock(
            f"waiting here would stop the event loop that this runs on; in an `async def`, {mend}"
        )


def _run_handler(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Any],
    function: Callable[..., Any],
    args: tuple[Any, ...],
) -> None:
    outcome: tuple[Any, BaseException | None]
    try:
        outcome = call_plain(function, args), None
    except BaseException as error:  # whoever waits decides what becomes of it
        outcome = None, error
    with suppress(RuntimeError):  # the loop has ended, and whoever waited with it
        loop.call_soon_threadsafe(_settle, future, *outcome)


def _settle(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if future.done():  # whoever waited was cancelled
        return
    if error is None:
        future.set_result(value)
    elif isinstance(error, StopIteration):  # which a future does not take
        failure = RuntimeError(f"it raised {error!r}")
        failure.__cause__ = error  # the log shows where
        future.set_exception(failure)
    else:
        future.set_exception(error)


async def _call(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return await function(*args)
