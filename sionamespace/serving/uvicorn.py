"""Serves on uvicorn, for the asyncio mode."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sionamespace.errors import ConfigurationError
from sionamespace.logs import NowAndThen
from sionamespace.serving.door import Door
from sionamespace.serving.listening import raise_file_limit
from sionamespace.serving.tls import Certificate

__all__ = ["run_uvicorn"]


def run_uvicorn(
    app: Any,
    certificate: Certificate | None,
    door: Door,
    stop: Callable[[], None],
    stopped: Callable[[], bool],
    **settings: Any,
) -> None:
    """Serve an ASGI application on uvicorn until SIGTERM or Ctrl-C.

    Args:
        certificate: for ``https``.
        stop: called before the end, to send the clients away.
        stopped: whether they are gone.
        settings: passed on to ``uvicorn.Config``.

    Raises:
        ConfigurationError: if uvicorn is not installed.
    """
    try:
        import uvicorn
    except ImportError:
        raise ConfigurationError(
            "async_mode='asyncio' runs on uvicorn, which is not installed: "
            "pip install 'sionamespace[asgi]'"
        ) from None

    from sionamespace.serving.uvicorn_server import UvicornServer
    from sionamespace.uvicorn import WebSocketProtocol

    chosen: dict[str, Any] = {
        "log_level": "warning",
        "ws": WebSocketProtocol,
        "ws_ping_interval": None,  # Engine.IO has its own
        "proxy_headers": False,  # trusted_proxies says whom to believe, and needs the true peer
        "timeout_graceful_shutdown": 5,
        "workers": 1,  # whatever WEB_CONCURRENCY says: several are started otherwise
        **settings,
    }
    if certificate:
        chosen |= {"ssl_certfile": certificate.certfile, "ssl_keyfile": certificate.keyfile}
    raise_file_limit()
    server = UvicornServer(uvicorn.Config(app, **chosen), door, stop, stopped)
    with _signals(server, door), suppress(KeyboardInterrupt), _brief_log():
        server.run(sockets=[door.listener])
    door.closed()


@contextmanager
def _signals(server: Any, door: Door) -> Iterator[None]:
    """Have signals end the server, but not again the process when it has ended by them."""
    # In the end uvicorn sends itself the signal that stopped it, for those who did not expect it.
    before: dict[int, Any] = {signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: None)}
    if door.siblings is not None:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, server.leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _brief_log() -> Iterator[None]:
    """Keep uvicorn from logging a traceback when a client sends a text that is not UTF-8, and a
    line for each request that is none."""
    complaints = NowAndThen()

    def shorten(record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
            record.exc_info = None
        return record.levelno != logging.WARNING or complaints.is_time(str(record.msg))

    log = logging.getLogger("uvicorn.error")
    log.addFilter(shorten)
    try:
        yield
    finally:
        log.removeFilter(shorten)
