"""Locks and thread identity as the operating system has them, also where a library patched them.

Monkey patching makes ``threading`` green. A lock that guards state shared with real threads must
not be green, and green threads of one real thread must have one identity here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, cast

__all__ = ["get_ident", "new_lock"]


def _original(name: str) -> Any:
    if "eventlet" in sys.modules:
        from eventlet import patcher

        return getattr(patcher.original("_thread"), name)
    if "gevent" in sys.modules:
        from gevent import monkey

        return monkey.get_original("_thread", name)
    import _thread

    return getattr(_thread, name)


get_ident = cast("Callable[[], int]", _original("get_ident"))
"""The identity of the calling operating system thread."""

new_lock = cast("Callable[[], AbstractContextManager[bool]]", _original("allocate_lock"))
"""A lock between operating system threads. Hold it for a few plain statements, never while
calling out: a green thread that switched away inside would stop the whole thread."""
