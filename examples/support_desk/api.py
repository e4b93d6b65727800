"""The HTTP API beside the sockets, such as for mails that become tickets."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request

from desk import Desk
from namespaces import Customers

__all__ = ["make_api"]


def make_api(desk: Desk, customers: Customers) -> Flask:
    """``POST /tickets`` opens a ticket, ``GET /figures`` tells how it is going."""
    api = Flask(__name__)

    @api.post("/tickets")
    def open_ticket() -> tuple[Response, int]:
        asked = request.get_json()
        ticket = customers.open(str(asked["customer"]), str(asked["subject"]))
        return jsonify(id=ticket.id), 201

    @api.get("/figures")
    def figures() -> Response:
        return jsonify(desk.figures())

    return api
