"""Faults of our own, which are logged and stop nothing."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

__all__ = ["guarded", "log_fault"]

_log = logging.getLogger("sionamespace.runtime")


def guarded(what: str, function: Callable[..., Any], *args: Any) -> Any:
    """What a function of ours returns; None if it fails, and then the log says so.

    The application's functions handle their own errors. What comes here would otherwise end a hub,
    a thread or the post for everybody.
    """
    try:
        return function(*args)
    except Exception:
        log_fault(what)
        return None


def log_fault(what: str) -> None:
    """Log the exception that is being handled. Raises nothing, whatever handles the log."""
    try:
        _log.exception("%s failed, which is a fault of sionamespace", what)
    except Exception:
        traceback.print_exc()
