"""`Drain`: the clients of a server that ends are sent away one after another."""

from __future__ import annotations

import math
from collections.abc import Callable

from sionamespace.engine.socket import EngineSocket
from sionamespace.ports import Runtime
from sionamespace.types import Reason

__all__ = ["Drain"]

_STEP = 0.05
"""After how many seconds the next ones go, at least."""


class Drain:
    """Closes sockets within some seconds, evenly. Made and used on the engine's thread.

    Args:
        then: called when all are closed.
    """

    def __init__(
        self,
        runtime: Runtime,
        seconds: float,
        sockets: list[EngineSocket],
        then: Callable[[], object],
    ) -> None:
        self._runtime = runtime
        self._sockets = sockets
        self._then = then
        self._pause = max(_STEP, seconds / max(1, len(sockets)))
        self._count = math.ceil(len(sockets) * self._pause / seconds)
        self._next()

    def _next(self) -> None:
        for _ in range(min(self._count, len(self._sockets))):
            self._sockets.pop().close(Reason.SHUTDOWN)
        if self._sockets:
            self._runtime.later(self._pause, self._next)
        else:
            self._then()
