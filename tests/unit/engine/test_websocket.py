from __future__ import annotations

import gc
import itertools
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from sionamespace.engine.handshake import Handshake
from sionamespace.engine.servers import ServerSocket
from sionamespace.engine.websocket import WebSocketDriver
from sionamespace.protocol.engineio import Parcel
from sionamespace.protocol.websocket import frame
from sionamespace.runtime.turns import Turns
from sionamespace.types import Reason

MAX = 1000
REQUEST = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/socket.io/",
    "HTTP_HOST": "testserver",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "keep-alive, Upgrade",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
}


class Wire:
    """A raw socket: what it receives is scripted, what it sends is taken as room allows."""

    def __init__(self):
        self.incoming = []
        self.sent = b""
        self.room = 10**9
        self.per_send = 10**9
        self.down = False
        self.broken = None
        self.on_wait = lambda: None

    def recv(self, size):
        if self.incoming:
            item = self.incoming.pop(0)
            if isinstance(item, Exception):
                raise item
            if callable(item):
                item()
                return self.recv(size)
            return b"" if self.down else item
        return b""

    def send(self, data):
        if self.broken is not None or self.down:
            raise self.broken or BrokenPipeError
        taken = min(len(data), self.room, self.per_send)
        if not taken:
            raise BlockingIOError
        self.sent += data[:taken]
        self.room -= taken
        return taken

    def wait_writable(self):
        self.on_wait()

    def shutdown(self):
        self.down = True

    def detach(self):
        return False

    def close(self):
        self.closed = True


class Peer:
    """A client of the other implementation: what it would send, and what it makes of our bytes."""

    def __init__(self):
        self._protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)

    def frames(self, *messages, fin=True):
        for message in messages:
            if isinstance(message, str):
                self._protocol.send_text(message.encode(), fin=fin)
            else:
                self._protocol.send_binary(message, fin=fin)
        return b"".join(self._protocol.data_to_send())

    def rest(self, data, fin=True):
        self._protocol.send_continuation(data, fin=fin)
        return b"".join(self._protocol.data_to_send())

    def ping(self, data=b""):
        self._protocol.send_ping(data)
        return b"".join(self._protocol.data_to_send())

    def goodbye(self, code=1000):
        self._protocol.send_close(code)
        return b"".join(self._protocol.data_to_send())

    @staticmethod
    def reads(data):
        reader = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
        reader.receive_data(data)
        assert reader.parser_exc is None
        return [(f.opcode, bytes(f.data)) for f in reader.events_received()]


def masked(opcode, data, fin=True):
    """A frame as a client sends it, also one that it should not."""
    return Frame(opcode, data, fin).serialize(mask=True)


def text(data):
    return (Opcode.TEXT, data.encode())


def closing(code):
    return (Opcode.CLOSE, code.to_bytes(2, "big"))


class Scene:
    """A driver on a wire. Writers that it starts are run when the test says so."""

    def __init__(self, max_bytes=MAX):
        self.wire = Wire()
        self.peer = Peer()
        self.writers = []
        self.packets = []
        self.freed = 0
        handshake = Handshake(REQUEST, max_bytes)
        self.driver = WebSocketDriver(self.wire, handshake, self.writers.append)
        self.driver.on_packet = self.packets.append
        self.driver.on_free = self.free
        self.accepted, self.wire.sent = self.wire.sent, b""

    def free(self):
        self.freed += 1

    def read(self, *incoming):
        """Why it ended, once it has read all this and then the end."""
        self.wire.incoming = list(incoming)
        reasons = []
        self.driver.serve(None, reasons.append)
        (reason,) = reasons
        return reason

    def run_writers(self):
        while self.writers:
            self.writers.pop(0)()

    @property
    def sent(self):
        return Peer.reads(self.wire.sent)

    @property
    def codes(self):
        return [int.from_bytes(data[:2], "big") for op, data in self.sent if op is Opcode.CLOSE]


@pytest.fixture
def scene():
    return Scene()


class Ends:
    """What was put off to the end of what is being done, which comes when the test says so."""

    def __init__(self, scene):
        self._functions = []
        scene.driver._at_end = self._functions.append

    def come(self):
        functions, self._functions[:] = list(self._functions), []
        for function in functions:
            function()


