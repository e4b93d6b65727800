"""Every feature with the bundles that the official clients ship for browsers, in Chromium.

They are clients of their own: 1.x and 2.x take binary over polling here, and can poll by scripts.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from child import ServerProcess
from matrix import MODES, Cell, claimed, rows
from pages import open_page, run_features
from playwright.sync_api import Browser
from test_javascript import features_of

CLIENTS = ["client-1.3.5", "client-1.7.4", "client-2.5.0", "socket.io-client"]
BY_SCRIPTS = [
    "connect-with-query",
    "refused-with-message-and-data",
    "every-json-type-and-several-arguments",
    "call-and-wait",
    "binary-nested",
    "binary-empty",
    "unicode",
    "unicode-half-of-a-character",
    "large-text-both-ways",
    "large-binary-both-ways",
    "close-to-the-size-limit",
    "over-the-size-limit",
    "burst-of-1000-events",
    "disconnect-by-the-client",
    "disconnect-by-the-server",
    "reconnection",
]
"""What can differ when a client polls by scripts (JSONP), of which each step takes its time."""
WAYS = {"polling": [], "websocket": [], "upgrade": [], "jsonp": BY_SCRIPTS}
"""The transports, and the features to run over each; all, where none is named."""

RUNS = [
    (mode, client, transport)
    for mode in MODES
    for client in CLIENTS
    for transport in WAYS
    # Clients since 3.0 have it no more, and the modes differ only in how WSGI and ASGI read a body.
    if transport != "jsonp" or (client != "socket.io-client" and mode in ("eventlet", "asyncio"))
]

ServerFor = Callable[[str], ServerProcess]


@pytest.fixture(scope="module")
def server_for() -> Iterator[ServerFor]:
    """Gives the test application in a mode, for pages of any origin."""
    started: dict[str, ServerProcess] = {}
    with ExitStack() as ending:

        def server_for(mode: str) -> ServerProcess:
            if mode not in started:
                options = {"async_mode": mode, "ping_timeout": 60, "cors_allowed_origins": "*"}
                started[mode] = ServerProcess(**options)
                ending.callback(started[mode].stop)
            return started[mode]

        yield server_for


class Outcomes:
    """What each feature came to: one run for each mode and client, when first asked."""

    def __init__(self, browser: Browser, server_for: ServerFor) -> None:
        self._browser = browser
        self._server_for = server_for
        self._runs: dict[tuple[str, str], dict[str, dict[str, str]]] = {}

    def of(self, mode: str, client: str, transport: str) -> dict[str, str]:
        run = mode, client
        if run not in self._runs:
            # A run that fails as a whole fails each of its transports, at once.
            self._runs[run] = {}
            ways = {way: ",".join(names) for way, names in WAYS.items() if (*run, way) in RUNS}
            server = self._server_for(mode)
            self._runs[run] = run_features(self._browser, server, client, ways)
        return self._runs[run].get(transport, {})


@pytest.fixture(scope="module")
def outcomes(browser: Browser, server_for: ServerFor) -> Outcomes:
    return Outcomes(browser, server_for)


@pytest.mark.parametrize(("mode", "client", "transport"), RUNS)
def test_every_feature(outcomes: Outcomes, mode: str, client: str, transport: str) -> None:
    ran = outcomes.of(mode, client, transport)

    failed = [f"{feature}: {outcome}" for feature, outcome in ran.items() if outcome != "ok"]
    assert not failed, "\n".join(failed)
    assert sorted(ran) == sorted(WAYS[transport] or features_of(client))


@pytest.mark.parametrize("mode", MODES)
def test_the_log_has_no_surprises(outcomes: Outcomes, server_for: ServerFor, mode: str) -> None:
    for run in RUNS:
        if run[0] == mode:
            outcomes.of(*run)

    assert server_for(mode).faults() == []


def test_the_readme_claims_what_ran(outcomes: Outcomes) -> None:
    ran = rows(
        {
            Cell(mode, client, "browser", way): set(outcomes.of(mode, client, way).values())
            == {"ok"}
            for mode, client, way in RUNS
        }
    )

    assert claimed("browser") == ran, "the README's table should have\n\n" + "\n".join(ran)


STAY = """
([url, ways]) => {
  const options = { forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };
  window.came = Object.fromEntries(Object.entries(ways).map(([way, how]) => {
    const socket = io(`${url}/chat`, { ...options, ...how });
    const ids = [];
    socket.on("connect", () => socket.emit("whoami", (me) => ids.push(me.sid)));
    return [way, ids];
  }));
}
"""
"""Connect in several ways at once, anew whenever it is necessary."""
HOW = {
    "polling": {"transports": ["polling"]},
    "websocket": {"transports": ["websocket"]},
    "jsonp": {"transports": ["polling"], "forceJSONP": True},
}


@pytest.mark.parametrize("client", CLIENTS)
def test_pages_come_back_after_a_restart(
    browser: Browser, start_server: Callable[..., ServerProcess], client: str
) -> None:
    ways = {way: how for way, how in HOW.items() if (MODES[0], client, way) in RUNS}
    server = start_server()
    page = open_page(browser, server.url, client)
    came = "count => Object.values(came).every((ids) => ids.length === count)"
    page.evaluate(STAY, [server.url, ways])
    page.wait_for_function(came, arg=1)

    server.end(signal.SIGKILL)
    start_server(server.port)

    page.wait_for_function(came, arg=2)
    before, after = zip(*page.evaluate("Object.values(came)"), strict=True)
    assert len({*before, *after}) == 2 * len(ways)
    page.context.close()
