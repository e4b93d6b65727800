"""What Chromium makes of origins, preflights, cookies and compression."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from child import ServerProcess
from pages import bundle_of, open_page
from playwright.sync_api import Browser, Frame, Page
from test_javascript import MODES

StartServer = Callable[..., ServerProcess]
ServerIn = Callable[[str], ServerProcess]
Open = Callable[..., Page]

CURRENT, OLD = "socket.io-client", ["client-1.3.5", "client-1.7.4", "client-2.5.0"]
TEXT = "gr\u00fc\u00dfe \U0001f600 \u2028 " * 500

TRY = """
([url, options]) => new Promise((resolve) => {
  const usual = { transports: ["polling"], forceNew: true, reconnection: false };
  const socket = io(url, { ...usual, ...options });
  const fail = (error) => resolve({ error: String(error.message || error) });
  socket.on("connect_error", fail);
  socket.on("error", fail);
  socket.on("connect", () => socket.emit("whoami", (me) => {
    socket.emit("echo", options.say || "", new Uint8Array([0, 255, 10]).buffer, (text, data) => {
      const bytes = data instanceof ArrayBuffer && Array.from(new Uint8Array(data));
      socket.disconnect();
      resolve({ ...me, text, bytes });
    });
  }));
})
"""
"""Connect, ask who one is, and have a text and some binary echoed."""


def attempt(
    page: Page | Frame, server: ServerProcess, path: str = "/", **options: object
) -> dict[str, Any]:
    """What comes of connecting from a page: its ``error``, or what the server says."""
    return page.evaluate(TRY, [server.url + path, options])


def succeeds(
    page: Page | Frame, server: ServerProcess, path: str = "/", **options: object
) -> dict[str, Any]:
    """What the server says to a page that gets everything as it was sent."""
    said = attempt(page, server, path, say=TEXT, **options)
    assert (said.get("error"), said.get("path")) == (None, path)
    assert (said["text"], said["bytes"]) == (TEXT, [0, 255, 10])
    return said


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The origin of another web server, on a port of its own."""

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever).start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Opens pages, ``visit(origin, client)``, and closes them after the test."""
    pages: list[Page] = []

    def visit(origin: str, client: str = CURRENT, **context: object) -> Page:
        pages.append(open_page(browser, origin, client, **context))
        return pages[-1]

    yield visit
    for page in pages:
        page.context.close()


class TestOrigins:
    @pytest.mark.parametrize("transport", ["polling", "websocket"])
    @pytest.mark.parametrize("mode", MODES)
    def test_only_the_servers_own_pages_may_connect(
        self, server_in: ServerIn, visit: Open, elsewhere: str, mode: str, transport: str
    ) -> None:
        server = server_in(mode)
        since = server.mark()

        refused = attempt(visit(elsewhere), server, transports=[transport])

        assert refused == {
            "error": f"{'xhr poll' if transport == 'polling' else 'websocket'} error"
        }
        assert not [fact for fact in server.facts(since) if "joined" in fact]
        succeeds(visit(server.url), server, transports=[transport])

    def test_the_line_in_the_log_lets_the_page_in(
        self, start_server: StartServer, visit: Open, elsewhere: str
    ) -> None:
        server = start_server()
        page = visit(elsewhere)
        assert "error" in attempt(page, server)
        said = server.wait_for(r"to allow it: Server\(\.\.\., cors_allowed_origins=\[(.*)\]\)")
        server.stop()
        allowed = re.findall("'([^']+)'", said.group(1))
        mended = start_server(server.port, cors_allowed_origins=allowed)

        for transport in ("polling", "websocket"):
            succeeds(page, mended, transports=[transport])
            succeeds(visit(mended.url), mended, transports=[transport])

    @pytest.mark.parametrize("mode", ["eventlet", "asyncio"])
    @pytest.mark.parametrize("allowed", ["list", "*", "is_local"])
    def test_pages_that_are_allowed_may(
        self, start_server: StartServer, visit: Open, elsewhere: str, mode: str, allowed: str
    ) -> None:
        rule = [elsewhere] if allowed == "list" else allowed
        server = start_server(cors_allowed_origins=rule, async_mode=mode)
        for client in (CURRENT, *OLD):
            page = visit(elsewhere, client)
            for transport in ("polling", "websocket"):
                succeeds(page, server, "/chat", transports=[transport])

        stranger = visit(elsewhere.replace("127.0.0.1", "localhost"))
        for transport in ("polling", "websocket"):
            said = attempt(stranger, server, transports=[transport])
            assert ("error" in said) is (allowed != "*")

    def test_a_page_without_an_origin_may_where_all_may(
        self, server_in: ServerIn, start_server: StartServer, visit: Open
    ) -> None:
        allowing = start_server(cors_allowed_origins="*")
        page = visit(allowing.url)
        page.set_content("<iframe sandbox='allow-scripts' srcdoc='<p>'></iframe>")
        frame = page.frames[1]
        frame.add_script_tag(path=bundle_of(CURRENT))
        assert frame.evaluate("origin") == "null"
        for transport in ("polling", "websocket"):
            assert "error" in attempt(frame, server_in("eventlet"), transports=[transport])
            succeeds(frame, allowing, transports=[transport])

    @pytest.mark.parametrize("client", OLD)
    def test_scripts_are_held_to_the_same_rule(
        self,
        server_in: ServerIn,
        start_server: StartServer,
        visit: Open,
        elsewhere: str,
        client: str,
    ) -> None:
        server, allowing = server_in("eventlet"), start_server(cors_allowed_origins=elsewhere)
        since = server.mark()
        page = visit(elsewhere, client)

        assert "error" in attempt(page, server, forceJSONP=True)
        server.wait_for(rf"a page of '{elsewhere}' may not connect", since)
        succeeds(page, allowing, forceJSONP=True)

        hide = "<meta name=referrer content=no-referrer>"
        page.evaluate("text => document.head.insertAdjacentHTML('afterbegin', text)", hide)
        assert "error" in attempt(page, server, forceJSONP=True)
        server.wait_for("a page of 'null' may not connect", since)
        assert not [fact for fact in server.facts(since) if "joined" in fact]


class TestPreflights:
    @pytest.mark.parametrize("mode", MODES)
    def test_let_headers_of_ones_own_in(
        self, start_server: StartServer, visit: Open, elsewhere: str, mode: str
    ) -> None:
        server = start_server(cors_allowed_origins=elsewhere, async_mode=mode)
        page = visit(elsewhere)
        said = succeeds(page, server, extraHeaders={"x-token": "a token"})
        assert said["token"] == "a token"

    def test_do_not_where_the_page_may_not(
        self, server_in: ServerIn, visit: Open, elsewhere: str
    ) -> None:
        said = attempt(visit(elsewhere), server_in("eventlet"), extraHeaders={"x-token": "a token"})
        assert said == {"error": "xhr poll error"}


class TestCookies:
    @pytest.mark.parametrize("client", [CURRENT, *OLD])
    def test_come_back_with_credentials(
        self, start_server: StartServer, visit: Open, elsewhere: str, client: str
    ) -> None:
        server = start_server(cors_allowed_origins=elsewhere, cookie="io")
        page = visit(elsewhere, client)

        first, second = (succeeds(page, server, withCredentials=True) for _ in range(2))

        assert first["cookie"] is None
        assert second["cookie"].startswith("io=")

    def test_do_not_without(self, start_server: StartServer, visit: Open, elsewhere: str) -> None:
        server = start_server(cors_allowed_origins=elsewhere, cookie="io")
        page = visit(elsewhere)
        for _ in range(2):
            assert succeeds(page, server)["cookie"] is None
        assert page.context.cookies() == []

    def test_are_no_way_in_where_the_server_wants_none(
        self, start_server: StartServer, visit: Open, elsewhere: str
    ) -> None:
        server = start_server(cors_allowed_origins=elsewhere, cookie="io", cors_credentials=False)
        page = visit(elsewhere)
        assert attempt(page, server, withCredentials=True) == {"error": "xhr poll error"}
        succeeds(page, server)

    @pytest.mark.parametrize("mode", MODES)
    def test_are_what_the_option_says(
        self, start_server: StartServer, visit: Open, mode: str
    ) -> None:
        attributes = {"name": "sticky", "path": "/socket.io", "maxAge": 3600, "sameSite": "Strict"}
        server = start_server(async_mode=mode, cookie=attributes)
        page = visit(server.url)
        succeeds(page, server)

        (cookie,) = page.context.cookies(f"{server.url}/socket.io/")
        assert (cookie["name"], cookie["path"]) == ("sticky", "/socket.io")
        assert (cookie["sameSite"], cookie["httpOnly"]) == ("Strict", True)
        assert cookie["expires"] > 0
        assert page.evaluate("document.cookie") == ""
        assert page.context.cookies(f"{server.url}/elsewhere") == []


class TestCompression:
    @pytest.mark.parametrize("client", [CURRENT, "client-1.3.5", "client-2.5.0"])
    @pytest.mark.parametrize("mode", MODES)
    def test_long_payloads_are_compressed_and_the_browser_reads_them(
        self, server_in: ServerIn, visit: Open, mode: str, client: str
    ) -> None:
        server = server_in(mode)
        page = visit(server.url, client)
        assert codings_of(page, server) == {("gzip", True), (None, False)}

    @pytest.mark.parametrize(
        ("accepted", "coding"),
        [("deflate", "deflate"), ("gzip;q=0, deflate;q=0.5", "deflate"), ("br, identity", None)],
    )
    def test_a_browser_that_takes_something_else_gets_that(
        self, server_in: ServerIn, visit: Open, accepted: str, coding: str | None
    ) -> None:
        server = server_in("eventlet")
        page = visit(server.url, extra_http_headers={"Accept-Encoding": accepted})
        assert codings_of(page, server) == {(coding, True), (None, False)}

    @pytest.mark.parametrize(
        "options", [{"http_compression": False}, {"compression_threshold": 100_000}]
    )
    def test_it_can_be_switched_off(
        self, start_server: StartServer, visit: Open, options: dict[str, Any]
    ) -> None:
        server = start_server(**options)
        assert codings_of(visit(server.url), server) == {(None, True), (None, False)}


def codings_of(page: Page, server: ServerProcess) -> set[tuple[str | None, bool]]:
    """How polled answers were compressed, and whether they were long enough for that."""
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))
    succeeds(page, server)
    return {
        (answer.header_value("content-encoding"), len(answer.body()) >= 1024)
        for answer in answers
        if "transport=polling" in answer.url
    }
