"""`Worker`: what one of several processes behind a port is given by the one that started it."""

from __future__ import annotations

import os
import signal
import socket

from sionamespace.workers.siblings import Siblings

__all__ = ["Worker"]


class Worker:
    """One of several processes behind a port. It implements `sionamespace.serving.door.Door`.

    Args:
        listener: where clients connect to, which all workers share.
        siblings: how it hands over what is not its own.
        broker: the URL of what carries messages among them.
        drain: over how many seconds it sends its clients away in the end.
        master: the process that has started it.
        news: a pipe by which that is told when it serves.
    """

    signals = (signal.SIGTERM, signal.SIGHUP)
    """Ctrl-C is the master's matter, which then ends all workers."""

    def __init__(
        self,
        listener: socket.socket,
        siblings: Siblings,
        broker: str,
        drain: float,
        master: int,
        news: int,
    ) -> None:
        self.listener = listener
        self.siblings: Siblings | None = siblings
        self.broker = broker
        self.drain = drain
        self._master = master
        self._news = news

    def opened(self, scheme: str, web_server: str) -> None:
        os.write(self._news, f"{os.getpid()} {scheme} {web_server}\n".encode())

    def forsaken(self) -> bool:
        return os.getppid() != self._master

    def closed(self) -> None:
        """Nothing: it is all workers together that have stopped, or not."""
