"""The engine behind an ASGI server, whose part the tests play."""

from __future__ import annotations

import asyncio
import json

import pytest

from sionamespace import Namespace, Server
from sionamespace.engine import asgi
from sionamespace.engine.asgi import environ_of
from sionamespace.protocol.engineio import Parcel


class Echo(Namespace):
    def __init__(self):
        self.left = []

    async def on_echo(self, sid, value):
        return value

    async def on_disconnect(self, sid, reason):
        self.left.append(reason)


HEADERS = [
    (b"host", b"testserver"),
    (b"cookie", b"a=b"),
    (b"x-two", b"1"),
    (b"x-two", b"2"),
    (b"x_two", b"3"),  # not the same header
]


def scope(kind="http", method="GET", query="EIO=4&transport=polling", path="/socket.io/", **more):
    return {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": HEADERS,
        "client": ("10.1.2.3", 4567),
        "server": ("testserver", 80),
        "scheme": "http" if kind == "http" else "ws",
        **more,
    }


class Site:
    """An application, and the requests that an ASGI server makes of it."""

    def __init__(self, **options):
        self.echo = Echo()
        self.server = Server({"/": self.echo}, async_mode="asyncio", **options)
        self.app = self.server.asgi()

    async def request(self, body=b"", incoming=None, **about):
        sent = []
        queue = asyncio.Queue()
        queue.put_nowait({"type": "http.request", "body": body, "more_body": False})
        for message in incoming or []:
            queue.put_nowait(message)

        async def send(message):
            sent.append(message)

        await self.app(scope(**about), queue.get, send)
        if not sent:
            return None
        start, content = sent
        return start["status"], dict(start["headers"]), content["body"].decode()

    async def open(self):
        _, _, body = await self.request()
        return json.loads(body[1:])["sid"]

    def websocket(self, query="EIO=4&transport=websocket", **about):
        return Client(self, query, **about)


class Client:
    """A WebSocket to a site."""

    def __init__(self, site, query, **about):
        self.sent, self.incoming = asyncio.Queue(), asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(
            site.app(scope("websocket", query=query, **about), self.incoming.get, self.sent.put)
        )

    def send(self, *messages):
        for message in messages:
            kind = "text" if isinstance(message, str) else "bytes"
            self.incoming.put_nowait({"type": "websocket.receive", kind: message})

    def leave(self, code=1000):
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": code})

    async def next(self):
        message = await self.sent.get()
        return message.get("text", message.get("bytes", message))

    async def join(self):
        assert (await self.next())["type"] == "websocket.accept"
        opened = json.loads((await self.next())[1:])
        self.send("40")
        assert (await self.next()).startswith("40")
        return opened["sid"]


def run(test):
    """Runs an ``async def`` test on a loop of its own, for so long."""

    def wrapped(**fixtures):
        asyncio.run(asyncio.wait_for(test(**fixtures), 10))

    wrapped.__name__ = test.__name__
    wrapped.__signature__ = __import__("inspect").signature(test)
    return wrapped


@pytest.fixture
def site():
    return Site()


@run
async def test_a_client_may_poll(site):
    sid = await site.open()
    about = {"query": f"EIO=4&transport=polling&sid={sid}"}
    assert (await site.request(b"40", method="POST", **about))[2] == "ok"
    assert (await site.request(**about))[2].startswith("40{")
    polling = asyncio.ensure_future(site.request(**about))
    await asyncio.sleep(0)
    assert not polling.done()
    await site.request(b'421["echo","\xc3\xbc"]', method="POST", **about)
    assert (await polling)[2] == '431["ü"]'


@run
async def test_a_client_that_leaves_while_it_polls_is_gone_at_once(site):
    sid = await site.open()
    about = {"query": f"EIO=4&transport=polling&sid={sid}"}
    await site.request(b"40", method="POST", **about)
    await site.request(**about)
    assert await site.request(incoming=[{"type": "http.disconnect"}], **about) is None
    assert site.server.engine.sockets == {}
    await asyncio.sleep(0)
    assert site.echo.left == ["transport close"]


@run
async def test_a_post_may_come_in_pieces_and_is_discarded_if_it_ends_early(site):
    sid = await site.open()
    about = {"query": f"EIO=4&transport=polling&sid={sid}", "method": "POST"}
    sent = []
    pieces = [
        {"type": "http.request", "body": b"4", "more_body": True},
        {"type": "http.request", "body": b"0", "more_body": False},
    ]
    queue = asyncio.Queue()
    for piece in pieces:
        queue.put_nowait(piece)

    async def send(message):
        sent.append(message)

    await site.app(scope(**about), queue.get, send)
    assert sent[0]["status"] == 200
    queue.put_nowait({"type": "http.request", "body": b"4", "more_body": True})
    queue.put_nowait({"type": "http.disconnect"})
    await site.app(scope(**about), queue.get, send)
    await asyncio.sleep(0)
    assert site.echo.left == ["transport error"]


def test_a_payload_that_is_too_large_is_refused():
    site = Site(max_message_bytes=10)

    async def test():
        sid = await site.open()
        about = {"query": f"EIO=4&transport=polling&sid={sid}", "method": "POST"}
        assert (await site.request(b"4" + b"x" * 10, **about))[0] == 413

    asyncio.run(test())


@pytest.mark.parametrize(
    ("query", "code"),
    [("EIO=4", 0), ("EIO=4&transport=polling&sid=nobody", 1), ("EIO=9&transport=polling", 5)],
)
def test_what_is_refused_has_its_code(site, query, code):
    status, headers, body = asyncio.run(site.request(query=query))
    assert (status, json.loads(body)["code"]) == (400, code)
    assert headers[b"content-type"] == b"application/json"


