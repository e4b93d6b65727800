from __future__ import annotations

import dataclasses
import enum
import math
import uuid
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sionamespace.errors import PacketError, UsageError
from sionamespace.protocol.msgpack import Decoder, encode
from sionamespace.protocol.packet import MAX_ID, RESERVED_EVENTS, Packet, PacketType, TooLarge
from sionamespace.protocol.values import MAX_DEPTH

DATES = st.datetimes(timezones=st.just(timezone.utc)).map(
    lambda when: when.replace(microsecond=when.microsecond // 1000 * 1000)
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | DATES,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
PATHS = st.text(st.characters(exclude_categories=["Cs"])).map("/{}".format)
IDS = st.integers(0, MAX_ID)
NAMES = st.text().filter(lambda name: name not in RESERVED_EVENTS)
PACKETS = st.one_of(
    st.builds(
        Packet, st.just(PacketType.CONNECT), PATHS, st.none() | st.dictionaries(st.text(), VALUES)
    ),
    st.builds(Packet, st.just(PacketType.DISCONNECT), PATHS),
    st.builds(
        Packet,
        st.just(PacketType.EVENT),
        PATHS,
        st.builds(lambda name, args: [name, *args], NAMES, st.lists(VALUES)),
        st.none() | IDS,
    ),
    st.builds(Packet, st.just(PacketType.ACK), PATHS, st.lists(VALUES), IDS),
    st.builds(
        Packet,
        st.just(PacketType.CONNECT_ERROR),
        PATHS,
        st.text() | st.dictionaries(st.text(), VALUES),
    ),
)
UTC = timezone.utc


def event(*data, **more):
    return Packet(PacketType.EVENT, data=list(data), **more)


def message(**fields):
    return msgspec.msgpack.encode({"type": 2, "nsp": "/", **fields})


def sent(value):
    """What a client gets of a value."""
    return decode(encode(event("e", value))[0]).data[1]


def decode(data):
    return Decoder().feed(data)


def deep(levels, innermost=b"\xc0"):
    """An event with a list that is nested so deep, its own included."""
    name = b"\x92\xa1e"
    return b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data" + name + b"\x91" * (levels - 1) + innermost


@attrs.frozen
class Point:
    x: int
    picture: bytes


@dataclasses.dataclass
class Move:
    to: Point
    at: datetime


class Colour(enum.Enum):
    RED = "red"


class Markup(str):
    pass


class TestRoundTrip:
    @given(PACKETS)
    def test_any_packet_comes_back_as_it_was(self, packet):
        text, attachments = encode(packet)
        assert attachments == ()
        assert decode(text) == packet

    @given(st.lists(st.binary(max_size=20) | DATES | st.none(), max_size=20))
    def test_any_extensions_of_the_npm_package_are_told_apart(self, values):
        def written(value):
            if isinstance(value, bytes):  # an ArrayBuffer
                return b"\xc7" + bytes([len(value), 0]) + value
            if value is None:  # undefined
                return b"\xd4\x00\x00"
            milliseconds = (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
            return b"\xd7\x00" + milliseconds.to_bytes(8, "big", signed=True)

        data = b"\xdc" + (len(values) + 1).to_bytes(2, "big") + b"\xa1e"
        head = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data"
        assert decode(head + data + b"".join(map(written, values))).data == ["e", *values]


class TestEncode:
    def test_objects_are_sent_as_in_json_with_bytes_and_moments_inside(self):
        when, who = datetime(2024, 2, 29, 12, tzinfo=UTC), uuid.UUID(int=1)
        move = Move(Point(1, b"\xff"), when)
        assert sent([move, who, {7}, Colour.RED, Markup("<b>"), date(2024, 2, 29), (1,)]) == [
            {"to": {"x": 1, "picture": b"\xff"}, "at": when},
            str(who),
            [7],
            "red",
            "<b>",
            "2024-02-29",
            [1],
        ]

    def test_bytes_of_every_kind(self):
        assert sent([b"a", bytearray(b"b"), memoryview(b"c")]) == [b"a", b"b", b"c"]

    def test_a_moment_is_one_in_any_time_zone(self):
        there = timezone(timedelta(hours=5, minutes=30))
        assert sent(datetime(2024, 1, 1, 5, 30, 0, 1999, there)) == datetime(
            2024, 1, 1, 0, 0, 0, 1000, UTC
        )

    def test_a_datetime_without_a_time_zone_is_no_moment_and_a_text(self):
        assert sent({"at": datetime(2024, 1, 1, 5, 30)}) == {"at": "2024-01-01T05:30:00"}

    def test_keys_become_texts_as_in_json(self):
        assert sent({1: "a", who: "b", "c": {2: b""}}) == {"1": "a", str(who): "b", "c": {"2": b""}}

    def test_numbers_that_json_does_not_have_are_sent(self):
        nan, infinity = sent([math.nan, math.inf])
        assert math.isnan(nan)
        assert infinity == math.inf

    @pytest.mark.parametrize("value", [object(), 2**64, -(2**63) - 1, "\ud83d", [{"a": object()}]])
    def test_what_cannot_be_sent_is_an_error(self, value):
        with pytest.raises(UsageError, match="cannot send"):
            encode(event("e", value))

    def test_it_may_be_nested_just_so_deep(self):
        value: list = []
        for _ in range(MAX_DEPTH - 2):
            value = [value]
        assert decode(encode(event("e", value))[0]) == event("e", value)
        with pytest.raises(UsageError, match="nested deeper than 200 levels"):
            encode(event("e", [value]))

    def test_a_value_that_holds_itself_is_an_error(self):
        value: dict = {}
        value["self"] = [value]
        with pytest.raises(UsageError, match="nested deeper"):
            encode(event("e", value))


class TestDecoder:
    def test_none_is_no_data_where_there_is_none(self):
        for kind in (PacketType.CONNECT, PacketType.DISCONNECT):  # as python-socketio sends it
            assert decode(message(type=kind.value, data=None, id=None)) == Packet(kind)

    @pytest.mark.parametrize("name", sorted(RESERVED_EVENTS))
    def test_reserved_names_are_malformed(self, name):
        with pytest.raises(PacketError, match="reserved name"):
            decode(message(data=[name]))

    @pytest.mark.parametrize("number", [-1, 10**15, 2**63, True, 1.0, "1", b"1", [1]])
    def test_a_bad_ack_id_is_malformed(self, number):
        with pytest.raises(PacketError, match="bad ack id"):
            decode(message(data=["e"], id=number))

    @pytest.mark.parametrize("kind", [5, 6, 7, -1, 2**40, True, 2.0, None, "2"])
    def test_an_unknown_type_is_malformed(self, kind):
        with pytest.raises(PacketError, match="unknown packet type"):
            decode(message(type=kind, data=["e"]))

    def test_a_text_is_malformed_and_the_error_says_what_to_do(self):
        with pytest.raises(PacketError, match=r"'2\[\"a\"\]'.*socket.io-msgpack-parser"):
            decode('2["a"]')

    def test_it_may_be_nested_just_so_deep(self):
        assert decode(deep(MAX_DEPTH)).type is PacketType.EVENT
        with pytest.raises(PacketError, match="nested deeper than 200 levels"):
            decode(deep(MAX_DEPTH + 1))

    @pytest.mark.parametrize("levels", [1_000, 100_000, 900_000])
    def test_far_too_deep_is_malformed(self, levels):
        with pytest.raises(PacketError, match="nested deeper"):
            decode(deep(levels))

    def test_what_only_looks_like_nesting_is_not(self):
        texts = ["ÄÖÜ" * 100, bytes(range(256)) * 4]
        assert decode(message(data=["e", *texts])).data[1:] == texts

    def test_lists_that_claim_to_be_long_cost_nothing(self):
        with pytest.raises(PacketError, match="truncated"):
            decode(deep(2, b"\xdd\xff\xff\xff\xff"))

    @pytest.mark.parametrize("key", [1, None, b"k", 1.5, True])
    def test_keys_are_texts(self, key):
        with pytest.raises(PacketError, match="keys"):
            decode(message(data=["e", [{"deep": {key: 1}}]]))
        with pytest.raises(PacketError, match="key"):
            decode(msgspec.msgpack.encode({"type": 2, "nsp": "/", "data": ["e"], key: 1}))

    @pytest.mark.parametrize("size", [2, 4, 16])
    def test_extensions_of_type_0_that_the_npm_package_does_not_write_are_bytes(self, size):
        head = {2: b"\xd5", 4: b"\xd6", 16: b"\xd8"}[size]
        assert decode(deep(1, head + b"\x00" + bytes(size))).data == ["e", bytes(size)]

    @pytest.mark.parametrize("code", [1, 5, -2, 127, -128])
    def test_other_extensions_are_malformed(self, code):
        with pytest.raises(PacketError, match=f"extension of type {code}"):
            decode(message(data=["e", msgspec.msgpack.Ext(code, b"x")]))

    def test_the_standard_timestamp_is_a_moment(self):
        when = datetime(2024, 2, 29, 12, tzinfo=UTC)
        assert decode(message(data=["e", when])).data == ["e", when]

    @pytest.mark.parametrize("milliseconds", [2**62, -(2**62), 253_402_300_800_000])
    def test_a_date_beyond_what_python_has_is_malformed(self, milliseconds):
        date = msgspec.msgpack.Ext(0, milliseconds.to_bytes(8, "big", signed=True))
        with pytest.raises(PacketError, match="years 1 to 9999"):
            decode(message(data=["e", date]))

    def test_a_timestamp_beyond_what_python_has_is_malformed(self):
        with pytest.raises(PacketError):
            decode(deep(1, b"\xc7\x0c\xff" + bytes(4) + (2**62).to_bytes(8, "big")))

    def test_a_packet_that_is_too_large(self):
        data = message(data=["e", b"x" * 100])
        assert Decoder(len(data)).feed(data).data == ["e", b"x" * 100]
        with pytest.raises(TooLarge):
            Decoder(len(data) - 1).feed(data)

    @given(st.binary(max_size=200))
    def test_any_bytes_are_a_packet_or_malformed(self, data):
        with suppress(PacketError):
            assert isinstance(decode(data), Packet)

    @given(PACKETS, st.data())
    def test_any_damage_is_a_packet_or_malformed(self, packet, draw):
        text = bytearray(encode(packet)[0])
        for _ in range(draw.draw(st.integers(1, 3))):
            text[draw.draw(st.integers(0, len(text) - 1))] = draw.draw(st.integers(0, 255))
        with suppress(PacketError):
            assert isinstance(decode(bytes(text)), Packet)


who = uuid.UUID(int=2)
