"""`Unfinished`: what still waits for something, and where; for messages."""

from __future__ import annotations

import asyncio
import linecache
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

from sionamespace.handlers.signature import where

__all__ = ["Unfinished", "frames_of", "frames_of_task", "is_ours"]

_NOT_THE_APPLICATIONS = ("sionamespace", "asyncio", "contextlib", "threading")


@attrs.frozen
class Unfinished:
    """A handler or a background task that waits for something.

    ``names`` are the functions of the application that it is in; ``place`` is where it waits,
    ``chat.py:12, in on_clear: sure = ...``.
    """

    names: frozenset[str]
    place: str

    @classmethod
    def of(
        cls, frames: Iterator[FrameType], spawned: Callable[..., Any] | None
    ) -> Unfinished | None:
        """What waits in these frames, the innermost first; None if it is not the application's.

        Args:
            spawned: the function that was started as a background task, if it is one.
        """
        theirs = [frame for frame in frames if not is_ours(frame)]
        names = {frame.f_code.co_name for frame in theirs}
        if spawned is not None and not _is_not_theirs(getattr(spawned, "__module__", None)):
            names.add(getattr(spawned, "__name__", repr(spawned)))
        if not names:
            return None
        return cls(frozenset(names), _place(theirs[0]) if theirs else where(spawned))


def is_ours(frame: FrameType) -> bool:
    """Whether a frame is of this package, or of what it calls the application through."""
    return _is_not_theirs(frame.f_globals.get("__name__"))


def _is_not_theirs(module: str | None) -> bool:
    return str(module).partition(".")[0] in _NOT_THE_APPLICATIONS


def frames_of(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of a green thread, the innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def frames_of_task(task: asyncio.Task[Any]) -> Iterator[FrameType]:
    """The frames of a task, the innermost first."""
    frames: list[FrameType] = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            frames.insert(0, frame)
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return iter(frames)


def _place(frame: FrameType) -> str:
    code, line = frame.f_code, frame.f_lineno
    text = linecache.getline(code.co_filename, line).strip()
    return f"{Path(code.co_filename).name}:{line}, in {code.co_name}: {text}"
