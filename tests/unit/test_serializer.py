"""The option ``serializer="msgpack"``: the same application, another form on the wire."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timezone

import msgspec
import pytest

from sionamespace import Namespace, Reason, Refused
from sionamespace.testing import Harness

WHEN = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)


class Chat(Namespace):
    def on_connect(self, sid, environ, auth):
        if auth == {"wish": "refused"}:
            raise Refused("no seats", {"picture": b"\xff"})
        self.session(sid)["auth"] = auth
        self.emit("first", b"\x00", room=sid)

    def on_echo(self, sid, *args):
        return args

    def on_types(self, sid, *args):
        return [type(value).__name__ for value in args]

    def on_ask(self, sid, question):
        return self.call(question, b"?", room=sid).result()


@pytest.fixture
def harness():
    with Harness({"/chat": Chat}, serializer="msgpack") as h:
        yield h


def test_the_test_kit_speaks_it(harness):
    client = harness.connect(auth={"name": "Zoë", "key": b"\x01"})
    assert client.connected
    assert client.session["auth"] == {"name": "Zoë", "key": b"\x01"}
    assert client.last("first").args == (b"\x00",)
    value = {"list": [b"\x00", {"deep": b""}], "when": WHEN, "text": "ü😀"}
    assert client.call("echo", value, None) == (value, None)
    assert client.call("types", b"", WHEN, 1, 1.5) == ["bytes", "datetime", "int", "float"]
    client.answers("question", lambda mark: [mark, WHEN])
    assert client.call("ask", "question") == [b"?", WHEN]
    client.disconnect()
    assert not client.connected


def test_a_refusal_may_carry_binary(harness):
    refused = harness.connect(auth={"wish": "refused"}).refused
    assert (refused.message, refused.data) == ("no seats", {"picture": b"\xff"})


def test_every_packet_is_one_binary_message(harness):
    client = harness.connect()
    message = {"type": 2, "nsp": "/chat", "data": ["echo", b"\x01"], "id": 7}
    client.send_raw(msgspec.msgpack.encode({**message, "options": {"compress": True}}))
    assert client.raw_answers == {7: [b"\x01"]}


def test_a_broadcast_is_encoded_once(harness):
    class Counted(dict):
        encoded = 0

        def items(self):
            Counted.encoded += 1
            return super().items()

    clients = [harness.connect() for _ in range(3)]
    harness.namespace("/chat").emit("news", Counted(number=1))
    harness.settle()
    assert [client.last("news").args for client in clients] == [({"number": 1},)] * 3
    assert Counted.encoded == 1


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ('0/chat,{"token":"x"}', "got the text .*socket.io-msgpack-parser"),
        ('2/chat,["echo"]', "got the text .*socket.io-msgpack-parser"),
        (b"\x01", "no packet in msgpack"),
        (msgspec.msgpack.encode({"type": 9, "nsp": "/chat"}), "unknown packet type 9"),
    ],
)
def test_who_does_not_speak_it_is_closed_with_a_line_in_the_log(harness, caplog, message, says):
    client, witness = harness.connect(), harness.connect()
    with caplog.at_level(logging.WARNING):
        client.send_raw(message)
    assert client.closed == Reason.PARSE_ERROR
    (line,) = [record.message for record in caplog.records]
    assert re.match(rf"closing a connection \(127.0.0.1\): .*{says}", line)
    assert witness.call("echo", 1) == 1


def test_too_large_a_packet_is_closed_as_such():
    with Harness({"/chat": Chat}, serializer="msgpack", max_message_bytes=1000) as harness:
        client = harness.connect()
        client.send_raw(bytes(1001))
        assert client.closed == Reason.TOO_LARGE


def test_who_speaks_it_to_another_server_is_told_of_the_option(caplog):
    with Harness({"/chat": Chat}) as harness, caplog.at_level(logging.WARNING):
        client = harness.connect()
        client.send_raw(msgspec.msgpack.encode({"type": 0, "nsp": "/chat"}))
        assert client.closed == Reason.PARSE_ERROR
    assert "serializer='msgpack'" in caplog.text
