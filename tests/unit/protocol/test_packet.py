from __future__ import annotations

import pytest

from sionamespace.protocol.packet import RESERVED_EVENTS, Packet, PacketType


def test_packets_are_equal_by_what_they_say():
    assert Packet(PacketType.EVENT, "/", ["e"], 1) == Packet(PacketType.EVENT, "/", ["e"], 1)
    assert Packet(PacketType.EVENT, "/", ["e"], 1) != Packet(PacketType.EVENT, "/", ["e"])


def test_a_packet_cannot_be_changed():
    packet = Packet(PacketType.CONNECT)
    with pytest.raises(AttributeError, match="immutable"):
        packet.path = "/chat"


def test_the_types_have_the_numbers_of_the_protocol():
    assert [kind.name for kind in sorted(PacketType)] == [
        "CONNECT",
        "DISCONNECT",
        "EVENT",
        "ACK",
        "CONNECT_ERROR",
        "BINARY_EVENT",
        "BINARY_ACK",
    ]


def test_the_names_that_a_javascript_client_keeps_for_itself_are_reserved():
    assert {"connect", "connect_error", "disconnect", "newListener"} <= RESERVED_EVENTS
    assert "message" not in RESERVED_EVENTS
