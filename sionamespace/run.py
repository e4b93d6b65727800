"""Runs a server on the right web server for its mode, with good settings."""

from __future__ import annotations

import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from sionamespace.errors import ConfigurationError
from sionamespace.ports import Runtime

__all__ = [
    "BACKLOG",
    "LOOK_AGAIN",
    "PATIENCE",
    "announce",
    "listen",
    "raise_file_limit",
    "run_eventlet",
]

_log = logging.getLogger("sionamespace.run")

_MAX_REQUESTS = 1_000_000
"""How many requests may be open at once. Each WebSocket and each waiting poll is one, so the
server's own limit, 1,024, would be one on the number of clients."""

BACKLOG = 1024
"""How many clients may wait to be accepted."""

PATIENCE = 5.0
"""How many seconds clients and requests that are under way have when the server stops."""

LOOK_AGAIN = 0.01
"""After how many seconds a server that stops looks again whether all clients are gone."""


def run_eventlet(
    app: Any,
    host: str,
    port: int,
    runtime: Runtime,
    stop: Callable[[], None],
    stopped: Callable[[], bool],
    **settings: Any,
) -> None:
    """Serve a WSGI application on eventlet until SIGTERM or Ctrl-C.

    Args:
        stop: called before the end, to send the clients away.
        stopped: whether they are gone and their handlers have ended.
        settings: passed on to ``eventlet.wsgi.server``.

    Raises:
        ConfigurationError: if the address cannot be listened on.
    """
    import eventlet
    from eventlet import wsgi

    class Pool(eventlet.GreenPool):  # type: ignore[misc]
        """Green threads that are not waited for longer than `PATIENCE` at the end."""

        def waitall(self) -> None:
            stop()
            with eventlet.Timeout(PATIENCE, False):
                while not stopped():
                    eventlet.sleep(LOOK_AGAIN)
                super().waitall()

    raise_file_limit()
    runtime.bind()

    def open_listener(family: socket.AddressFamily) -> Any:
        # Not shared: a second process on the port would get half of each client's requests.
        return eventlet.listen((host, port), family=family, backlog=BACKLOG, reuse_port=False)

    listener = listen(open_listener, host, port)
    settings = {"log": _WsgiLog(), "debug": False, **settings}
    announce("serving on http://%s:%d with eventlet; Ctrl-C stops", *listener.getsockname()[:2])
    with _stopping_on_signals(runtime, eventlet.getcurrent()), suppress(KeyboardInterrupt):
        wsgi.server(listener, app, custom_pool=Pool(_MAX_REQUESTS), **settings)
    announce("stopped")


class _WsgiLog:
    """Where eventlet's web server logs: its tracebacks are errors, the rest is for debugging."""

    def info(self, text: str, *args: object) -> None:
        _log.log(logging.ERROR if "Traceback" in text else logging.DEBUG, text.rstrip(), *args)

    debug = error = info


def listen(open_listener: Callable[[socket.AddressFamily], Any], host: str, port: int) -> Any:
    """A listening socket that sends small packets at once.

    Raises:
        ConfigurationError: if the address cannot be listened on.
    """
    try:
        listener = open_listener(socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; "
            "choose another port, or stop what uses it"
        ) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@contextmanager
def _stopping_on_signals(runtime: Runtime, main: Any) -> Iterator[None]:
    """Make SIGTERM and Ctrl-C end the block with KeyboardInterrupt.

    The first one is raised in the block itself, not in whichever handler happens to run; a second
    one at once, wherever that is.
    """
    before: dict[int, Any] = {}

    def interrupt(number: int, frame: FrameType | None) -> None:
        restore()
        # By a timer, as whoever delivers the post would not come back from there to deliver more.
        runtime.post(runtime.later, 0, main.throw, KeyboardInterrupt)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, interrupt)
    except ValueError:  # not the main thread, which alone gets signals
        pass
    try:
        yield
    finally:
        restore()


def raise_file_limit() -> None:
    """Allow as many open files, and so clients, as this process may allow itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def announce(text: str, *args: object) -> None:
    """Say it in the log, or to somebody at the terminal who has not set one up."""
    if _log.isEnabledFor(logging.INFO):
        _log.info(text, *args)
    else:
        print(text % args, file=sys.stderr, flush=True)
