"""The HTTP API beside the sockets: what needs no connection that stays."""

from __future__ import annotations

from typing import Annotated, NoReturn

import attrs
import msgspec
from flask import Blueprint, Response, abort, jsonify, make_response, request

from accounts import Accounts, Member
from desk import Desk

__all__ = ["make_api"]


@attrs.frozen
class NewTicket:
    """What a customer asks."""

    subject: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]


def make_api(accounts: Accounts, desk: Desk) -> Blueprint:
    """``GET /me``, ``GET`` and ``POST /tickets``, and ``GET /figures`` for supervisors.

    Who asks is said by a token, ``Authorization: Bearer ...``, the same as on the sockets.
    """
    api = Blueprint("desk", __name__)

    def member(*roles: str) -> Member:
        """Who asks; only with one of these roles, if any are given."""
        found = accounts.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if found is None:
            refuse(401, "Please log in.")
        if roles and found.role not in roles:
            refuse(403, "Not allowed.")
        return found

    @api.get("/me")
    def me() -> Response:
        return jsonify(attrs.asdict(member()))

    @api.get("/tickets")
    def tickets() -> Response:
        asks = member()
        found = desk.tickets(customer=asks.name if asks.role == "customer" else None)
        return jsonify([attrs.asdict(ticket) for ticket in found])

    @api.post("/tickets")
    def open_ticket() -> tuple[Response, int]:
        customer = member("customer").name
        try:
            asked = msgspec.json.decode(request.get_data(), type=NewTicket)
        except msgspec.DecodeError as error:
            refuse(400, str(error))
        return jsonify(attrs.asdict(desk.open(customer, asked.subject))), 201

    @api.get("/figures")
    def figures() -> Response:
        member("supervisor")
        return jsonify(attrs.asdict(desk.figures()))

    return api


def refuse(status: int, message: str) -> NoReturn:
    """Answer with an error, in the words of the sockets' ones."""
    abort(make_response(jsonify(error={"message": message}), status))
