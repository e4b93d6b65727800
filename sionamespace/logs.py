"""A log that clients cannot fill."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

__all__ = ["FirstTimes", "NowAndThen"]

_MOST = 100

_SILENCE = 10.0
"""For how many seconds a thing is not logged again."""


class FirstTimes:
    """Logs the first time of each thing as a warning, and all the others for debugging only.

    Clients choose what is logged, so there is an end to the different things too.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._seen: set[str] = set()

    def warning(self, thing: str, text: str, *args: object) -> None:
        """Log a text about a thing."""
        first = thing not in self._seen and len(self._seen) < _MOST
        if first:
            self._seen.add(thing)
        self._log.log(logging.WARNING if first else logging.DEBUG, text, *args)


class NowAndThen:
    """Says of things that may happen all the time when to log them.

    Args:
        now: the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._logged: dict[str, float] = {}

    def is_time(self, thing: str) -> bool:
        """Whether a thing, of which there are few, is to be logged now that it has happened."""
        now = self._now()
        if now - self._logged.get(thing, -_SILENCE) < _SILENCE:
            return False
        self._logged[thing] = now
        return True
