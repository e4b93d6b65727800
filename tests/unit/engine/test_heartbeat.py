from __future__ import annotations

import gc
import weakref

import pytest

from sionamespace.engine.heartbeat import Heartbeat
from sionamespace.testing.runtime import ManualRuntime


class Connection:
    """As much of a connection as the heartbeat knows."""

    def __init__(self, heartbeat, runtime):
        self.heard = False
        self.pings = []
        self.reason = None
        self._heartbeat = heartbeat
        self._runtime = runtime

    def send(self, parcel, volatile=False):
        assert parcel.packets == ("2",)
        self.pings.append(self._runtime.now())

    def close(self, reason):
        self.reason = self.reason or reason
        self._heartbeat.stop(self)

    def answer(self):
        self.heard = True
        self._heartbeat.start(self)


@pytest.fixture
def runtime():
    return ManualRuntime()


@pytest.fixture
def heartbeat(runtime):
    return Heartbeat(runtime, interval=25, timeout=20)


@pytest.fixture
def connection(heartbeat, runtime):
    connection = Connection(heartbeat, runtime)
    heartbeat.start(connection)
    return connection


def test_a_connection_is_pinged_after_an_interval(runtime, connection):
    runtime.advance(24.9)
    assert connection.pings == []
    runtime.advance(0.1)
    assert connection.pings == [25]


def test_one_that_answers_is_pinged_an_interval_after_its_answer(runtime, connection):
    runtime.advance(30)
    connection.answer()
    runtime.advance(25)
    assert connection.pings == [25, 55]
    connection.answer()
    runtime.advance(44)
    assert connection.reason is None


def test_one_that_does_not_answer_in_time_is_closed(runtime, connection):
    runtime.advance(25 + 19.9)
    assert connection.reason is None
    runtime.advance(0.1)
    assert connection.reason == "ping timeout"
    runtime.advance(1000)
    assert connection.pings == [25]


def test_one_that_is_heard_of_meanwhile_gets_one_more_timeout_and_no_second_ping(
    runtime, connection
):
    runtime.advance(26)
    connection.heard = True
    runtime.advance(38)
    assert connection.reason is None
    runtime.advance(1)
    assert connection.reason == "ping timeout"
    assert connection.pings == [25]


def test_what_was_heard_before_the_ping_does_not_count(runtime, connection):
    connection.heard = True
    runtime.advance(45)
    assert connection.reason == "ping timeout"


@pytest.mark.parametrize("when", [0, 30])
def test_one_that_is_stopped_is_neither_pinged_nor_closed_nor_kept(runtime, heartbeat, when):
    connection = Connection(heartbeat, runtime)
    heartbeat.start(connection)
    runtime.advance(when)
    pings = list(connection.pings)
    heartbeat.stop(connection)
    runtime.advance(100)
    assert (connection.pings, connection.reason) == (pings, None)
    gone = weakref.ref(connection)
    del connection
    gc.collect()
    assert gone() is None


def test_a_ping_that_closes_a_connection_leaves_no_deadline(runtime, heartbeat):
    class Full(Connection):
        def send(self, parcel, volatile=False):
            self.close("slow consumer")

    connection = Full(heartbeat, runtime)
    heartbeat.start(connection)
    runtime.advance(100)
    assert connection.reason == "slow consumer"


def test_each_connection_has_its_own_time(runtime, heartbeat, connection):
    runtime.advance(10)
    later = Connection(heartbeat, runtime)
    heartbeat.start(later)
    runtime.advance(35)
    assert (connection.reason, later.reason) == ("ping timeout", None)
    assert later.pings == [35]


class TestClientsThatPing:
    @pytest.fixture
    def connection(self, heartbeat, runtime):
        connection = Connection(heartbeat, runtime)
        heartbeat.await_ping(connection)
        return connection

    def ping(self, heartbeat, connection):
        connection.heard = True
        heartbeat.await_ping(connection)

    def test_they_are_not_pinged_and_stay_while_they_ping(self, runtime, heartbeat, connection):
        for _ in range(5):
            runtime.advance(44)
            self.ping(heartbeat, connection)
        assert (connection.pings, connection.reason) == ([], None)

    def test_one_that_does_not_is_closed_after_an_interval_and_a_timeout(self, runtime, connection):
        runtime.advance(44.9)
        assert connection.reason is None
        runtime.advance(0.1)
        assert connection.reason == "ping timeout"

    def test_the_same_after_its_last_ping(self, runtime, heartbeat, connection):
        runtime.advance(10)
        self.ping(heartbeat, connection)
        runtime.advance(44.9)
        assert connection.reason is None
        runtime.advance(0.1)
        assert connection.reason == "ping timeout"

    def test_one_that_says_something_else_gets_one_more_timeout(self, runtime, connection):
        runtime.advance(1)
        connection.heard = True
        runtime.advance(63.9)
        assert connection.reason is None
        runtime.advance(0.1)
        assert connection.reason == "ping timeout"

    def test_and_stays_when_it_pings_then(self, runtime, heartbeat, connection):
        connection.heard = True
        runtime.advance(50)
        self.ping(heartbeat, connection)
        runtime.advance(44.9)
        assert connection.reason is None

    @pytest.mark.parametrize("when", [0, 50])
    def test_one_that_is_stopped_is_not_closed(self, runtime, heartbeat, connection, when):
        connection.heard = True
        runtime.advance(when)
        heartbeat.stop(connection)
        runtime.advance(1000)
        assert connection.reason is None
