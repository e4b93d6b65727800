"""The option ``per_message_deflate``, with the other side of the ``websockets`` package."""

from __future__ import annotations

import re
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.headers import parse_extension
from websockets.protocol import Protocol, Side, State

from sionamespace.engine.deflate import Deflate
from sionamespace.engine.handshake import Handshake
from sionamespace.engine.websocket import open_websocket
from sionamespace.protocol.engineio import Parcel
from sionamespace.protocol.websocket import deflated_frame, frame
from sionamespace.types import Reason
from tests.unit.engine.test_websocket import REQUEST, Wire

MAX = 100_000
OFFER = "permessage-deflate; client_max_window_bits"
TEXT = '2["message",{"text":"the same again and again"}]' * 50


class Peer:
    """A client of the other implementation, which offers what it is told to."""

    def __init__(self, deflate, offer=OFFER, **allowed):
        self.wire = Wire()
        environ = {**REQUEST, "HTTP_SEC_WEBSOCKET_EXTENSIONS": offer} if offer else REQUEST
        self.driver = open_websocket(
            self.wire, Handshake(environ, MAX, deflate), lambda function: function()
        )
        self.answer, self.wire.sent = self.wire.sent.decode(), b""
        self.protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
        accepted = re.search("Sec-WebSocket-Extensions: (.*)\r\n", self.answer)
        self.compresses = accepted is not None
        if accepted is not None:
            ((_, parameters),) = parse_extension(accepted[1])
            client = ClientPerMessageDeflateFactory(**allowed)
            self.protocol.extensions = [client.process_response_params(parameters, [])]

    def send(self, *messages, fin=True):
        """What the server makes of messages: those, and why it closed if it did."""
        for message in messages:
            if isinstance(message, str):
                self.protocol.send_text(message.encode(), fin=fin)
            else:
                self.protocol.send_binary(message, fin=fin)
        return self.give(b"".join(self.protocol.data_to_send()))

    def give(self, data):
        got, reasons = [], []
        self.driver.on_packet = got.append
        self.wire.incoming.append(data)
        self.driver._read_some(reasons.append)
        return got, reasons

    def read(self):
        self.protocol.receive_data(self.wire.sent)
        self.wire.sent = b""
        return [
            bytes(f.data).decode() if f.opcode is Opcode.TEXT else bytes(f.data)
            for f in self.protocol.events_received()
        ]


def compressed(opcode, data, fin=True):
    """A frame with the bit that says so, whatever is in it."""
    first, *rest = Frame(opcode, data, fin=fin).serialize(mask=True)
    return bytes([first | 0x40, *rest])


@pytest.fixture
def deflate():
    return Deflate(100)


class TestNegotiation:
    def test_no_context_is_kept_by_either_side(self, deflate):
        answer = Peer(deflate).answer
        assert "server_no_context_takeover; client_no_context_takeover" in answer

    @pytest.mark.parametrize("offer", [None, "x-webkit-frame", "permessage-deflate; nonsense=1"])
    def test_who_offers_nothing_of_the_kind_gets_messages_as_they_are(self, deflate, offer):
        peer = Peer(deflate, offer)
        assert not peer.compresses
        peer.driver.write(Parcel(TEXT))
        assert peer.wire.sent == frame(TEXT)

    def test_without_the_option_nothing_is_compressed(self):
        peer = Peer(None)
        assert not peer.compresses
        peer.driver.write(Parcel(TEXT))
        assert peer.wire.sent == frame(TEXT)

    def test_a_client_with_a_small_window_gets_messages_as_they_are(self, deflate):
        small = "permessage-deflate; server_max_window_bits=10"
        assert not Peer(deflate, small).compresses
        assert Peer(deflate, f"{small}, permessage-deflate").compresses


class TestSending:
    @pytest.mark.parametrize(
        "message", [TEXT, TEXT.encode(), "ü😀" * 1000], ids=["text", "bytes", "ü"]
    )
    def test_a_long_message_is_compressed(self, deflate, message):
        peer = Peer(deflate)
        peer.driver.write(Parcel(message))
        assert len(peer.wire.sent) < len(frame(message)) / 5
        assert peer.read() == [message]

    def test_a_short_one_and_one_that_would_grow_are_not(self, deflate):
        noise = zlib.compress(bytes(range(256)) * 4, 9)[:120]
        peer = Peer(deflate)
        peer.driver.write(Parcel("x" * 99, noise))
        assert peer.wire.sent == frame("x" * 99) + frame(noise)
        peer.driver.write(Parcel("x" * 100))
        assert peer.wire.sent[-20] != frame("x" * 100)[-20]

    def test_a_broadcast_is_compressed_once(self, deflate, mocker):
        compressor = mocker.spy(zlib, "compressobj")
        parcel, peers = Parcel(TEXT), [Peer(deflate) for _ in range(3)]
        for peer in [*peers, Peer(deflate, None)]:
            peer.driver.write(parcel)
        assert compressor.call_count == 1
        assert [peer.read() for peer in peers] == [[TEXT]] * 3

    def test_messages_do_not_need_each_other(self, deflate):
        peer = Peer(deflate)
        for number in range(5):
            peer.driver.write(Parcel(f"{TEXT}{number}"))
        peer.driver.write(Parcel("short", TEXT))
        assert peer.read() == [*(f"{TEXT}{number}" for number in range(5)), "short", TEXT]

    @given(st.text() | st.binary(), st.integers(1, 50))
    def test_any_message_comes_as_it_was(self, message, threshold):
        peer = Peer(Deflate(threshold))
        peer.give(b"")
        peer.wire.sent = deflated_frame(message, threshold)
        assert peer.read() == [message]


