"""What the tests share. As it stands here, pytest finds the modules of the example too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sionamespace.testing import Harness, HarnessClient

from accounts import Accounts, Member
from desk import Desk
from namespaces import make_namespaces

Visit = Callable[[str, str], HarnessClient]

MEMBERS = [
    Member("Cleo", "customer"),
    Member("Carl", "customer"),
    Member("Abe", "agent"),
    Member("Amy", "agent"),
    Member("Sue", "supervisor"),
]


@pytest.fixture
def accounts() -> Accounts:
    """The token of each member is the name."""
    return {member.name: member for member in MEMBERS}


@pytest.fixture
def desk() -> Desk:
    return Desk(clock=lambda: 1700.5)


@pytest.fixture
def namespaces(accounts: Accounts, desk: Desk) -> dict[str, Any]:
    return make_namespaces(accounts, desk)


@pytest.fixture
def visit(harness: Harness) -> Visit:
    """Connects a member to a namespace of the desk, ``visit("agents", "Abe")``."""
    return lambda path, name: harness.connect(f"/desk/{path}", auth={"token": name})
