"""The clients of a server that ends are sent away one after another."""

from __future__ import annotations

import json

import pytest

from sionamespace.engine.drain import Drain
from sionamespace.protocol.engineio import Parcel
from sionamespace.testing.runtime import ManualRuntime


class Socket:
    """Writes down when it was closed, and why."""

    def __init__(self, runtime):
        self._runtime = runtime
        self.closed_at = None

    def close(self, reason):
        assert reason == "server shutting down"
        assert self.closed_at is None
        self.closed_at = self._runtime.now()


@pytest.fixture
def runtime():
    return ManualRuntime()


def drained(runtime, count, seconds):
    """When each of some sockets was closed, and when that was told."""
    sockets, over = [Socket(runtime) for _ in range(count)], []
    Drain(runtime, seconds, list(sockets), lambda: over.append(runtime.now()))
    runtime.advance(seconds)
    (end,) = over
    return sorted(socket.closed_at for socket in sockets), end


def test_few_go_at_even_times(runtime):
    times, end = drained(runtime, 4, 10)
    assert times == pytest.approx([0, 2.5, 5, 7.5])
    assert end == pytest.approx(7.5)


def test_many_go_in_small_steps(runtime):
    times, _ = drained(runtime, 1000, 2)
    assert times[-1] < 2
    for quarter in range(4):
        assert 200 <= sum(quarter / 2 <= time < (quarter + 1) / 2 for time in times) <= 300


@pytest.mark.parametrize("count", [0, 1])
def test_one_or_none_keeps_nobody_waiting(runtime, count):
    times, end = drained(runtime, count, 600)
    assert times == [0] * count
    assert end == 0


@pytest.mark.wsgi_runtimes
class TestServer:
    def drain(self, site, seconds):
        over = []
        with site._holding:
            site.server.drain(seconds, lambda: over.append(True))
        return over

    def test_nobody_new_is_let_in_while_those_who_are_there_are_served(self, make, caplog):
        site = make()
        sids = [site.open() for _ in range(3)]
        over = self.drain(site, 1)
        site.until(lambda: any(receiver.reasons for receiver in site.receivers.values()))
        reply = site.handshake()
        assert reply.status == 503
        assert reply.fault[1]["message"] == "Server shutting down"
        served = [sid for sid in sids if not site.receivers[sid].reasons]
        site.post(served[0], "4echo this")
        assert site.poll(served[0]).packets == ["4echo this"]
        site.until(lambda: over)
        for receiver in site.receivers.values():
            assert receiver.reasons == ["server shutting down"]
        assert "while this server ends" in caplog.text

    def test_what_was_sent_to_a_client_is_still_fetched(self, make):
        site = make()
        sid = site.open()
        site.link(sid).send(Parcel("4last words"))
        self.drain(site, 0.1)
        site.until(lambda: site.receivers[sid].reasons)
        assert site.poll(sid).packets == ["4last words"]
        site.poll(sid)
        assert json.loads(site.poll(sid).body)["code"] == 1

    def test_who_was_sent_away_and_asks_once_more_is_no_fault_of_the_proxy(self, make, caplog):
        site = make()
        sids = [site.open() for _ in range(3)]
        over = self.drain(site, 0.1)
        site.until(lambda: over)
        for sid in sids:
            site.poll(sid)
            assert json.loads(site.poll(sid).body)["code"] == 1
        (line,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
        assert "has ended with this server" in line

    def test_being_told_twice_changes_nothing(self, make):
        site = make()
        site.open()
        first, second = self.drain(site, 0.05), self.drain(site, 0.05)
        site.until(lambda: first)
        assert second == []
