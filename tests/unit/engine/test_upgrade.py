from __future__ import annotations

import pytest

from sionamespace.engine.heartbeat import Heartbeat
from sionamespace.engine.socket import EngineSocket, Services
from sionamespace.engine.upgrade import Upgrade
from sionamespace.protocol.engineio import Parcel, decode_payload
from sionamespace.protocol.websocket import frame
from sionamespace.testing.runtime import ManualRuntime
from sionamespace.types import Reason


class Receiver:
    def __init__(self):
        self.messages = []
        self.reasons = []

    def receive(self, message):
        self.messages.append(message)

    def closed(self, reason):
        self.reasons.append(reason)


class WebSocket:
    """A WebSocket whose client says what the test says."""

    def __init__(self):
        self.busy = False
        self.written = b""
        self.ended = None
        self.steps = []
        self.on_packet = None
        self.on_free = lambda: None

    def write(self, *parcels):
        self.written += b"".join(parcel.frames for parcel in parcels)

    def close(self):
        self.steps.append("close")
        self.ended = self.ended or "closed"

    def abort(self):
        self.steps.append("abort")
        self.ended = "aborted"

    def says(self, *packets):
        for packet in packets:
            self.on_packet(packet)


def frames(*packets):
    return b"".join(map(frame, packets))


@pytest.fixture
def forgotten():
    return []


@pytest.fixture
def socket(forgotten):
    runtime = ManualRuntime()
    socket = EngineSocket(
        "sid",
        Services(runtime, Heartbeat(runtime, 25, 20), 1000, lambda _: None, forgotten.append),
    )
    socket.receiver = Receiver()
    return socket


@pytest.fixture
def websocket():
    return WebSocket()


@pytest.fixture
def upgrade(socket, websocket):
    return Upgrade(socket, websocket)


class TestSuccess:
    def test_a_probe_is_answered_and_lets_the_poll_return(self, socket, websocket, upgrade):
        poll = socket.start_poll()
        websocket.says("2probe")
        assert websocket.written == frames("3probe")
        assert poll.done()
        assert decode_payload(socket.take()) == ["6"]
        assert socket.transport == "polling"

    def test_then_the_websocket_takes_over_in_both_directions(self, socket, websocket, upgrade):
        websocket.says("2probe", "5", "4in", b"data")
        socket.send(Parcel("4out"))
        assert socket.transport == "websocket"
        assert socket.receiver.messages == ["in", b"data"]
        assert websocket.written == frames("3probe", "4out")

    def test_what_was_sent_on_the_way_arrives_in_order_and_once(self, socket, websocket, upgrade):
        socket.send(Parcel("4a"))
        poll = socket.start_poll()
        assert poll.done()
        websocket.says("2probe")
        socket.send(Parcel("4b"))
        assert decode_payload(socket.take()) == ["4a", "4b"]
        socket.send(Parcel("4c"))
        websocket.says("5")
        socket.send(Parcel("4d"))
        assert websocket.written == frames("3probe", "4c", "4d")

    def test_what_comes_by_polling_on_the_way_is_received(self, socket, websocket, upgrade):
        websocket.says("2probe")
        socket.receive("4posted")
        websocket.says("5", "4in")
        assert socket.receiver.messages == ["posted", "in"]

    def test_when_the_websocket_ends_later_the_connection_does(
        self, socket, websocket, upgrade, forgotten
    ):
        websocket.says("2probe", "5")
        receiver = socket.receiver
        upgrade.ended("transport close")
        assert receiver.reasons == ["transport close"]
        assert forgotten == [socket]

    def test_the_time_being_over_later_changes_nothing(self, socket, websocket, upgrade):
        websocket.says("2probe", "5")
        upgrade.give_up()
        assert websocket.ended is None

    def test_what_waits_when_the_websocket_is_free_again_is_written(
        self, socket, websocket, upgrade
    ):
        websocket.says("2probe")
        websocket.busy = True
        websocket.says("5")
        socket.send(Parcel("4a"))
        websocket.busy = False
        websocket.on_free()
        assert websocket.written == frames("3probe", "4a")


class TestFailure:
    @pytest.mark.parametrize("packets", [["5"], ["4hello"], [b"data"], ["2"], ["2probe", "4hello"]])
    def test_a_client_that_does_something_else_is_turned_away(
        self, socket, websocket, upgrade, packets
    ):
        websocket.says(*packets)
        assert websocket.ended == "closed"
        assert socket.transport == "polling"
        assert socket.receiver.messages == []

    def test_one_that_probes_without_end_is_turned_away(self, socket, websocket, upgrade):
        websocket.says("2probe", "2probe")
        assert websocket.ended is None
        websocket.says(*["2probe"] * 1000)
        assert websocket.ended == "closed"
        assert len(websocket.written) < 10 * len(frames("3probe"))

    def test_one_that_was_turned_away_cannot_go_on(self, socket, websocket, upgrade):
        websocket.says("4hello", "2probe", "5")
        assert socket.transport == "polling"
        assert websocket.written == b""

    def test_one_that_is_too_slow_is_told_and_cut_off_as_it_may_not_even_answer_a_goodbye(
        self, socket, websocket, upgrade
    ):
        websocket.says("2probe")
        upgrade.give_up()
        assert websocket.steps == ["close", "abort"]

    def test_polling_goes_on_with_all_that_waits(self, socket, websocket, upgrade):
        websocket.says("2probe")
        socket.send(Parcel("4a"))
        upgrade.ended("transport error")
        assert socket.receiver.reasons == []
        assert socket.start_poll().done()
        assert decode_payload(socket.take()) == ["4a"]
        assert not socket.start_poll().done()

    def test_an_upgrade_that_ends_before_its_probe_hinders_no_other(
        self, socket, websocket, upgrade
    ):
        second = WebSocket()
        Upgrade(socket, second)
        second.says("2probe")
        upgrade.ended("transport close")
        assert socket.upgrading
        second.says("5")
        assert socket.transport == "websocket"

    @pytest.mark.parametrize("reason", [Reason.SERVER, Reason.SHUTDOWN])
    def test_a_connection_that_closes_meanwhile_says_its_last_by_the_websocket(
        self, socket, websocket, upgrade, reason
    ):
        websocket.says("2probe")
        socket.send(Parcel("41"))
        socket.close(reason)
        assert websocket.ended is None
        websocket.says("5")
        assert websocket.written == frames("3probe", "41")
        assert websocket.ended == "closed"

    def test_a_connection_that_is_gone_takes_its_upgrades_along(self, socket, websocket, upgrade):
        second = WebSocket()
        Upgrade(socket, second)
        websocket.says("2probe")
        socket.receive("1")
        assert (websocket.ended, second.ended) == ("aborted", "aborted")
        second.says("2probe", "5")
        assert second.written == b""

    def test_one_whose_upgrade_has_ended_is_not_told_again(self, socket, websocket, upgrade):
        websocket.says("2probe")
        upgrade.ended("transport close")
        socket.receive("1")
        assert websocket.ended is None

    def test_of_two_upgrades_the_first_to_ask_wins(self, socket, websocket, upgrade, forgotten):
        second = WebSocket()
        late = Upgrade(socket, second)
        websocket.says("2probe")
        second.says("2probe")
        websocket.says("5")
        second.says("5", "4injected")
        assert second.ended == "closed"
        late.ended("transport close")
        assert (socket.receiver.reasons, forgotten) == ([], [])
        socket.send(Parcel("4a"))
        assert websocket.written == frames("3probe", "4a")
        assert second.written == frames("3probe")
