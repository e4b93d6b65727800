"""`soon`: waits for a broker, but not for long."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

__all__ = ["PATIENCE", "soon"]

T = TypeVar("T")

PATIENCE = 5.0
"""How many seconds the broker may take for a step; past it the connection counts as broken."""


async def soon(
    step: Coroutine[Any, Any, T], broken: asyncio.Future[BaseException] | None = None
) -> T:
    """Wait for the broker, unless that takes too long, or the connection breaks meanwhile.

    Args:
        broken: done, with the error, when it breaks.
    """
    task = asyncio.ensure_future(step)
    ends: Iterable[asyncio.Future[Any]] = (task,) if broken is None else (task, broken)
    try:
        await asyncio.wait(ends, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    except BaseException:  # whoever waits is cancelled
        _abandon(task)
        raise
    if task.cancelled():
        raise ConnectionError("what the broker's library waited for was cancelled")
    if task.done():
        return task.result()
    _abandon(task)
    await asyncio.wait((task,), timeout=PATIENCE)
    if broken is not None and broken.done():
        raise broken.result()
    raise TimeoutError(f"the broker did not answer within {PATIENCE:g} s")


def _abandon(task: asyncio.Task[Any]) -> None:
    """End a task of which it does not matter how it ends."""
    task.cancel()
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
