"""`Drain`: the clients of a server that ends are sent away one after another."""

from __future__ import annotations

from collections.abc import Callable

from sionamespace.engine.socket import EngineSocket
from sionamespace.ports import Runtime
from sionamespace.types import Reason

__all__ = ["Drain"]

_STEP = 0.05
"""After how many seconds the next ones go."""


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
        self._steps = max(1, round(seconds / _STEP))
        self._next()

    def _next(self) -> None:
        count = -(-len(self._sockets) // self._steps)
        self._steps -= 1
        for _ in range(count):
            self._sockets.pop().close(Reason.SHUTDOWN)
        if self._sockets:
            self._runtime.later(_STEP, self._next)
        else:
            self._then()