class TestHowMuchIsTaken:
    def test_a_flood_is_taken_in_parts_between_which_others_have_their_turns(self, scene):
        flood = [f"4{number}" for number in range(1000)]
        fragments = scene.peer.frames("4", fin=False)
        fragments += scene.peer.rest(b"", fin=False) * 1000 + scene.peer.rest(b"last")
        parts = []

        def pause():
            parts.append(len(scene.packets))

        pings = scene.peer.ping() * 1000
        scene.wire.incoming = [scene.peer.frames(*flood), pings + fragments]
        scene.driver.serve(None, lambda reason: None, pause)
        assert scene.packets == [*flood, "4last"]
        assert max(now - before for before, now in itertools.pairwise(parts)) < 100
        assert len(parts) > 3000 / 100

    def test_a_part_of_a_frame_is_no_reason_for_another_turn(self, scene):
        pauses = []
        scene.wire.incoming = [scene.peer.frames("41", "42", "43") + scene.peer.frames("44")[:-1]]
        scene.driver.serve(None, lambda reason: None, lambda: pauses.append(len(scene.packets)))
        assert pauses == [3, 3]  # after what came, and after the end

    def test_a_frame_may_be_cut_anywhere(self):
        for length in (0, 1, 125, 126, 900):
            whole = Peer().frames("4first", "4" + "x" * length, b"last")
            for at in range(1, len(whole)):
                scene = Scene()
                scene.read(whole[:at], whole[at:])
                assert scene.packets == ["4first", "4" + "x" * length, b"last"], (length, at)

    @pytest.mark.parametrize("head", [b"\x81", b"\x81\xfe", b"\x81\xfe\x00", b"\x81\x85abc"])
    def test_the_end_may_come_within_a_frame(self, scene, head):
        assert scene.read(head) == Reason.TRANSPORT_CLOSE
        assert scene.packets == []


class TestJoining:
    @pytest.fixture
    def ends(self, scene):
        scene.sends = []
        send = scene.wire.send
        scene.wire.send = lambda data: scene.sends.append(data) or send(data)
        return Ends(scene)

    def test_what_is_written_in_one_go_is_one_call_of_the_kernel(self, scene, ends):
        for word in ("a", "b", "c"):
            scene.driver.write(Parcel.of_message(word))
        assert scene.sends == []
        ends.come()
        assert len(scene.sends) == 1
        assert scene.sent == [text("4a"), text("4b"), text("4c")]

    def test_a_go_with_nothing_more_writes_nothing_more(self, scene, ends):
        scene.driver.write(Parcel.of_message("a"))
        ends.come()
        ends.come()
        assert len(scene.sends) == 1

    def test_much_is_not_kept_back(self, scene, ends):
        scene.driver.write(Parcel.of_message("x" * 40_000))
        scene.driver.write(Parcel.of_message("y" * 40_000))
        assert [len(data) for data in scene.sends] == [80_010]
        ends.come()
        assert len(scene.sends) == 1

    def test_what_the_kernel_does_not_take_is_written_later_in_order(self, scene, ends):
        scene.wire.room = 5
        scene.driver.write(Parcel.of_message("one"))
        scene.driver.write(Parcel.of_message("two"))
        ends.come()
        assert scene.driver.busy
        scene.driver.write(Parcel.of_message("three"))
        scene.wire.room = 10**9
        scene.run_writers()
        assert scene.sent == [text("4one"), text("4two"), text("4three")]
        assert not scene.driver.busy
        assert scene.freed == 1

    def test_a_goodbye_follows_what_was_written(self, scene, ends):
        scene.driver.write(Parcel.of_message("a"))
        scene.driver.close()
        ends.come()
        assert scene.sent == [text("4a"), closing(1000)]

    def test_an_answer_to_a_ping_keeps_its_place(self, scene, ends):
        scene.driver.write(Parcel.of_message("a"))
        scene.wire.incoming = [scene.peer.ping(b"?"), ends.come]
        scene.driver.serve(None, lambda reason: None)
        assert scene.sent[:2] == [text("4a"), (Opcode.PONG, b"?")]

    def test_one_that_was_aborted_says_nothing_more(self, scene, ends):
        scene.driver.write(Parcel.of_message("a"))
        scene.driver.abort()
        ends.come()
        assert scene.sends == []

    def test_a_goodbye_is_said_before_an_abort(self, scene, ends):
        scene.driver.write(Parcel.of_message("a"))
        scene.driver.close()
        scene.driver.abort()
        assert scene.sent == [text("4a"), closing(1000)]


