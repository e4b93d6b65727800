"""`Door`: where clients come in, to a server alone or to one of several workers."""

from __future__ import annotations

import signal
import socket
from typing import Protocol

from sionamespace.serving.listening import announce, listen, say_where
from sionamespace.workers.siblings import Siblings

__all__ = ["Door", "FrontDoor"]


class Door(Protocol):
    """Where clients come in, and what is said about it."""

    listener: socket.socket
    siblings: Siblings | None
    """Other processes behind it, to whom a request may have to be handed over."""
    broker: str
    """The URL of the broker that they have in common, if there are any."""
    drain: float
    """Over how many seconds the clients are sent away in the end; meanwhile their requests are
    still answered."""
    signals: tuple[signal.Signals, signal.Signals]
    """What ends the server: when all go with it, and when others stay."""

    def opened(self, scheme: str, web_server: str) -> None:
        """Requests are answered from now on."""

    def forsaken(self) -> bool:
        """Whether whoever has started this has gone, without a word."""

    def closed(self) -> None:
        """The server has ended."""


class FrontDoor:
    """That of a server alone.

    Args:
        drain: over how many seconds its clients are sent away in the end.

    Raises:
        ConfigurationError: if the address cannot be listened on.
    """

    siblings: Siblings | None = None
    broker = ""
    signals = (signal.SIGTERM, signal.SIGINT)

    def __init__(self, host: str, port: int, drain: float = 0) -> None:
        self.drain = drain
        self.listener = listen(host, port)

    def opened(self, scheme: str, web_server: str) -> None:
        say_where(self.listener, scheme, web_server)

    def forsaken(self) -> bool:
        return False

    def closed(self) -> None:
        announce("stopped")
