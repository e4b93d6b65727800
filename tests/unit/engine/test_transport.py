from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from sionamespace.engine.transport import TransportWebSocket
from sionamespace.protocol.engineio import Parcel
from sionamespace.types import Reason

from .test_websocket import Opcode, Peer, closing, masked, text


class Transport:
    """An asyncio transport, which keeps what is written to it."""

    def __init__(self):
        self.written = b""
        self.end = None
        self.paused = False

    def write(self, data):
        assert self.end is None, "nothing can be written to one that is closed"
        self.written += data

    def is_closing(self):
        return self.end is not None

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    def close(self):
        self.end = "closed"

    def abort(self):
        self.end = "aborted"


class Scene:
    def __init__(self):
        self.transport, self.losses = Transport(), []
        self.peer = Peer()
        self.websocket = TransportWebSocket(
            self.transport, 1000, asyncio.get_running_loop().call_soon, self.losses.append
        )
        self.packets = []
        self.freed = []
        self.websocket.on_packet = self.packets.append
        self.websocket.on_free = lambda: self.freed.append(True)

    @property
    def sent(self):
        return Peer.reads(self.transport.written)

    async def reason(self):
        return await asyncio.wait_for(self.websocket.read(None), 5)


@pytest.fixture
def play():
    """Plays an ``async def`` on a scene of its own."""
    return lambda scenario: asyncio.run(_play(scenario))


async def _play(scenario):
    await scenario(Scene())


async def turn():
    """Let the loop do what was put off to the end."""
    await asyncio.sleep(0)


def test_packets_come_and_go(play):
    async def scenario(scene):
        scene.websocket.data_received(scene.peer.frames("4one", b"two"))
        assert scene.packets == ["4one", b"two"]
        scene.websocket.write(Parcel.of_message("a"))
        scene.websocket.write(Parcel.of_message("b"))
        assert scene.sent == []
        await turn()
        assert scene.sent == [text("4a"), text("4b")]

    play(scenario)


def test_a_packet_may_come_in_pieces(play):
    async def scenario(scene):
        data = scene.peer.frames("4" + "x" * 200)
        for at in range(len(data)):
            scene.websocket.data_received(data[at : at + 1])
        assert scene.packets == ["4" + "x" * 200]

    play(scenario)


def test_a_flood_is_taken_in_parts_between_which_others_have_their_turns(play):
    async def scenario(scene):
        flood = [f"4{number:05}" for number in range(9000)]
        scene.websocket.data_received(scene.peer.frames(*flood))
        assert 0 < len(scene.packets) < 6000
        assert scene.transport.paused
        scene.websocket.data_received(scene.peer.frames("4after"))
        rounds = 0
        while len(scene.packets) < 9001:
            before = len(scene.packets)
            await turn()
            rounds += 1
            assert len(scene.packets) - before < 1000
        assert rounds > 2
        assert scene.packets == [*flood, "4after"]
        assert not scene.transport.paused

    play(scenario)


def test_what_came_before_the_end_is_taken_all_the_same(play):
    async def scenario(scene):
        flood = [f"4{number:05}" for number in range(9000)]
        scene.websocket.data_received(scene.peer.frames(*flood))
        scene.websocket.connection_lost(None)
        assert scene.packets == flood
        assert await scene.reason() == Reason.TRANSPORT_CLOSE

    play(scenario)


def test_while_the_transport_is_full_packets_wait(play):
    async def scenario(scene):
        scene.websocket.pause_writing()
        scene.websocket.write(Parcel.of_message("a"))
        await turn()
        assert scene.websocket.busy
        assert scene.sent == []
        scene.websocket.resume_writing()
        assert scene.sent == [text("4a")]
        assert not scene.websocket.busy
        assert scene.freed == [True]

    play(scenario)


def test_a_client_that_leaves_is_told_of(play):
    async def scenario(scene):
        scene.websocket.data_received(scene.peer.goodbye())
        assert scene.transport.end == "closed"
        scene.websocket.connection_lost(None)
        assert await scene.reason() == Reason.TRANSPORT_CLOSE

    play(scenario)


def test_of_one_that_has_ended_nothing_is_left(play):
    async def scenario(scene):
        scene.websocket.close()
        scene.websocket.data_received(scene.peer.goodbye())
        assert scene.transport.end == "closed"
        scene.websocket.connection_lost(None)
        await turn()
        left = weakref.ref(scene.websocket), weakref.ref(scene.transport)
        scene.websocket = scene.transport = None
        assert [one() for one in left] == [None, None]

    gc.disable()
    try:
        play(scenario)
    finally:
        gc.enable()


