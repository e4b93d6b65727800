from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
from types import MappingProxyType
from typing import Any
from uuid import UUID

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sionamespace.errors import PacketError, UsageError
from sionamespace.protocol.binary import attach, detach
from sionamespace.protocol.values import MAX_DEPTH, dumps, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def placeholder(number):
    return {"_placeholder": True, "num": number}


def nested(levels, innermost=()):
    value = list(innermost)
    for _ in range(levels - 1):
        value = [value]
    return value


@attrs.frozen
class Picture:
    name: str
    data: bytes


@dataclasses.dataclass
class Album:
    made: datetime.date
    pictures: list[Picture]


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


@attrs.frozen
class Point:
    x: Any
    y: int = 2
    _hidden: int = 3


@attrs.frozen
class OneField:
    x: Any


@attrs.define(slots=False)
class Loose:
    x: Any


class Base:
    __slots__ = ("older",)


@attrs.define
class Derived(Base):
    x: Any


@attrs.define
class Unset:
    x: Any
    late: Any = attrs.field(init=False)


@attrs.define
class Lazy:
    x: Any

    @functools.cached_property
    def secret(self):
        return "nobody asked for it"


@dataclasses.dataclass
class Record:
    x: Any
    _y: int = 2


@dataclasses.dataclass(slots=True)
class Slots:
    x: Any


class Struct(msgspec.Struct, rename="camel", omit_defaults=True):
    x: Any
    in_two_words: int = 2


@attrs.define
class Text(str):
    __slots__ = ()


class Planet(Record, enum.Enum):
    EARTH = 1, 2


def derived(older):
    one = Derived(1)
    one.older = older
    return one


OBJECTS = [
    *(kind(1) for kind in (Point, OneField, Loose, Derived, Unset, Lazy, Record, Slots, Struct)),
    *(kind(datetime.date(2024, 2, 29)) for kind in (Point, Record, Struct)),
    derived(b"data"),
    derived([1]),
    Text(),
    Planet.EARTH,
]


