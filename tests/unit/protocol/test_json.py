from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sionamespace.errors import PacketError, UsageError
from sionamespace.protocol.engineio import Parcel, decode_payload
from sionamespace.protocol.json import Decoder, encode
from sionamespace.protocol.packet import RESERVED_EVENTS, Packet, PacketType
from sionamespace.protocol.values import MAX_DEPTH

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR = list(PacketType)[:5]

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
PATHS = st.just("/") | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=",?# \t\n\r\x1e"), min_size=1
).map(lambda name: "/" + name.rstrip("/"))
NAMES = st.text().filter(lambda name: name not in RESERVED_EVENTS)
IDS = st.integers(0, 10**15 - 1)

EVENTS = st.builds(
    lambda path, name, args, number: Packet(EVENT, path, [name, *args], number),
    PATHS,
    NAMES,
    st.lists(VALUES, max_size=3),
    st.none() | IDS,
)
ACKS = st.builds(
    lambda path, args, number: Packet(ACK, path, args, number),
    PATHS,
    st.lists(VALUES, max_size=3),
    IDS,
)
OBJECTS = st.dictionaries(st.text(), st.none() | st.integers(0, 9) | st.text())
CONTROLS = (
    st.builds(Packet, st.just(CONNECT), PATHS, st.none() | OBJECTS)
    | st.builds(Packet, st.just(DISCONNECT), PATHS)
    | st.builds(Packet, st.just(CONNECT_ERROR), PATHS, OBJECTS | st.text())
)
PACKETS = EVENTS | ACKS | CONTROLS


def decode(*messages, **limits):
    """The packet that messages make together; only the last one may complete it."""
    decoder = Decoder(**limits)
    *firsts, last = messages
    assert all(decoder.feed(message) is None for message in firsts)
    return decoder.feed(last)


def roomy():
    return Decoder(max_attachments=1000)


class TestBothWays:
    @given(PACKETS)
    def test_what_is_encoded_decodes_to_itself(self, packet):
        text, attachments = encode(packet)
        assert decode(text, *attachments, max_attachments=1000) == packet

    @given(st.lists(PACKETS, min_size=1, max_size=4))
    def test_packets_come_out_of_a_polled_payload_as_they_went_in(self, packets):
        parcels = [Parcel.of_message(*encode(packet)) for packet in packets]
        polled = decode_payload("\x1e".join(parcel.payload for parcel in parcels))
        decoder = roomy()
        found = [decoder.feed(p if isinstance(p, bytes) else p[1:]) for p in polled]
        assert [packet for packet in found if packet is not None] == packets

    @given(PACKETS)
    def test_the_binary_types_never_leave_the_codec(self, packet):
        text, attachments = encode(packet)
        decoded = decode(text, *attachments, max_attachments=1000)
        assert decoded.type in (CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR)


class TestAnythingAtAll:
    @given(
        st.lists(st.text('0123456-/,[]{}"a_\\:', max_size=30) | st.text() | st.binary(), max_size=8)
    )
    def test_no_messages_raise_anything_but_a_packet_error(self, messages):
        decoder = roomy()
        try:
            for message in messages:
                decoder.feed(message)
        except PacketError:
            return

    @given(st.data())
    def test_no_damage_to_a_packet_raises_anything_but_a_packet_error(self, data):
        text, attachments = encode(data.draw(PACKETS))
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        damaged = text[:at] + data.draw(st.text(max_size=3)) + text[at + cut :]
        decoder = roomy()
        try:
            for message in (damaged, *attachments, b"one more"):
                decoder.feed(message)
        except PacketError:
            return


class TestEncode:
    def test_an_event_without_attachments_stays_of_its_type(self):
        assert encode(Packet(EVENT, "/", ["news", 1], 7)) == ('27["news",1]', ())

    def test_an_event_with_attachments_says_how_many_follow(self):
        text, attachments = encode(Packet(EVENT, "/chat", ["file", b"a", b"b"], 7))
        assert text.startswith("52-/chat,7[")
        assert attachments == (b"a", b"b")

    def test_an_ack_with_attachments_says_how_many_follow(self):
        assert encode(Packet(ACK, "/", [b"a"], 3))[0].startswith("61-3[")

    def test_a_value_that_cannot_be_sent_is_the_callers_error(self):
        with pytest.raises(UsageError):
            encode(Packet(EVENT, "/", ["news", object()]))

    def test_an_event_may_be_as_deep_as_the_decoder_takes_it(self):
        data = 1
        for _ in range(MAX_DEPTH - 1):
            data = [data]
        packet = Packet(EVENT, "/", ["deep", data])
        assert decode(encode(packet)[0]) == packet
        with pytest.raises(UsageError):
            encode(Packet(EVENT, "/", ["deep", [data]]))


