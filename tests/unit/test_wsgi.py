from __future__ import annotations

import os

import pytest

from sionamespace import ConfigurationError
from sionamespace.wsgi import WSGIMiddleware


def engine(environ, start_response):
    start_response("200 OK", [])
    return [b"engine"]


def application(environ, start_response):
    start_response("200 OK", [])
    return [b"application"]


class Reply:
    def __init__(self, status, headers, body):
        self.status = int(status.split()[0])
        self.headers = dict(headers)
        self.body = body


def get(middleware, path, method="GET", **environ):
    answer = []
    chunks = middleware(
        {"REQUEST_METHOD": method, "PATH_INFO": path, **environ},
        lambda status, headers: answer.extend((status, headers)),
    )
    return Reply(*answer, b"".join(chunks))


@pytest.fixture
def folder(tmp_path):
    """What is served is in ``public``; beside it is what must not be."""
    public = tmp_path / "public"
    (public / "sub").mkdir(parents=True)
    (public / "index.html").write_text("<p>index</p>")
    (public / "script.js").write_text("run()")
    (public / "data.unknown").write_bytes(b"\x00\x01")
    (public / "b\u00e9b\u00e9.txt").write_text("b\u00e9b\u00e9", encoding="utf-8")
    (public / "sub" / "page.html").write_text("<p>page</p>")
    (tmp_path / "secret.txt").write_text("secret")
    (public / "link.txt").symlink_to(tmp_path / "secret.txt")
    return tmp_path


@pytest.fixture
def site(folder):
    static = {"/": folder / "public" / "index.html", "/static/": folder / "public"}
    return WSGIMiddleware(engine, application, static=static)


async def of_asgi(scope, receive, send): ...


@pytest.mark.parametrize("app", [of_asgi, "chat:app", 5])
def test_an_application_of_another_kind_is_an_error_with_the_mend(app):
    with pytest.raises(ConfigurationError, match=r"no WSGI application.*async_mode='asyncio'"):
        WSGIMiddleware(engine, app)
    WSGIMiddleware(engine, WSGIMiddleware(engine))


class TestPaths:
    @pytest.mark.parametrize("path", ["/socket.io/", "/socket.io", "/socket.io/anything"])
    def test_requests_below_its_path_are_the_engines(self, path):
        assert get(WSGIMiddleware(engine, application), path).body == b"engine"

    @pytest.mark.parametrize("path", ["/", "", "/socket.iox", "/other/socket.io/", "/socket"])
    def test_all_others_are_the_applications(self, path):
        assert get(WSGIMiddleware(engine, application), path).body == b"application"

    @pytest.mark.parametrize("path", ["ws/chat", "/ws/chat", "/ws/chat/"])
    def test_the_path_can_be_chosen(self, path):
        middleware = WSGIMiddleware(engine, application, path)
        assert get(middleware, "/ws/chat/").body == b"engine"
        assert get(middleware, "/socket.io/").body == b"application"

    def test_without_an_application_the_rest_is_not_found(self):
        reply = get(WSGIMiddleware(engine), "/")
        assert (reply.status, reply.body) == (404, b"Not Found")
        assert reply.headers["Content-Length"] == "9"


class TestStaticFiles:
    def test_a_url_may_be_one_file(self, site):
        reply = get(site, "/")
        assert (reply.status, reply.body) == (200, b"<p>index</p>")
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert reply.headers["Content-Length"] == "12"

    @pytest.mark.parametrize(
        ("url", "body"),
        [
            ("/static/script.js", b"run()"),
            ("/static/sub/page.html", b"<p>page</p>"),
            ("/static/", b"<p>index</p>"),
        ],
    )
    def test_a_url_may_be_a_folder_with_all_that_is_in_it(self, site, url, body):
        assert get(site, url).body == body

    def test_a_file_of_an_unknown_kind_is_bytes(self, site):
        reply = get(site, "/static/data.unknown")
        assert reply.headers["Content-Type"] == "application/octet-stream"

    def test_a_name_is_utf8_as_servers_hand_it_on(self, site):
        url = "/static/b\u00e9b\u00e9.txt".encode().decode("latin-1")
        assert get(site, url).body == "b\u00e9b\u00e9".encode()

    def test_a_large_file_comes_in_pieces(self, site, folder):
        data = os.urandom(200_000)
        (folder / "public" / "large.bin").write_bytes(data)
        answer = []
        chunks = list(
            site(
                {"REQUEST_METHOD": "GET", "PATH_INFO": "/static/large.bin"},
                lambda *head: answer.append(head),
            )
        )
        assert b"".join(chunks) == data
        assert len(chunks) > 1

    @pytest.mark.parametrize(
        "url",
        [
            "/static/../secret.txt",
            "/static/sub/../../secret.txt",
            "/static//secret.txt",
            "/static/link.txt",
            "/static/\x00",
            "/static/script.js\x00.html",
            "/static/missing.txt",
            "/static/sub",
            "/static/sub/",
            "/static",
            "/index.html",
            "/static/" + "x" * 5000,
            "/static/script.js/more",
            "/static/\xff\xfe",
        ],
    )
    def test_nothing_else_is_served(self, site, url):
        assert get(site, url).body == b"application"

    def test_an_absolute_name_stays_inside(self, site, folder):
        assert get(site, f"/static/{folder}/secret.txt").body == b"application"

    def test_only_get_and_head_are_for_files(self, site):
        assert get(site, "/", method="POST").body == b"application"
        reply = get(site, "/", method="HEAD")
        assert (reply.body, reply.headers["Content-Length"]) == (b"", "12")

    def test_a_browser_that_has_the_file_is_told_so(self, site, folder):
        modified = get(site, "/").headers["Last-Modified"]
        reply = get(site, "/", HTTP_IF_MODIFIED_SINCE=modified)
        assert (reply.status, reply.body) == (304, b"")
        os.utime(folder / "public" / "index.html", (0, 0))
        assert get(site, "/", HTTP_IF_MODIFIED_SINCE=modified).status == 200

    @pytest.mark.parametrize("static", ["static", ["static"], 5])
    def test_what_is_no_mapping_is_an_error_that_shows_one(self, static):
        with pytest.raises(ConfigurationError, match=r"static=.*'/static/': 'static/'"):
            WSGIMiddleware(engine, static=static)

    def test_a_file_that_is_not_there_is_the_applications(self, folder):
        middleware = WSGIMiddleware(engine, application, static={"/": folder / "missing.html"})
        assert get(middleware, "/").body == b"application"

    def test_files_do_not_hide_the_engine(self, folder):
        middleware = WSGIMiddleware(engine, application, static={"/": folder / "public"})
        assert get(middleware, "/socket.io/").body == b"engine"
        assert get(middleware, "/script.js").body == b"run()"
