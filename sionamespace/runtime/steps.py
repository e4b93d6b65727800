"""`Steps`: coroutines that share a task for as long as they wait for nothing."""

from __future__ import annotations

import asyncio
import logging
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context
from typing import Any, TypeAlias

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
        context: what each one's context is a copy of.
        ended: called when what came in a round has run.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, context: Context, ended: Callable[[], object]
    ) -> None:
        self._loop = loop
        self._context = context
        self._ended = ended
        self._come: deque[Step] = deque()
        self._is_due = False
        """Whether a task is on its way that takes them: the taker."""
        self._taker: asyncio.Task[None]
        self._tasks: dict[object, asyncio.Task[None]] = {}  # a loop keeps only weak references

    def start(self, step: Step) -> None:
        """Run a step, in this round of the loop. On its thread."""
        self._come.append(step)
        # Who cancels all tasks, as some do to end, may cancel that one before it has begun.
        if not self._is_due or self._taker.done():
            self._is_due = True
            self._taker = self._begin(self._take)

    def _begin(self, step: Step) -> asyncio.Task[None]:
        """Run a step in a task of its own."""
        key = object()
        # Not in the context of a handler that may have set it off.
        task = self._context.copy().run(self._loop.create_task, self._run(key, step))
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
            step = self._come.popleft()
            self._is_due = False
            await step()
            self._ended()
        elif (begun := self._run_all()) is not None:
            await resumed(*begun)

    def _run_all(self) -> Begun | None:
        """Run what has come, up to the first that waits, which is returned."""
        task = asyncio.current_task()
        try:
            for _ in range(len(self._come)):
                coroutine, context = self._come.popleft()(), self._context.copy()
                try:
                    return coroutine, context.run(coroutine.send, None), context
                except (StopIteration, asyncio.CancelledError):
                    pass
                except Exception:
                    _log.exception(_FAULT)
                # By a step that did not wait, and so the next one to wait would be.
                if getattr(task, "_must_cancel", True):
                    break
        finally:
            self._is_due = False
            while self._come:
                self._begin(self._come.popleft())
            self._ended()
        return None


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
