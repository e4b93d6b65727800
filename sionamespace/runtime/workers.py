"""Threads for functions that may block."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from sionamespace.runtime.faults import log_fault

__all__ = ["Workers"]


class Workers:
    """Runs functions on threads, which are started as they are needed and used again.

    Unlike those of ``concurrent.futures`` they do not keep a process from ending: a handler that
    waits for something must not.

    Args:
        most: how many threads there may be; what is more waits.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._free = 0
        self._count = 0

    @property
    def has_threads(self) -> bool:
        """Whether any was started."""
        return self._count > 0

    def submit(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function, which handles its own errors, as soon as a thread is free."""
        with self._lock:
            if self._free > 0 or self._count == self._most:
                self._free -= 1
            else:
                self._start()
        self._jobs.put((function, args))

    def _start(self) -> None:
        name = f"sionamespace-{self._count + 1}"
        try:
            threading.Thread(target=self._work, daemon=True, name=name).start()
        except RuntimeError:  # there can be no more threads
            if not self._count:
                raise
            self._free -= 1
        else:
            self._count += 1

    def _work(self) -> None:
        while True:
            function, args = self._jobs.get()
            try:
                function(*args)
            except (SystemExit, KeyboardInterrupt):
                pass  # it ends what raised it, and not the thread, which serves others too
            except BaseException:
                log_fault("a job")
            del function, args  # or what they refer to lives until the next job comes
            with self._lock:
                self._free += 1
