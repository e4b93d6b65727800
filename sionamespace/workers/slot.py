"""`Slot`: the place of one process among those that a master starts."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable

from sionamespace.workers.process import Process

__all__ = ["Slot"]

_log = logging.getLogger("sionamespace.run")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds before another process is started for one that died: doubled each time in a row."""
_STEADY = 10.0
"""How many seconds a process has to live for its death not to be one of a row."""


class Slot:
    """The place of one process, which several may have one after another.

    Args:
        name: of the process, for the log.
        be: what it does.
    """

    def __init__(self, name: str, be: Callable[[], object]) -> None:
        self.name = name
        self.serves = False
        """Whether it has told that it does what it is there for."""
        self._be = be
        self._process: Process | None = None
        self._is_leaving = False
        self._begun = 0.0
        self._deaths = 0
        self._next = 0.0
        self._last: float | None = None
        """When its process is to have ended; None if it may stay."""

    @property
    def pid(self) -> int | None:
        """The process that has it; None if there is none now."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start a process."""
        self._begun, self._last = time.monotonic(), None
        self._process = Process(self._be)

    def look(self) -> str | None:
        """How its process has ended, if it has since this was asked last."""
        if self._process is None or not self._process.look():
            return None
        end, self._process, self.serves = self._process.end, None, False
        return f"{self.name} {end}"

    def restart(self, end: str) -> None:
        """Have another process started for one that has ended: soon, if that is seldom."""
        now = time.monotonic()
        if self._is_leaving:
            self._is_leaving, self._next = False, now
            return
        self._deaths = self._deaths + 1 if now - self._begun < _STEADY else 1
        pause = min(_FIRST_PAUSE * 2 ** (self._deaths - 1), _LONGEST_PAUSE)
        self._next = now + pause
        _log.error("%s; another one starts in %g s", end, pause)

    def seconds_to_next(self) -> float | None:
        """When the next process is due, or this one is to have ended; None if it may stay."""
        when = self._next if self._process is None else self._last
        return None if when is None else max(0.0, when - time.monotonic())

    def replace(self, number: int, patience: float) -> None:
        """Have a process end by a signal, within so many seconds, and another one come."""
        self._is_leaving, self.serves = True, False
        self._last = time.monotonic() + patience
        self.signal(number)

    def kill(self) -> None:
        """End a process that was to end, and has not."""
        _log.error("%s (process %s) does not end; it is killed", self.name, self.pid)
        self._last = None
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Send its process a signal, if there is one."""
        if self._process is not None:
            self._process.signal(number)