class TestDecode:
    @pytest.mark.parametrize(
        ("text", "packet"),
        [
            ("0", Packet(CONNECT)),
            ("0/chat", Packet(CONNECT, "/chat")),
            ('0/chat,{"token":1}', Packet(CONNECT, "/chat", {"token": 1})),
            ("1/chat,", Packet(DISCONNECT, "/chat")),
            ('2["a/b,c",1]', Packet(EVENT, "/", ["a/b,c", 1])),
            ('2/a[1],5["e"]', Packet(EVENT, "/a[1]", ["e"], 5)),
            ("2[1.5]", Packet(EVENT, "/", [1.5])),
            ('2[""]', Packet(EVENT, "/", [""])),
            ("30[]", Packet(ACK, "/", [], 0)),
            ('4"no"', Packet(CONNECT_ERROR, "/", "no")),
        ],
    )
    def test_a_text_is_a_packet(self, text, packet):
        assert decode(text) == packet

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "7",
            "-1",
            "x",
            "\u0662[]",  # a digit, but not one of the protocol
            "0[]",
            "0null",
            '0"token"',
            "1{}",
            "2",
            "2{}",
            "2[]",
            "2[null]",
            "2[true]",
            "2[{}]",
            "2[[]]",
            '2["e"',
            '2["e"]x',
            '2/chat["e"]',
            "3[]",
            "35{}",
            "35",
            "4",
            "4[]",
            "4null",
            '5["e"]',
            '50-["e"]',
            '5-["e"]',
            '51["e"]',
            '5-1-["e"]',
            '51.0-["e"]',
            '5\u00b2-["e"]',
            '51-["e"',
            '51-[{"_placeholder":true,"num":0}]',
            "61-[]",
        ],
    )
    def test_a_text_that_is_none_is_refused(self, text):
        with pytest.raises(PacketError):
            Decoder().feed(text)

    @pytest.mark.parametrize("name", sorted(RESERVED_EVENTS))
    def test_a_client_cannot_send_a_reserved_event(self, name):
        with pytest.raises(PacketError, match="reserved"):
            Decoder().feed(f'2["{name}"]')
        with pytest.raises(PacketError, match="reserved"):
            Decoder().feed(f'51-["{name}",{{"_placeholder":true,"num":0}}]')

    def test_the_number_of_an_ack_ends_where_javascript_counts_no_further(self):
        assert decode("3" + "9" * 15 + "[]").id == 10**15 - 1
        with pytest.raises(PacketError, match="15 digits"):
            Decoder().feed("3" + "9" * 16 + "[]")

    def test_a_malformed_packet_is_not_shown_in_full(self):
        with pytest.raises(PacketError) as caught:
            Decoder().feed("5" + "x" * 100_000)
        assert len(str(caught.value)) < 200


class TestAttachments:
    def test_a_packet_is_there_when_its_last_attachment_is(self):
        decoder = Decoder()
        text = '52-["e",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]'
        assert decoder.feed(text) is None
        assert decoder.feed(b"first") is None
        assert decoder.feed(b"second") == Packet(EVENT, "/", ["e", b"second", b"first"])

    def test_one_decoder_takes_packet_after_packet(self):
        decoder = Decoder()
        for _ in range(3):
            assert decoder.feed('61-5[{"_placeholder":true,"num":0}]') is None
            assert decoder.feed(b"data") == Packet(ACK, "/", [b"data"], 5)
            assert decoder.feed('2["e"]') == Packet(EVENT, "/", ["e"])

    def test_text_between_a_packet_and_its_attachments_is_refused(self):
        decoder = Decoder()
        decoder.feed('51-["e",{"_placeholder":true,"num":0}]')
        with pytest.raises(PacketError, match="1 attachment"):
            decoder.feed('2["e"]')

    def test_an_attachment_that_nothing_announced_is_refused(self):
        with pytest.raises(PacketError, match="no packet announced"):
            Decoder().feed(b"data")
        decoder = Decoder()
        decoder.feed('51-["e",{"_placeholder":true,"num":0}]')
        decoder.feed(b"data")
        with pytest.raises(PacketError, match="no packet announced"):
            decoder.feed(b"data")

    def test_more_attachments_than_are_allowed_are_refused_before_they_come(self):
        assert Decoder(max_attachments=2).feed('52-["e"]') is None
        with pytest.raises(PacketError, match="3, at most 2"):
            Decoder(max_attachments=2).feed('53-["e"]')

    def test_a_number_of_attachments_of_a_million_digits_is_refused(self):
        with pytest.raises(PacketError):
            Decoder().feed("5" + "9" * 1_000_000 + '-["e"]')

    def test_the_size_of_a_packet_is_that_of_its_text_and_all_its_attachments(self):
        text = '52-["e"]'
        assert decode(text, b"1234", b"1234", max_bytes=len(text) + 8) is not None
        decoder = Decoder(max_bytes=len(text) + 7)
        decoder.feed(text)
        decoder.feed(b"1234")
        with pytest.raises(PacketError, match="larger than 15 bytes"):
            decoder.feed(b"1234")

    def test_the_size_is_counted_anew_for_each_packet(self):
        decoder = Decoder(max_bytes=20)
        for _ in range(5):
            decoder.feed('51-["e"]')
            assert decoder.feed(b"12345678") is not None

    def test_a_placeholder_out_of_range_is_refused_when_the_packet_is_complete(self):
        decoder = Decoder()
        decoder.feed('51-["e",{"_placeholder":true,"num":1}]')
        with pytest.raises(PacketError, match="attachment 1 of 1"):
            decoder.feed(b"data")

    def test_a_placeholder_in_a_packet_without_attachments_is_a_plain_object(self):
        packet = decode('2["e",{"_placeholder":true,"num":0}]')
        assert packet.data[1] == {"_placeholder": True, "num": 0}
