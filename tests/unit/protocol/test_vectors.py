"""The codec against vectors that the official socket.io-parser made; see ``vectors/make.js``.

What we send is the same to the byte; what we read is the same by value. Where it is not, this
file says so, and why.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sionamespace.errors import PacketError
from sionamespace.protocol.json import Decoder, encode
from sionamespace.protocol.packet import Packet, PacketType

VECTORS = json.loads((Path(__file__).parent / "vectors" / "v5.json").read_text(encoding="utf-8"))

STRICTER = {
    # The parser passes these on without a payload, and Node's server ignores them.
    "event without a payload",
    "event to a namespace without a payload",
    "event whose namespace has no comma",
    "ack without a payload",
    "connect error without a payload",
    # An answer to nothing; Node's server ignores it.
    "ack without an id",
    # JavaScript has lost the last digits by now, and would answer another id.
    "id of 16 digits",
    # These come from JavaScript's Number(), which takes more than the protocol's digits; of
    # nothing it makes 0, a CONNECT.
    "nothing",
    "attachments in an exponent",
    "attachments in hexadecimal",
    "attachments with a sign",
    "attachments with a point",
}
"""What is malformed here, and not for the official parser."""

DIFFERENT: dict[str, dict[str, Any]] = {
    # White space before JSON is JSON's own; Number(" ") is 0 in JavaScript.
    "id of white space": {"id": None},
    # Python cannot encode half a character.
    "event with half a character": {"data": ["a", "\ufffd!"]},
}
"""What is read in another way here: what differs in the packet."""

written = pytest.mark.parametrize(
    "vector", VECTORS["written"], ids=[vector["name"] for vector in VECTORS["written"]]
)
read = pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS["read"] if vector["name"] not in STRICTER],
    ids=[vector["name"] for vector in VECTORS["read"] if vector["name"] not in STRICTER],
)
malformed = pytest.mark.parametrize(
    "vector",
    VECTORS["refused"] + [v for v in VECTORS["read"] if v["name"] in STRICTER],
    ids=[v["name"] for v in VECTORS["refused"]]
    + [v["name"] for v in VECTORS["read"] if v["name"] in STRICTER],
)


def value_of(plain: Any) -> Any:
    """A value of the file, with its ``{"$base64": ...}`` as bytes."""
    if isinstance(plain, list):
        return [value_of(inner) for inner in plain]
    if isinstance(plain, dict):
        if plain.keys() == {"$base64"}:
            return base64.b64decode(plain["$base64"])
        return {key: value_of(inner) for key, inner in plain.items()}
    return plain


def packet_of(plain: dict[str, Any]) -> Packet:
    return Packet(PacketType[plain["type"]], plain["path"], value_of(plain["data"]), plain["id"])


def decode(messages: list[Any]) -> Packet:
    """The packet of some messages, which only the last of them completes."""
    decoder = Decoder()
    *first, last = value_of(messages)
    for message in first:
        assert decoder.feed(message) is None
    packet = decoder.feed(last)
    assert packet is not None
    return packet


def of_same_types(one: Any, other: Any) -> bool:
    """Equal, and not as ``True == 1`` is."""
    return repr(one) == repr(other)


@written
def test_a_packet_is_written_to_the_byte_as_the_official_parser_does(
    vector: dict[str, Any],
) -> None:
    text, attachments = encode(packet_of(vector["packet"]))

    assert [text.encode(), *attachments] == [
        message.encode() if isinstance(message, str) else message
        for message in value_of(vector["messages"])
    ]


@written
def test_what_the_official_parser_writes_is_read(vector: dict[str, Any]) -> None:
    packet = decode(vector["messages"])

    assert packet == packet_of(vector["decoded"]) == packet_of(vector["packet"])
    assert of_same_types(packet.data, packet_of(vector["decoded"]).data)


@read
def test_what_the_official_parser_reads_is_read(vector: dict[str, Any]) -> None:
    different = DIFFERENT.get(vector["name"], {})

    packet = decode(vector["messages"])

    assert packet == packet_of({**vector["decoded"], **different})
    assert all(packet_of(vector["decoded"]) != packet for _ in different)


@malformed
def test_what_the_official_parser_refuses_and_more_is_malformed(vector: dict[str, Any]) -> None:
    decoder = Decoder()
    *first, last = value_of(vector["messages"])

    def feed_all() -> None:
        for message in [*first, last]:
            decoder.feed(message)

    with pytest.raises(PacketError) as refused:
        feed_all()

    assert str(refused.value)


def test_every_difference_that_is_named_is_in_the_vectors() -> None:
    names = {vector["name"] for vector in VECTORS["read"]}

    assert names >= STRICTER | DIFFERENT.keys()


def test_the_vectors_are_of_the_protocol_that_is_spoken() -> None:
    assert VECTORS["protocol"] == 5
    assert {vector["packet"]["type"] for vector in VECTORS["written"]} == {
        kind.name for kind in PacketType if "BINARY" not in kind.name
    }