class TestHandshake:
    def test_it_is_answered_as_the_rfc_shows(self, scene):
        head, _, rest = scene.accepted.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "HTTP/1.1 101 Switching Protocols"
        assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines
        assert rest == b""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("HTTP_UPGRADE", "h2c"),
            ("HTTP_CONNECTION", "keep-alive"),
            ("HTTP_SEC_WEBSOCKET_KEY", "short"),
            ("HTTP_SEC_WEBSOCKET_VERSION", "8"),
        ],
    )
    def test_a_request_that_is_not_for_a_websocket_is_refused(self, name, value):
        assert Handshake(REQUEST, MAX).fault is None
        assert Handshake({**REQUEST, name: value}, MAX).fault

    @pytest.mark.parametrize("name", [name for name in REQUEST if name.startswith("HTTP_SEC_")])
    def test_a_request_that_lacks_a_header_is_refused(self, name):
        without = {key: value for key, value in REQUEST.items() if key != name}
        assert "WebSocket" in Handshake(without, MAX).fault


class TestReading:
    def test_each_message_is_a_packet(self, scene):
        reason = scene.read(scene.peer.frames("4a", b"data", "", "4\u20ac"))
        assert scene.packets == ["4a", b"data", "", "4\u20ac"]
        assert reason == "transport close"

    @pytest.mark.parametrize("first", range(1, 9))
    def test_what_looks_like_a_frame_inside_another_is_none_wherever_it_is_cut(self, scene, first):
        inside = b"\x81\x82\0\0\0\0" + b"4x" * 100
        whole = b"\x82\xfe" + len(inside).to_bytes(2, "big") + bytes(4) + inside
        rest = scene.peer.frames("4b")
        scene.read(scene.peer.frames("4a") + whole[:first], whole[first:] + rest, rest)
        assert scene.packets == ["4a", inside, "4b", "4b"]

    def test_bytes_may_come_one_at_a_time(self, scene):
        scene.read(*[bytes([byte]) for byte in scene.peer.frames("4hello", b"data")])
        assert scene.packets == ["4hello", b"data"]

    @pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 999, MAX])
    @pytest.mark.parametrize("cut", [None, 1, 3, 7])
    def test_messages_of_every_length_are_read_whole_or_in_pieces(self, scene, size, cut):
        sent = ["a" * size, b"b" * size, "c"]
        data = scene.peer.frames(*sent)
        scene.read(data) if cut is None else scene.read(data[:cut], data[cut:])
        assert scene.packets == sent

    def test_a_message_that_is_too_long_by_one_is_refused_with_its_code(self, scene):
        reason = scene.read(scene.peer.frames("4ok", "x" * (MAX + 1), "4never"))
        assert (reason, scene.packets, scene.codes) == ("message too large", ["4ok"], [1009])

    def test_a_length_in_eight_bytes_is_read_as_one(self):
        data = b"x" * 70_000
        handshake = Handshake(REQUEST, 100_000)
        wire, got = Wire(), []
        driver = WebSocketDriver(wire, handshake, None)
        driver.on_packet = got.append
        wire.incoming = [masked(Opcode.BINARY, data) + masked(Opcode.TEXT, b"4next")]
        driver.serve(None, lambda reason: None)
        assert got == [data, "4next"]

    def test_a_frame_that_is_not_masked_is_refused(self, scene):
        assert scene.read(frame("4not masked")) == "transport error"
        assert scene.packets == []

    def test_a_message_in_fragments_is_one_packet(self, scene):
        peer = scene.peer
        scene.read(
            peer.frames("4a", fin=False),
            peer.rest(b"b", fin=False),
            peer.rest(b"c"),
            peer.frames(b"1", fin=False) + peer.ping() + peer.rest(b"2") + peer.frames("4d"),
        )
        assert scene.packets == ["4abc", b"12", "4d"]

    def test_a_character_may_be_cut_by_fragments(self, scene):
        first, second = "\u20ac".encode()[:1], "\u20ac".encode()[1:]
        scene.read(masked(Opcode.TEXT, first, fin=False) + masked(Opcode.CONT, second))
        assert scene.packets == ["\u20ac"]

    def test_fragments_without_data_cost_no_memory(self, scene):
        empty = masked(Opcode.CONT, b"", fin=False) * 1000
        start = masked(Opcode.TEXT, b"4", fin=False)
        kept = []

        def count():
            kept.append(sum(isinstance(one, Frame) for one in gc.get_objects()))

        scene.read(start, empty, count, masked(Opcode.CONT, b"a"))
        assert scene.packets == ["4a"]
        assert kept[0] < 10

    def test_a_ping_is_answered_with_its_data(self, scene):
        scene.read(scene.peer.ping(b"data"))
        assert scene.sent == [(Opcode.PONG, b"data")]
        assert scene.packets == []

    def test_a_message_of_the_allowed_size_is_taken(self, scene):
        scene.read(scene.peer.frames(b"x" * MAX))
        assert scene.packets == [b"x" * MAX]

    @pytest.mark.parametrize("size", [MAX + 1, MAX * 100])
    def test_a_larger_one_is_refused_when_its_size_is_known(self, scene, size, caplog):
        reason = scene.read(scene.peer.frames(b"x" * size)[:14])
        assert reason == "message too large"
        assert scene.codes == [1009]
        assert scene.packets == []
        assert len(caplog.records) == 1

    def test_the_fragments_of_a_message_are_counted_together(self, scene):
        peer = scene.peer
        half = b"x" * (MAX // 2 + 1)
        assert scene.read(peer.frames(half, fin=False) + peer.rest(half)) == "message too large"
        assert scene.packets == []

    @pytest.mark.parametrize(
        "data",
        [
            frame("4a"),  # not masked
            masked(Opcode.CONT, b"a"),
            masked(Opcode.TEXT, b"a", fin=False) + masked(Opcode.TEXT, b"b"),
            b"\x83\x80\0\0\0\0",  # no such opcode
            b"\xc1\x80\0\0\0\0",  # compressed, which was not agreed on
            b"\x09\x80\0\0\0\0",  # a ping in fragments
        ],
        ids=["not masked", "no beginning", "no end", "opcode", "compressed", "ping"],
    )
    def test_what_breaks_the_protocol_ends_it(self, scene, data, caplog):
        assert scene.read(data, scene.peer.frames("4after")) == "transport error"
        assert scene.codes == [1002]
        assert scene.packets == []
        assert len(caplog.records) == 1

    def test_a_text_that_is_not_utf8_ends_it_and_nothing_after_it_is_taken(self, scene):
        bad, good = masked(Opcode.TEXT, b"4\xff"), scene.peer.frames("4after")
        scene.read(scene.peer.frames("4before") + bad + good, good)
        assert scene.packets == ["4before"]
        assert scene.codes == [1007]
        assert scene.wire.down

    def test_when_the_peer_says_goodbye_so_do_we(self, scene):
        goodbye = scene.peer.goodbye()
        reason = scene.read(scene.peer.frames() + goodbye)
        assert reason == "transport close"
        assert scene.sent == [closing(1000)]
        assert scene.wire.down

    def test_a_socket_that_fails_is_an_error(self, scene):
        assert scene.read(ConnectionResetError()) == "transport error"

    def test_a_socket_that_ends_without_a_goodbye_is_a_close(self, scene):
        assert scene.read(scene.peer.frames("4a")[:3]) == "transport close"
        assert scene.packets == []

    @given(st.lists(st.binary(), max_size=5))
    def test_no_bytes_make_it_raise(self, chunks):
        assert Scene().read(*chunks).startswith(("transport", "message"))

    @given(st.data())
    def test_no_damaged_frames_make_it_raise(self, data):
        scene = Scene()
        packets = data.draw(st.lists(st.text() | st.binary(max_size=200), min_size=1, max_size=4))
        stream = bytearray(scene.peer.frames(*packets))
        for _ in range(data.draw(st.integers(1, 3))):
            stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(stream)))
        scene.read(bytes(stream[:cut]), bytes(stream[cut:]))


