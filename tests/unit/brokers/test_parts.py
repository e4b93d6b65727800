"""Large messages come whole or not at all, whatever becomes of their parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sionamespace.brokers.parts import Parts


@given(st.binary(max_size=400), st.integers(min_value=30, max_value=120))
def test_what_is_split_is_joined(message, limit):
    pieces = list(Parts().split(message, limit))
    assert all(len(piece) <= limit for piece in pieces)
    joining = Parts()
    *before, last = [joining.join("a", piece) for piece in pieces]
    assert before == [None] * (len(pieces) - 1)
    assert last == message


def test_parts_of_several_senders_and_channels_may_mix():
    one, two, joining = Parts(), Parts(), Parts()
    ways = [("a", one, b"1" * 99), ("b", one, b"2" * 99), ("a", two, b"3" * 99)]
    pieces = [[(to, piece) for piece in parts.split(m, 50)] for to, parts, m in ways]
    came = [joining.join(*piece) for row in zip(*pieces, strict=True) for piece in row]
    assert [message for message in came if message] == [message for _, _, message in ways]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_message_with_a_part_missing_is_dropped_and_the_next_is_not(missing):
    sending, joining = Parts(), Parts()
    pieces = list(sending.split(b"1" * 80, 50))
    assert len(pieces) == 3
    del pieces[missing]
    pieces += sending.split(b"2" * 80, 50)
    came = [joining.join("a", piece) for piece in pieces]
    assert [message for message in came if message] == [b"2" * 80]


def test_messages_that_are_never_completed_are_forgotten():
    joining = Parts()
    firsts = [next(iter(Parts().split(b"1" * 80, 50))) for _ in range(1000)]
    for first in firsts:
        joining.join("a", first)
    assert len(joining._incomplete) == 100


@pytest.mark.parametrize("foreign", [b"", b"\1", b"\2" + bytes(40), b"{}"])
def test_what_is_no_piece_is_an_error(foreign):
    with pytest.raises(ValueError, match="not a piece"):
        Parts().join("a", foreign)
