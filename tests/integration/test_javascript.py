"""Every feature with the official JavaScript clients; see ``js/features.js``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from child import HERE, Node, ServerProcess
from matrix import CELLS, MODES, Cell, Matrix

SINCE = {
    name: int(major or 1)
    for name, major in re.findall(
        r'^feature\("([^"]+)"(?:, since\((\d)\))?', (HERE / "js/features.js").read_text(), re.M
    )
}
"""The features, and since which client there is an interface for each."""
README = HERE.parents[1] / "README.md"
REPORTS = HERE.parents[1] / ".reports"


def features_of(cell: Cell) -> list[str]:
    return [name for name, major in SINCE.items() if cell.major >= major]


CASES = [
    pytest.param(cell, feature, id=f"{cell}-{feature}")
    for cell in CELLS
    for feature in features_of(cell)
]


@pytest.fixture(scope="session")
def matrix(
    node: Node, server_in: Callable[[str], ServerProcess], request: pytest.FixtureRequest
) -> Iterator[Matrix]:
    wanted = (
        item.callspec.params.get("cell")
        for item in request.session.items
        if hasattr(item, "callspec")
    )
    running = Matrix(node, server_in, filter(None, dict.fromkeys(wanted)))
    yield running
    running.close()


@pytest.mark.parametrize(("cell", "feature"), CASES)
def test_feature(matrix: Matrix, cell: Cell, feature: str) -> None:
    outcome = matrix.of(cell).get(feature, "it was not run")
    assert outcome == "ok", outcome


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_feature_that_ran_is_a_test(matrix: Matrix, cell: Cell) -> None:
    assert SINCE
    assert list(matrix.of(cell)) == features_of(cell)


@pytest.mark.parametrize("mode", MODES)
def test_the_log_has_no_surprises(
    matrix: Matrix, server_in: Callable[[str], ServerProcess], mode: str
) -> None:
    for cell in CELLS:
        if cell.mode == mode:
            matrix.of(cell)

    server = server_in(mode)
    assert server.faults() == []
    assert any("Deliberate: the secret" in line for line in server.lines), "failures are logged"
    assert any(f"async_mode is {mode}" in line for line in server.lines)


def test_the_readme_claims_what_ran(matrix: Matrix) -> None:
    table = matrix.table()
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "clients.md").write_text(table)

    assert table in README.read_text(), f"the README's table of clients should be:\n\n{table}"
