"""Socket.IO beside an ASGI application."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from sionamespace import ConfigurationError, Namespace, Server

STARTED_AND_STOPPED = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]


class Plain(Namespace): ...


async def call(app, scope, *incoming):
    sent, queue = [], asyncio.Queue()
    for message in incoming:
        queue.put_nowait(message)

    async def send(message):
        sent.append(message)

    await app({"headers": [], "query_string": b"", "method": "GET", **scope}, queue.get, send)
    return sent


@pytest.fixture
def server():
    return Server({"/": Plain}, async_mode="asyncio")


def other(said):
    """An application that tells what it was asked."""

    async def app(scope, receive, send):
        said.append(scope["type"])
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{kind}"
                await send({"type": f"lifespan.{kind}.complete"})

    return app


@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io"])
def test_its_path_is_socket_ios_and_the_rest_the_applications(server, path):
    said = []
    app = server.asgi(other(said))
    sent = asyncio.run(call(app, {"type": "http", "path": path}))
    assert sent[0]["status"] == 400
    assert said == []
    asyncio.run(call(app, {"type": "http", "path": "/elsewhere"}))
    asyncio.run(call(app, {"type": "websocket", "path": "/ws"}))
    assert said == ["http", "websocket"]


def test_its_path_may_be_another_and_stand_below_a_root(server):
    app = server.asgi(path="/live/io/")
    scope = {"type": "http", "path": "/root/live/io/", "root_path": "/root"}
    assert asyncio.run(call(app, scope))[0]["status"] == 400


@pytest.mark.parametrize("path", ["", "/", "//", 5, ["socket.io"]])
@pytest.mark.parametrize("mode", ["asyncio", "threads"])
def test_a_path_that_cannot_be_is_an_error_that_names_one(mode, path):
    server = Server({"/": Plain}, async_mode=mode)
    mount = server.asgi if mode == "asyncio" else server.wsgi
    with pytest.raises(ConfigurationError, match=r"path=.*such as 'socket.io'"):
        mount(path=path)


def test_without_an_application_the_rest_is_not_there(server):
    app = server.asgi()
    assert asyncio.run(call(app, {"type": "http", "path": "/"}))[0]["status"] == 404
    sent = asyncio.run(call(app, {"type": "websocket", "path": "/"}))
    assert sent == [{"type": "websocket.close", "code": 1000}]


def test_what_was_spawned_before_starts_with_the_web_server(server):
    async def lifespan():
        begun = asyncio.Event()

        async def work():
            begun.set()

        server.spawn(work)
        await call(server.asgi(), {"type": "lifespan"}, *STARTED_AND_STOPPED)
        await begun.wait()  # without any client

    asyncio.run(asyncio.wait_for(lifespan(), 5))


async def live(app, sent=None):
    """Play a web server that takes only what is its lifespan's; what it was sent."""
    sent, queue = [] if sent is None else sent, asyncio.Queue()
    for message in STARTED_AND_STOPPED:
        queue.put_nowait(message)

    async def send(message):
        assert message["type"].startswith("lifespan.")
        sent.append(message["type"])

    await asyncio.wait_for(app({"type": "lifespan"}, queue.get, send), 5)
    return sent


@pytest.mark.parametrize("with_application", [True, False])
def test_the_lifespan_is_kept_and_its_end_is_ours_too(server, mocker, with_application):
    shutdown = mocker.patch.object(server, "shutdown")
    said = []
    app = server.asgi(other(said) if with_application else None)
    sent = asyncio.run(call(app, {"type": "lifespan"}, *STARTED_AND_STOPPED))
    assert [m["type"] for m in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    shutdown.assert_called_once_with()


async def raising(scope, receive, send):
    raise ValueError("only http")


async def deaf(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def silent(scope, receive, send): ...


async def leaving(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})


async def crashing(scope, receive, send):
    await leaving(scope, receive, send)
    raise LookupError("a background task failed")


@pytest.mark.parametrize("beside", [raising, deaf, silent, leaving, crashing])
def test_an_application_that_has_no_lifespan_or_leaves_early_does_not_keep_ours_from_ending(
    server, mocker, caplog, beside
):
    shutdown = mocker.patch.object(server, "shutdown")
    sent = asyncio.run(live(server.asgi(beside)))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    shutdown.assert_called_once_with()
    assert ("LookupError" in caplog.text) == (beside is crashing)


@pytest.mark.parametrize("error", [None, LookupError("the database")])
def test_an_application_that_fails_to_start_is_not_served(server, mocker, error):
    shutdown = mocker.patch.object(server, "shutdown")

    async def failing(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        if error:
            raise error

    sent = []
    with pytest.raises(LookupError) if error else nullcontext():
        asyncio.run(live(server.asgi(failing), sent))
    assert sent == ["lifespan.startup.failed"]
    shutdown.assert_called_once_with()


@pytest.mark.parametrize("error", [None, LookupError("the database")])
def test_an_application_may_fail_to_end(server, mocker, error):
    shutdown = mocker.patch.object(server, "shutdown")

    async def failing(scope, receive, send):
        await leaving(scope, receive, send)
        await receive()
        await send({"type": "lifespan.shutdown.failed"})
        if error:
            raise error

    sent = []
    with pytest.raises(LookupError) if error else nullcontext():
        asyncio.run(live(server.asgi(failing), sent))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.failed"]
    shutdown.assert_called_once_with()


def test_an_application_of_another_kind_is_an_error_with_the_mend(server):
    def of_wsgi(environ, start_response): ...

    for app in (of_wsgi, "chat:app"):
        with pytest.raises(ConfigurationError, match=r"no ASGI application.*another async_mode"):
            server.asgi(app)
    server.asgi(server.asgi())


def test_each_mode_has_its_own_kind_of_application(server):
    with pytest.raises(ConfigurationError, match=r"use server\.asgi"):
        server.wsgi()
    with pytest.raises(ConfigurationError, match="async_mode='asyncio'"):
        Server({"/": Plain}).asgi()
