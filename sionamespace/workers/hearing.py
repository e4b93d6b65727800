"""`Hearing`: signals and news that wake whoever waits for them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sionamespace.runtime.originals import original

__all__ = ["Hearing"]


class Hearing:
    """What a process hears while it waits: signals, and lines that others write.

    No thread and no event loop, so that the process can be forked at any time.
    """

    def __init__(self) -> None:
        self._signals: list[int] = []
        self._ear, self._bell = os.pipe()
        self._news, self.teller = os.pipe()
        """``teller`` is where others write."""
        os.set_blocking(self._ear, False)
        os.set_blocking(self._bell, False)

    @contextmanager
    def on(self, numbers: Iterable[int]) -> Iterator[None]:
        """Hear some signals, in place of what is done at them elsewhere."""
        # Not by a library's own functions, which would start its hub.
        set_handler = original("signal", "signal")
        before = {n: set_handler(n, lambda number, _: self._hear(number)) for n in numbers}
        wakeup = signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                set_handler(number, handler)

    def _hear(self, number: int) -> None:
        self._signals.append(number)

    def wait(self, seconds: float | None) -> tuple[list[int], list[str]]:
        """Wait for something; the signals and the lines that have come since."""
        select: Any = original("select", "select")
        readable, _, _ = select([self._ear, self._news], [], [], seconds)
        if self._ear in readable:
            os.read(self._ear, 4096)
        lines = os.read(self._news, 65536).decode().splitlines() if self._news in readable else []
        signals, self._signals = self._signals, []
        return signals, lines

    def close(self) -> None:
        """Hear nothing more."""
        for end in (self._ear, self._bell, self._news, self.teller):
            os.close(end)
