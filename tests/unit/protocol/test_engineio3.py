from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sionamespace.errors import PacketError
from sionamespace.protocol.engineio3 import (
    binary_payload,
    decode_binary_payload,
    decode_frame,
    decode_payload,
    doubled_payload,
    in_text,
    is_doubled,
    raw_doubled_payload,
    raw_text_payload,
    text_payload,
    with_types,
)

ANY_TEXT = st.builds(str.__add__, st.sampled_from("0123456"), st.text())
ASCII_TEXT = st.builds(
    str.__add__, st.sampled_from("0123456"), st.text(st.characters(max_codepoint=127))
)


def doubly(packets):
    """A payload as clients 1.x write it: each packet is UTF-8 in a text by itself."""
    doubled = [packet.encode().decode("latin-1") for packet in packets]
    return "".join(f"{len(packet)}:{packet}" for packet in doubled)


def singly(packets):
    """A payload as clients 2.x write it."""
    return "".join(f"{len(packet.encode('utf-16-le')) // 2}:{packet}" for packet in packets)


class TestTextPayload:
    @given(st.lists(ASCII_TEXT | st.binary(), min_size=1), st.booleans())
    def test_packets_come_out_as_they_went_in(self, packets, doubled):
        assert decode_payload(text_payload(packets), doubled) == packets

    @given(st.lists(st.text(), min_size=1))
    def test_messages_are_ascii_and_mean_the_same(self, texts):
        messages = [f"42{json.dumps([text], ensure_ascii=False)}" for text in texts]
        payload = text_payload(messages)
        assert payload.isascii()
        assert doubled_payload(messages) == payload
        assert [json.loads(packet[2:]) for packet in decode_payload(payload, False)] == [
            [text] for text in texts
        ]

    def test_a_character_beyond_the_first_plane_is_two_escapes(self):
        assert text_payload(['42["😀é"]']) == r'24:42["\ud83d\ude00\u00e9"]'

    @pytest.mark.parametrize("text", ["3😀", "40/größe,", "44/größe,", "451-/größe,12"])
    def test_what_is_no_json_cannot_be_ascii(self, text):
        assert text_payload([text]) == singly([text])
        assert doubled_payload([text]) == doubly([text])

    def test_json_behind_a_path_is_ascii_all_the_same(self):
        assert text_payload(['42/ö,1["/ö,ö"]']) == r'24:42/ö,1["/\u00f6,\u00f6"]'
        assert text_payload(['42["/ö"]']) == r'13:42["/\u00f6"]'

    def test_binary_is_base64(self):
        assert text_payload([b"\x01\x02"]) == "6:b4AQI="

    def test_lengths_count_utf16_units(self):
        assert decode_payload("4:4😀a3:4éb1:6", False) == ["4😀a", "4éb", "6"]

    @given(st.lists(ANY_TEXT, min_size=1))
    def test_what_is_encoded_twice_is_decoded_twice(self, packets):
        assert decode_payload(doubly(packets), True) == packets

    @given(st.lists(ANY_TEXT, min_size=1))
    def test_what_is_encoded_once_is_decoded_once(self, packets):
        assert decode_payload(singly(packets), False) == packets

    def test_half_a_character_that_is_encoded_twice_is_replaced(self):
        half = "\ud83d".encode("utf-8", "surrogatepass").decode("latin-1")
        assert decode_payload(f"5:4a{half}", True) == ["4a\ufffd"]

    def test_no_packets_are_written_as_an_empty_one(self):
        assert decode_payload("0:", False) == []

    @pytest.mark.parametrize("payload", ["", "a", "4hi", ":4", "1", "-1:4", "²:4", "99999999999:4"])
    def test_what_has_no_length_is_refused(self, payload):
        with pytest.raises(PacketError):
            decode_payload(payload, False)

    @pytest.mark.parametrize("payload", ["3:4a", "2:4😀", "1:42:"])
    def test_what_is_cut_off_is_refused(self, payload):
        with pytest.raises(PacketError):
            decode_payload(payload, False)

    @pytest.mark.parametrize("payload", ["1:7", "1:b", "2:b4b", "3:b3A", "5:b4A=A", "1:é"])
    def test_what_is_no_packet_is_refused(self, payload):
        with pytest.raises(PacketError):
            decode_payload(payload, False)

    @pytest.mark.parametrize("payload", ["2:4é", "2:4Ã1:©", "2:4😀"])
    def test_what_is_to_be_encoded_twice_and_is_not_is_refused(self, payload):
        with pytest.raises(PacketError):
            decode_payload(payload, True)

    @given(st.text() | st.text("b0123456:=A+/é😀\ud83d"), st.booleans())
    def test_no_text_raises_anything_but_a_packet_error(self, text, doubled):
        try:
            decode_payload(text, doubled)
        except PacketError:
            return