class TestReceiving:
    def test_compressed_and_plain_messages_come_in_order(self, deflate):
        peer = Peer(deflate)
        assert peer.send(TEXT, b"\x00" * 5000, "x") == ([TEXT, b"\x00" * 5000, "x"], [])
        plain = Protocol(Side.CLIENT, state=State.OPEN)
        plain.send_text(b"plain")
        assert peer.give(b"".join(plain.data_to_send())) == (["plain"], [])
        assert peer.send(TEXT) == ([TEXT], [])

    def test_a_plain_message_after_a_compressed_one_may_come_in_pieces(self, deflate):
        peer = Peer(deflate)
        peer.protocol.send_text(b"x" * 1000)
        (compressed_frame,) = peer.protocol.data_to_send()
        peer.give(compressed_frame)
        other = b"\x81\x84\0\0\0\0fake"
        for spared in range(4, 1010 - len(compressed_frame)):  # so many bytes at most
            message = b"x" * (spared - 4) + other
            head = b"\x82\xfe" + len(message).to_bytes(2, "big") + bytes(4)
            assert peer.give(head + message[: -len(other)]) == ([], [])
            assert peer.give(other) == ([message], [])

    def test_a_compressed_message_may_come_in_fragments(self, deflate):
        peer = Peer(deflate)
        peer.protocol.send_text(TEXT.encode(), fin=False)
        peer.protocol.send_ping(b"")
        peer.protocol.send_continuation(TEXT.encode(), fin=True)
        assert peer.give(b"".join(peer.protocol.data_to_send())) == ([TEXT * 2], [])

    @pytest.mark.parametrize("fin", [True, False])
    def test_one_that_inflates_past_the_limit_closes_and_takes_no_memory(self, deflate, fin):
        compressor = zlib.compressobj(9, wbits=-15)
        chunk = bytes(1_000_000)
        bomb = b"".join(compressor.compress(chunk) for _ in range(90))
        bomb += compressor.flush(zlib.Z_SYNC_FLUSH)[:-4]
        assert len(bomb) < MAX
        peer = Peer(deflate)
        data = compressed(Opcode.BINARY, bomb, fin)
        tracemalloc.start()
        try:
            got, reasons = peer.give(data)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert (got, reasons) == ([], [Reason.TOO_LARGE])
        assert peak < 20 * MAX
        peer.read()
        assert peer.protocol.close_rcvd.code == 1009

    def test_fragments_that_inflate_past_the_limit_together_close(self, deflate):
        peer = Peer(deflate)
        half = bytes(MAX * 2 // 3)
        peer.protocol.send_binary(half, fin=False)
        peer.protocol.send_continuation(half, fin=True)
        got, reasons = peer.give(b"".join(peer.protocol.data_to_send()))
        assert (got, reasons) == ([], [Reason.TOO_LARGE])

    def test_what_does_not_inflate_closes(self, deflate, caplog):
        peer = Peer(deflate)
        data = compressed(Opcode.TEXT, b"\xff" * 50)
        assert peer.give(data) == ([], [Reason.TRANSPORT_ERROR])
        peer.read()
        assert peer.protocol.close_rcvd.code == 1002

    def test_a_compressed_message_of_a_client_that_did_not_ask_closes(self, deflate):
        peer = Peer(deflate, None)
        data = compressed(Opcode.TEXT, b"\xab\x00")
        assert peer.give(data) == ([], [Reason.TRANSPORT_ERROR])

    def test_inflated_text_has_to_be_utf_8(self, deflate):
        peer = Peer(deflate)
        peer.protocol.send_text(b"\xff" * 200)
        assert peer.give(b"".join(peer.protocol.data_to_send()))[1] == [Reason.TRANSPORT_ERROR]
        peer.read()
        assert peer.protocol.close_rcvd.code == 1007
