"""The pages of the example."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

import app


@pytest.fixture
def browser() -> FlaskClient:
    return app.pages.test_client()


@pytest.mark.parametrize("path", ["/", "/dashboard", "/static/style.css", "/static/chat.js"])
def test_the_pages_are_served_and_run_no_script_but_ours(browser: FlaskClient, path: str) -> None:
    with browser.get(path) as response:
        assert response.status_code == 200
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def test_the_client_comes_from_npm_where_it_is_installed(
    browser: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "socket.io.min.js"
    installed.write_text("the client")
    monkeypatch.setattr(app, "CLIENT", installed)
    with browser.get("/socket.io.min.js") as response:
        assert response.get_data(as_text=True) == "the client"


def test_the_client_comes_from_the_public_cdn_otherwise(
    browser: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "CLIENT", tmp_path / "not there")
    with browser.get("/socket.io.min.js") as response:
        assert response.location == "https://cdn.socket.io/4.8.1/socket.io.min.js"
