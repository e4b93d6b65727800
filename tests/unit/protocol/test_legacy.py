from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sionamespace.errors import PacketError
from sionamespace.protocol.codecs import CODECS
from sionamespace.protocol.legacy import legacy, parameters, sid_of
from sionamespace.protocol.packet import Packet, PacketType

CODEC = legacy(CODECS["json"])
encode = CODEC.encode


def connect(text):
    packet = CODEC.make_decoder(10, 1_000_000).feed(text)
    assert packet.type is PacketType.CONNECT
    return packet.path, packet.data


class TestEncode:
    def test_a_connect_has_no_sid(self):
        assert encode(Packet(PacketType.CONNECT, "/", {"sid": "x"})) == ("0", ())
        assert encode(Packet(PacketType.CONNECT, "/chat", {"sid": "x"})) == ("0/chat,", ())

    def test_a_refusal_is_its_message(self):
        refusal = Packet(PacketType.CONNECT_ERROR, "/chat", {"message": "no"})
        assert encode(refusal) == ('4/chat,"no"', ())

    @pytest.mark.parametrize(("data", "text"), [({"code": 7}, '{"code":7}'), ([], "[]"), (0, "0")])
    def test_or_its_data(self, data, text):
        refusal = Packet(PacketType.CONNECT_ERROR, "/", {"message": "no", "data": data})
        assert encode(refusal) == (f"4{text}", ())

    def test_events_are_those_of_revision_5(self):
        event = Packet(PacketType.EVENT, "/chat", ["e", b"\x01"], 7)
        assert encode(event) == ('51-/chat,7["e",{"_placeholder":true,"num":0}]', (b"\x01",))


class TestDecoder:
    @pytest.mark.parametrize("text", ["0/chat", "0/chat,"])
    def test_a_namespace_is_asked_for_with_or_without_a_comma(self, text):
        assert connect(text) == ("/chat", None)

    @pytest.mark.parametrize("text", ["0/chat?token=x&a=1%2C2", "0/chat?token=x&a=1%2C2,"])
    def test_its_query_is_its_data(self, text):
        assert connect(text) == ("/chat", {"token": "x", "a": "1,2"})

    def test_events_and_attachments_are_those_of_revision_5(self):
        decoder = CODEC.make_decoder(10, 1_000_000)
        assert decoder.feed('51-/chat,["e",{"_placeholder":true,"num":0}]') is None
        assert decoder.feed(b"\x01") == Packet(PacketType.EVENT, "/chat", ["e", b"\x01"])

    def test_the_query_of_an_event_means_nothing(self):
        packet = CODEC.make_decoder(10, 1_000_000).feed('2/chat?token=x,1["e"]')
        assert packet == Packet(PacketType.EVENT, "/chat", ["e"], 1)

    @given(st.text() | st.text('012345/?=&,%"[]-a') | st.binary())
    def test_nothing_raises_anything_but_a_packet_error(self, message):
        try:
            CODEC.make_decoder(10, 1_000_000).feed(message)
        except PacketError:
            return


class TestParameters:
    def test_they_are_decoded(self):
        assert parameters("a=1+2&b=%F0%9F%98%80&c=") == {"a": "1 2", "b": "😀", "c": ""}

    def test_several_of_a_name_are_a_list(self):
        assert parameters("a=1&a=2") == {"a": ["1", "2"]}

    def test_those_of_the_engine_are_left_out(self):
        assert parameters("EIO=3&transport=polling&t=x&b64=1&j=0&sid=y&a=1") == {"a": "1"}

    @pytest.mark.parametrize("query", ["", "EIO=3", "&&"])
    def test_none_are_none(self, query):
        assert parameters(query) is None


def test_a_sid_is_what_the_client_takes_it_for():
    assert sid_of("abc", "/") == "abc"
    assert sid_of("abc", "/chat") == "/chat#abc"
