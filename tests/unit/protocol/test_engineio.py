from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sionamespace.errors import PacketError
from sionamespace.protocol.engineio import NOOP, PING, Parcel, decode_payload, join_payload
from sionamespace.protocol.websocket import frame

TEXTS = st.builds(
    str.__add__, st.sampled_from("0123456"), st.text(st.characters(exclude_characters="\x1e"))
)
PACKETS = TEXTS | st.binary()


class TestPayload:
    @given(st.lists(PACKETS, min_size=1))
    def test_packets_come_out_as_they_went_in(self, packets):
        assert decode_payload(Parcel(*packets).payload) == packets

    @given(st.lists(st.lists(PACKETS, min_size=1), min_size=1))
    def test_parcels_follow_each_other_in_one_payload(self, parcels):
        joined = join_payload([Parcel(*packets) for packets in parcels])
        assert decode_payload(joined) == [packet for packets in parcels for packet in packets]

    @given(st.text() | st.text("b0123456=A+/\x1e"))
    def test_no_text_raises_anything_but_a_packet_error(self, text):
        try:
            decode_payload(text)
        except PacketError:
            return

    @pytest.mark.parametrize(
        "payload", ["", "\x1e", "4a\x1e", "\x1e4a", "7", "x", "\u0664", "4a\x1e\x1e4b"]
    )
    def test_what_begins_with_no_type_is_refused(self, payload):
        with pytest.raises(PacketError, match="types are 0 to 6"):
            decode_payload(payload)

    @pytest.mark.parametrize("payload", ["b=", "bA", "bAAA", "bAA=A", "b****", "b\u00e9AAA"])
    def test_what_is_not_base64_is_refused(self, payload):
        with pytest.raises(PacketError, match="base64"):
            decode_payload(payload)

    def test_a_binary_packet_may_be_empty(self):
        assert decode_payload("b") == [b""]


class TestParcel:
    def test_a_message_and_its_attachments_travel_together(self):
        parcel = Parcel.of_message('51-["e"]', (b"\x00\x01",))
        assert parcel.packets == ('451-["e"]', b"\x00\x01")
        assert parcel.payload == '451-["e"]\x1ebAAE='
        assert parcel.frames == frame('451-["e"]') + frame(b"\x00\x01")

    def test_its_messages_are_those_without_the_control_packets(self):
        assert Parcel(PING, "4hello", b"data", NOOP, "4").messages == ["hello", b"data", ""]

    def test_its_size_is_that_of_all_its_packets(self):
        assert Parcel("4abc", b"12345").size == 9

    def test_each_form_is_built_once_for_all_recipients(self):
        parcel = Parcel("4hello", b"data")
        assert parcel.frames is parcel.frames
        assert parcel.payload is parcel.payload

    def test_so_is_each_form_of_another_revision(self):
        parcel = Parcel("4hello", b"data")
        built = []

        def build(packets):
            built.append(packets)
            return repr(packets)

        assert parcel.form(build) == parcel.form(build) == repr(("4hello", b"data"))
        assert built == [("4hello", b"data")]
        assert parcel.form(str) == str(("4hello", b"data"))
