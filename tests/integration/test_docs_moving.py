"""The pages about moving: what was and what is do the same for the same client.

And what their tables say was so is tried, call by call; what is new, by tests/docs.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import flask_socketio
import pytest
import socketio
from child import HERE, PATIENCE, Child, Node
from ports import free_port
from werkzeug.serving import make_server

from tests.docs.moving import OLD_FLASK_SOCKETIO, OLD_NODE, OLD_PYTHON_SOCKETIO
from tests.docs.pages import Page

# python-socketio imports eventlet where it is told no mode, and eventlet warns of itself.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Eventlet is deprecated:Warning")

PAGES = [
    Page("moving-from-python-socketio.md"),
    Page("moving-from-flask-socketio.md"),
    Page("moving-from-node.md"),
]
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


@pytest.mark.parametrize("program", ["before", "after"])
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_client_cannot_tell(page: Page, program: str, tmp_path: Path, node: Node) -> None:
    port = free_port()
    for name, code in page.files.items():
        (tmp_path / name).write_text(code.replace("5000", str(port)))
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    if (tmp_path / f"{program}.js").exists():
        server = node.start(str(tmp_path / f"{program}.js"))
    else:
        server = Child(sys.executable, f"{program}.py", cwd=tmp_path, PYTHONPATH=path)
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


def nothing(*args: Any) -> None: ...


class OldTrial(socketio.Namespace):
    server: Any

    def on_try(self, sid: str, code: str) -> str:
        self.enter_room(sid, "a")
        names = {"sio": self.server, "self": self, "sid": sid, "socketio": socketio, "app": None}
        names |= {"Chat": lambda path: socketio.Namespace("/other"), "done": nothing}
        exec(code, {**names, "work": nothing})
        return "tried"


@pytest.fixture(scope="module")
def old_client() -> Iterator[socketio.Client]:
    """A client of a real server of python-socketio, on which the calls are made."""
    sio = socketio.Server(async_mode="threading")
    sio.register_namespace(OldTrial("/chat"))
    web = make_server("127.0.0.1", 0, socketio.WSGIApp(sio), threaded=True)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    client = socketio.Client()
    client.on("x", lambda *args: 1, namespace="/chat")
    client.connect(f"http://127.0.0.1:{web.server_port}", namespaces=["/chat"])
    yield client
    client.disconnect()
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.mark.parametrize("code", OLD_PYTHON_SOCKETIO)
def test_what_was_in_python_socketio_is_so(code: str, old_client: socketio.Client) -> None:
    if "self.disconnect(" in code:  # it would be the last thing that the client sees
        code = f"callable({code.partition('(')[0]})"
    assert old_client.call("try", code, namespace="/chat", timeout=10) == "tried"


@pytest.mark.parametrize("code", OLD_FLASK_SOCKETIO)
def test_what_was_in_flask_socketio_is_so(code: str) -> None:
    flask_app = flask.Flask(__name__)
    flask_app.secret_key = "secret"
    old = flask_socketio.SocketIO(flask_app, async_mode="threading")
    names = {**vars(flask_socketio), "session": flask.session, "request": flask.request}
    names |= {"app": flask_app, "socketio": old, "OldChat": flask_socketio.Namespace}
    names |= {"done": nothing, "work": nothing, "handler": nothing}

    @old.on("try", namespace="/chat")  # type: ignore[untyped-decorator]
    def attempt(code: str) -> str:
        flask_socketio.join_room("lobby")
        if not code.startswith("socketio.call("):  # its test client cannot answer
            exec(code, names)
        return "tried"

    client = old.test_client(flask_app, namespace="/chat")
    assert client.emit("try", code, callback=True, namespace="/chat") == "tried"


def test_what_was_in_socket_io_for_node_is_so(node: Node) -> None:
    assert len(OLD_NODE) > 20
    assert node.run("js/moving.js", json.dumps(OLD_NODE)).splitlines() == OLD_NODE
