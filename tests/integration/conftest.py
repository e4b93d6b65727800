"""Real servers, and real clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from child import Node, ServerProcess
from raw_client import OPEN


@pytest.fixture(scope="session")
def server() -> Iterator[ServerProcess]:
    """The test application, shared by the tests that do no harm to it."""
    started = ServerProcess(ping_timeout=60, async_mode="eventlet")
    yield started
    started.stop()


@pytest.fixture(scope="session")
def server_in(server: ServerProcess) -> Iterator[Callable[..., ServerProcess]]:
    """Gives the test application in a mode, shared by the tests that do no harm to it.

    ``server_in(mode, **options)``: there is one for each mode and options.
    """
    started = {("eventlet",): server}
    with ExitStack() as ending:

        def server_in(mode: str, **options: object) -> ServerProcess:
            kind = (mode, *options.items())
            if kind not in started:
                started[kind] = ServerProcess(ping_timeout=60, async_mode=mode, **options)
                ending.callback(started[kind].stop)
            return started[kind]

        yield server_in


@pytest.fixture
def start_server() -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers for one test, ``start_server(port=0, **options)``, and ends them after it."""
    with ExitStack() as ending:

        def start(port: int = 0, **options: object) -> ServerProcess:
            process = ServerProcess(port, **options)
            ending.callback(process.stop)
            # A server that stops waits some seconds for the goodbyes of its clients.
            ending.callback(close_clients, process)
            return process

        yield start


def close_clients(server: ServerProcess) -> None:
    for client in {client for client in OPEN if client.server is server}:
        client.close()


@pytest.fixture(scope="session")
def node() -> Node:
    """Node, to run the scenarios in ``js/``."""
    return Node()


@pytest.fixture(autouse=True)
def _close_raw_clients() -> Iterator[None]:
    before = set(OPEN)
    yield
    for client in OPEN - before:
        client.close()
