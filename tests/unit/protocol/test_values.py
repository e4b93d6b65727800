from __future__ import annotations

import dataclasses
import datetime
import json
import math
import uuid

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sionamespace.errors import PacketError, UsageError
from sionamespace.protocol.values import MAX_DEPTH, dumps, loads

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def nested(levels: int, innermost: str = "") -> str:
    return "[" * levels + innermost + "]" * levels


@attrs.frozen
class Point:
    x: int
    y: int


@dataclasses.dataclass
class Move:
    to: Point
    at: datetime.date


class TestDumps:
    @given(JSON)
    def test_any_json_value_comes_back_as_it_was(self, value):
        assert loads(dumps(value)) == value

    @given(JSON)
    def test_any_other_parser_reads_the_same(self, value):
        assert json.loads(dumps(value)) == value

    def test_classes_dates_uuids_and_sets_can_be_sent(self):
        when, who = datetime.date(2024, 2, 29), uuid.UUID(int=1)
        text = dumps([Move(Point(1, 2), when), who, {7}])
        assert loads(text) == [{"to": {"x": 1, "y": 2}, "at": "2024-02-29"}, str(who), [7]]

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_numbers_that_json_does_not_have_become_null_as_in_javascript(self, value):
        assert dumps([value]) == "[null]"

    def test_an_integer_beyond_64_bits_is_sent_exactly(self):
        assert dumps(10**30) == "1" + "0" * 30

    def test_a_lone_surrogate_is_refused_with_the_way_out(self):
        with pytest.raises(UsageError, match=r"lone surrogate.*errors='replace'"):
            dumps({"text": "half \ud83d"})

    @pytest.mark.parametrize("value", [object(), 1j, {(1, 2): 3}, 10**5000], ids=type)
    def test_a_value_that_json_cannot_carry_is_refused(self, value):
        with pytest.raises(UsageError, match="cannot send"):
            dumps(value)

    def test_a_value_that_holds_itself_is_refused(self):
        value: list = []
        value.append(value)
        with pytest.raises(UsageError):
            dumps(value)


class TestLoads:
    @given(st.text() | st.text('[]{}",:0123456789.eE+-\\ud8truefalsn \x00\ud83d'))
    def test_no_text_raises_anything_but_a_packet_error(self, text):
        try:
            loads(text)
        except PacketError:
            return

    @pytest.mark.parametrize("text", ["", "{", "nul", "[1,]", "'a'", "NaN", "[Infinity]", "1 2"])
    def test_what_is_not_json_is_refused_and_shown(self, text):
        with pytest.raises(PacketError, match="not JSON"):
            loads(text)

    def test_a_long_text_that_is_not_json_is_not_shown_in_full(self):
        with pytest.raises(PacketError) as caught:
            loads("[" + "x" * 100_000)
        assert len(str(caught.value)) < 200

    def test_half_an_emoji_becomes_a_replacement_character_wherever_it_stands(self):
        text = '{"a\\ud83d": ["b\\ud83d", {"c": "\\ude00d"}], "e": 1}'
        assert loads(text) == {"a\ufffd": ["b\ufffd", {"c": "\ufffdd"}], "e": 1}

    def test_a_whole_emoji_beside_half_a_one_stays(self):
        assert loads('"\\ud83d\\ude00\\ud83d"') == "\U0001f600\ufffd"

    def test_a_surrogate_that_is_not_even_escaped_is_replaced_too(self):
        assert loads('["\ud83d"]') == ["\ufffd"]

    def test_a_number_beyond_a_double_is_infinite_as_in_javascript(self):
        assert loads("[1e400, -1e400]") == [math.inf, -math.inf]

    def test_a_big_integer_is_exact_and_an_enormous_one_is_refused(self):
        assert loads("1" + "0" * 400) == 10**400
        with pytest.raises(PacketError):
            loads("1" + "0" * 10_000)


class TestDepth:
    @pytest.mark.parametrize("innermost", ["", "1", '"\\ud83d"'], ids=["empty", "leaf", "lenient"])
    def test_the_limit_is_exact(self, innermost):
        text = nested(MAX_DEPTH, innermost)
        depth, value = 0, loads(text)
        while isinstance(value, list):
            depth, value = depth + 1, value[0] if value else None
        assert depth == MAX_DEPTH
        with pytest.raises(PacketError, match="deeper than 200"):
            loads(nested(MAX_DEPTH + 1, innermost))

    def test_objects_count_as_lists_do(self):
        loads('{"a":[' * 100 + "]}" * 100)
        with pytest.raises(PacketError, match="deeper than 200"):
            loads("[" + '{"a":[' * 100 + "]}" * 100 + "]")

    def test_many_values_side_by_side_are_not_deep(self):
        assert len(loads("[" + ",".join(["[]"] * 1000) + "]")) == 1000

    def test_brackets_inside_of_a_text_are_not_depth(self):
        assert loads('"' + "[" * 1000 + '"') == "[" * 1000

    @pytest.mark.parametrize("half", ['["\\ud83d",', ""], ids=["lenient", "strict"])
    @pytest.mark.parametrize("opening", ["[", '{"a":'])
    @pytest.mark.parametrize("closed", [True, False])
    def test_a_hundred_thousand_levels_are_refused_without_a_crash(self, half, opening, closed):
        closing = "]" if opening == "[" else "}"
        end = "1" + closing * 100_000 + ("]" if half else "") if closed else ""
        with pytest.raises(PacketError):
            loads(half + opening * 100_000 + end)
