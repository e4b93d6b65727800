"""Serves on gevent.pywsgi."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gevent
from gevent import pywsgi
from gevent import socket as green
from gevent.event import Event
from gevent.pool import Pool

from sionamespace.ports import Runtime
from sionamespace.run import BACKLOG, LOOK_AGAIN, PATIENCE, announce, listen, raise_file_limit

__all__ = ["run_gevent"]

_log = logging.getLogger("sionamespace.run")


def run_gevent(
    app: Any,
    host: str,
    port: int,
    runtime: Runtime,
    stop: Callable[[], None],
    stopped: Callable[[], bool],
    **settings: Any,
) -> None:
    """Serve a WSGI application on gevent until SIGTERM or Ctrl-C.

    Args:
        stop: called before the end, to send the clients away.
        stopped: whether they are gone and their handlers have ended.
        settings: passed on to ``gevent.pywsgi.WSGIServer``.

    Raises:
        ConfigurationError: if the address cannot be listened on.
    """
    raise_file_limit()
    runtime.bind()
    listener = listen(partial(_listener, (host, port)), host, port)
    settings = {
        "log": None,
        "error_log": _log,
        "handler_class": _Handler,
        "spawn": Pool(),
        **settings,
    }
    server = _Server(listener, app, **settings)
    signalled = Event()
    with _signals(signalled.set):
        server.start()
        announce("serving on http://%s:%d with gevent; Ctrl-C stops", *listener.getsockname()[:2])
        signalled.wait()
    server.close()
    stop()
    with gevent.Timeout(PATIENCE, False):
        while server.requests or not stopped():
            gevent.sleep(LOOK_AGAIN)
    server.stop(timeout=0)
    announce("stopped")


class _Server(pywsgi.WSGIServer):  # type: ignore[misc]
    """Counts the requests that are under way; connections that wait for one do not matter."""

    requests = 0


class _Handler(pywsgi.WSGIHandler):  # type: ignore[misc]
    """Lets the server know of its requests."""

    def handle_one_response(self) -> None:
        self.server.requests += 1
        try:
            super().handle_one_response()
        finally:
            self.server.requests -= 1


def _listener(address: tuple[str, int], family: int) -> Any:
    listener = green.socket(family)
    listener.setsockopt(green.SOL_SOCKET, green.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


@contextmanager
def _signals(call: Callable[[], object]) -> Iterator[None]:
    """Call a function on the hub when SIGTERM or Ctrl-C comes, where signals come at all."""
    watchers = []
    if gevent.get_hub().loop.default:
        numbers = (signal.SIGTERM, signal.SIGINT)
        watchers = [gevent.signal_handler(number, call) for number in numbers]
    try:
        yield
    finally:
        # A second signal ends the process at once.
        for watcher in watchers:
            watcher.cancel()
