"""All of it together, as it is served."""

from __future__ import annotations

from pathlib import Path

import pytest
from sionamespace import Server
from werkzeug.test import Client

import app


@pytest.fixture
def browser() -> Client:
    return Client(app.make_app()[1])


@pytest.mark.parametrize("path", ["/", "/static/desk.js", "/static/desk.css"])
def test_the_page_is_served(browser: Client, path: str) -> None:
    with browser.get(path) as response:
        assert response.status_code == 200


def test_the_client_comes_from_npm_where_it_is_installed_or_from_the_public_cdn(
    browser: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "CLIENT", tmp_path / "socket.io.min.js")
    assert browser.get("/socket.io.min.js").location == (
        "https://cdn.socket.io/4.8.1/socket.io.min.js"
    )
    app.CLIENT.write_text("the client")
    with browser.get("/socket.io.min.js") as response:
        assert response.get_data(as_text=True) == "the client"


def test_the_api_is_beside_the_sockets(browser: Client) -> None:
    answer = browser.get("/desk/api/me", headers={"Authorization": "Bearer token-of-abe"})
    assert answer.json == {"name": "Abe", "role": "agent"}
    server, _ = app.make_app()
    assert isinstance(server, Server)
    assert not server.namespace("/desk/agents").members()
