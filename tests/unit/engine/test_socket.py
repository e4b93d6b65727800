from __future__ import annotations

import gc
import weakref

import pytest

from sionamespace.engine.heartbeat import Heartbeat
from sionamespace.engine.socket import EngineSocket, Services
from sionamespace.protocol.engineio import Parcel, decode_payload
from sionamespace.protocol.websocket import frame
from sionamespace.testing.runtime import ManualRuntime
from sionamespace.types import Reason


class Receiver:
    """Writes down what it is told, and may do something about it."""

    def __init__(self):
        self.messages = []
        self.reasons = []
        self.on_message = lambda message: None
        self.on_closed = lambda: None

    def receive(self, message):
        self.messages.append(message)
        self.on_message(message)

    def closed(self, reason):
        self.reasons.append(reason)
        self.on_closed()


class WebSocket:
    """A WebSocket whose kernel takes all, or nothing while it is full."""

    def __init__(self):
        self.busy = False
        self.full = False
        self.written = b""
        self.ended = None

    def write(self, *parcels):
        self.written += b"".join(parcel.frames for parcel in parcels)
        self.busy = self.busy or self.full

    def close(self):
        self.ended = self.ended or "closed"

    def abort(self):
        self.ended = "aborted"


def text(*words):
    return [Parcel("4" + word) for word in words]


def frames(*packets):
    return b"".join(map(frame, packets))


@pytest.fixture
def runtime():
    return ManualRuntime()


@pytest.fixture
def lingering():
    return []


@pytest.fixture
def forgotten():
    return []


@pytest.fixture
def services(runtime, lingering, forgotten):
    return Services(runtime, Heartbeat(runtime, 25, 20), 100, lingering.append, forgotten.append)


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def socket(services, receiver):
    socket = EngineSocket("sid", services)
    socket.receiver = receiver
    return socket


@pytest.fixture
def websocket():
    return WebSocket()


@pytest.fixture
def upgraded(socket, websocket):
    socket.end_upgrade(websocket)
    return socket


def poll(socket):
    """What a poll gets that does not wait."""
    waiting = socket.start_poll()
    assert waiting.done()
    return decode_payload(socket.take())


class TestPolling:
    def test_a_poll_gets_at_once_all_that_waits_in_order(self, socket):
        for parcel in text("a", "b", "c"):
            socket.send(parcel)
        assert socket.transport == "polling"
        assert poll(socket) == ["4a", "4b", "4c"]

    def test_more_than_sixteen_packets_are_one_payload(self, socket):
        for parcel in text(*map(str, range(30))):
            socket.send(parcel)
        assert len(poll(socket)) == 30

    def test_attachments_follow_their_packet(self, socket):
        socket.send(Parcel.of_message("51-[...]", (b"data",)))
        socket.send(Parcel("4next"))
        assert poll(socket) == ["451-[...]", b"data", "4next"]

    def test_a_poll_waits_until_something_is_sent(self, socket, runtime):
        got = runtime.spawn(lambda: (socket.start_poll().result(), decode_payload(socket.take())))
        runtime.settle()
        assert not got.done()
        for parcel in text("a", "b"):
            socket.send(parcel)
        assert got.result()[1] == ["4a", "4b"]

    def test_what_was_taken_is_not_there_again(self, socket):
        socket.send(Parcel("4a"))
        poll(socket)
        assert not socket.start_poll().done()

    def test_a_second_poll_is_not_begun_while_one_waits(self, socket):
        first = socket.start_poll()
        assert socket.start_poll() is None
        assert not first.done()

    def test_a_volatile_packet_is_sent_when_a_poll_waits_for_it(self, socket):
        waiting = socket.start_poll()
        socket.send(Parcel("4a"), volatile=True)
        assert waiting.done()
        assert decode_payload(socket.take()) == ["4a"]

    def test_a_volatile_packet_is_dropped_when_none_waits(self, socket):
        socket.send(Parcel("4a"), volatile=True)
        assert not socket.start_poll().done()

    def test_a_session_that_is_polled_too_slowly_is_closed(self, socket, receiver, caplog):
        for _ in range(2):
            socket.send(Parcel("4" + "x" * 60))
        assert receiver.reasons == []
        socket.send(Parcel("4"))
        assert receiver.reasons == ["slow consumer"]
        assert "more than 100 bytes" in caplog.text
        assert poll(socket) == ["1"]

    def test_one_packet_may_be_larger_than_all_that_may_wait(self, socket, receiver):
        large = "4" + "x" * 500
        socket.send(Parcel(large))
        assert poll(socket) == [large]
        assert receiver.reasons == []

    def test_what_was_polled_does_not_count_against_the_next(self, socket, receiver):
        for _ in range(10):
            socket.send(Parcel("4" + "x" * 60))
            poll(socket)
        assert receiver.reasons == []


