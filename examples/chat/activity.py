"""`Activity`: how much is said in the chat."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

__all__ = ["Activity"]

_SECONDS = 60


class Activity:
    """Counts messages by the second, and remembers a minute.

    Args:
        clock: the time in seconds, from any beginning.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: Counter[int] = Counter()
        self._lock = threading.Lock()

    def note(self) -> None:
        """Somebody said something."""
        now = int(self._clock())
        with self._lock:
            self._counts[now] += 1
            for second in [past for past in self._counts if past <= now - _SECONDS]:
                del self._counts[second]

    def last_minute(self) -> list[int]:
        """How many messages there were in each of the last 60 seconds, this one last."""
        now = int(self._clock())
        with self._lock:
            return [self._counts[second] for second in range(now - _SECONDS + 1, now + 1)]
