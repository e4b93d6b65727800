"""The HTTP API, beside the namespaces and without a server."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sionamespace.testing import Harness, including

from api import make_api
from desk import Desk


@pytest.fixture
def http(desk: Desk, harness: Harness) -> FlaskClient:
    return make_api(desk, harness.namespace("/customers")).test_client()


def test_a_mail_becomes_a_ticket(http: FlaskClient, harness: Harness) -> None:
    abe = harness.connect("/agents", auth={"token": "Abe"})
    answer = http.post("/tickets", json={"customer": "Cleo", "subject": "By mail"})
    assert (answer.status_code, answer.get_json()) == (201, {"id": 1})
    abe.assert_received("waiting", [including(customer="Cleo", subject="By mail")])
    assert http.get("/figures").get_json() == {"waiting": 1, "solved": 0, "agents": {}}


def test_the_application_is_put_together() -> None:
    from app import app, server

    assert callable(app)
    assert server.namespace("/agents").members() == frozenset()