class TestReceiving:
    def test_messages_go_to_the_receiver(self, socket, receiver):
        socket.receive("4hello")
        socket.receive("4")
        socket.receive(b"data")
        assert receiver.messages == ["hello", "", b"data"]

    def test_whatever_comes_is_a_sign_of_life(self, socket):
        socket.receive("4hello")
        assert socket.heard

    @pytest.mark.parametrize("packet", ["0", "5", "6", "6x"])
    def test_packets_that_mean_nothing_are_ignored(self, socket, receiver, packet):
        socket.receive(packet)
        assert (receiver.messages, receiver.reasons) == ([], [])

    @pytest.mark.parametrize(
        ("packet", "reason"),
        [
            ("1", "transport close"),
            ("2", "transport error"),
            ("2probe", "transport error"),
            ("7", "parse error"),
            ("x", "parse error"),
            ("", "parse error"),
        ],
    )
    def test_packets_that_end_it(self, socket, receiver, packet, reason):
        socket.receive(packet)
        socket.receive("4after")
        assert receiver.reasons == [reason]
        assert receiver.messages == []

    def test_a_binary_message_may_be_a_text(self, socket, receiver):
        socket.receive("bAQL/")
        assert receiver.messages == [b"\x01\x02\xff"]

    @pytest.mark.parametrize("text", ["b%%%", "bAA=A"])
    def test_one_that_is_no_base64_ends_it(self, socket, receiver, text):
        socket.receive(text)
        assert receiver.reasons == ["parse error"]

    def test_an_answered_ping_is_followed_by_another_and_an_unanswered_one_by_the_end(
        self, socket, receiver, services, runtime
    ):
        services.heartbeat.start(socket)
        for _ in range(3):
            runtime.advance(25)
            assert poll(socket) == ["2"]
            socket.receive("3")
        runtime.advance(44)
        assert receiver.reasons == []
        runtime.advance(1)
        assert receiver.reasons == ["ping timeout"]
        assert receiver.messages == []


class TestWebSocket:
    def test_a_packet_is_written_at_once(self, upgraded, websocket):
        upgraded.send(Parcel("4a", b"data"))
        assert upgraded.transport == "websocket"
        assert websocket.written == frames("4a", b"data")

    def test_while_it_is_busy_packets_wait_in_order_and_go_together(self, upgraded, websocket):
        websocket.full = True
        for parcel in text("a", "b", "c"):
            upgraded.send(parcel)
        assert websocket.written == frames("4a")
        websocket.busy = websocket.full = False
        upgraded.flush()
        upgraded.send(Parcel("4d"))
        assert websocket.written == frames("4a", "4b", "4c", "4d")

    def test_while_it_is_busy_volatile_packets_are_dropped(self, upgraded, websocket):
        websocket.full = True
        upgraded.send(Parcel("4a"), volatile=True)
        upgraded.send(Parcel("4b"), volatile=True)
        upgraded.send(Parcel("4c"))
        websocket.busy = False
        upgraded.flush()
        assert websocket.written == frames("4a", "4c")

    def test_a_client_for_which_too_much_waits_is_ended_at_once(
        self, upgraded, websocket, receiver, lingering
    ):
        websocket.full = True
        for _ in range(4):
            upgraded.send(Parcel("4" + "x" * 39))
        assert receiver.reasons == []
        upgraded.send(Parcel("4"))
        assert websocket.ended == "aborted"
        assert receiver.reasons == ["slow consumer"]
        assert lingering == [upgraded]

    def test_what_was_written_does_not_count_against_the_next(self, upgraded, websocket, receiver):
        for _ in range(10):
            websocket.full = True
            upgraded.send(Parcel("4" + "x" * 60))
            upgraded.send(Parcel("4" + "x" * 60))
            websocket.busy = websocket.full = False
            upgraded.flush()
        assert receiver.reasons == []

    def test_when_it_is_lost_the_receiver_is_told_and_all_is_forgotten(
        self, upgraded, receiver, forgotten
    ):
        upgraded.lost("transport close")
        assert receiver.reasons == ["transport close"]
        assert forgotten == [upgraded]

    def test_when_it_is_lost_after_the_close_the_reason_is_that_of_the_close(
        self, upgraded, receiver, forgotten
    ):
        upgraded.close("server disconnect")
        upgraded.lost("transport close")
        assert receiver.reasons == ["server disconnect"]
        assert forgotten == [upgraded]


