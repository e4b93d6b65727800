"""The README's server and its client, as they stand there, but for the port."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from child import HERE, Child, Node
from ports import free_port

README = Path(__file__).resolve().parents[2] / "README.md"


def block(name: str) -> str:
    """The code of the block that begins with a file's name."""
    found = re.search(rf"```\w+\n(?:# |// ){re.escape(name)}\n(.*?)```", README.read_text(), re.S)
    assert found, f"the README has no block {name}"
    return found.group(1)


@pytest.fixture
def port() -> str:
    return str(free_port())


def test_its_client_talks_to_its_server(tmp_path: Path, port: str, node: Node) -> None:
    (tmp_path / "chat.py").write_text(block("chat.py").replace("5000", port))
    client = block("client.js").replace("5000", port)
    modules = HERE / "node_modules" / "socket.io-client"
    (tmp_path / "client.js").write_text(client.replace("socket.io-client", str(modules)))

    server = Child(sys.executable, str(tmp_path / "chat.py"))
    try:
        server.wait_for("serving on")
        page = node.start(str(tmp_path / "client.js"))
        page.wait_for("^OK$")
        page.wait_for("^true$")
        page.end()
    finally:
        assert server.end() == 0, server.text()


def test_its_flask_application_is_served(tmp_path: Path, port: str, node: Node) -> None:
    for name in ("chat.py", "app.py"):
        (tmp_path / name).write_text(
            block(name).replace("5000", port).replace("0.0.0.0", "127.0.0.1")
        )
    script = tmp_path / "client.js"
    script.write_text(
        f"""
        const {{ io }} = require({str(HERE / "node_modules" / "socket.io-client")!r});
        const http = require("http");
        const socket = io("http://127.0.0.1:{port}/chat", {{ auth: {{ name: "Ann" }} }});
        socket.on("hello", (text) => console.log("hello", text));
        socket.on("connect", () => http.get("http://127.0.0.1:{port}/hello", (response) =>
            response.on("data", (data) => console.log(String(data)))));
        """
    )
    server = Child(sys.executable, str(tmp_path / "app.py"))
    try:
        server.wait_for("serving on")
        page = node.start(str(script))
        page.wait_for("^hello from a web view$")
        page.wait_for("^said hello$")
        page.end()
    finally:
        assert server.end() == 0, server.text()
