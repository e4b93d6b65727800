"""Several workers behind one port: whichever gets a request, the one answers whose client it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from child import Node, ServerProcess
from matrix import MODES, TRANSPORTS

StartServer = Callable[..., ServerProcess]

WORKERS = 4
CLIENTS = ("client-2.5.0", "socket.io-client")


@pytest.fixture(scope="module", params=MODES)
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """The test application on four workers, in a mode."""
    started = ServerProcess(
        settings={"workers": WORKERS}, async_mode=request.param, ping_timeout=60
    )
    yield started
    started.stop()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_many_clients_are_served_over_each_transport(
    server: ServerProcess, node: Node, client: str, transport: str
) -> None:
    found = json.loads(node.run("js/many.js", server.url, client, transport, "40"))

    assert sum(found.values()) == 40
    assert len(found) > 1
