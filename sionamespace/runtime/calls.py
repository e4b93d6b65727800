"""Calls of the application's functions, as all runtimes make them."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from types import CoroutineType
from typing import Any

from sionamespace.errors import HandlerError
from sionamespace.runtime.pending import Pending

__all__ = ["being_cancelled", "call_plain", "log_failure", "on_event_loop", "run_background"]

_log = logging.getLogger("sionamespace.runtime")


def call_plain(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """What a handler that is a plain ``def`` returns."""
    result = function(*args)
    if type(result) is CoroutineType:
        result.close()
        raise HandlerError(
            f"{function!r} is a plain function, but returned a coroutine; make it `async def`, and "
            "let it await that. If a decorator hides that it is one, let that be `async def` too"
        )
    return result


def on_event_loop() -> bool:
    """Whether the calling code runs on an asyncio event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def being_cancelled() -> bool:
    """Whether somebody cancels the task that this code runs in, and not one that it awaits."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # there is no event loop here
        return False
    if task is None:
        return False
    return sys.version_info < (3, 11) or task.cancelling() > 0  # it cannot be asked before


def run_background(
    pending: Pending[Any],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    """Run a function in the background: its pending value gets what it returns or raises."""
    try:
        pending.resolve(function(*args, **kwargs))
    except BaseException as error:  # eventlet's Timeout is no Exception, and somebody may wait
        _log_error(function, error)
        pending.fail(error)
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            raise


def log_failure(pending: Pending[Any], function: Callable[..., Any]) -> None:
    """Log, once, what a background function raised."""
    error = pending.exception()
    if error is not None and not pending.cancelled():
        _log_error(function, error)


def _log_error(function: Callable[..., Any], error: BaseException) -> None:
    _log.error("a background task failed: %r", function, exc_info=error)
