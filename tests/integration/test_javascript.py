"""Every feature with the official JavaScript clients; see ``js/features.js``."""

from __future__ import annotations

import json
import re

import pytest
from child import HERE, Node, ServerProcess

CLIENTS = ["socket.io-client"]
"""Names in ``package.json``."""
TRANSPORTS = ["polling", "websocket", "upgrade"]
FEATURES = re.findall(r'^feature\("([^"]+)"', (HERE / "js/features.js").read_text(), re.MULTILINE)


class Outcomes:
    """What each feature came to: one run for each client and transport, when first asked for."""

    def __init__(self, node: Node, server: ServerProcess) -> None:
        self._node = node
        self._server = server
        self._runs: dict[tuple[str, str], dict[str, str]] = {}

    def of(self, client: str, transport: str) -> dict[str, str]:
        if (client, transport) not in self._runs:
            # A run that fails as a whole fails each of its features, at once.
            self._runs[client, transport] = {}
            said = self._node.run("js/features.js", self._server.url, client, transport)
            self._runs[client, transport] = json.loads(said)
        return self._runs[client, transport]


@pytest.fixture(scope="session")
def outcomes(node: Node, server: ServerProcess) -> Outcomes:
    return Outcomes(node, server)


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_feature(outcomes: Outcomes, client: str, transport: str, feature: str) -> None:
    outcome = outcomes.of(client, transport).get(feature, "it was not run; see the first failure")

    assert outcome == "ok", outcome


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_every_feature_that_ran_is_a_test(outcomes: Outcomes, client: str, transport: str) -> None:
    assert FEATURES
    assert list(outcomes.of(client, transport)) == FEATURES


def test_the_log_has_no_surprises(outcomes: Outcomes, server: ServerProcess) -> None:
    for client in CLIENTS:
        for transport in TRANSPORTS:
            outcomes.of(client, transport)

    assert server.faults() == []
    assert any("Deliberate: the secret" in line for line in server.lines), "failures are logged"
