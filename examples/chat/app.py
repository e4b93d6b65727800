"""The chat, put together and served: ``python app.py``, then http://127.0.0.1:5000.

The environment variables HOST and PORT say where else to serve it, and WORKERS with how many
processes. CLUSTER, as in ``CLUSTER=redis://127.0.0.1``, makes one chat of all that are given it.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from flask import Flask, Response, redirect, send_file
from sionamespace import Server
from werkzeug.wrappers import Response as AnyResponse

from activity import Activity
from chat import Chat
from dashboard import Dashboard

HERE = Path(__file__).parent
CLIENT = HERE / "node_modules" / "socket.io-client" / "dist" / "socket.io.min.js"

pages = Flask(__name__)


def make_server(**options: Any) -> Server:
    """The chat and its dashboard, for any mode: see also ``asgi.py``."""
    activity = Activity()
    chat = Chat(activity)
    namespaces = {"/chat": chat, "/dashboard": Dashboard(chat, activity)}
    return Server(namespaces, rooms=os.environ.get("CLUSTER"), **options)


@pages.get("/")
def chat_page() -> Response:
    return pages.send_static_file("chat.html")


@pages.get("/dashboard")
def dashboard_page() -> Response:
    return pages.send_static_file("dashboard.html")


@pages.get("/socket.io.min.js")
def client() -> AnyResponse:
    """The official client: from npm if it was installed here, else from the public CDN."""
    if CLIENT.exists():
        return send_file(CLIENT)
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]["socket.io-client"]
    return redirect(f"https://cdn.socket.io/{wanted}/socket.io.min.js")


@pages.after_request
def allow_only_our_own(response: Response) -> Response:
    """No script but ours ever runs in the pages, should somebody smuggle one in."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; script-src 'self' https://cdn.socket.io; "
        "img-src 'self' blob: data:; connect-src 'self' ws: wss:; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def run(server: Server, app: Any) -> None:
    """Serve where, and with as many processes as, the environment says."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    say = os.environ.get
    host, port, workers = say("HOST", "127.0.0.1"), say("PORT", "5000"), say("WORKERS", "1")
    server.run(host, int(port), app=app, workers=int(workers))


if __name__ == "__main__":
    server = make_server()
    run(server, server.wsgi(pages))
