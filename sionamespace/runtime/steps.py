"""`Steps`: coroutines that share a task for as long as they wait for nothing."""

from __future__ import annotations

import asyncio
import logging
import sys
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any, TypeAlias

from sionamespace.runtime.errands import Errands

__all__ = ["Begun", "Step", "Steps", "resumed"]

_log = logging.getLogger("sionamespace.runtime")

_FAULT = "a step failed, which is a fault of sionamespace"

Step: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
Begun: TypeAlias = tuple[Coroutine[Any, Any, None], Any, Context]
"""A coroutine that was begun and waits, what for, and the context in which it runs."""


class Steps:
    """Runs steps on an event loop, each in a context of its own, in the order in which they came.

    Most events are handled without a wait, and a task for each costs more than its decoding and
    encoding together (1.4 us of the 8.2 that an echo takes). So one task takes all steps that came
    in a round of the loop. The first that waits keeps this task, which from then on is its own,
    and those behind it get tasks of their own. So none waits for another, and to what it calls a
    step looks like a task: who asks for the current one gets the same from its begin to its end.

    Args:
        ended: called when what came in a round has run.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ended: Callable[[], object]) -> None:
        self._loop = loop
        self._ended = ended
        self._come: deque[tuple[Context, Step]] = deque()
        self._is_due = False
        """Whether a task is on its way that takes them: the taker."""
        self._taker: asyncio.Task[None]
        self._tasks: dict[object, asyncio.Task[None]] = {}  # a loop keeps only weak references

    def start(self, step: Step) -> None:
        """Run a step, in this round of the loop. On its thread."""
        context = copy_context()
        if Errands.waited_for():
            context.run(Errands.leave)  # of a handler that set this step off
        self._come.append((context, step))
        # Who cancels all tasks, as some do to end, may cancel that one before it has begun.
        if not self._is_due or self._taker.done():
            self._is_due = True
            self._taker = self._begin(context, self._take)

    def _begin(self, context: Context, step: Step) -> asyncio.Task[None]:
        """Run a step in a task of its own."""
        key = object()
        task = context.run(self._loop.create_task, self._run(key, step))
        if not task.done():  # as one may be of a loop with eager tasks
            self._tasks[key] = task
        return task

    async def _run(self, key: object, step: Step) -> None:
        try:
            await step()
        except Exception:
            _log.exception(_FAULT)
        finally:
            # By itself, for a callback when it is done would cost as much as all else here.
            self._tasks.pop(key, None)

    async def _take(self) -> None:
        if len(self._come) == 1:
            _, step = self._come.popleft()  # its context is the task's
            self._is_due = False
            await step()
            self._ended()
        elif (begun := self._run_all()) is not None:
            await resumed(*begun)

    def _run_all(self) -> Begun | None:
        """Run what has come, up to the first that waits, which is returned."""
        is_cancelled = _cancelling(asyncio.current_task())
        try:
            for _ in range(len(self._come)):
                context, step = self._come.popleft()
                coroutine = step()
                try:
                    return coroutine, context.run(coroutine.send, None), context
                except (StopIteration, asyncio.CancelledError):
                    pass
                except Exception:
                    _log.exception(_FAULT)
                if is_cancelled():  # by a step that did not wait, and so the next would be
                    break
        finally:
            self._is_due = False
            while self._come:
                self._begin(*self._come.popleft())
            self._ended()
        return None


def _cancelling(task: asyncio.Task[Any] | None) -> Callable[[], int]:
    """What tells whether a task is to be cancelled as soon as it waits."""
    assert task is not None
    if sys.version_info >= (3, 11):
        return task.cancelling
    return lambda: task._must_cancel  # type: ignore[attr-defined]


@types.coroutine
def resumed(
    coroutine: Coroutine[Any, Any, None], waits_for: Any, context: Context
) -> Generator[Any, Any, None]:
    """Go on, in the task that awaits this, with a coroutine that was begun and waits.

    Args:
        waits_for: what it waits for, as its ``send`` told.
    """
    with suppress(StopIteration):
        while True:
            try:
                value = yield waits_for
            except BaseException as error:
                waits_for = context.run(coroutine.throw, error)
            else:
                waits_for = context.run(coroutine.send, value)