class TestWriting:
    def test_what_the_kernel_takes_is_written_at_once(self, scene):
        scene.driver.write(Parcel("4a"))
        assert scene.sent == [text("4a")]
        assert (scene.driver.busy, scene.writers) == (False, [])

    @pytest.mark.parametrize("room", [0, 1, 5])
    def test_the_rest_is_written_when_there_is_room_and_nothing_overtakes(self, scene, room):
        scene.wire.room = room
        for word in ("4first", "4second", "4third"):
            scene.driver.write(Parcel(word))
        assert scene.driver.busy
        assert len(scene.writers) == 1
        scene.wire.room = 10**9
        scene.run_writers()
        assert scene.sent == [text("4first"), text("4second"), text("4third")]
        assert not scene.driver.busy
        assert scene.freed == 1

    def test_a_kernel_that_takes_a_byte_at_a_time_gets_all_of_it(self, scene):
        scene.wire.per_send = 1
        for word in ("4first", "4second"):
            scene.driver.write(Parcel(word))
        scene.run_writers()
        assert scene.sent == [text("4first"), text("4second")]

    def test_what_is_written_while_the_writer_waits_follows(self, scene):
        scene.wire.room = 3
        scene.driver.write(Parcel("4first"))

        def meanwhile():
            scene.wire.on_wait = lambda: None
            scene.driver.write(Parcel("4second"))
            scene.wire.room = 10**9

        scene.wire.on_wait = meanwhile
        scene.run_writers()
        assert scene.sent == [text("4first"), text("4second")]

    def test_a_writer_waits_again_when_there_was_no_room_after_all(self, scene):
        scene.wire.room = 0
        scene.driver.write(Parcel("4first"))
        rooms = [0, 2, 0, 100]

        def grow():
            scene.wire.room = rooms.pop(0)

        scene.wire.on_wait = grow
        scene.run_writers()
        assert scene.sent == [text("4first")]
        assert rooms == []

    def test_when_it_is_free_again_more_may_be_written_at_once(self, scene):
        scene.wire.room = 0
        scene.driver.write(Parcel("4first"))
        scene.driver.on_free = lambda: scene.driver.write(Parcel("4second"))
        scene.wire.room = 10**9
        scene.run_writers()
        assert scene.sent == [text("4first"), text("4second")]

    def test_a_broken_socket_ends_it_quietly(self, scene):
        scene.wire.broken = ConnectionResetError()
        scene.driver.write(Parcel("4a"))
        scene.driver.write(Parcel("4b"))
        assert scene.wire.down
        assert not scene.driver.busy
        assert scene.read(scene.peer.frames("4a")) == "transport close"

    def test_a_socket_that_breaks_while_the_writer_waits_ends_it_and_frees_it(self, scene):
        scene.wire.room = 2
        scene.driver.write(Parcel("4a"))

        def fail():
            raise ConnectionResetError

        scene.wire.on_wait = fail
        scene.run_writers()
        assert scene.wire.down
        assert (scene.driver.busy, scene.freed) == (False, 1)

    def test_an_abort_while_the_writer_waits_ends_the_writer(self, scene):
        scene.wire.room = 2
        scene.driver.write(Parcel("4a"))
        scene.wire.on_wait = scene.driver.abort
        scene.run_writers()
        assert len(scene.wire.sent) == 2
        scene.driver.write(Parcel("4b"))
        assert len(scene.wire.sent) == 2

    def test_a_pong_waits_its_turn(self, scene):
        scene.wire.room = 3
        scene.driver.write(Parcel("4first"))
        scene.wire.incoming = [scene.peer.ping(b"x")]

        def make_room():
            scene.wire.room = 10**9
            scene.run_writers()

        scene.driver.serve(None, lambda reason: None, make_room)
        assert scene.sent == [text("4first"), (Opcode.PONG, b"x")]

    @pytest.mark.parametrize("last", [b"", masked(Opcode.TEXT, b"\xff"), masked(3, b"")])
    def test_who_ends_it_and_has_not_read_is_not_waited_for(self, scene, last):
        scene.wire.room = 3
        scene.driver.write(Parcel("4first"))
        scene.read(*filter(None, [last]))
        assert scene.wire.down
        scene.run_writers()
        assert scene.wire.closed

    def test_one_that_is_busy_again_as_soon_as_it_is_free_has_one_writer(self, scene):
        scene.wire.room = 3
        scene.driver.write(Parcel("4first"))
        waits = []

        def wait():
            waits.append(True)
            assert len(waits) < 10, "it waits again and again"
            scene.wire.room = 10 if len(waits) == 1 else 0

        def more():
            scene.driver.on_free = lambda: None
            scene.driver.write(Parcel("4" + "x" * 100))

        scene.wire.on_wait = wait
        scene.driver.on_free = more
        scene.writers.pop(0)()
        assert len(waits) == 1
        assert len(scene.writers) == 1
        scene.wire.on_wait = lambda: None
        scene.wire.room = 10**9
        scene.run_writers()
        assert scene.sent == [text("4first"), text("4" + "x" * 100)]

    def test_a_peer_that_pings_without_end_and_reads_nothing_is_cut_off(self, scene):
        scene.wire.room = 3
        scene.driver.write(Parcel("4first"))
        flood = scene.peer.ping(b"x" * 125) * 500
        scene.read(*[flood] * 20)
        assert scene.wire.down
        assert scene.wire.incoming, "it read on to the end"

    def test_a_peer_that_pings_a_lot_and_reads_is_not(self, scene):
        flood = scene.peer.ping(b"x" * 125) * 500
        assert scene.read(*[flood] * 3) == "transport close"
        assert len(scene.sent) == 1500


