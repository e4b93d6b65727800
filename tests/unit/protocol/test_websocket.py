from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side, State

from sionamespace.protocol.websocket import frame


def read(data):
    """What another implementation reads, as a client."""
    client = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
    client.receive_data(data)
    assert client.parser_exc is None
    return client.events_received()


@given(st.text())
def test_a_text_is_a_whole_text_frame(text):
    (found,) = read(frame(text))
    assert (found.opcode, found.fin, bytes(found.data)) == (Opcode.TEXT, True, text.encode())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 65537])
def test_bytes_of_any_size_are_a_whole_binary_frame(size):
    data = bytes(range(256)) * (size // 256 + 1)
    (found,) = read(frame(data[:size]))
    assert (found.opcode, found.fin, bytes(found.data)) == (Opcode.BINARY, True, data[:size])


def test_the_length_of_a_text_is_counted_in_bytes():
    (found,) = read(frame("\u20ac" * 100))
    assert len(found.data) == 300


@given(st.lists(st.text() | st.binary(), max_size=5))
def test_frames_follow_each_other(messages):
    found = read(b"".join(map(frame, messages)))
    assert [bytes(f.data) for f in found] == [
        m.encode() if isinstance(m, str) else m for m in messages
    ]