class TestClosing:
    def test_with_a_websocket_it_is_closed_after_what_waits_was_written(
        self, upgraded, websocket, receiver, lingering
    ):
        websocket.full = True
        for parcel in text("a", "b"):
            upgraded.send(parcel)
        upgraded.close("server disconnect")
        assert receiver.reasons == ["server disconnect"]
        assert lingering == [upgraded]
        assert (websocket.written, websocket.ended) == (frames("4a", "4b"), None)
        websocket.busy = websocket.full = False
        upgraded.flush()
        assert websocket.ended == "closed"

    def test_with_an_idle_websocket_it_is_closed_at_once(self, upgraded, websocket):
        upgraded.close("server disconnect")
        assert websocket.ended == "closed"

    def test_a_poll_that_waits_is_told(self, socket, forgotten, receiver):
        waiting = socket.start_poll()
        socket.close("server disconnect")
        assert waiting.done()
        assert receiver.reasons == ["server disconnect"]
        assert forgotten == []
        assert decode_payload(socket.take()) == ["1"]
        assert forgotten == [socket]

    def test_one_that_says_goodbye_itself_fetches_nothing_any_more(self, socket, forgotten):
        waiting = socket.start_poll()
        socket.receive("1")
        assert waiting.done()
        assert forgotten == [socket]
        assert decode_payload(socket.take()) == ["6"]

    def test_what_waits_is_fetched_before_the_close_which_has_a_payload_of_its_own(
        self, socket, forgotten, lingering
    ):
        for parcel in text("a", "b"):
            socket.send(parcel)
        socket.close("server disconnect")
        assert lingering == [socket]
        assert poll(socket) == ["4a", "4b"]
        assert forgotten == []
        assert poll(socket) == ["1"]
        assert forgotten == [socket]

    def test_after_it_nothing_is_sent_or_received(self, socket, receiver):
        socket.close("server disconnect")
        socket.send(Parcel("4late"))
        socket.receive("4late")
        assert receiver.messages == []
        assert poll(socket) == ["1"]

    def test_it_is_told_once(self, socket, receiver, lingering):
        socket.close("first")
        socket.close("second")
        assert receiver.reasons == ["first"]
        assert lingering == [socket]

    @pytest.mark.parametrize(
        ("reason", "packets"), [(Reason.SERVER, ["1"]), (Reason.SHUTDOWN, ["6"])]
    )
    def test_a_client_that_polls_is_sent_away_but_not_by_a_shutdown(
        self, socket, forgotten, reason, packets
    ):
        waiting = socket.start_poll()
        socket.close(reason)
        assert waiting.done()
        assert decode_payload(socket.take()) == packets
        assert forgotten == [socket]

    @pytest.mark.parametrize("act", ["close", "send"])
    def test_the_receiver_may_close_or_send_while_it_is_told(self, socket, receiver, act):
        receiver.on_closed = lambda: (
            socket.close("again") if act == "close" else socket.send(Parcel("4bye"))
        )
        socket.close("first")
        assert receiver.reasons == ["first"]
        assert poll(socket) == ["1"]

    def test_the_receiver_may_close_while_it_receives(self, socket, receiver):
        receiver.on_message = lambda message: socket.close("enough")
        for packet in ("4a", "4b", "1"):
            socket.receive(packet)
        assert receiver.messages == ["a"]
        assert receiver.reasons == ["enough"]

    def test_the_receiver_may_answer_while_it_receives(self, upgraded, receiver, websocket):
        receiver.on_message = lambda message: upgraded.send(Parcel("4re:" + message))
        upgraded.receive("4a")
        upgraded.receive("4b")
        assert websocket.written == frames("4re:a", "4re:b")

    def test_the_heartbeat_stops(self, socket, services, runtime, receiver):
        services.heartbeat.start(socket)
        runtime.advance(25)
        poll(socket)
        socket.close("server disconnect")
        runtime.advance(100)
        assert receiver.reasons == ["server disconnect"]
        assert poll(socket) == ["1"]

    def test_an_abort_leaves_nothing(self, upgraded, websocket, forgotten):
        websocket.full = True
        for parcel in text("a", "b"):
            upgraded.send(parcel)
        upgraded.close("server disconnect")
        upgraded.abort()
        assert websocket.ended == "aborted"
        assert forgotten == [upgraded]

    def test_a_poll_that_waits_at_an_abort_ends(self, socket, forgotten):
        for parcel in text("a"):
            socket.send(parcel)
        socket.close("server disconnect")
        poll(socket)
        socket.abort()
        assert forgotten == [socket]
        assert poll(socket) == ["6"]

    def test_a_closed_socket_is_not_kept_by_its_timers(self, services, receiver, runtime):
        socket = EngineSocket("sid", services)
        socket.receiver = receiver
        services.heartbeat.start(socket)
        runtime.advance(30)
        socket.close("server disconnect")
        poll(socket)
        services.linger.__self__.clear()
        services.forget.__self__.clear()
        gone = weakref.ref(socket)
        del socket
        gc.collect()
        assert gone() is None


