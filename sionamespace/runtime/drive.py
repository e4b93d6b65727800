"""Running a coroutine that never suspends."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["drive"]

T = TypeVar("T")


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that completes without suspending.

    The pipeline is written once, as ``async def``; under a sync runtime nothing in it suspends,
    so one ``send`` completes it.

    Raises:
        RuntimeError: if it suspends, which is a fault of this package.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("the pipeline suspended under a sync runtime")
