"""A server that has much to send, or stands still for a moment, is there all the same."""

from __future__ import annotations

import asyncio
import logging

import pytest

from sionamespace import BrokerDown, Namespace, server_event
from sionamespace.testing.cluster import Cluster

pytestmark = pytest.mark.every_runtime


class Chat(Namespace):
    def on_join(self, sid, *rooms):
        self.enter_room(sid, rooms)

    def on_leave(self, sid, *rooms):
        self.leave_room(sid, rooms)

    def on_say(self, sid, *args):
        self.emit("said", *args)

    @server_event
    def think(self):
        self.sleep(0.5)
        return "thought"

    @server_event
    def work(self, text):
        self.sleep(60)


@pytest.fixture
def cluster():
    with Cluster(Chat, nodes=2) as c:
        yield c


@pytest.fixture
def clients(cluster):
    return [node.connect() for node in cluster.nodes]


def heard(*clients):
    return [[event.args[0] for event in client.received("said")] for client in clients]


def gone(cluster):
    """The servers that have been without another one since all had come."""
    return [
        node.name
        for node in cluster.nodes
        if not all(health.nodes for health in node.changes[1:]) or not node.health().nodes
    ]


def slow(broker, method, seconds):
    """Let what a broker does take its time: for a hundred channels, or one batch of messages."""
    at_once = getattr(broker, method)

    async def slowly(what):
        await asyncio.sleep(seconds * (1 if method == "publish" else len(what) / 100))
        await at_once(what)

    setattr(broker, method, slowly)


def test_its_beats_do_not_wait_behind_what_it_sends(cluster, clients, caplog):
    cluster.advance(2)
    slow(cluster.node(0)._broker, "publish", 1)

    def burst():
        for number in range(5000):  # to a room that the other one does not listen to
            cluster.node(0).namespace().emit("said", number, room="nobody")

    cluster.node(0).run(burst)
    cluster.advance(30)
    assert not cluster.node(0).health().waiting
    assert not gone(cluster)
    assert "nothing was heard" not in caplog.text


def test_it_is_there_while_it_enters_and_leaves_many_rooms(cluster, clients):
    for method in ("subscribe", "unsubscribe"):
        slow(cluster.node(0)._broker, method, 1)
    rooms = [f"room {number}" for number in range(1000)]
    clients[0].emit("join", *rooms)
    cluster.advance(11)
    assert not gone(cluster)
    cluster.node(1).namespace().emit("said", 1, room="room 999")
    assert heard(clients[0]) == [[1]]
    clients[0].emit("leave", *rooms)
    cluster.advance(11)
    assert not gone(cluster)
    assert not any("room" in channel for channel in cluster.node(0)._broker._channels)


def test_it_is_there_while_it_subscribes_to_all_anew(cluster, clients):
    clients[0].emit("join", *(f"room {number}" for number in range(1000)))
    slow(cluster.node(0)._broker, "subscribe", 1)
    cluster.cut(0)
    cluster.heal(0)
    cluster.advance(12)
    assert not gone(cluster)
    assert cluster.node(0).health().connected


def test_what_others_hold_for_it_waits_until_it_has_subscribed_to_all_anew(cluster, clients):
    rooms = [f"room {number}" for number in range(300)]
    clients[1].emit("join", *rooms)
    slow(cluster.node(1)._broker, "subscribe", 0.6)
    for number in (0, 1):
        cluster.cut(number)
    for number, room in enumerate(rooms):
        cluster.node(0).namespace().emit("said", number, room=room)
    cluster.advance(2)
    for number in (0, 1):
        cluster.heal(number)
    cluster.advance(20)
    assert heard(clients[1]) == [list(range(300))]


def test_it_is_reached_by_itself_while_it_subscribes_to_rooms(cluster, clients):
    clients[1].emit("join", *(str(number) for number in range(1000)))
    slow(cluster.node(1)._broker, "subscribe", 1.5)
    cluster.cut(1)
    cluster.heal(1)
    cluster.advance(5)
    assert not cluster.node(1).health().connected
    cluster.node(0).namespace().emit("said", 1, room=clients[1].sid)
    cluster.settle()
    assert heard(clients[1]) == [[1]]
    cluster.advance(20)


