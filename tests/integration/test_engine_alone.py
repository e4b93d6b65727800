"""docs/engine.md as it stands there, but for the port, with the official clients of Engine.IO."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from child import HERE, Child, Node
from ports import free_port

PAGE = (HERE.parents[1] / "docs/engine.md").read_text()
FILES = dict(re.findall(r"```(?:python|js)\n(?:#|//) (\S+)\n(.*?)```", PAGE, re.S))
CLIENTS = ["engine.io-client", "engine.io-client-3"]
SERVERS = [
    ("eventlet", "echo.py"),
    ("gevent", "echo.py"),
    ("threads", "echo.py"),
    ("asyncio", "echo_asgi.py"),
]


@pytest.fixture(params=SERVERS, ids=[mode for mode, _ in SERVERS], scope="module")
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page's echo, served in a mode."""
    mode, name = request.param
    port = free_port()
    program = tmp_path_factory.mktemp("engine") / name
    program.write_text(FILES[name].replace("5000", str(port)))
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    server = Child(sys.executable, str(program), PYTHONPATH=path, SIONAMESPACE_ASYNC_MODE=mode)
    try:
        server.wait_for("serving on")
        yield f"http://127.0.0.1:{port}"
    finally:
        assert server.end() == 0, server.text()
    assert "Traceback" not in server.text(), server.text()


@pytest.mark.parametrize("client", CLIENTS)
def test_every_message_comes_back_in_order(url: str, client: str, node: Node) -> None:
    node.run("js/engine.js", url, client)


@pytest.mark.parametrize("client", CLIENTS)
def test_its_client_gets_its_echo(url: str, client: str, node: Node, tmp_path: Path) -> None:
    script = FILES["client.js"].replace("http://127.0.0.1:5000", url)
    (tmp_path / "client.js").write_text(
        script.replace('"engine.io-client"', repr(str(HERE / "node_modules" / client)))
    )
    page = node.start(str(tmp_path / "client.js"))
    try:
        page.wait_for("^hello$")
    finally:
        page.end()
