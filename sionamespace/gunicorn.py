"""A worker for gunicorn, which removed its own for eventlet in version 26.

gunicorn -k sionamespace.gunicorn.EventletWorker -w 1 module:app
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import sionamespace.runtime.eventlet  # noqa: F401 # first, for it keeps eventlet's warning away

# isort: split
import eventlet
from eventlet import greenio
from eventlet.green import ssl
from gunicorn.workers.base_async import AsyncWorker

from sionamespace.serving.listening import raise_file_limit
from sionamespace.serving.tls import HANDSHAKE_SECONDS

__all__ = ["EventletWorker", "PatchedEventletWorker"]

_log = logging.getLogger("sionamespace.run")

_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED)
"""Why a client may not be accepted, though others may be later."""

_BEAT = 1.0
"""Seconds between two signs of life; gunicorn kills a worker that gives none for ``timeout``."""


class EventletWorker(AsyncWorker):  # type: ignore[misc]
    """Serves each connection in a green thread. Nothing is monkey-patched."""

    _accepting: tuple[Any, ...] | list[Any] = ()

    def init_process(self) -> None:
        """Begin, with files sent by way of Python: a green socket cannot have the system do it."""
        self.cfg.set("sendfile", False)
        raise_file_limit()
        super().init_process()

    def timeout_ctx(self) -> Any:
        """How long a connection may wait for its next request."""
        return eventlet.Timeout(self.cfg.keepalive or None, False)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection."""
        if self.cfg.is_ssl:
            from gunicorn.sock import ssl_context

            try:
                client = _wrap_tls(client, ssl_context(self.cfg))
            except OSError as error:
                self.log.debug("no TLS with %s: %s", addr, error)
                return
        super().handle(listener, client, addr)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Accept nobody from now on: whoever came to this process would have to leave at once."""
        super().handle_exit(sig, frame)
        eventlet.spawn_after(0, self._stop_accepting)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once; not in the signal's handler, which may have stopped any green thread."""
        self.alive = False
        signal.signal(sig, signal.SIG_DFL)
        eventlet.spawn_after(0, sys.exit, 0)

    def run(self) -> None:
        """Serve until told to end, or alone, and then as long as requests are under way."""
        pool = eventlet.GreenPool(self.worker_connections)
        self._accepting = [eventlet.spawn(self._accept, sock, pool) for sock in self.sockets]
        while self.alive and any(not green.dead for green in self._accepting):
            self.notify()
            if os.getppid() != self.ppid:
                self.log.info("the master is gone: %s ends", self)
                signal.raise_signal(signal.SIGTERM)
            eventlet.sleep(_BEAT)
        self._stop_accepting()
        with eventlet.Timeout(self.cfg.graceful_timeout, False):
            self._await(lambda: not pool.running())

    def _stop_accepting(self) -> None:
        for green in self._accepting:
            green.kill()
        for sock in self.sockets:
            sock.close()

    def _await(self, done: Callable[[], bool]) -> None:
        while not done():
            self.notify()
            eventlet.sleep(0.05)

    def _accept(self, sock: Any, pool: Any) -> None:
        listener = greenio.GreenSocket(sock.sock)
        while True:
            try:
                client, address = listener.accept()
            except OSError as error:
                if error.errno not in _PASSING:
                    raise
                _log.warning("a client could not be accepted: %s", error)
                eventlet.sleep(0.1)
                continue
            pool.spawn_n(self.handle, sock, client, address)


class PatchedEventletWorker(EventletWorker):
    """The same with ``eventlet.monkey_patch()``, for libraries that would block the others."""

    def init_process(self) -> None:
        """Patch before the application is loaded."""
        eventlet.monkey_patch()
        super().init_process()


def _wrap_tls(green: Any, context: Any) -> Any:
    """A client's green socket after TLS's handshake; raises ``OSError`` if that fails."""
    wrapped = ssl.GreenSSLSocket(
        green, server_side=True, do_handshake_on_connect=False, _context=context
    )
    wrapped.settimeout(HANDSHAKE_SECONDS)
    try:
        wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    wrapped.settimeout(green.gettimeout())
    return wrapped
