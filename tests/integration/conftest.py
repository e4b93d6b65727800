"""Real servers, and real clients."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

import pytest
import trustme
from child import Node, ServerProcess
from playwright.sync_api import Browser, sync_playwright
from raw_client import OPEN

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None
)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def server() -> Iterator[ServerProcess]:
    """The test application, shared by the tests that do no harm to it."""
    started = ServerProcess(ping_timeout=60, async_mode="eventlet")
    yield started
    started.stop()


@pytest.fixture(scope="session")
def server_in(server: ServerProcess) -> Iterator[Callable[..., ServerProcess]]:
    """Gives the test application in a mode, shared by the tests that do no harm to it.

    ``server_in(mode, **options)``: there is one for each mode and options. It may be asked by
    several threads.
    """
    started: dict[tuple[object, ...], ServerProcess] = {("eventlet",): server}
    starting = Lock()
    with ExitStack() as ending:

        def server_in(mode: str, **options: object) -> ServerProcess:
            kind = (mode, *options.items())
            with starting:
                if kind not in started:
                    started[kind] = ServerProcess(ping_timeout=60, async_mode=mode, **options)
                    ending.callback(started[kind].stop)
                return started[kind]

        yield server_in


@pytest.fixture
def start_server() -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers for one test, ``start_server(port=0, **options)``, and ends them after it."""
    with ExitStack() as ending:

        def start(
            port: int = 0, settings: Mapping[str, object] | None = None, **options: object
        ) -> ServerProcess:
            process = ServerProcess(port, settings, **options)
            ending.callback(process.stop)
            # A server that stops waits some seconds for the goodbyes of its clients.
            ending.callback(close_clients, process)
            return process

        yield start


def close_clients(server: ServerProcess) -> None:
    for client in {client for client in OPEN if client.server is server}:
        client.close()


@pytest.fixture(scope="session")
def node() -> Node:
    """Node, to run the scenarios in ``js/``."""
    return Node()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for this machine, its key, and who vouches for it."""
    folder = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Playwright keeps a loop on this thread, so no longer than a module needs it."""
    assert CHROMIUM is not None, "these tests need Chromium: run `scripts/need chromium`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _close_raw_clients() -> Iterator[None]:
    before = set(OPEN)
    yield
    for client in OPEN - before:
        client.close()
