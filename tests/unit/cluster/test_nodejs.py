"""What servers of Node say is understood, whatever it is, and what we say is as they say it.

The servers themselves are in tests/integration/test_sharing_with_node.py.
"""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sionamespace import BrokerDown, Namespace
from sionamespace.brokers.memory import MemoryBroker, MemoryHub
from sionamespace.client import Client
from sionamespace.cluster.encoded import Encoded
from sionamespace.cluster.messages import Announce, Dismiss, Emit, Enter, Leave
from sionamespace.cluster.nodejs.handshake import from_node, to_node
from sionamespace.cluster.nodejs.manager import NodeRoomManager
from sionamespace.cluster.nodejs.reading import Options, read_broadcast, read_plain
from sionamespace.cluster.nodejs.wire import NodeWire
from sionamespace.cluster.wire import WireError
from sionamespace.protocol.codecs import CODECS
from sionamespace.protocol.engineio import Parcel
from sionamespace.protocol.packet import Packet
from sionamespace.testing import Harness

CODEC = CODECS["json"]
WIRE = NodeWire(CODEC, "key")
NOBODY: frozenset[str] = frozenset()


def event(*data):
    packet = Packet.of_event("/chat", data[0], data[1:])
    return Encoded.of(Parcel.of_message(*CODEC.encode(packet)).packets)


def test_a_broadcast_goes_to_the_channel_of_its_room_and_reads_as_it_was_written():
    emit = Emit("/chat", ("a",), frozenset({"b"}), event("e", b"\0", {"x": None}), True)
    assert WIRE.channel(emit, "me") == "key#/chat#a#"
    said = read_broadcast(WIRE.write("me", 1, emit))
    assert (said.uid, said.data) == ("me", ["e", b"\0", {"x": None}])
    assert said.to == Options(("a",), frozenset("b"), {"volatile": True})


@pytest.mark.parametrize("rooms", [None, ("a", "b")])
def test_a_broadcast_to_all_or_several_rooms_goes_to_the_namespace(rooms):
    emit = Emit("/chat", rooms, NOBODY, event("e"), False)
    assert WIRE.channel(emit, "me") == "key#/chat#"
    assert read_broadcast(WIRE.write("me", 1, emit)).to == Options(rooms, frozenset(), {})


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            Enter("/chat", ("a",), frozenset({"b"}), ("c", "d")),
            {"type": 2, "opts": {"rooms": ["a"], "except": ["b"]}, "rooms": ["c", "d"]},
        ),
        (
            Leave("/chat", None, NOBODY, ("c",)),
            {"type": 3, "opts": {"rooms": [], "except": []}, "rooms": ["c"]},
        ),
        (
            Dismiss("/chat", ("a",), NOBODY, True),
            {"type": 4, "opts": {"rooms": ["a"], "except": []}, "close": True},
        ),
        (Announce("/chat", event("e", 1)), {"type": 6, "data": ["e", 1]}),
    ],
)
def test_all_else_is_a_request(message, said):
    assert WIRE.channel(message, "me") == "key-request#/chat#"
    assert json.loads(WIRE.write("me", 1, message)) == {"uid": "me", **said}


def test_rooms_may_be_numbers():
    assert Options.read({"rooms": [1, "a"], "except": [2.5]}) == Options(
        ("1", "a"), frozenset({"2.5"}), {}
    )


@given(st.binary())
def test_bytes_that_are_nothing_are_an_error(data):
    for read in (read_broadcast, read_plain):
        with suppress(WireError):
            read(data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_values_that_are_no_broadcast_are_an_error(value):
    with pytest.raises(WireError):
        read_broadcast(msgspec.msgpack.encode(["uid", {"type": 2, "data": value and [value]}]))


@given(st.dictionaries(st.sampled_from(["id", "handshake", "rooms"]), VALUES) | VALUES)
def test_clients_that_are_told_in_another_way_are_left_out(socket):
    found = from_node(socket)
    assert found is None or isinstance(found, Client)


def test_a_client_is_the_same_on_both_sides():
    environ = {
        "HTTP_USER_AGENT": "x",
        "HTTP_ORIGIN": "https://a",
        "REMOTE_ADDR": "1.2.3.4",
        "PATH_INFO": "/socket.io/",
        "QUERY_STRING": "EIO=4&transport=websocket&room=a+b",
        "wsgi.url_scheme": "https",
    }
    told = ["sid", {"name": "Ann"}, environ, ["a", "sid"], "websocket", 5, 1700000000.5]
    socket = to_node(told)
    assert socket["handshake"]["query"]["room"] == "a b"
    assert (socket["handshake"]["secure"], socket["handshake"]["xdomain"]) == (True, True)
    found = from_node(socket)
    assert found == Client(*told[:3], frozenset(told[3]), *told[4:])


# Questions, where the engine does not say how many servers of Node there are.


class Uncountable(MemoryBroker):
    node_key = "key"

    async def count(self, channel):
        raise ConnectionError("no count")


class Chat(Namespace): ...


def test_who_cannot_be_asked_is_told_at_once():
    hub = MemoryHub()
    with Harness(Chat, rooms=NodeRoomManager(MemoryBroker(hub), Uncountable(hub))) as h:
        client = h.connect()
        chat = h.namespace()
        members = chat.members()
        one = chat.call("question", room="of Node", timeout=None)
        every = chat.everyone.call_all("question", timeout=5)
        h.advance(1)  # in which other servers of ours would have come
        assert members.result(0) == {client.sid}
        assert not members.complete
        with pytest.raises(BrokerDown, match="on the servers that could be asked"):
            one.result(0)
        client.last("question").answer("yes")
        h.settle()
        assert every.result(0).values == {client.sid: "yes"}
