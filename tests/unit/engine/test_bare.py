"""The engine alone, in process, on asyncio."""

from __future__ import annotations

import asyncio
import json
import logging
import threading

import pytest

from sionamespace import ConfigurationError, Reason, UsageError
from sionamespace.engine import Engine
from tests.unit.engine.test_asgi import run, scope


class Site:
    """An engine that writes down what happens, and a client that polls."""

    def __init__(self, **options):
        self.diary = []
        self.connections = []
        self.engine = Engine(
            self.on_message,
            on_connect=self.on_connect,
            on_close=self.on_close,
            async_mode="asyncio",
            **options,
        )
        self.app = self.engine.asgi()

    async def on_connect(self, connection):
        await asyncio.sleep(0)
        self.connections.append(connection)
        self.diary.append(("connect", connection.environ["REMOTE_ADDR"]))

    async def on_message(self, connection, message):
        if message == "boom":
            raise ValueError("a secret")
        await asyncio.sleep(0)
        self.diary.append(("message", message))
        connection.send(message)

    def on_close(self, connection, reason):
        self.diary.append(("close", reason))

    async def request(self, method="GET", query="", body=b""):
        sent, incoming = [], asyncio.Queue()
        incoming.put_nowait({"type": "http.request", "body": body, "more_body": False})

        async def send(message):
            sent.append(message)

        about = scope(method=method, path="/engine.io/", query=f"EIO=4&transport=polling{query}")
        await self.app(about, incoming.get, send)
        return sent[0]["status"], sent[1]["body"].decode()

    async def open(self):
        status, body = await self.request()
        assert status == 200
        self.sid = json.loads(body[1:])["sid"]
        self.query = f"&sid={self.sid}"
        return self.sid

    async def post(self, *messages):
        body = "\x1e".join(f"4{message}" for message in messages).encode()
        assert await self.request("POST", self.query, body) == (200, "ok")

    async def poll(self):
        return (await self.request(query=self.query))[1]

    async def until_idle(self):
        while not self.engine.idle:
            await asyncio.sleep(0)

    async def until(self, *entry):
        while entry not in self.diary:
            await asyncio.sleep(0)


@run
async def test_messages_come_back_in_order_after_the_connection_has_come():
    site = Site()
    sid = await site.open()
    await site.post("one", "", "two")
    await site.until("message", "two")
    assert site.diary == [
        ("connect", "10.1.2.3"),
        *[("message", text) for text in ("one", "", "two")],
    ]
    assert await site.poll() == "4one\x1e4\x1e4two"
    (connection,) = site.connections
    assert (connection.sid, connection.transport) == (sid, "polling")
    assert repr(connection) == f"<Connection {sid} (polling)>"
    connection.data["name"] = "Zoë"


@run
async def test_old_clients_that_poll_read_any_text_as_they_write_it():
    for payload in ("5:4grü€", "8:4grÃ¼â\x82¬"):  # 2.x; and 1.x, which encode it twice
        site = Site()
        _, opening = await site.request(query="&EIO=3&b64=1")
        sid = json.loads(opening.partition(":0")[2])["sid"]
        site.query = f"&EIO=3&sid={sid}"
        await site.request("POST", site.query, payload.encode())
        await site.until("message", "grü€")
        assert await site.poll() == payload


@run
async def test_a_handler_that_fails_is_logged_and_the_connection_goes_on(caplog):
    site = Site()
    await site.open()
    with caplog.at_level(logging.ERROR):
        await site.post("boom", "two")
        await site.until("message", "two")
    (record,) = caplog.records
    assert record.message.startswith("on_message failed for <Connection ")
    assert "a secret" in caplog.text


@run
async def test_a_connection_may_be_closed_and_used_from_any_thread():
    site = Site()
    await site.open()
    await site.until("connect", "10.1.2.3")
    (connection,) = site.connections

    def elsewhere():
        connection.send(b"\x01")
        connection.close()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join)
    await site.until("close", Reason.SERVER)
    assert (await site.poll()).startswith("bAQ==")
    connection.send("nobody hears it")
    await site.until_idle()


@run
async def test_what_is_no_message_cannot_be_sent():
    site = Site()
    await site.open()
    await site.until("connect", "10.1.2.3")
    with pytest.raises(UsageError, match="a message is a str or bytes, not dict"):
        site.connections[0].send({"a": 1})


@run
async def test_the_end_is_told_after_the_last_message():
    site = Site()
    await site.open()
    assert not site.engine.idle
    await site.request("POST", site.query, b"4last\x1e1")
    await site.until("close", Reason.TRANSPORT_CLOSE)
    assert site.diary[1:] == [("message", "last"), ("close", "transport close")]


@run
async def test_shutting_down_ends_every_connection():
    site = Site()
    await site.open()
    site.engine.shutdown()
    await site.until("close", Reason.SHUTDOWN)
    await site.until_idle()


@run
async def test_one_that_floods_its_handler_is_closed():
    site = Site(max_inbox_bytes=5000)
    await site.open()
    await site.request("POST", site.query, "\x1e".join(["4" + "x" * 1000] * 10).encode())
    await site.until("close", Reason.FLOODING)


@run
async def test_without_handlers_nothing_happens():
    site = Site()
    site.engine = Engine(async_mode="asyncio")
    site.app = site.engine.asgi()
    await site.open()
    await site.post("nobody hears it")


@pytest.mark.parametrize("name", ["serializer", "connect_timeout", "max_attachments"])
def test_options_of_socketio_are_an_error(name):
    with pytest.raises(ConfigurationError, match=f"no option '{name}', which is of Socket.IO"):
        Engine(**{name: 1})


def test_options_are_those_of_a_server():
    assert Engine(ping_interval=3, async_mode="asyncio").options.ping_interval == 3
    with pytest.raises(ConfigurationError, match="did you mean 'ping_interval'"):
        Engine(ping_intervall=3)
