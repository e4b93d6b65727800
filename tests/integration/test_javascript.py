"""Every feature with the official JavaScript clients; see ``js/features.js``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from child import HERE, Node, ServerProcess
from matrix import CLIENTS, MODES, TRANSPORTS, Cell, Matrix, claimed, rows

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
    version = int(CLIENTS[client.removesuffix(MSGPACK)].partition(".")[0])
    return [name for name, major in SINCE.items() if version >= major]


CELLS = [
    Cell(mode, client, "Node", transport)
    for mode in MODES
    for client in CLIENTS
    for transport in TRANSPORTS
] + [
    Cell(mode, client + MSGPACK, "Node", transport)
    for mode in MODES
    for client in ("client-3.1.3", "client-4.0.0", "socket.io-client")
    for transport in TRANSPORTS
    if mode == "eventlet" or client == "socket.io-client"
]
CASES = [
    pytest.param(cell, feature, id=f"{cell}-{feature}")
    for cell in CELLS
    for feature in features_of(cell.client)
]

ServerIn = Callable[..., ServerProcess]


def server_for(client: str, mode: str, server_in: ServerIn) -> ServerProcess:
    options = {"serializer": "msgpack"} if client.endswith(MSGPACK) else {}
    return server_in(mode, **options)


@pytest.fixture(scope="module")
def matrix(node: Node, server_in: ServerIn, request: pytest.FixtureRequest) -> Iterator[Matrix]:
    def run(cell: Cell) -> dict[str, str]:
        url = server_for(cell.client, cell.mode, server_in).url
        return json.loads(node.run("js/features.js", url, cell.client, cell.transport))

    params = (getattr(item, "callspec", None) for item in request.session.items)
    wanted = (each.params.get("cell") for each in params if each is not None)
    matrix = Matrix(run, filter(None, dict.fromkeys(wanted)))
    yield matrix
    matrix.close()


@pytest.mark.parametrize(("cell", "feature"), CASES)
def test_feature(matrix: Matrix, cell: Cell, feature: str) -> None:
    outcome = matrix.of(cell).get(feature, "it was not run")
    assert outcome == "ok", outcome


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_feature_that_ran_is_a_test(matrix: Matrix, cell: Cell) -> None:
    assert SINCE
    assert list(matrix.of(cell)) == features_of(cell.client)


@pytest.mark.parametrize("mode", MODES)
def test_the_log_has_no_surprises(matrix: Matrix, server_in: ServerIn, mode: str) -> None:
    for cell in CELLS:
        if cell.mode == mode:
            matrix.of(cell)

    for client in ("", MSGPACK):
        server = server_for(client, mode, server_in)
        assert server.faults() == []
        assert any("Deliberate: the secret" in line for line in server.lines), "failures are logged"
        assert any(f"async_mode is {mode}" in line for line in server.lines)


def test_the_readme_claims_what_ran(matrix: Matrix) -> None:
    in_json = [cell for cell in CELLS if not cell.client.endswith(MSGPACK)]
    ran = rows({cell: set(matrix.of(cell).values()) == {"ok"} for cell in in_json})

    assert claimed("Node") == ran, "the README's table should have\n\n" + "\n".join(ran)
