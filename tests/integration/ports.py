"""Ports for the servers that tests start."""

from __future__ import annotations

import random
import socket
from contextlib import suppress


def free_port() -> int:
    """One where nobody listens, below those that the system gives to connections. Among those, a
    client that asks whether a server is there yet can be connected to itself, and a server that is
    away for a moment can find its port taken."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
