"""`Hearing`: signals and news that wake whoever waits for them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from sionamespace.runtime.originals import original

__all__ = ["Hearing"]


class Readable(Protocol):
    """Something that can be waited for."""

    def fileno(self) -> int: ...


class Heard(NamedTuple):
    """What has come."""

    signals: list[int]
    lines: list[str]
    readable: list[Readable]


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

    def wait(self, seconds: float | None, *others: Readable) -> Heard:
        """Wait for something; what has come since.

        Args:
            others: what else ends the wait, when it can be read.
        """
        select: Any = original("select", "select")
        readable, _, _ = select([self._ear, self._news, *others], [], [], seconds)
        if self._ear in readable:
            os.read(self._ear, 4096)
        lines = os.read(self._news, 65536).decode().splitlines() if self._news in readable else []
        signals, self._signals = self._signals, []
        return Heard(signals, lines, [other for other in others if other in readable])

    def close(self) -> None:
        """Hear nothing more."""
        for end in (self._ear, self._bell, self._news, self.teller):
            os.close(end)
