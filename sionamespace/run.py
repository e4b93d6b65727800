"""Runs a server on the right web server for its mode, with good settings."""

from __future__ import annotations

import logging
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

__all__ = ["run_eventlet"]

_log = logging.getLogger("sionamespace.run")

_MAX_REQUESTS = 1_000_000
"""How many requests may be open at once. Each WebSocket and each waiting poll is one, so the
server's own limit, 1,024, would be one on the number of clients."""

_GRACE = 0.5
"""How many seconds the last packets have to get to the clients when the server stops."""


def run_eventlet(app: Any, host: str, port: int, stop: Callable[[], None], **settings: Any) -> None:
    """Serve a WSGI application on eventlet until SIGTERM or Ctrl-C.

    Args:
        stop: called before the end, to send the clients away.
        settings: passed on to ``eventlet.wsgi.server``.
    """
    import eventlet
    from eventlet import wsgi

    raise_file_limit()
    listener = eventlet.listen((host, port), family=_family(host), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _log.info("serving on http://%s:%d with eventlet (Ctrl-C stops)", *listener.getsockname()[:2])
    settings = {"log_output": False, "max_size": _MAX_REQUESTS, "debug": False, **settings}
    with stopping_on_signals(), suppress(KeyboardInterrupt):
        wsgi.server(listener, app, **settings)
    _log.info("stopping")
    stop()
    eventlet.sleep(_GRACE)
    listener.close()


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Make SIGTERM end the block as Ctrl-C does, where signals can be handled."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def raise_file_limit() -> None:
    """Allow as many open files, and so clients, as this process may allow itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
