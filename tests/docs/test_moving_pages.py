"""What the tables of the pages about moving say is new is tried, call by call.

What they say was so before is tried by tests/integration/test_docs_moving.py.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest

import sionamespace
from sionamespace import Namespace, Server
from sionamespace.testing import Harness
from tests.docs.moving import NEW


def app(*args: Any) -> Any:
    """Some application, of WSGI or ASGI."""


def nothing(*args: Any) -> None: ...


class Trial(Namespace):
    def on_try(self, sid: str, code: str) -> None:
        self.enter_room(sid, ["a", "lobby"])
        mode = "asyncio" if "asgi" in code else "threads"
        names = {name: getattr(sionamespace, name) for name in sionamespace.__all__}
        names |= {"self": self, "sid": sid, "Chat": type("Chat", (Namespace,), {}), "app": app}
        names |= {"server": Server({"/chat": names["Chat"]}, async_mode=mode), "logging": logging}
        exec(code, {**names, "done": nothing, "work": nothing, "Harness": Harness})


@pytest.mark.parametrize("code", NEW)
def test_what_is_new_works(code: str, harness_for: Any, caplog: pytest.LogCaptureFixture) -> None:
    harness = harness_for({"/": Trial(), "/other": Namespace()}).allow_unfinished()
    client = harness.connect("/")
    client.answers("x", 1)
    client.request("try", code)
    harness.advance(5)
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    logging.getLogger("sionamespace").setLevel(logging.NOTSET)  # what a row sets