@run
async def test_a_websocket_carries_text_binary_and_answers(site):
    client = site.websocket()
    await client.join()
    client.send('421["echo",1]', '451-2["echo",{"_placeholder":true,"num":0}]', b"\x00\x01")
    assert await client.next() == "431[1]"
    assert await client.next() == '461-2[{"_placeholder":true,"num":0}]'
    assert await client.next() == b"\x00\x01"
    client.leave()
    await client.task
    await asyncio.sleep(0)
    assert site.echo.left == ["transport close"]
    assert site.server.engine.sockets == {}


@run
async def test_a_polling_client_may_upgrade(site):
    sid = await site.open()
    client = site.websocket(f"EIO=4&transport=websocket&sid={sid}")
    assert (await client.next())["type"] == "websocket.accept"
    client.send("2probe")
    assert await client.next() == "3probe"
    client.send("5", "40")
    assert (await client.next()).startswith("40{")
    client.leave()
    await client.task


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1001, "transport close"), (1009, "message too large"), (1012, "server shutting down")],
)
def test_the_close_code_gives_the_reason(site, code, reason):
    async def test():
        client = site.websocket()
        await client.join()
        client.leave(code)
        await client.task
        await asyncio.sleep(0)

    asyncio.run(test())
    assert site.echo.left == [reason]


def test_a_message_that_is_too_large_ends_it_with_its_code():
    site = Site(max_message_bytes=100)

    async def test():
        client = site.websocket()
        await client.join()
        client.send("4" + "x" * 100)
        assert await client.next() == {"type": "websocket.close", "code": 1009}
        await client.task
        await asyncio.sleep(0)

    asyncio.run(test())
    assert site.echo.left == ["message too large"]


@run
async def test_a_server_that_stops_ends_polls_and_websockets(site):
    client = site.websocket()
    await client.join()
    sid = await site.open()
    polling = asyncio.ensure_future(site.request(query=f"EIO=4&transport=polling&sid={sid}"))
    await asyncio.sleep(0)
    site.server.shutdown()
    assert (await polling)[2] == "6"
    assert await client.next() == {"type": "websocket.close", "code": 1000}
    client.leave()
    await client.task
    assert site.echo.left == ["server shutting down"]


@run
async def test_a_client_that_reads_nothing_is_cut_off_and_costs_nobody_else(site):
    site = Site(max_outbox_bytes=1000)
    slow, other = site.websocket(), site.websocket()
    for client in (slow, other):
        await client.join()
    gate = asyncio.Event()

    async def never_written(message):
        if message["type"] == "websocket.send":
            await gate.wait()

    (first, *_) = site.server.engine.sockets.values()
    first._websocket._send = never_written
    for _ in range(30):
        site.echo.emit("news", "x" * 100)
        await asyncio.sleep(0)
    await slow.task
    await asyncio.sleep(0)
    assert site.echo.left == ["slow consumer"]
    assert '"news"' in await other.next()


@run
async def test_a_refused_websocket_gets_the_reason_where_the_server_can_say_it(site):
    plain = site.websocket("EIO=2&transport=websocket")
    assert await plain.next() == {"type": "websocket.close", "code": 1008}
    able = site.websocket("EIO=9&transport=websocket", extensions={"websocket.http.response": {}})
    assert (await able.next())["status"] == 400
    assert json.loads((await able.sent.get())["body"])["code"] == 5


def test_the_environ_tells_the_same_as_the_scope():
    about = scope("websocket", root_path="/app", path="/app/socket.io/")
    environ = environ_of(about)
    assert environ["asgi.scope"] is about
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/app", "/socket.io/")
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("10.1.2.3", "4567")
    assert (environ["HTTP_HOST"], environ["HTTP_COOKIE"]) == ("testserver", "a=b")
    assert environ["HTTP_X_TWO"] == "1,2"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["HTTP_UPGRADE"] == "websocket"


@run
async def test_a_client_that_reads_nothing_at_all_is_let_go(site, monkeypatch):
    monkeypatch.setattr(asgi, "_FAREWELL_SECONDS", 0.01)
    site = Site(max_outbox_bytes=1000)
    slow = site.websocket()
    await slow.join()
    (socket,) = site.server.engine.sockets.values()

    async def never(message):
        await asyncio.Event().wait()

    socket._websocket._send = never
    for _ in range(30):
        site.echo.emit("news", "x" * 100)
    await asyncio.wait_for(slow.task, 5)
    assert not site.server.engine.sockets


@run
async def test_a_web_server_that_cancels_what_it_has_begun_loses_that_client_only(site):
    other, client = site.websocket(), site.websocket()
    for websocket in (client, other):
        await websocket.join()
    sid, before = await site.open(), asyncio.all_tasks()
    polling = asyncio.ensure_future(site.request(query=f"EIO=4&transport=polling&sid={sid}"))
    await asyncio.sleep(0)
    for task in (polling, client.task):
        task.cancel()
    await asyncio.wait({polling, client.task})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert site.echo.left == ["transport error"]
    assert len(site.server.engine.sockets) == 1
    assert asyncio.all_tasks() < before


@run
async def test_a_poll_that_is_cancelled_when_its_answer_is_known_is_no_more_under_way(site):
    sid = await site.open()
    poll = {"query": f"EIO=4&transport=polling&sid={sid}"}
    await site.request(b"40", method="POST", **poll)
    await site.request(**poll)
    polling = asyncio.ensure_future(site.request(**poll))
    await asyncio.sleep(0)
    site.server.engine.sockets[sid].send(Parcel("4"))
    polling.cancel()
    await asyncio.wait({polling})
    await asyncio.sleep(0)
    assert polling.cancelled()
    assert site.echo.left == ["transport close"]
    assert not site.server.engine.sockets