def test_a_connection_that_breaks_is_told_of(play):
    async def scenario(scene):
        error = ConnectionResetError()
        scene.websocket.connection_lost(error)
        assert await scene.reason() == Reason.TRANSPORT_ERROR
        assert scene.losses == [error]

    play(scenario)


def test_a_message_that_is_too_large_ends_it(play):
    async def scenario(scene):
        scene.websocket.data_received(scene.peer.frames("4" + "x" * 1000))
        assert await scene.reason() == Reason.TOO_LARGE
        await turn()
        assert scene.sent[0][1][:2] == (1009).to_bytes(2, "big")

    play(scenario)


def test_text_that_is_not_utf_8_ends_it(play):
    async def scenario(scene):
        frames = bytearray(scene.peer.frames(b"\xff\xff"))
        frames[0] = 0x81
        scene.websocket.data_received(bytes(frames))
        assert await scene.reason() == Reason.TRANSPORT_ERROR
        await turn()
        assert scene.sent[0][1][:2] == (1007).to_bytes(2, "big")

    play(scenario)


def test_closing_says_what_was_to_be_said_before(play):
    async def scenario(scene):
        scene.websocket.write(Parcel.of_message("last"))
        scene.websocket.close()
        await turn()
        assert scene.sent == [text("4last"), closing(1000)]
        scene.websocket.data_received(scene.peer.goodbye())
        assert scene.transport.end == "closed"

    play(scenario)


def test_a_client_that_does_not_read_is_not_waited_for(play):
    async def scenario(scene):
        scene.websocket.pause_writing()
        scene.websocket.write(Parcel.of_message("a"))
        await turn()
        scene.websocket.abort()
        assert scene.transport.end == "aborted"
        scene.websocket.connection_lost(None)
        assert await scene.reason() == Reason.TRANSPORT_CLOSE

    play(scenario)


@pytest.mark.parametrize("fault", [masked(Opcode.TEXT, b"\xff"), None])
def test_who_ends_it_and_has_not_read_is_not_waited_for_nor_heard(play, fault):
    async def scenario(scene):
        scene.websocket.pause_writing()
        scene.websocket.write(Parcel.of_message("a"))
        await turn()
        more = scene.peer.frames(*["4more"] * 100)
        if fault is None:
            scene.websocket.eof_received()
        else:
            scene.websocket.data_received(fault + more)
        assert scene.transport.end == "aborted"
        for _ in range(0 if fault is None else 10):
            scene.websocket.data_received(more)
        scene.websocket.connection_lost(None)
        await turn()
        assert scene.packets == []
        assert await scene.reason() in (Reason.TRANSPORT_ERROR, Reason.TRANSPORT_CLOSE)

    play(scenario)


@pytest.mark.parametrize("end", ["close", "abort", "shut_down"])
def test_one_that_is_lost_is_not_closed_again_nor_kept_for_a_farewell(play, end):
    async def scenario(scene):
        scene.transport.close()
        scene.websocket.connection_lost(None)
        scene.transport.end = None
        getattr(scene.websocket, end)()
        assert scene.transport.end is None
        await turn()
        kept = weakref.ref(scene.transport)
        del scene.transport, scene.websocket
        assert kept() is None

    play(scenario)


def test_one_that_is_lost_is_not_read_on(play):
    async def scenario(scene):
        scene.websocket.data_received(scene.peer.frames(*["4more"] * 100))
        assert scene.transport.paused
        scene.websocket.connection_lost(None)
        for _ in range(100):
            await turn()
        assert scene.transport.paused
        assert scene.packets == ["4more"] * 100

    play(scenario)


def test_what_is_written_to_one_that_is_lost_is_dropped(play):
    async def scenario(scene):
        scene.transport.close()
        scene.websocket.write(Parcel.of_message("a"))
        await turn()
        assert scene.sent == []
        assert not scene.websocket.busy

    play(scenario)


def test_a_server_that_ends_says_so(play):
    async def scenario(scene):
        scene.websocket.write(Parcel.of_message("last"))
        scene.websocket.shut_down()
        assert scene.sent == [text("4last"), closing(1000)]
        assert scene.transport.end == "closed"
        assert await scene.reason() == Reason.SHUTDOWN

    play(scenario)