class TestIsDoubled:
    """Whether a text payload is encoded twice, by its text."""

    @given(st.lists(ANY_TEXT, min_size=1))
    def test_a_doubled_one_is_known(self, packets):
        payload = doubly(packets)
        assert is_doubled(payload) is (None if payload.isascii() else True)

    @pytest.mark.parametrize("text", ["éßü", "日本語", "😀", "Ã", "Ã©é"])
    def test_text_of_people_does_not_look_doubled(self, text):
        assert is_doubled(singly([f"4{text}"])) is False

    def test_ascii_shows_nothing(self):
        assert is_doubled("2:4a") is None

    def test_text_that_was_broken_before_looks_doubled(self):
        assert is_doubled("3:4Ã©") is True


class TestBinaryPayload:
    @given(st.lists(ANY_TEXT | st.binary()))
    def test_packets_come_out_as_they_went_in(self, packets):
        assert decode_binary_payload(binary_payload(packets)) == packets

    def test_its_form_is_that_of_the_protocol(self):
        assert binary_payload(["4" + "a" * 11, b"\x01\x02"]) == (
            b"\x00\x01\x02\xff4aaaaaaaaaaa\x01\x03\xff\x04\x01\x02"
        )

    @pytest.mark.parametrize(
        "payload",
        [
            b"\x02\x01\xff4",  # neither text nor binary
            b"\x00\xff4",  # no length
            b"\x00\x0a\xff4",  # no digit
            b"\x00\x01",  # no end of the length
            b"\x00\x02\xff4",  # cut off
            b"\x00" + b"\x01" * 12 + b"\xff",  # a length beyond all bounds
            b"\x01\x01\xff\x02",  # binary that is no message
            b"\x01\x00\xff",
            b"\x00\x02\xff4\xff",  # not UTF-8
            b"\x00\x01\xff7",
            b"\x00\x00\xff",
        ],
    )
    def test_what_is_no_payload_is_refused(self, payload):
        with pytest.raises(PacketError):
            decode_binary_payload(payload)

    @given(st.binary() | st.lists(st.sampled_from(b"\x00\x01\x02\x09\xff4\x04")).map(bytes))
    def test_no_bytes_raise_anything_but_a_packet_error(self, payload):
        try:
            decode_binary_payload(payload)
        except PacketError:
            return


class TestFrames:
    def test_a_binary_one_begins_with_the_type(self):
        assert with_types(["4a", b"\x01"]).packets == ("4a", b"\x04\x01")

    def test_a_client_that_takes_no_binary_gets_base64(self):
        assert in_text(["4a", b"\x01"]).packets == ("4a", "b4AQ==")

    @given(st.binary())
    def test_both_are_read(self, data):
        assert decode_frame(b"\x04" + data) == data
        assert decode_frame(text_payload([data]).partition(":")[2]) == data

    def test_text_is_left_to_the_socket(self):
        assert decode_frame("4é") == "4é"

    @pytest.mark.parametrize("message", [b"", b"\x03a", "b", "b5AA==", "b4A"])
    def test_what_is_no_packet_is_refused(self, message):
        with pytest.raises(PacketError):
            decode_frame(message)


class TestRawPayload:
    """Of messages that are any text."""

    def test_it_carries_them_as_they_are(self):
        packets = ["4é😀", b"\x01", "2"]
        assert raw_text_payload(packets) == "4:4é😀6:b4AQ==1:2"
        assert decode_payload(raw_text_payload(packets), False) == packets

    @given(st.lists(ANY_TEXT, min_size=1))
    def test_what_is_encoded_twice_comes_out_as_it_went_in(self, packets):
        assert decode_payload(raw_doubled_payload(packets), True) == packets
