"""The HTTP API, beside the namespaces and without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sionamespace.testing import HarnessClient, including
from werkzeug.test import TestResponse

from accounts import Accounts
from api import make_api
from desk import Desk

Ask = Callable[..., TestResponse]
Visit = Callable[[str, str], HarnessClient]


@pytest.fixture
def ask(accounts: Accounts, desk: Desk, namespaces: Any) -> Ask:
    """Sends a request as somebody."""
    app = Flask("test")
    app.register_blueprint(make_api(accounts, desk))
    http = app.test_client()

    def ask(name: str, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {name}"}
        return http.open(path, method=method, headers=headers, **more)

    return ask


def test_a_ticket_opened_by_http_is_shown_to_the_agents(ask: Ask, visit: Visit) -> None:
    abe = visit("agents", "Abe")
    answer = ask("Cleo", "POST", "/tickets", json={"subject": "It is broken"})
    assert (answer.status_code, answer.json) == (201, including(id=1, customer="Cleo"))
    abe.assert_received("ticket", including(id=1, customer="Cleo", subject="It is broken"))


@pytest.mark.parametrize("data", ["{}", '{"subject": " "}', '{"subject": 7}', "[]", "nonsense"])
def test_a_ticket_says_what_it_is_about(ask: Ask, desk: Desk, data: str) -> None:
    answer = ask("Cleo", "POST", "/tickets", data=data)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"]["message"]
    assert desk.tickets() == []


def test_customers_see_their_own_tickets_and_agents_all(ask: Ask, desk: Desk, visit: Visit) -> None:
    visit("agents", "Abe")
    desk.open("Cleo", "It is broken")
    desk.open("Carl", "Mine too")
    assert ask("Carl", "GET", "/tickets").json == [including(id=2, subject="Mine too")]
    assert ask("Abe", "GET", "/tickets").json == [including(id=1), including(id=2)]


@pytest.mark.parametrize(
    ("name", "method", "path", "status"),
    [
        ("a stranger", "GET", "/me", 401),
        ("a stranger", "POST", "/tickets", 401),
        ("Abe", "POST", "/tickets", 403),
        ("Abe", "GET", "/figures", 403),
        ("Abe", "GET", "/me", 200),
        ("Sue", "GET", "/figures", 200),
    ],
)
def test_who_may_do_what(ask: Ask, name: str, method: str, path: str, status: int) -> None:
    assert ask(name, method, path).status_code == status
