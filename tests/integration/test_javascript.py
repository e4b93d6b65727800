"""Every feature with the official JavaScript clients; see ``js/features.js``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from child import HERE, Node, ServerProcess

CLIENTS = {
    "client-1.3.5": 1,
    "client-1.7.4": 1,
    "client-2.5.0": 2,
    "client-3.1.3": 3,
    "client-4.0.0": 4,
    "socket.io-client": 4,
}
"""Names in ``package.json``, and the first number of their versions."""
TRANSPORTS = ["polling", "websocket", "upgrade"]
SINCE = {
    name: int(major or 1)
    for name, major in re.findall(
        r'^feature\("([^"]+)"(?:, since\((\d)\))?', (HERE / "js/features.js").read_text(), re.M
    )
}
"""The features, and since which client there is an interface for each."""


MSGPACK = "+msgpack"
"""What the names of clients end with here that have that parser."""


def features_of(client: str) -> list[str]:
    major = CLIENTS[client.removesuffix(MSGPACK)]
    return [name for name, since in SINCE.items() if major >= since]


MODES = ["eventlet", "gevent", "threads", "asyncio"]

RUNS = [
    (mode, client, transport)
    for mode in MODES
    for client in CLIENTS
    for transport in TRANSPORTS
    # Clients before 3.0 do not get on with the threads mode yet, over polling above all.
    if mode != "threads" or client == "socket.io-client"
] + [
    (mode, client + MSGPACK, transport)
    for mode in MODES
    for client in ("client-3.1.3", "client-4.0.0", "socket.io-client")
    for transport in TRANSPORTS
    if mode == "eventlet" or client == "socket.io-client"
]
CASES = [
    pytest.param(*run, feature, id="-".join((*run, feature)))
    for run in RUNS
    for feature in features_of(run[1])
]

ServerIn = Callable[..., ServerProcess]


def server_for(client: str, mode: str, server_in: ServerIn) -> ServerProcess:
    options = {"serializer": "msgpack"} if client.endswith(MSGPACK) else {}
    return server_in(mode, **options)


class Outcomes:
    """What each feature came to: one run for each mode, client and transport, when first asked."""

    def __init__(self, node: Node, server_in: ServerIn) -> None:
        self._node = node
        self._server_in = server_in
        self._runs: dict[tuple[str, str, str], dict[str, str]] = {}

    def of(self, mode: str, client: str, transport: str) -> dict[str, str]:
        run = mode, client, transport
        if run not in self._runs:
            # A run that fails as a whole fails each of its features, at once.
            self._runs[run] = {}
            url = server_for(client, mode, self._server_in).url
            said = self._node.run("js/features.js", url, client, transport)
            self._runs[run] = json.loads(said)
        return self._runs[run]


@pytest.fixture(scope="session")
def outcomes(node: Node, server_in: ServerIn) -> Outcomes:
    return Outcomes(node, server_in)


@pytest.mark.parametrize(("mode", "client", "transport", "feature"), CASES)
def test_feature(outcomes: Outcomes, mode: str, client: str, transport: str, feature: str) -> None:
    ran = outcomes.of(mode, client, transport)

    outcome = ran.get(feature, "it was not run; see the first failure")
    assert outcome == "ok", outcome


@pytest.mark.parametrize(("mode", "client", "transport"), RUNS)
def test_every_feature_that_ran_is_a_test(
    outcomes: Outcomes, mode: str, client: str, transport: str
) -> None:
    assert SINCE
    assert list(outcomes.of(mode, client, transport)) == features_of(client)


@pytest.mark.parametrize("mode", MODES)
def test_the_log_has_no_surprises(outcomes: Outcomes, server_in: ServerIn, mode: str) -> None:
    for run in RUNS:
        if run[0] == mode:
            outcomes.of(*run)

    for client in ("", MSGPACK):
        server = server_for(client, mode, server_in)
        assert server.faults() == []
        assert any("Deliberate: the secret" in line for line in server.lines), "failures are logged"
        assert any(f"async_mode is {mode}" in line for line in server.lines)
