"""Where a web server listens, and what it says of it."""

from __future__ import annotations

import errno
import logging
import socket
import sys
from contextlib import suppress

from sionamespace.errors import ConfigurationError

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

__all__ = ["announce", "listen", "raise_file_limit", "say_where"]

_log = logging.getLogger("sionamespace.run")

_BACKLOG = 1024
"""How many clients may wait to be accepted."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket whose connections send small packets at once.

    Raises:
        ConfigurationError: if the address cannot be listened on.
    """
    if not isinstance(port, int):  # most often one of os.environ
        raise ConfigurationError(f"cannot listen on port {port!r}: expected an int, so int(...) it")
    if not 0 <= port <= 65535:
        raise ConfigurationError(f"cannot listen on port {port}: ports go from 0 (any) to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # Not shared: a second process on the port would get half of each client's requests.
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; {_mend(error)}"
        ) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _mend(error: OSError) -> str:
    if error.errno in (errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN):
        return "expected a host of this machine, such as 127.0.0.1, or 0.0.0.0 for all it has"
    if error.errno == errno.EACCES:
        return "choose a port from 1024 on, as those below are root's"
    return "choose another port, or stop what uses it"


def raise_file_limit() -> None:
    """Allow as many open files, and so clients, as this process may allow itself."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def say_where(listener: socket.socket, scheme: str, web_server: str, by: str = "") -> None:
    """Say what is served, by which web server and how many of it."""
    host, port = listener.getsockname()[:2]
    if ":" in host:
        host = f"[{host}]"
    announce("serving on %s://%s:%d with %s%s; Ctrl-C stops", scheme, host, port, web_server, by)


def announce(text: str, *args: object) -> None:
    """Say it in the log, or to somebody at the terminal who has not set one up."""
    if _log.isEnabledFor(logging.INFO) and _log.hasHandlers():
        _log.info(text, *args)
    else:
        print(text % args, file=sys.stderr, flush=True)
