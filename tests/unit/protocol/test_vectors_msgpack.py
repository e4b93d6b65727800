"""The codec against vectors that the official socket.io-msgpack-parser made.

See ``vectors/make_msgpack.js``. What we send is the same to the byte; what we read is the same by
value. Where it is not, this file says so, and why.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from sionamespace.errors import PacketError
from sionamespace.protocol.msgpack import Decoder, encode
from sionamespace.protocol.packet import Packet, PacketType

VECTORS = json.loads(
    (Path(__file__).parent / "vectors" / "msgpack.json").read_text(encoding="utf-8")
)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

STRICTER = {
    # As with the JSON parser: Node's server ignores these, or runs its own handlers.
    "event without a name",
    "event with null for a name",
    "event with a reserved name",
    "ack without an id",
    # Nothing that numbers its events makes these; JavaScript has lost the last digits of the one.
    "an id below 0",
    "an id beyond what is exact",
    # The parser makes [5, <Buffer>] of it, which nobody expects.
    "an extension of another type",
    # The parser puts U+FFFD there.
    "text that is not UTF-8",
    # The parser makes it a text; no JavaScript encoder writes one.
    "a number for a key",
    # Python's datetimes end with the year 9999.
    "a date of the year 20000",
}
"""What is malformed here, and not for the official parser."""


def cases(kind: str, stricter: bool) -> list[Any]:
    found = [v for v in VECTORS[kind] if (v["name"] in STRICTER) is stricter]
    return [pytest.param(v, id=v["name"]) for v in found]


def value_of(plain: Any) -> Any:
    """A value of the file, with its bytes and dates."""
    if isinstance(plain, list):
        return [value_of(inner) for inner in plain]
    if isinstance(plain, dict):
        if plain.keys() == {"$hex"}:
            return bytes.fromhex(plain["$hex"])
        if plain.keys() == {"$date"}:
            return EPOCH + timedelta(milliseconds=plain["$date"])
        return {key: value_of(inner) for key, inner in plain.items()}
    return plain


def packet_of(plain: dict[str, Any]) -> Packet:
    return Packet(PacketType[plain["type"]], plain["path"], value_of(plain["data"]), plain["id"])


def decode(vector: dict[str, Any]) -> Packet:
    return Decoder().feed(bytes.fromhex(vector["message"]))


@pytest.mark.parametrize("vector", cases("written", False))
def test_a_packet_is_written_to_the_byte_as_the_official_parser_does(
    vector: dict[str, Any],
) -> None:
    message, attachments = encode(packet_of(vector["packet"]))

    assert message.hex() == vector["message"]
    assert attachments == ()


@pytest.mark.parametrize("vector", cases("written", False))
def test_what_the_official_parser_writes_is_read(vector: dict[str, Any]) -> None:
    packet, expected = decode(vector), packet_of(vector["packet"])

    assert packet == expected
    assert repr(packet.data) == repr(expected.data), "of the same types too"


@pytest.mark.parametrize("vector", cases("read", False))
def test_what_the_official_parser_reads_is_read(vector: dict[str, Any]) -> None:
    packet, expected = decode(vector), packet_of(vector["decoded"])

    assert packet == expected
    assert repr(packet.data) == repr(expected.data)


@pytest.mark.parametrize("vector", [*cases("refused", False), *cases("read", True)])
def test_what_the_official_parser_refuses_and_more_is_malformed(vector: dict[str, Any]) -> None:
    with pytest.raises(PacketError) as refused:
        decode(vector)

    assert str(refused.value)


def test_every_difference_that_is_named_is_in_the_vectors() -> None:
    assert {vector["name"] for vector in VECTORS["read"]} >= STRICTER


def test_the_vectors_are_of_the_protocol_that_is_spoken() -> None:
    assert VECTORS["protocol"] == 5
    assert {vector["packet"]["type"] for vector in VECTORS["written"]} == {
        kind.name for kind in PacketType if "BINARY" not in kind.name
    }