class TestUpgrading:
    def test_the_poll_that_waits_returns_with_a_noop(self, socket):
        waiting = socket.start_poll()
        socket.begin_upgrade()
        assert waiting.done()
        assert decode_payload(socket.take()) == ["6"]

    def test_a_poll_meanwhile_returns_at_once(self, socket):
        socket.begin_upgrade()
        assert poll(socket) == ["6"]
        socket.send(Parcel("4a"))
        assert poll(socket) == ["4a"]

    def test_what_is_sent_while_no_poll_waits_is_written_first_of_all(self, socket, websocket):
        socket.begin_upgrade()
        for parcel in text("a", "b"):
            socket.send(parcel)
        socket.end_upgrade(websocket)
        socket.send(Parcel("4c"))
        assert websocket.written == frames("4a", "4b", "4c")

    def test_what_a_woken_poll_has_not_taken_yet_goes_one_way_only(self, socket, websocket):
        socket.start_poll()
        socket.begin_upgrade()
        socket.send(Parcel("4a"))
        socket.end_upgrade(websocket)
        assert decode_payload(socket.take()) == ["6"]
        assert websocket.written == frames("4a")

    def test_a_poll_that_still_waits_when_it_is_over_returns_with_a_noop(self, socket, websocket):
        waiting = socket.start_poll()
        socket.end_upgrade(websocket)
        socket.send(Parcel("4a"))
        assert waiting.done()
        assert decode_payload(socket.take()) == ["6"]
        assert websocket.written == frames("4a")

    def test_with_a_busy_websocket_nothing_overtakes(self, socket, websocket):
        socket.send(Parcel("4a"))
        websocket.full = websocket.busy = True
        socket.end_upgrade(websocket)
        socket.send(Parcel("4b"))
        websocket.busy = websocket.full = False
        socket.flush()
        assert websocket.written == frames("4a", "4b")

    def test_when_it_fails_polls_wait_again(self, socket):
        socket.begin_upgrade()
        socket.end_upgrade(None)
        waiting = socket.start_poll()
        assert not waiting.done()
        socket.send(Parcel("4a"))
        assert decode_payload(socket.take()) == ["4a"]
        assert socket.transport == "polling"

    def test_a_closed_socket_says_its_last_by_a_websocket(self, socket, websocket):
        socket.begin_upgrade()
        socket.send(Parcel("41"))
        socket.close("server disconnect")
        socket.end_upgrade(websocket)
        assert (websocket.written, websocket.ended) == (frames("41"), "closed")

    def test_flushing_without_a_websocket_keeps_what_waits(self, socket):
        socket.send(Parcel("4a"))
        socket.flush()
        assert poll(socket) == ["4a"]
