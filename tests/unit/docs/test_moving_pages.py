"""What the tables of the pages about moving say is tried: each call, old and new."""

from __future__ import annotations

import logging
import re
import threading
from typing import Any

import flask
import flask_socketio
import pytest
import socketio
from werkzeug.serving import make_server

import sionamespace
from sionamespace import Namespace, Server
from sionamespace.testing import Harness
from tests.unit.docs.pages import DOCS

CALL = re.compile(r"`(\w[\w.]*\(.*?\)(?:\.\w+\(.*?\))*)`")


def rows(page: str) -> list[tuple[list[str], list[str]]]:
    """The calls in both columns of the tables of a page."""
    found = re.findall(r"^\| (.+?) \| (.+) \|$", (DOCS / page).read_text(), re.M)
    cells = [tuple(CALL.findall(cell) for cell in row) for row in found if row[0][:3] != "old"]
    assert len(cells) > 20
    return cells


SIO, FSIO = rows("moving-from-python-socketio.md"), rows("moving-from-flask-socketio.md")
NEW = sorted({call for row in (*SIO, *FSIO) for call in row[1]})
OLD_SIO = sorted({call for old, _ in SIO for call in old})
OLD_FSIO = sorted({call for old, _ in FSIO for call in old})


def app(environ: Any, start_response: Any) -> Any:
    """Some WSGI application."""


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
    harness = harness_for(Trial()).allow_unfinished()
    client = harness.connect()
    client.answers("x", 1)
    client.request("try", code)
    harness.advance(5)
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    logging.getLogger("sionamespace").setLevel(logging.NOTSET)  # what a row sets


class OldTrial(socketio.Namespace):
    server: Any

    def on_try(self, sid: str, code: str) -> str:
        self.enter_room(sid, "a")
        names = {"sio": self.server, "self": self, "sid": sid, "socketio": socketio, "app": app}
        names |= {"Chat": lambda path: socketio.Namespace("/other"), "done": nothing}
        exec(code, {**names, "work": nothing})
        return "tried"


@pytest.fixture(scope="module")
def old_client() -> Any:
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


@pytest.mark.parametrize("code", OLD_SIO)
def test_what_was_in_python_socketio_is_so(code: str, old_client: Any) -> None:
    if "self.disconnect(" in code:  # it would be the last thing that the client sees
        code = f"callable({code.partition('(')[0]})"
    assert old_client.call("try", code, namespace="/chat", timeout=10) == "tried"


@pytest.mark.parametrize("code", OLD_FSIO)
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
