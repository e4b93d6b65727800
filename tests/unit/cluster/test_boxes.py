"""What waits, on its way out and in."""

from __future__ import annotations

import logging

import pytest

from sionamespace import Namespace
from sionamespace.cluster.fresh import FreshRooms
from sionamespace.cluster.messages import Enter, Leave
from sionamespace.cluster.outbox import Entry, Outbox
from sionamespace.testing.cluster import Cluster

ENTRY = 300


class Box(Outbox):
    def __init__(self, most=10 * ENTRY):
        self.woken, self.news = 0, []
        super().__init__(most, self.news.append)
        self.wake = self.wake_up
        self.anew()
        self.flows = True

    def wake_up(self):
        self.woken += 1

    def taken(self):
        changes, entries = self.take(1000, 10**9)
        self.settled(entries)
        return changes, [entry.message for entry in entries]


def test_the_pump_is_woken_once_while_it_sleeps():
    box = Box()
    box.put("a")
    box.put("b")
    box.want("x")
    assert box.woken == 1
    assert not box.sleep()
    assert box.taken() == ({"x": True}, ["a", "b"])
    assert box.sleep()
    box.mark(lambda: None)
    box.put("c")
    assert box.woken == 2


def test_marks_are_no_more_than_the_bound_and_no_messages_that_are_lost():
    box, reached = Box(), []
    marks = [box.mark(lambda: reached.append(1)) for _ in range(20)]
    assert marks == [True] * 10 + [False] * 10
    assert (box.bytes, box.lost, box.refused) == (0, 0, 0)
    assert box.taken()[1] == [None] * 10
    assert box.mark(lambda: None)


def test_what_waits_keeps_no_mark_away():
    box = Box()
    while box.put("m"):
        pass
    assert box.mark(lambda: None)


def test_a_channel_counts_as_it_was_wanted_last():
    box = Box()
    box.want("x")
    box.unwant("x")
    box.want("y")
    assert box.taken()[0] == {"x": False, "y": True}
    assert box.anew() == ["y"]


def test_what_is_wanted_while_nothing_is_subscribed_to_takes_no_room():
    box = Box()
    box.put("stays")
    box.put("v", volatile=True)
    assert box.interrupt([Entry("taken", None, 0), Entry("v", None, 0, volatile=True)])
    for number in range(1000):
        box.want(f"room {number}")
        box.unwant(f"room {number}")
    box.want("x")
    assert box.take(0, 0)[0] == {}
    assert box.anew() == ["x"]
    box.want("y")
    assert box.taken() == ({"y": True}, ["stays"])
    assert (box.bytes, box.refused, box.lost) == (0, 2, 0)


def test_all_that_is_wanted_is_wanted_anew():
    box = Box()
    box.want("x")
    box.taken()
    box.want("y")
    assert sorted(box.anew()) == ["x", "y"]
    assert box.taken()[0] == {}


def test_what_is_taken_takes_room_until_it_is_sent():
    box = Box()
    for number in range(10):
        assert box.put(number)
    _, entries = box.take(5, 10**9)
    assert not box.put("no room")
    box.settled(entries)
    assert box.put("room")
    assert box.news == [True]
    box.taken()
    assert box.news == [True, False]
    assert box.bytes == 0


def test_as_much_is_taken_as_asked_for_and_one_at_least():
    box = Box(10**6)
    for _ in range(10):
        box.put("x", size=1000)
    assert len(box.take(3, 10**9)[1]) == 3
    assert len(box.take(100, 2000)[1]) == 2
    assert len(box.take(100, 1)[1]) == 1


# An eighth of the box is made free at once, which is two of its ten messages.


def test_volatile_messages_make_room_the_oldest_first():
    box = Box()
    box.put("first")
    for number in range(9):
        box.put(number, volatile=True)
    assert box.put("last")
    assert box.taken()[1] == ["first", *range(2, 9), "last"]
    assert (box.refused, box.lost) == (2, 0)


def test_a_volatile_message_goes_before_a_newer_one():
    box = Box()
    for number in range(11):
        box.put(number, volatile=True)
    assert box.taken()[1] == list(range(2, 11))


def test_a_message_that_no_volatile_ones_can_make_room_for_is_refused_and_they_stay():
    box = Box()
    for number in range(8):
        box.put(number)
    box.put("v", volatile=True)
    assert not box.put("large", size=5 * ENTRY)
    assert box.taken()[1] == [*range(8), "v"]
    assert (box.refused, box.lost) == (1, 1)


def test_nothing_volatile_waits_while_the_broker_is_away():
    box = Box()
    box.flows = False
    assert not box.put("v", volatile=True)
    assert box.put("stays")
    assert (box.refused, box.lost, box.news) == (1, 0, [])


# Rooms that others may not listen to yet.


def test_a_room_is_fresh_for_five_seconds_and_is_then_forgotten():
    times = [0.0]
    fresh = FreshRooms(lambda: times[0])
    for number in range(1000):
        times[0] = number
        fresh.add(Enter("/", ("x",), frozenset(), (f"room {number}",)))
    assert fresh.concerns(Leave("/", ("room 995",), frozenset(), ("y",)))
    assert not fresh.concerns(Leave("/", ("room 994",), frozenset(), ("y",)))
    assert len(fresh) == 5


# The inbox.


class Chat(Namespace): ...


def test_more_than_a_server_can_deliver_is_dropped_volatile_messages_first(caplog):
    with Cluster(Chat, settings={"max_inbox_bytes": 20_000}) as c:
        client = c.node(1).connect()

        def burst():
            for number in range(200):
                c.node(0).namespace().emit("said", number)
                c.node(0).namespace().emit("volatile", number, volatile=True)

        c.node(0).run(burst)
        said, volatile = len(client.received("said")), len(client.received("volatile"))
        assert 10 < volatile < said < 200
        assert c.node(1).health().dropped == 400 - said - volatile
        lines = [r for r in caplog.records if r.levelno == logging.ERROR]
        assert len(lines) == 1
        assert "more comes from other servers than this one delivers" in lines[0].getMessage()
        client.clear()
        c.node(0).namespace().emit("said", "on")
        assert client.last("said").args == ("on",)


@pytest.mark.every_runtime
def test_a_burst_is_delivered_whole():
    with Cluster(Chat) as c:
        client = c.node(1).connect()

        def burst():
            for number in range(2000):
                c.node(0).namespace().emit("said", number)

        c.node(0).run(burst)
        assert [event.args[0] for event in client.received("said")] == list(range(2000))
