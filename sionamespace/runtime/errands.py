"""What a thread does for the coroutine that it waits for.

A ``def`` may stand around an ``async def``, and that around a ``def`` again, as middleware and
handlers do. The outer ``def`` keeps its thread or green thread, which has nothing to do until the
coroutine ends, so that is where the inner ``def`` runs: no second thread is taken, which under
asyncio could be waited for by all those who have a first one, for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

from sionamespace.errors import UsageError
from sionamespace.ports import Runtime
from sionamespace.runtime.calls import call_plain
from sionamespace.runtime.originals import new_lock
from sionamespace.runtime.pending import Pending

__all__ = ["Errands"]

_current: ContextVar[Errands | None] = ContextVar("sionamespace.errands", default=None)
"""Those of the thread that waits for this coroutine; None if none does."""


class Errands:
    """Functions that a coroutine asks for, run by the thread that waits for it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = new_lock()
        self._asked: deque[tuple[Callable[[], Any], Pending[Any]]] = deque()
        self._news: Pending[None] = Pending(runtime)
        self._over = False

    @staticmethod
    def waited_for() -> bool:
        """Whether a thread waits for the coroutine that asks."""
        return _current.get() is not None

    def wait(
        self, begin: Callable[[], Pending[Any]], catch_up: Callable[[], object] = lambda: None
    ) -> Any:
        """The result of a coroutine; until it is known, this thread runs what that asks for.

        Args:
            begin: begins it, in the context in which it is called.
            catch_up: called before an errand, and at the end: what the coroutine emitted so far
                comes first.
        """
        token = _current.set(self)
        try:
            pending = begin()
        finally:
            _current.reset(token)
        pending.listen(self._wake)
        try:
            while (errand := self._next(pending)) is not None:
                catch_up()
                self._run(*errand)
            return pending.result()
        finally:
            self._close()
            catch_up()

    @staticmethod
    async def ask(function: Callable[..., Any], *args: Any) -> Any:
        """What a ``def`` returns; the thread that waits for the coroutine which asks runs it.

        Raises:
            UsageError: if none does, or no longer.
        """
        errands = _current.get()
        answer = None if errands is None else errands._add(function, args)
        if answer is None:
            raise UsageError(
                "next was called after its middleware had ended; await it in the middleware itself"
            )
        return await answer

    def _add(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Pending[Any] | None:
        """The result to come of one more errand; None if it is too late."""
        answer: Pending[Any] = Pending(self._runtime)
        context = copy_context()
        with self._lock:
            if self._over:
                return None
            self._asked.append((lambda: context.run(call_plain, function, args), answer))
        self._wake()
        return answer

    def _next(self, pending: Pending[Any]) -> tuple[Callable[[], Any], Pending[Any]] | None:
        """The next errand, or None once the coroutine has ended."""
        while True:
            with self._lock:
                if self._asked:
                    return self._asked.popleft()
                if pending.done():
                    return None
                news = self._news
                if news.done():
                    news = self._news = Pending(self._runtime)
                    continue  # what came before there was a new one is looked at again
            news.result()

    def _run(self, function: Callable[[], Any], answer: Pending[Any]) -> None:
        try:
            value = function()
        except (KeyboardInterrupt, SystemExit):
            self._close()
            answer.cancel()  # the error itself would end the event loop
            raise
        except BaseException as error:
            answer.fail(error)
        else:
            answer.resolve(value)

    def _wake(self) -> None:
        self._news.resolve(None)

    def _close(self) -> None:
        """Nobody waits any more; what was asked for meanwhile is not run."""
        with self._lock:
            self._over = True
        for _, answer in self._asked:
            answer.cancel()
