"""What the tests share. As it stands here, pytest finds the modules of the example too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sionamespace import Namespace
from sionamespace.testing import Harness, HarnessClient

from activity import Activity
from chat import Chat
from dashboard import Dashboard


@pytest.fixture
def activity() -> Activity:
    return Activity(clock=lambda: 1000.0)


@pytest.fixture
def namespaces(activity: Activity) -> dict[str, Namespace]:
    chat = Chat(activity, clock=lambda: 1700.5)
    return {"/chat": chat, "/dashboard": Dashboard(chat, activity)}


@pytest.fixture
def enter(harness: Harness) -> Callable[..., HarnessClient]:
    """Lets somebody into the chat."""

    def come_in(name: object, room: object = "", key: object = "a-key-of-one") -> HarnessClient:
        return harness.connect("/chat", auth={"name": name, "room": room, "key": key})

    return come_in
