"""How a web server is started and stopped, whichever it is."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, Protocol

from sionamespace.ports import Runtime
from sionamespace.serving.listening import announce, listen, raise_file_limit, say_where

__all__ = ["LOOK_AGAIN", "WebServer", "serve"]

_PATIENCE = 5.0
"""How many seconds clients and requests that are under way have when the server stops."""

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

    def start(self, listener: socket.socket) -> None:
        """Accept clients and answer their requests, without keeping the caller waiting."""

    def close(self) -> None:
        """Accept nobody any more; requests that are under way go on."""

    def busy(self) -> bool:
        """Whether requests are under way."""

    def end(self) -> None:
        """Break off what is still there."""


def serve(
    server: WebServer,
    host: str,
    port: int,
    runtime: Runtime,
    stop: Callable[[], None],
    stopped: Callable[[], bool],
) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        stop: called before the end, to send the clients away.
        stopped: whether they are gone and their handlers have ended.

    Raises:
        ConfigurationError: if the address cannot be listened on.
    """
    raise_file_limit()
    runtime.bind()
    listener = listen(host, port)
    signalled = runtime.waiter()
    with closing(listener), _signals(partial(runtime.post, signalled.set)):
        server.start(listener)
        say_where(listener, server.scheme, server.name)
        while not signalled.wait(_NAP):
            pass
        server.close()
    stop()
    end = runtime.now() + _PATIENCE
    while (server.busy() or not stopped()) and runtime.now() < end:
        runtime.sleep(LOOK_AGAIN)
    server.end()
    announce("stopped")


@contextmanager
def _signals(call: Callable[[], object]) -> Iterator[None]:
    """Call a function when SIGTERM or Ctrl-C comes; a second one ends the process at once.

    The first one does not hit whichever handler happens to run.
    """
    before: dict[int, Any] = {}

    def restore() -> None:
        while before:
            signal.signal(*before.popitem())

    def interrupt(number: int, frame: object) -> None:
        restore()
        call()

    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, interrupt)
    except ValueError:  # not the main thread, which alone gets signals
        pass
    try:
        yield
    finally:
        restore()