def test_those_that_are_there_have_a_heartbeat_to_answer(cluster, clients):
    for node in cluster.nodes:
        slow(node._broker, "publish", 0.2)
    broker = type(cluster.node(0)._broker)
    subscribe = broker.subscribe

    async def slowly(self, channels):
        await asyncio.sleep(0.95)
        await subscribe(self, channels)

    broker.subscribe = slowly
    try:
        third = cluster.add()
    finally:
        broker.subscribe = subscribe
    cluster.advance(1.05)
    members = third.namespace().members(timeout=None)
    cluster.advance(3)
    assert members.result(0) == {client.sid for client in clients}
    assert members.complete


def test_what_is_sent_does_not_wait_for_rooms_that_were_left(cluster, clients):
    rooms = [f"room {number}" for number in range(1000)]
    clients[0].emit("join", *rooms)
    slow(cluster.node(0)._broker, "unsubscribe", 1)
    clients[0].emit("leave", *rooms)
    clients[0].emit("say", 1)
    cluster.advance(1)
    assert heard(clients[1]) == [[1]]


def test_a_room_that_is_entered_again_before_it_was_given_up_is_heard(cluster, clients):
    rooms = [f"room {number}" for number in range(300)]
    clients[0].emit("join", *rooms)
    slow(cluster.node(0)._broker, "unsubscribe", 1)
    clients[0].emit("leave", *rooms)
    clients[0].emit("join", "room 299")
    cluster.advance(10)
    cluster.node(1).namespace().emit("said", 1, room="room 299")
    assert heard(clients[0]) == [[1]]


@pytest.mark.manual("it moves the clock, and nothing falls due on the way")
def test_nobody_has_gone_because_all_stood_still(cluster, clients, caplog):
    cluster.advance(5)
    with caplog.at_level(logging.INFO):
        cluster._runtime._time += 60  # as when a machine sleeps
        cluster.advance(10)
    assert not gone(cluster)
    assert not caplog.records


def test_rooms_that_are_entered_while_others_are_waited_for_are_heard_soon(cluster, clients):
    for number in (0, 1):
        cluster.cut(number)
    cluster.advance(10)
    cluster.heal(0)
    while not cluster.node(0).health().connected:
        cluster.advance(0.1)
    clients[0].emit("join", "x")
    cluster.advance(1)
    assert any(channel.endswith("#x") for channel in cluster.node(0)._broker._channels)


def test_a_break_ends_what_the_broker_was_to_do(cluster, clients):
    broker = cluster.node(0)._broker
    cluster.stall(0)
    clients[0].emit("say", 1)
    broker.heal = lambda: None
    cluster.cut(0)
    del broker.heal
    assert not cluster.node(0).health().connected
    cluster.heal(0)
    cluster.advance(3)
    assert heard(*clients) == [[1], [1]]


def test_who_waits_for_others_is_not_taken_for_gone_where_beats_are_fast():
    with Cluster(Chat, nodes=3, settings={"heartbeat": 0.1, "forget_after": 0.35}) as c:
        c.cut(1)
        c.kill(2)
        c.advance(10)
        c.heal(1)
        while not c.node(1).health().connected:
            c.advance(0.1)
        c.advance(0.5)
        changes = len(c.node(0).changes)
        assert c.node(0).health().nodes == {c.node(1).name}
        c.advance(10)
        assert len(c.node(0).changes) == changes


def test_who_leaves_before_the_broker_is_back_says_no_goodbye_when_it_comes_again(cluster, clients):
    others = cluster.node(0)._application.rooms.others
    cluster.cut(0)

    def bounce():
        others.stop()
        others.start()

    cluster.node(0).run(bounce)
    cluster.heal(0)
    cluster.advance(6)
    assert cluster.node(1).name not in gone(cluster)


