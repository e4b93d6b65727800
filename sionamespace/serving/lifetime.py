"""How a web server is started and stopped, whichever it is."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, Protocol

from sionamespace.ports import Runtime
from sionamespace.serving.door import Door
from sionamespace.serving.listening import raise_file_limit
from sionamespace.workers.siblings import Siblings

__all__ = ["LAST_ONES", "LOOK_AGAIN", "WebServer", "serve"]

_PATIENCE = 5.0
"""How many seconds clients and requests that are under way have when the server stops."""

LAST_ONES = 0.2
"""How many seconds a server that accepts nobody more waits for the requests of those whom it has
accepted just before."""

LOOK_AGAIN = 0.01
"""After how many seconds a server that waits for something looks again whether it is there."""


_NAP = 0.5
"""How many seconds a server sleeps at most. Python sees a signal only when the main thread runs,
and one that comes just before that falls asleep does not wake it."""


class WebServer(Protocol):
    """A web server with its application and settings."""

    name: str
    scheme: str
    """``http`` or ``https``."""

    def start(self, listener: socket.socket, siblings: Siblings | None) -> None:
        """Accept clients and answer their requests, without keeping the caller waiting.

        Args:
            siblings: who hand requests over to this server, and get those from it that are theirs.
        """

    def close(self) -> None:
        """Accept nobody any more; requests that are under way, or are handed over, go on."""

    def busy(self) -> bool:
        """Whether requests are under way."""

    def end(self) -> None:
        """Break off what is still there."""


def serve(
    server: WebServer,
    door: Door,
    runtime: Runtime,
    stop: Callable[[], None],
    stopped: Callable[[], bool],
) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        stop: called before the end, to send the clients away.
        stopped: whether they are gone and their handlers have ended.
    """
    raise_file_limit()
    runtime.bind()
    signalled = runtime.waiter()
    received: list[int] = []

    def hear(number: int) -> None:
        received.append(number)
        signalled.set()

    insist = door.siblings is None
    with closing(door.listener), _signals(door.signals, partial(runtime.post, hear), insist):
        server.start(door.listener, door.siblings)
        door.opened(server.scheme, server.name)
        while not signalled.wait(_NAP) and not door.forsaken():
            pass
        others_stay = received[:1] == [door.signals[1]] and door.siblings is not None
        if others_stay or not door.drain:
            server.close()
        if others_stay:
            runtime.sleep(LAST_ONES)
        stop()
        end = runtime.now() + door.drain + _PATIENCE
        while (server.busy() or not stopped()) and runtime.now() < end:
            runtime.sleep(LOOK_AGAIN)
        server.close()
    server.end()
    door.closed()


@contextmanager
def _signals(
    numbers: tuple[int, ...], call: Callable[[int], object], insist: bool
) -> Iterator[None]:
    """Call a function when a signal comes, which does not hit whichever handler happens to run.

    Args:
        insist: whether a second one ends the process at once.
    """
    before: dict[int, Any] = {}

    def restore() -> None:
        while before:
            signal.signal(*before.popitem())

    def interrupt(number: int, frame: object) -> None:
        if insist:
            restore()
        call(number)

    try:
        for number in numbers:
            before[number] = signal.signal(number, interrupt)
    except ValueError:  # not the main thread, which alone gets signals
        pass
    try:
        yield
    finally:
        restore()
