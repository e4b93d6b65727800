"""What the tests share. As it stands here, pytest finds the modules of the example too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sionamespace import Namespace
from sionamespace.testing import Harness, HarnessClient

from desk import Desk
from namespaces import make_namespaces
from staff import Person

ROLES = {"Cleo": "customer", "Cid": "customer", "Abe": "agent", "Amy": "agent", "Sue": "supervisor"}


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def namespaces(desk: Desk) -> dict[str, Namespace]:
    return make_namespaces({name: Person(name, role) for name, role in ROLES.items()}, desk)


@pytest.fixture
def enter(harness: Harness) -> Callable[[str, str], HarnessClient]:
    """Lets a person, whose token here is the name, into a namespace."""
    return lambda path, name: harness.connect(path, auth={"token": name})