def test_what_a_server_asks_ends_when_it_leaves(cluster, clients):
    chat = cluster.node(0).namespace()
    cluster.node(1).allow_unfinished("question")
    one = chat.call("question", room=clients[1].sid, timeout=None)
    all_ = chat.to(clients[1].sid).call_all("question", timeout=None)
    cluster.settle()
    cluster.stall(1)
    members = chat.members()
    cluster.settle()
    cluster.node(0)._application.rooms.others.stop()
    cluster.settle()
    assert isinstance(one.exception(0), BrokerDown)
    assert all_.result(0).missing == {clients[1].sid}
    assert members.result(0) == {clients[0].sid}
    assert not members.complete
    again = chat.members()
    assert again.result(0) == {clients[0].sid}
    assert not again.complete


def test_more_events_of_servers_than_are_handled_are_dropped_and_clients_hear_on(caplog):
    with Cluster(Chat, settings={"max_inbox_bytes": 20_000}) as c:
        client = c.node(1).connect()
        shop = c.node(0).namespace()
        for number in range(100):
            shop.servers.elsewhere.emit("work", "x" * 1000)
            shop.emit("said", number)
            c.settle()
        assert c.node(1).health().dropped > 50
        assert heard(client) == [list(range(100))]
        assert caplog.text.count("more comes from other servers than this one delivers") == 1
        c.node(1).allow_unfinished("work")


def test_who_has_too_much_to_do_says_so(caplog):
    with Cluster(Chat, settings={"max_inbox_bytes": 2_000}) as c:
        clients = [node.connect() for node in c.nodes]
        chat = c.node(0).namespace()
        asked = []

        def burst():
            for number in range(50):
                chat.servers.elsewhere.emit("work", "x" * 100)
                chat.emit("said", number)
            asked.append(chat.call("question", room=clients[1].sid, timeout=None))
            asked.append(chat.to(clients[1].sid).call_all("question", timeout=None))
            asked.append(chat.servers.elsewhere.call("work", "x", timeout=None))

        c.node(0).run(burst)
        one, every, servers = asked
        with pytest.raises(BrokerDown, match="has too much to do"):
            one.result(0)
        assert every.result(0).silent == {c.node(1).name}
        assert servers.result(0).missing == {c.node(1).name}
        c.node(1).allow_unfinished("work")


@pytest.mark.parametrize("why", ["too much waits", "it leaves"])
def test_a_question_that_others_cannot_be_asked_is_answered_here(why):
    with Cluster(Chat, settings={"max_outbox_bytes": 20_000}) as c:
        client = c.node(0).connect()
        chat = c.node(0).namespace()
        c.cut(0)
        if why == "too much waits":
            while not c.node(0).health().dropped:
                chat.emit("said", 1)
        answers = chat.everyone.call_all("question", timeout=5)
        report = chat.servers.call("think", timeout=5)
        c.settle()
        if why == "it leaves":
            c.node(0)._application.rooms.others.stop()
            c.settle()
        c.advance(1)
        client.last("question").answer("yes")
        c.settle()
        assert answers.result(0).values == {client.sid: "yes"}
        assert answers.result(0).silent == {c.node(1).name}
        assert report.result(0).values == {c.node(0).name: "thought"}
        assert report.result(0).missing == {c.node(1).name}


def test_a_flush_waits_also_when_too_much_waits():
    with Cluster(Chat, settings={"max_outbox_bytes": 20_000}) as c:
        c.stall(0)
        while not c.node(0).health().dropped:
            c.node(0).namespace().emit("said", 1, volatile=False)
        flushed = c.node(0)._application.flush(60)
        c.settle()
        assert not flushed.done()
        c.heal(0)
        c.advance(6)
        assert isinstance(flushed.exception(0), BrokerDown)  # as one was refused
        assert c.node(0)._application.flush(60).exception(1) is None
