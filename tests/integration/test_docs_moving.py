"""The pages about moving: what was and what is do the same for the same client."""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from pathlib import Path

import pytest
from child import HERE, PATIENCE, Child, Node

from tests.unit.docs.pages import Page

PAGES = [Page("moving-from-python-socketio.md"), Page("moving-from-flask-socketio.md")]
PRINTS = re.compile(r"console\.log\(.*// (.+)$", re.M)


def wait_for(port: int, server: Child) -> None:
    """Until somebody listens."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)  # servers differ in what they say when they are ready
    pytest.fail(f"nobody listens at {port}:\n{server.text()}")


@pytest.mark.parametrize("program", ["before.py", "after.py"])
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_client_cannot_tell(page: Page, program: str, tmp_path: Path, node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for name, code in page.files.items():
        (tmp_path / name).write_text(code.replace("5000", str(port)))
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    server = Child(sys.executable, program, cwd=tmp_path, PYTHONPATH=path)
    try:
        wait_for(port, server)
        client = node.start(str(tmp_path / "client.js"))
        expected = PRINTS.findall(page.files["client.js"])
        assert len(expected) > 4
        for text in expected:
            client.wait_for(f"^{re.escape(text)}$")
        client.end()
        assert sorted(client.lines) == sorted(expected)
    finally:
        server.end()
    assert "Traceback" not in server.text(), server.text()
