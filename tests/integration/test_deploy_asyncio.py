"""The recipes of docs/deploy/asyncio.md, run as they stand there, but for the port."""

from __future__ import annotations

import os
import re
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from child import PATIENCE, Child, Node
from ports import free_port

PAGE = (Path(__file__).resolve().parents[2] / "docs/deploy/asyncio.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)\n```", PAGE)
FILES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.S))


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def folder(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, code in FILES.items():
        (tmp_path / name).write_text(code.replace("5000", str(port)))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def serve(command: str, folder: Path, port: int) -> Child:
    """A server that accepts connections."""
    words = command.replace("5000", str(port)).split()
    words = [str(folder / word) if word.endswith(".py") else word for word in words]
    if words[0] == "python":
        words[0] = sys.executable
    server = Child(*words)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)  # servers differ in what they say when they are ready
        else:
            return server
    pytest.fail(f"{command!r} does not serve:\n{server.text()}")


def test_the_page_has_the_recipes() -> None:
    programs = [command.split()[0] for command in COMMANDS]
    assert programs == ["python", "uvicorn", "hypercorn", "granian", "gunicorn", "gunicorn"]
    assert len(FILES) == 5


@pytest.mark.parametrize("command", COMMANDS)
def test_a_recipe_serves_every_transport(command: str, folder: Path, port: int, node: Node) -> None:
    server = serve(command, folder, port)
    try:
        node.run("js/recipe.js", f"http://127.0.0.1:{port}")
    finally:
        server.end(seconds=20)
    assert "Traceback" not in server.text()


@pytest.mark.parametrize("module", [n.removesuffix(".py") for n in FILES if n != "app.py"])
def test_a_framework_stands_beside_it(module: str, folder: Path, port: int, node: Node) -> None:
    server = serve(f"uvicorn {module}:app --host 127.0.0.1 --port 5000", folder, port)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello", timeout=PATIENCE) as answer:
            assert "said hello" in answer.read().decode()
        node.run("js/recipe.js", f"http://127.0.0.1:{port}")
    finally:
        server.end(seconds=20)
    assert "Traceback" not in server.text()


@pytest.mark.parametrize(
    "command",
    [
        "uvicorn app:app --host 127.0.0.1 --port 5000 --workers 2",
        "gunicorn -k uvicorn_worker.UvicornWorker -w 2 -b 127.0.0.1:5000 app:app",
    ],
)
def test_several_workers_that_would_share_nothing_say_so(
    command: str, folder: Path, port: int
) -> None:
    server = Child(*command.replace("5000", str(port)).split())
    try:
        server.wait_for("ConfigurationError: g?u.* starts 2 workers, each of which.*start one")
    finally:
        server.end(seconds=20)
