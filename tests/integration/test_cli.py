"""``sionamespace run``, with a real client."""

from __future__ import annotations

import os
import signal
import ssl
import sys
import urllib.request
from pathlib import Path

import pytest
from child import PATIENCE, Child, Node

CHAT = """
from sionamespace import Namespace, Server

class Chat(Namespace):
    def on_echo(self, sid, *args):
        return args

    async def on_ask(self, sid):
        return await self.call("question", "sure?", room=sid, timeout=30)

    def on_ask_blocking(self, sid):
        return self.call("question", "sure?", room=sid, timeout=30).result()

server = Server({"/chat": Chat})
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "chat_module.py").write_text(CHAT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return tmp_path


def run(*options: str) -> Child:
    command = [sys.executable, "-m", "sionamespace", "run", "chat_module:server", "--port", "0"]
    return Child(*command, *options)


@pytest.mark.parametrize(("mode", "runner"), [("eventlet", "eventlet"), ("asyncio", "uvicorn")])
def test_it_serves_in_each_mode(folder: Path, node: Node, mode: str, runner: str) -> None:
    server = run("--mode", mode)
    try:
        url = server.wait_for(rf"serving on (http://\S+) with {runner}").group(1)
        node.run("js/recipe.js", url)
    finally:
        assert server.end(signal.SIGINT) == 0, server.text()


def test_it_serves_https_with_a_certificate(folder: Path, certificate: Path) -> None:
    server = run(
        *("--certfile", str(certificate / "certificate.pem")),
        *("--keyfile", str(certificate / "key.pem")),
    )
    try:
        url = server.wait_for(r"serving on (https://\S+) with").group(1)
        trusting = ssl.create_default_context(cafile=str(certificate / "authority.pem"))
        poll = f"{url}/socket.io/?EIO=4&transport=polling"
        with urllib.request.urlopen(poll, timeout=PATIENCE, context=trusting) as answer:
            assert answer.read().startswith(b'0{"sid":')
    finally:
        assert server.end(signal.SIGINT) == 0, server.text()
