"""The codecs for old clients against vectors of their official parsers.

``vectors/make_legacy.js`` makes them, and checks that those parsers read what we write.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec.structs
import pytest

from sionamespace.protocol import engineio3
from sionamespace.protocol.codecs import CODECS
from sionamespace.protocol.legacy import legacy
from sionamespace.protocol.packet import Packet, PacketType

CODEC = legacy(CODECS["json"])
encode = CODEC.encode

VECTORS = json.loads((Path(__file__).parent / "vectors" / "v4.json").read_text(encoding="utf-8"))


def each(kind: str) -> Any:
    return pytest.mark.parametrize(
        "vector", VECTORS[kind], ids=[v.get("name") or v["nsp"] for v in VECTORS[kind]]
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


def as_sent(packet: Packet) -> Packet:
    """A packet as the server has it, before it is put into the words of old clients."""
    if packet.type is PacketType.CONNECT:
        return msgspec.structs.replace(packet, data={"sid": "x"})
    if packet.type is PacketType.CONNECT_ERROR and isinstance(packet.data, str):
        return msgspec.structs.replace(packet, data={"message": packet.data})
    if packet.type is PacketType.CONNECT_ERROR:
        return msgspec.structs.replace(packet, data={"message": "no", "data": packet.data})
    return packet


@each("sent")
def test_a_packet_is_written_to_the_byte_as_the_newer_parser_does(vector: dict[str, Any]) -> None:
    text, attachments = encode(as_sent(packet_of(vector["packet"])))

    assert [text, *attachments] == value_of(vector["parser_3"])


@each("sent")
@pytest.mark.parametrize("parser", ["parser_2", "parser_3"])
def test_what_either_parser_writes_is_read(vector: dict[str, Any], parser: str) -> None:
    decoder = CODEC.make_decoder(10, 1_000_000)
    *first, last = value_of(vector[parser])
    for message in first:
        assert decoder.feed(message) is None

    assert decoder.feed(last) == packet_of(vector["packet"])


@each("asked")
def test_a_namespace_that_is_asked_for_has_a_query(vector: dict[str, Any]) -> None:
    expected = {
        "/chat": None,
        "/chat?token=x": {"token": "x"},
        "/chat?a=1%202&b=%F0%9F%98%80&c=": {"a": "1 2", "b": "😀", "c": ""},
    }

    for message in vector["messages"]:
        assert CODEC.make_decoder(10, 1_000_000).feed(message) == Packet(
            PacketType.CONNECT, "/chat", expected[vector["nsp"]]
        )


@each("payloads")
@pytest.mark.parametrize("parser", [1, 2])
def test_payloads_of_either_parser_are_read(vector: dict[str, Any], parser: int) -> None:
    packets = value_of(vector["packets"])
    text = vector[f"text_{parser}"]

    assert engineio3.is_doubled(text) in (None, parser == 1)
    assert engineio3.decode_payload(text, doubled=parser == 1) == packets
    assert engineio3.decode_binary_payload(value_of(vector[f"binary_{parser}"])) == packets


@each("payloads")
def test_binary_payloads_are_written_as_either_parser_does(vector: dict[str, Any]) -> None:
    packets = value_of(vector["packets"])

    assert (
        engineio3.binary_payload(packets)
        == value_of(vector["binary_1"])
        == value_of(vector["binary_2"])
    )


@each("payloads")
def test_text_payloads_are_written_as_both_parsers_do_where_they_agree(
    vector: dict[str, Any],
) -> None:
    payload = engineio3.text_payload(value_of(vector["packets"]))

    assert payload.isascii()
    assert engineio3.doubled_payload(value_of(vector["packets"])) == payload
    if vector["text_1"] == vector["text_2"]:
        assert payload == vector["text_1"]


@each("read")
def test_what_both_parsers_read_of_a_text_payload_is_what_was_meant(
    vector: dict[str, Any],
) -> None:
    packets = value_of(vector["packets"])

    assert engineio3.decode_payload(vector["payload"], doubled=False) == packets
    assert engineio3.text_payload(packets) == vector["payload"]


def test_the_vectors_are_of_the_protocols_that_are_spoken() -> None:
    assert VECTORS["protocol"] == 4
    assert VECTORS["engine"] == 3
