"""The desk, put together and served: ``python app.py``, then http://127.0.0.1:5000.

The environment variables HOST and PORT say where else to serve it.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from flask import Flask, Response, redirect, send_file
from sionamespace import Server
from sionamespace.middleware import CallLog
from werkzeug.wrappers import Response as AnyResponse

from accounts import Member
from api import make_api
from desk import Desk
from namespaces import make_namespaces

HERE = Path(__file__).parent
CLIENT = HERE / "node_modules" / "socket.io-client" / "dist" / "socket.io.min.js"

DEMO = {
    "token-of-cleo": Member("Cleo", "customer"),
    "token-of-carl": Member("Carl", "customer"),
    "token-of-abe": Member("Abe", "agent"),
    "token-of-amy": Member("Amy", "agent"),
    "token-of-sue": Member("Sue", "supervisor"),
}
"""Accounts to look around with; the page offers them. Yours log in."""


def make_server(desk: Desk | None = None, **options: Any) -> Server:
    """The sockets of a desk, which is empty if it is left out."""
    return Server(make_namespaces(DEMO, desk or Desk()), middleware=[CallLog()], **options)


def make_app(**options: Any) -> tuple[Server, Any]:
    """The server, and all that it serves: the sockets, the HTTP API and the page."""
    desk = Desk()
    server = make_server(desk, **options)
    pages = Flask(__name__)
    pages.register_blueprint(make_api(DEMO, desk), url_prefix="/desk/api")
    pages.add_url_rule("/", view_func=page)
    pages.add_url_rule("/socket.io.min.js", view_func=client)
    return server, server.wsgi(pages)


def page() -> Response:
    return send_file(HERE / "static" / "desk.html")


def client() -> AnyResponse:
    """The official client: from npm if it was installed here, else from the public CDN."""
    if CLIENT.exists():
        return send_file(CLIENT)
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]["socket.io-client"]
    return redirect(f"https://cdn.socket.io/{wanted}/socket.io.min.js")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    server, app = make_app()
    server.run(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "5000")), app=app)
