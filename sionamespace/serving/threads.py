"""A small web server with a thread for each connection, for the mode ``threads``."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from sionamespace.errors import ConfigurationError
from sionamespace.ports import Runtime
from sionamespace.run import BACKLOG, LOOK_AGAIN, PATIENCE, announce, listen, raise_file_limit
from sionamespace.runtime.waiting import ThreadWaiter
from sionamespace.serving.http import Handler

__all__ = ["run_threads"]

_log = logging.getLogger("sionamespace.run")


def run_threads(
    app: Any,
    host: str,
    port: int,
    runtime: Runtime,
    stop: Callable[[], None],
    stopped: Callable[[], bool],
    **settings: Any,
) -> None:
    """Serve a WSGI application with threads until SIGTERM or Ctrl-C.

    Args:
        stop: called before the end, to send the clients away.
        stopped: whether they are gone and their handlers have ended.

    Raises:
        ConfigurationError: if the address cannot be listened on, or for any setting.
    """
    if settings:
        raise ConfigurationError(
            f"the web server of async_mode='threads' has no setting {next(iter(settings))!r}"
        )
    raise_file_limit()
    runtime.bind()
    server = Server(listen(partial(_listener, (host, port)), host, port), app)
    signalled = ThreadWaiter()
    with _signals(signalled.set):
        threading.Thread(target=server.serve, daemon=True, name="sionamespace-accept").start()
        announce("serving on http://%s:%d with threads; Ctrl-C stops", *server.address[:2])
        signalled.wait(None)
    server.close()
    stop()
    end = time.monotonic() + PATIENCE
    while (server.requests or not stopped()) and time.monotonic() < end:
        time.sleep(LOOK_AGAIN)
    announce("stopped")


class Server:
    """Accepts connections and gives each a thread.

    Args:
        app: the WSGI application.
    """

    def __init__(self, listener: socket.socket, app: Any) -> None:
        self.app = app
        self.address = listener.getsockname()
        self.stopping = False
        self._listener = listener
        self._lock = threading.Lock()
        self._requests = 0

    @property
    def requests(self) -> int:
        """How many requests are under way."""
        return self._requests

    @contextmanager
    def request(self) -> Iterator[None]:
        """Held while a request is under way."""
        with self._lock:
            self._requests += 1
        try:
            yield
        finally:
            with self._lock:
                self._requests -= 1

    def serve(self) -> None:
        """Accept until it is closed."""
        while not self.stopping:
            try:
                connection, address = self._listener.accept()
            except OSError as error:
                if not self.stopping:
                    _log.error("cannot accept a connection: %s", error)
                    time.sleep(LOOK_AGAIN)  # it is most often a lack of files, which passes
                continue
            name = f"sionamespace-{address[1]}"
            threading.Thread(
                target=self._talk, args=(connection, address), daemon=True, name=name
            ).start()

    def close(self) -> None:
        """Accept no more, and use no connection for another request."""
        self.stopping = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _talk(self, connection: socket.socket, address: Any) -> None:
        try:
            Handler(connection, address, self)  # type: ignore[arg-type]  # it only keeps it
        except OSError as error:
            _log.debug("a connection broke off: %s", error)
        except Exception:
            _log.exception("a connection failed")
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            connection.close()


def _listener(address: Any, family: socket.AddressFamily) -> socket.socket:
    return socket.create_server(address, family=family, backlog=BACKLOG)


@contextmanager
def _signals(call: Callable[[], object]) -> Iterator[None]:
    """Call a function when SIGTERM or Ctrl-C comes; a second one ends the process at once."""
    before: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

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
