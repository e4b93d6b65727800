"""The servers, with the exchanges of the tests that were chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from child import MODES, Node
from exchanges import Exchange
from stage import Application, Reference, Stage


@pytest.fixture(scope="session")
def chosen(request: pytest.FixtureRequest) -> list[Exchange]:
    """The exchanges of the tests that are going to run, each once."""
    calls = (getattr(item, "callspec", None) for item in request.session.items)
    return list(dict.fromkeys(c.params["exchange"] for c in calls if c and "exchange" in c.params))


@pytest.fixture(scope="session")
def reference(node: Node, chosen: list[Exchange]) -> Iterator[Stage]:
    """The JavaScript server."""
    server = Reference(node)
    with closing(Stage(server.ports, chosen)) as stage:
        yield stage
    server.stop()


@pytest.fixture(scope="session", params=[*MODES, "asyncio"])
def stage(request: pytest.FixtureRequest, chosen: list[Exchange]) -> Iterator[Stage]:
    """sionamespace, in each mode. Its log must be clean at the end."""
    server = Application(request.param)
    with closing(Stage(server.ports, chosen)) as stage:
        yield stage
    server.stop()
