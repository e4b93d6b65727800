"""What handlers learn of a client's request, on each web server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import socketio
from child import HERE, PATIENCE, ServerProcess
from matrix import MODES
from test_deploy import Recipe

HEADERS = {"X-Token": "t 1", "Cookie": "a=1; b=2"}
APP = (
    "from server import Features\nfrom sionamespace import Server\n"
    'app = Server({"/chat": Features()}).wsgi()\n'
)
WORKERS = ["sionamespace.gunicorn.EventletWorker", "gevent", "gthread --threads 20"]


def check(url: str) -> None:
    """Connect by each transport, and compare with what was sent."""
    for transport in ("polling", "websocket"):
        client = socketio.Client()
        client.connect(
            f"{url}?q=1%202",
            headers=HEADERS,
            transports=[transport],
            namespaces=["/chat"],
            wait_timeout=PATIENCE,
        )
        try:
            me = client.call("whoami", namespace="/chat", timeout=PATIENCE)
        finally:
            client.disconnect()
        assert (me["transport"], me["address"]) == (transport, "127.0.0.1")
        assert (me["token"], me["cookie"]) == ("t 1", "a=1; b=2")
        assert (me["scheme"], me["host"]) == ("http", url.removeprefix("http://"))
        assert "q=1%202" in me["query"]


@pytest.mark.parametrize("mode", MODES)
def test_address_headers_and_cookies_are_the_clients(
    mode: str, server_in: Callable[..., ServerProcess]
) -> None:
    check(server_in(mode).url)


@pytest.mark.parametrize("worker", WORKERS)
def test_and_so_they_are_in_gunicorn(worker: str, tmp_path: Path) -> None:
    command = f"gunicorn -k {worker} -w 1 -b 127.0.0.1:5000 app:app"
    path = os.pathsep.join([str(HERE), *sys.path])
    recipe = Recipe({"app.py": APP}, command, tmp_path, PYTHONPATH=path)
    try:
        recipe.until_it_listens()
        check(recipe.url)
    finally:
        recipe.child.end()
    assert "Traceback" not in recipe.child.text()