class TestDetach:
    @given(VALUES)
    def test_what_is_taken_out_goes_back_to_where_it_was(self, value):
        without, parts = detach(value)
        assert attach(loads(dumps(without)), list(parts)) == value

    def test_parts_are_numbered_in_the_order_in_which_they_stand(self):
        value = ["e", b"a", {"x": [b"b"], "y": b"c"}]
        assert detach(value) == (
            ["e", placeholder(0), {"x": [placeholder(1)], "y": placeholder(2)}],
            (b"a", b"b", b"c"),
        )

    def test_the_value_that_was_given_is_not_changed(self):
        value = ["e", {"x": [b"b"]}]
        detach(value)
        assert value == ["e", {"x": [b"b"]}]

    def test_without_binary_parts_nothing_is_copied(self):
        value = ["e", {"x": [1, "two", None]}, (3.0, True)]
        assert detach(value)[0] is value

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_everything_binary_is_a_part_of_bytes(self, kind):
        _, parts = detach([kind(b"data")])
        assert parts == (b"data",)
        assert type(parts[0]) is bytes

    def test_a_part_does_not_change_with_the_buffer_that_it_came_from(self):
        buffer = bytearray(b"before")
        _, parts = detach([buffer])
        buffer[:] = b"after!"
        assert parts == (b"before",)

    @pytest.mark.parametrize("kind", [tuple, set, frozenset])
    def test_parts_are_found_in_any_collection(self, kind):
        assert detach(kind([b"data"])) == ([placeholder(0)], (b"data",))

    def test_parts_are_found_inside_of_objects(self):
        album = Album(datetime.date(2024, 2, 29), [Picture("a", b"1"), Picture("b", b"2")])
        without, parts = detach([album])
        assert parts == (b"1", b"2")
        assert without[0]["made"] == "2024-02-29"
        assert [p["data"] for p in without[0]["pictures"]] == [placeholder(0), placeholder(1)]

    def test_enumerations_are_their_values(self):
        assert detach([Colour.RED, Size.BIG, b""])[0] == ["red", 3, placeholder(0)]

    @pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
    def test_an_object_is_written_alike_alone_and_beside_what_is_taken_out(self, value):
        beside, _ = detach([value, b""])
        assert loads(dumps(detach([value])[0])) == loads(dumps(beside))[:1]

    @pytest.mark.parametrize("kind", [Point, Slots, Struct, Record, OneField])
    def test_an_object_of_plain_values_is_not_made_a_dict_first(self, kind):
        value = [kind(1)]
        assert detach(value)[0] is value

    @pytest.mark.parametrize("kind", [Point, Slots, Struct, Record, OneField, Loose])
    def test_what_an_object_holds_is_looked_at_each_time(self, kind):
        assert detach(kind([1, {}]))[1] == ()
        assert detach(kind([1, {"x": b"data"}]))[1] == (b"data",)

    def test_what_was_set_on_an_object_and_is_no_field_is_looked_at_too(self):
        loose = Loose(1)
        loose.more = b"data"
        assert detach(loose) == ({"x": 1, "more": placeholder(0)}, (b"data",))

    def test_a_cached_property_that_nobody_has_asked_for_is_not_sent(self):
        assert loads(dumps(detach(Lazy(1))[0])) == {"x": 1}

    def test_objects_are_levels(self):
        value = None
        for _ in range(MAX_DEPTH):
            value = Point(value)
        assert detach(value)[0] is value
        with pytest.raises(UsageError, match="deeper than 200"):
            detach([value])

    def test_mappings_are_dicts(self):
        params = MappingProxyType({"room": UUID(int=1), "data": b"data"})
        assert detach([params]) == (
            [{"room": str(UUID(int=1)), "data": placeholder(0)}],
            (b"data",),
        )

    def test_a_value_that_cannot_be_sent_is_named(self):
        with pytest.raises(UsageError, match="cannot send object <object"):
            detach(["e", {"x": [object()]}])

    @pytest.mark.parametrize("innermost", [[], [1], [{}]], ids=["empty", "leaf", "one more"])
    def test_the_limit_of_nesting_is_that_of_the_decoder(self, innermost):
        levels = MAX_DEPTH - (innermost == [{}])
        value = nested(levels, innermost)
        assert loads(dumps(detach(value)[0])) == value
        with pytest.raises(UsageError, match="deeper than 200"):
            detach([value])

    def test_a_placeholder_is_a_level_of_its_own(self):
        value = nested(MAX_DEPTH - 1, [b"data"])
        without, parts = detach(value)
        assert attach(loads(dumps(without)), list(parts)) == value
        with pytest.raises(UsageError, match="deeper than 200"):
            detach([value])

    @pytest.mark.parametrize("innermost", [[], [b"data"]], ids=["plain", "binary"])
    def test_a_hundred_thousand_levels_are_refused_without_a_crash(self, innermost):
        with pytest.raises(UsageError, match="deeper than 200"):
            detach(nested(100_000, innermost))

    def test_a_value_that_holds_itself_is_refused(self):
        value: dict = {}
        value["self"] = [value]
        with pytest.raises(UsageError, match="deeper than 200"):
            detach(value)

    def test_an_object_that_holds_itself_is_refused(self):
        album = Album(datetime.date(2024, 2, 29), [])
        album.pictures.append(album)
        with pytest.raises(UsageError, match="cannot send"):
            detach([album])


class TestAttach:
    def test_two_placeholders_may_name_one_part(self):
        assert attach([placeholder(0), placeholder(0)], [b"a"]) == [b"a", b"a"]

    def test_a_part_that_nothing_names_is_left_out(self):
        assert attach([placeholder(1)], [b"a", b"b"]) == [b"b"]

    @pytest.mark.parametrize("number", [1, -1, True, False, 0.0, "0", None, [0], 10**30])
    def test_a_placeholder_of_a_part_that_there_is_not_is_refused(self, number):
        with pytest.raises(PacketError, match="of 1"):
            attach([placeholder(number)], [b"a"])

    def test_a_placeholder_without_a_number_is_refused(self):
        with pytest.raises(PacketError, match="placeholder"):
            attach({"_placeholder": True}, [b"a"])

    @pytest.mark.parametrize("flag", [False, 1, "true", None])
    def test_only_true_makes_a_placeholder(self, flag):
        value = {"_placeholder": flag, "num": 0}
        assert attach(value, [b"a"]) == value