class TestClosing:
    def test_it_says_goodbye_and_ends_when_the_peer_has_answered(self, scene):
        scene.driver.close()
        assert scene.sent == [closing(1000)]
        assert not scene.wire.down
        assert scene.read(scene.peer.goodbye()) == "transport close"
        assert scene.wire.down

    def test_it_says_goodbye_once(self, scene):
        scene.driver.close()
        scene.driver.close()
        assert scene.sent == [closing(1000)]

    def test_the_goodbye_follows_what_still_waits(self, scene):
        scene.wire.room = 3
        scene.driver.write(Parcel("4first"))
        scene.driver.close()
        scene.wire.room = 10**9
        scene.run_writers()
        assert scene.sent == [text("4first"), closing(1000)]

    def test_an_answer_to_the_peers_goodbye_that_has_to_wait_is_still_the_end(self, scene):
        scene.wire.room = 3
        scene.driver.write(Parcel("4first"))
        goodbye = scene.peer.goodbye()

        def room_again():
            scene.wire.room = 10**9
            scene.run_writers()

        scene.read(goodbye, room_again, b"never read")
        assert scene.sent == [text("4first"), closing(1000)]
        assert scene.wire.down

    def test_an_abort_ends_it_without_a_word(self, scene):
        def abort():
            scene.driver.abort()

        assert scene.read(scene.peer.frames("4a"), abort, scene.peer.frames("4b")) == (
            "transport close"
        )
        assert scene.packets == ["4a"]
        assert scene.wire.sent == b""

    def test_it_may_be_closed_while_a_packet_is_taken(self, scene):
        def take(packet):
            scene.packets.append(packet)
            scene.driver.close()

        scene.driver.on_packet = take
        peer = scene.peer
        scene.read(peer.frames("4a") + peer.frames("4b") + peer.goodbye())
        assert scene.packets[0] == "4a"
        assert scene.codes == [1000]
        assert scene.wire.down

    def test_it_may_be_aborted_while_a_packet_is_taken(self, scene):
        def take(packet):
            scene.packets.append(packet)
            scene.driver.abort()

        scene.driver.on_packet = take
        scene.read(scene.peer.frames("4a"), scene.peer.frames("4b"))
        assert scene.packets == ["4a"]


class TestOnThreads:
    """Where whoever has the turn may write, also before the first packet has come."""

    def test_what_is_written_while_the_socket_is_taken_over_arrives(self):
        for _ in range(100):
            assert texts_of(written_while_it_begins()) == [str(n) for n in range(20)]


def written_while_it_begins():
    """What a peer gets of that which one thread writes while another begins to serve."""
    ours, theirs = socket.socketpair()
    turns, ready = Turns(), threading.Event()
    driver = WebSocketDriver(
        ServerSocket(ours, lambda sock: None), Handshake(REQUEST, MAX), lambda run: None, turns
    )

    def write():
        ready.set()
        for number in range(20):
            with turns:
                driver.write(Parcel(str(number)))

    writer = threading.Thread(target=write)
    taken = []
    with ours, theirs:
        writer.start()
        assert ready.wait(5)
        driver.serve(lambda sock, readable, finished: taken.append(sock), lambda reason: None)
        writer.join(5)
        for sock in taken:
            sock.close()
        theirs.settimeout(5)
        return b"".join(iter(lambda: theirs.recv(65536), b""))


def texts_of(data):
    _, _, frames = data.partition(b"\r\n\r\n")
    return [data.decode() for _, data in Peer.reads(frames)]
