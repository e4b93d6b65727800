"""Serves on uvicorn, for the asyncio mode."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sionamespace.errors import ConfigurationError
from sionamespace.serving.listening import announce, listen, raise_file_limit, say_where
from sionamespace.serving.tls import Certificate

__all__ = ["run_uvicorn"]


def run_uvicorn(
    app: Any,
    certificate: Certificate | None,
    host: str,
    port: int,
    stop: Callable[[], None],
    **settings: Any,
) -> None:
    """Serve an ASGI application on uvicorn until SIGTERM or Ctrl-C.

    Args:
        certificate: for ``https``.
        stop: called before the end, to send the clients away.
        settings: passed on to ``uvicorn.Config``.

    Raises:
        ConfigurationError: if uvicorn is not installed, or the address cannot be listened on.
    """
    try:
        import uvicorn
    except ImportError:
        raise ConfigurationError(
            "async_mode='asyncio' runs on uvicorn, which is not installed: "
            "pip install 'sionamespace[asgi]'"
        ) from None

    from sionamespace.uvicorn import WebSocketProtocol

    class Server(uvicorn.Server):
        """uvicorn, which would close the clients without a reason, and wait for their polls."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            stop()
            await super().shutdown(sockets)

    chosen: dict[str, Any] = {
        "log_level": "warning",
        "ws": WebSocketProtocol,
        "ws_ping_interval": None,  # Engine.IO has its own
        "proxy_headers": False,  # trusted_proxies says whom to believe, and needs the true peer
        "timeout_graceful_shutdown": 5,
        **settings,
    }
    if certificate:
        chosen |= {"ssl_certfile": certificate.certfile, "ssl_keyfile": certificate.keyfile}
    config = uvicorn.Config(app, **chosen)
    raise_file_limit()
    listener = listen(host, port)
    say_where(listener, "https" if config.is_ssl else "http", "uvicorn")
    # In the end uvicorn sends itself the signal that stopped it, for those who did not expect it.
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        with suppress(KeyboardInterrupt), _brief_log():
            Server(config).run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, before)
    announce("stopped")


@contextmanager
def _brief_log() -> Iterator[None]:
    """Keep uvicorn from logging a traceback when a client sends a text that is not UTF-8."""

    def shorten(record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
            record.exc_info = None
        return True

    log = logging.getLogger("uvicorn.error")
    log.addFilter(shorten)
    try:
        yield
    finally:
        log.removeFilter(shorten)
