"""What goes wrong between servers is bounded, and told."""

from __future__ import annotations

import asyncio
import itertools
import logging

import pytest

from sionamespace import BrokerDown, ClusterRoomManager, ConfigurationError, Namespace, NotConnected
from sionamespace.brokers.memory import MemoryBroker, MemoryHub
from sionamespace.cluster.encoded import Encoded
from sionamespace.cluster.messages import Emit
from sionamespace.cluster.wire import Wire
from sionamespace.testing import Harness
from sionamespace.testing.cluster import Cluster

pytestmark = pytest.mark.every_runtime


class Chat(Namespace):
    def on_join(self, sid, room):
        self.enter_room(sid, room)

    def on_say(self, sid, *args):
        self.emit("said", *args)


@pytest.fixture
def cluster():
    with Cluster(Chat, nodes=2) as c:
        yield c


@pytest.fixture
def clients(cluster):
    return [node.connect() for node in cluster.nodes]


def heard(*clients):
    return [[event.args[0] for event in client.received("said")] for client in clients]


def chat(cluster, number=0):
    return cluster.node(number).namespace()


def logged(caplog, level=logging.ERROR):
    return [r.getMessage() for r in caplog.records if r.levelno >= level]


# The broker is away.


def test_without_the_broker_each_server_serves_its_own(cluster, clients):
    cluster.cut(0)
    clients[0].emit("say", 1)
    assert heard(*clients) == [[1], []]


def test_what_was_sent_meanwhile_comes_after_in_order(cluster, clients):
    cluster.cut(0)
    for number in range(50):
        clients[0].emit("say", number)
    cluster.advance(10)
    cluster.heal(0)
    clients[0].emit("say", 50)
    cluster.advance(6)
    assert heard(clients[1]) == [list(range(51))]


def test_rooms_that_were_entered_meanwhile_are_heard_after(cluster, clients):
    cluster.cut(1)
    clients[1].emit("join", "x")
    cluster.heal(1)
    cluster.advance(6)
    chat(cluster).emit("said", 1, room="x")
    assert heard(clients[1]) == [[1]]


def test_what_is_volatile_does_not_wait(cluster, clients):
    cluster.cut(0)
    chat(cluster).emit("said", 1, volatile=True)
    chat(cluster).emit("said", 2)
    cluster.heal(0)
    cluster.advance(6)
    assert heard(*clients) == [[1, 2], [2]]
    assert cluster.node(0).health().dropped == 1


def test_nor_does_what_was_volatile_when_the_broker_fell_silent(cluster, clients):
    cluster.stall(0)
    chat(cluster).emit("said", 1)
    cluster.settle()
    chat(cluster).emit("said", 2, volatile=True)
    chat(cluster).emit("said", 3)
    cluster.advance(60)
    cluster.heal(0)
    cluster.advance(11)
    assert heard(*clients) == [[1, 2, 3], [1, 3]]
    assert cluster.node(0).health().dropped == 1


def test_it_is_one_log_line_and_a_hook_when_it_goes_and_when_it_is_back(cluster, clients, caplog):
    with caplog.at_level(logging.INFO):
        cluster.cut(0)
        cluster.advance(30)
        (text,) = logged(caplog)
        assert "cannot reach the others over memory://" in text
        assert "ConnectionError: the test cut it off" in text
        assert not cluster.node(0).health().connected
        cluster.heal(0)
        cluster.advance(6)
    assert caplog.text.count("is connected to memory://") == 1
    changes = [(health.connected, len(health.nodes)) for health in cluster.node(0).changes[-3:]]
    assert changes == [(False, 1), (True, 1), (True, 1)]  # the last: the other one is heard again
    assert cluster.node(0).health().connected


def test_reconnecting_takes_longer_each_time_up_to_five_seconds(cluster):
    broker, times = cluster.node(0)._broker, []
    check = broker._check

    async def checked():
        times.append(cluster.node(0)._runtime.now())
        await check()

    broker._check = checked
    cluster.cut(0)
    cluster.advance(60)
    pauses = [b - a for a, b in itertools.pairwise(times)]
    assert all(0.1 * 2**n <= pause <= 0.2 * 2**n for n, pause in enumerate(pauses[:4]))
    assert all(2.5 <= pause <= 5 for pause in pauses[7:])
    assert 12 < len(pauses) < 30


def test_one_that_breaks_as_soon_as_it_is_open_is_not_connected_to_without_end(cluster, clients):
    broker, opened = cluster.node(0)._broker, []

    async def publish(batch):
        opened.append(batch)
        raise ConnectionError("again")

    broker.publish = publish
    clients[0].emit("say", 1)
    cluster.advance(60)
    assert 12 < len(opened) < 30


def test_one_whose_library_fails_to_close_is_connected_to_anew(cluster, clients):
    broker = cluster.node(0)._broker
    close = broker.close

    async def closed():
        await close()
        raise asyncio.CancelledError  # as of something of its own that it has cancelled

    broker.close = closed
    cluster.cut(0)
    cluster.heal(0)
    cluster.advance(6)
    clients[0].emit("say", 1)
    assert heard(*clients) == [[1], [1]]
    broker.close = close


def test_one_that_takes_nothing_is_not_said_to_be_there(cluster, clients, caplog):
    async def publish(batch):
        await asyncio.sleep(60)

    with caplog.at_level(logging.INFO):
        broker = cluster.node(0)._broker
        broker.publish = publish
        clients[0].emit("say", 1)
        cluster.advance(60)
        lines = [r.getMessage() for r in caplog.records if cluster.node(0).name in r.getMessage()]
        assert len([line for line in lines if "cannot reach" in line]) == 1
        assert not [line for line in lines if "is connected" in line]
        assert not cluster.node(0).health().connected
        del broker.publish
        cluster.advance(12)
        assert heard(*clients) == [[1], [1]]


def test_a_broker_that_does_not_answer_counts_as_broken(cluster, clients, caplog):
    cluster.stall(0)
    clients[0].emit("say", 1)
    cluster.advance(5)
    assert not cluster.node(0).health().connected
    assert "did not answer within 5 s" in caplog.text
    cluster.heal(0)
    cluster.advance(6)
    assert heard(*clients) == [[1], [1]]


def test_a_server_that_no_longer_hears_itself_connects_anew(cluster, clients, caplog):
    broker = cluster.node(1)._broker
    broker._take = lambda batch: None
    cluster.advance(5)
    assert "nothing was heard for" in caplog.text
    del broker._take
    cluster.advance(6)
    clients[0].emit("say", 1)
    assert heard(*clients) == [[1], [1]]


def test_a_batch_that_failed_is_sent_again_and_nothing_comes_twice(cluster, clients):
    broker = cluster.node(0)._broker
    publish, failures = broker.publish, [1, 1]

    async def taken_but_not_told(batch):
        await publish(batch)
        if failures:
            failures.pop()
            raise ConnectionError("after it was taken")

    broker.publish = taken_but_not_told

    def burst():
        for number in range(20):
            chat(cluster).emit("said", number)

    cluster.node(0).run(burst)
    cluster.advance(6)
    assert not failures
    assert heard(*clients) == [list(range(20))] * 2


def test_what_waited_is_held_until_those_are_back_who_were_there(cluster, clients):
    for number in (0, 1):
        cluster.cut(number)
    clients[0].emit("say", 1)
    cluster.advance(5)
    cluster.heal(0)
    while not cluster.node(0).health().connected:
        cluster.advance(0.1)
    clients[0].emit("say", 2)
    cluster.heal(1)
    cluster.advance(7)
    assert heard(*clients) == [[1, 2], [1, 2]]


def test_those_who_do_not_come_back_are_not_waited_for_for_long(cluster, clients):
    third = cluster.add().connect()
    cluster.advance(1)
    for number in range(3):
        cluster.cut(number)
    cluster.kill(1)
    cluster.advance(10)
    clients[0].emit("say", 1)
    cluster.heal(0)
    cluster.heal(2)
    cluster.advance(15)
    assert heard(clients[0], third) == [[1], [1]]
    assert cluster.node(0).health().nodes == {cluster.node(2).name}


def test_nobody_is_forgotten_while_the_broker_stands_still(cluster):
    for number in (0, 1):
        cluster.stall(number)
    cluster.advance(9)
    for one, other in ((0, 1), (1, 0)):
        assert cluster.node(one).health().nodes == {cluster.node(other).name}


def test_a_server_that_alone_was_cut_off_waits_for_nobody(cluster, clients):
    cluster.cut(0)
    clients[0].emit("say", 1)
    cluster.advance(3)
    cluster.heal(0)
    cluster.advance(3)
    assert heard(*clients) == [[1], [1]]


def test_nothing_comes_twice_from_a_server_that_was_taken_for_gone(cluster, clients):
    broker = cluster.node(0)._broker
    publish = broker.publish

    async def taken_but_not_told(batch):
        await publish(batch)
        if not broker.is_cut and any(b"said" in message for _, message in batch):
            cluster.node(0)._broker.cut()
            raise ConnectionError("after it was taken")

    broker.publish = taken_but_not_told
    clients[0].emit("say", 1)
    assert heard(*clients) == [[1], [1]]
    cluster.advance(5)
    assert cluster.node(1).health().nodes == frozenset()
    broker.publish = publish
    cluster.heal(0)
    cluster.advance(6)
    assert cluster.node(1).changes[-1].nodes == {cluster.node(0).name}
    clients[0].emit("say", 2)
    assert heard(*clients) == [[1, 2], [1, 2]]


def test_a_message_that_the_broker_never_takes_is_given_up_and_the_rest_goes_on(
    cluster, clients, caplog
):
    broker = cluster.node(0)._broker
    publish = broker.publish

    async def picky(batch):
        if any(b"poison" in message for _, message in batch):
            raise ValueError("too large")
        await publish(batch)

    broker.publish = picky

    def burst():
        for text in ("a", "poison", "b", "c"):
            chat(cluster).emit("said", text)

    cluster.node(0).run(burst)
    cluster.advance(30)
    assert heard(clients[1]) == [["a", "b", "c"]]
    assert "is given up, as memory:// does not take it: too large" in caplog.text
    assert cluster.node(0).health().dropped == 1


def test_a_name_that_cannot_be_written_is_given_up_at_once(cluster, clients, caplog):
    chat(cluster).emit("said", 1, room="\ud800")
    chat(cluster).emit("said", 2)
    assert heard(*clients) == [[2], [2]]
    assert "is given up" in caplog.text
    assert cluster.node(0).health().connected


# Bounds.


def test_a_full_outbox_refuses_what_comes_and_says_so_once(caplog):
    with Cluster(Chat, settings={"max_outbox_bytes": 10_000}) as c:
        one, two = c.node(0).connect(), c.node(1).connect()
        c.cut(0)
        for number in range(100):
            one.emit("say", number)
        health = c.node(0).health()
        assert health.waiting <= 10_000
        assert health.dropped >= 60
        full = [
            line for line in logged(caplog) if "what is sent now to other servers is lost" in line
        ]
        assert len(full) == 1
        c.heal(0)
        c.advance(6)
        assert heard(one) == [list(range(100))]
        assert heard(two) == [list(range(100 - health.dropped))]
        assert c.node(0).health().waiting == 0
        one.emit("say", 100)
        assert heard(two)[0][-1] == 100


def test_the_names_of_rooms_count(caplog):
    with Cluster(Chat, settings={"max_outbox_bytes": 100_000}) as c:
        c.node(0).connect()
        sid = c.node(1).connect().sid
        c.cut(0)
        long = "x" * 20_000
        lobby = c.node(0).namespace()
        lobby.emit("said", 1, room=long)
        lobby.to("a").skip(long).emit("said", 1)
        lobby.enter_room(sid, long)
        lobby.leave_room(sid, long)
        assert 80_000 < c.node(0).health().waiting <= 100_000
        lobby.to(long).disconnect()
        assert c.node(0).health().dropped == 1
        assert not lobby.members(long).result(0)
        assert not lobby.members(long).complete


def test_a_loss_is_told_by_the_flush_that_follows_and_by_no_other():
    with Cluster(Chat, settings={"max_outbox_bytes": 10_000}) as c:
        c.cut(0)
        lobby = c.node(0).namespace()
        first = c.node(0)._application.flush(30)
        lobby.emit("said", "x" * 20_000)
        c.heal(0)
        c.advance(6)
        assert isinstance(first.exception(0), BrokerDown)
        second = c.node(0)._application.flush()
        c.settle()
        assert second.exception(0) is None


def test_in_a_full_outbox_the_oldest_volatile_ones_make_room():
    with Cluster(Chat, settings={"max_outbox_bytes": 10_000}) as c:
        c.node(0).connect()
        two = c.node(1).connect()
        c.stall(0)
        c.node(0).namespace().emit("said", "begin")
        c.settle()

        def burst():
            for number in range(20):
                c.node(0).namespace().emit("said", f"v{number}", volatile=True)
            for number in range(20):
                c.node(0).namespace().emit("said", number)

        c.node(0).run(burst)
        dropped = c.node(0).health().dropped
        assert 0 < dropped < 20
        c.heal(0)
        c.settle()
        volatile = [f"v{number}" for number in range(dropped, 20)]
        assert heard(two) == [["begin", *volatile, *range(20)]]


# Who comes and goes.


def test_a_server_that_dies_is_forgotten_and_its_clients_with_it(cluster, clients, caplog):
    name = cluster.node(1).name
    assert cluster.node(0).health().nodes == {name}
    cluster.kill(1)
    cluster.advance(3)
    assert cluster.node(0).health().nodes == {name}
    with caplog.at_level(logging.INFO):
        cluster.advance(2)
    assert cluster.node(0).health().nodes == frozenset()
    assert f"server {name} has gone" in caplog.text
    with pytest.raises(NotConnected):
        chat(cluster).enter_room(clients[1].sid, "x")


def test_nobody_is_forgotten_by_a_server_that_is_cut_off_itself(cluster, clients):
    cluster.cut(0)
    cluster.advance(60)
    assert cluster.node(0).health().nodes == {cluster.node(1).name}
    assert cluster.node(1).health().nodes == frozenset()
    cluster.heal(0)
    cluster.advance(6)
    assert cluster.node(1).health().nodes == {cluster.node(0).name}


def test_a_server_that_leaves_says_so(cluster, clients):
    cluster.node(1)._application.rooms.others.stop()
    cluster.settle()
    assert cluster.node(0).health().nodes == frozenset()
    assert not cluster.node(1).health().connected


def test_a_server_that_left_comes_back_with_its_next_client(cluster, clients):
    others = cluster.node(1)._application.rooms.others
    name = others.node
    others.stop()
    cluster.settle()
    clients[0].emit("say", 1)
    again = cluster.node(1).connect()
    clients[0].emit("say", 2)
    assert heard(again) == [[2]]
    assert others.node == name
    assert cluster.node(0).health().nodes == {name}


def test_a_server_that_leaves_and_comes_back_at_once_stays(cluster, clients):
    others = cluster.node(1)._application.rooms.others

    def bounce():
        others.stop()
        others.start()

    cluster.node(1).run(bounce)
    cluster.advance(2)
    clients[0].emit("say", 1)
    assert heard(*clients) == [[1], [1]]
    assert cluster.node(0).health().nodes == {others.node}


def test_what_was_sent_before_it_left_arrives(cluster, clients):
    def last_words():
        chat(cluster).emit("said", "bye")
        cluster.node(0)._application.rooms.others.stop()

    cluster.node(0).run(last_words)
    cluster.settle()
    assert heard(clients[1]) == [["bye"]]


def test_servers_with_another_prefix_or_broker_do_not_meet(make_runtime):
    hub = MemoryHub()
    managers = [
        ClusterRoomManager(MemoryBroker(hub)),
        ClusterRoomManager(MemoryBroker(hub), prefix="other"),
        ClusterRoomManager(MemoryBroker(MemoryHub())),
    ]
    harnesses = [Harness(Chat, rooms=manager) for manager in managers]
    clients = [harness.connect() for harness in harnesses]
    harnesses[0].advance(2)
    clients[0].emit("say", 1)
    for harness in harnesses:
        harness.settle()
    assert heard(*clients) == [[1], [], []]
    for harness in harnesses:
        assert harness._application.health().nodes == frozenset()
        harness.finish()


# Strangers.


def foreign(cluster, data, channel="sionamespace"):
    cluster.node(0)._broker._receive(channel, data)
    cluster.settle()


@pytest.mark.manual("it calls what runs on the cluster's loop")
class TestBytes:
    @pytest.fixture
    def inside(self, cluster, clients):
        """What runs a function on the loop."""

        def run(function, *args):
            loop = cluster.node(0)._broker._loop
            loop.call_soon(function, *args)
            cluster.settle()

        return run

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\0",
            b"\xff" * 100,
            b"{}",
            b"hello",
            b"\x94\x01\xa1a\x01\xc0",
            b"\x94\x01\xa1a\x01\x91\x63",
        ],
    )
    def test_foreign_ones_are_a_log_line(self, cluster, clients, inside, caplog, data):
        for _ in range(3):
            inside(cluster.node(0)._broker._receive, "sionamespace", data)
        assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1
        assert "is ignored" in caplog.text
        clients[1].emit("say", 1)
        assert heard(*clients) == [[1], [1]]

    def test_those_of_a_newer_version_say_so(self, cluster, clients, inside, caplog):
        inside(cluster.node(0)._broker._receive, "sionamespace", b"\x94\x02\xa3new\x01\x91\x63")
        assert "server 'new' speaks version 2 of the cluster's wire, this one 1" in caplog.text

    def test_who_sends_but_is_no_server_is_heard_and_not_waited_for(self, cluster, clients, inside):
        data = Wire("sionamespace").write("a program", 1, emit(Encoded('42["said",1]', ())))
        inside(cluster.node(0)._broker._receive, "sionamespace#/", data)
        inside(cluster.node(0)._broker._receive, "sionamespace#/", data)
        assert heard(*clients) == [[1], []]
        assert cluster.node(0).health().nodes == {cluster.node(1).name}

    def test_a_message_with_more_than_is_known_here_is_understood(self, cluster, clients, inside):
        data = Wire("sionamespace").write("newer", 1, emit(Encoded('42["said",1]', ())))
        assert data[-1:] == b"\xc2"
        longer = data.replace(b"\x96\x0a", b"\x97\x0a", 1) + b"\xc0"
        inside(cluster.node(0)._broker._receive, "sionamespace#/", longer)
        assert heard(*clients) == [[1], []]

    @pytest.mark.parametrize("text", ["1", "0{}", "", "x"])
    def test_a_packet_that_is_no_message_reaches_no_client(
        self, cluster, clients, inside, text, caplog
    ):
        good = Wire("sionamespace").write("bad", 1, emit(Encoded("4" + text, ())))
        bad = good.replace(bytes([0xA0 + 1 + len(text)]) + b"4", bytes([0xA0 + len(text)]), 1)
        inside(cluster.node(0)._broker._receive, "sionamespace#/", bad)
        assert "a packet that is no message" in caplog.text
        assert clients[0].closed is None

    def test_a_server_with_another_serializer_is_told_of_once(
        self, cluster, clients, inside, caplog
    ):
        for number in range(3):
            data = Wire("sionamespace").write("other", number, emit(Encoded(None, (b"\x80",))))
            inside(cluster.node(0)._broker._receive, "sionamespace#/", data)
        warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
        assert warnings == [
            "server other has another serializer= than this one: what it emits is lost here"
        ]
        assert clients[0].received() == []


def emit(packet):
    return Emit("/", None, frozenset(), packet, False)


# Flushing.


def test_flushed_is_what_the_broker_has_taken(cluster, clients):
    application = cluster.node(0)._application
    clients[0].emit("join", "x")
    chat(cluster).emit("said", 1)
    flushed = application.flush()
    assert flushed.result() is None
    assert application.health().waiting == 0


def test_it_is_an_error_where_the_broker_is_away(cluster, clients):
    cluster.cut(0)
    chat(cluster).emit("said", 1)
    flushed = cluster.node(0)._application.flush(timeout=2)
    cluster.advance(1.9)
    assert not flushed.done()
    cluster.advance(0.1)
    with pytest.raises(BrokerDown, match="did not reach memory:// within 2 s"):
        flushed.result(0)


def test_it_waits_for_a_broker_that_comes_back(cluster, clients):
    cluster.cut(0)
    chat(cluster).emit("said", 1)
    flushed = cluster.node(0)._application.flush(timeout=20)
    cluster.advance(5)
    cluster.heal(0)
    cluster.advance(6)
    assert flushed.result(0) is None
    assert heard(clients[1]) == [[1]]


def test_what_was_lost_since_the_last_time_is_an_error_once():
    with Cluster(Chat, settings={"max_outbox_bytes": 1000}) as c:
        application = c.node(0)._application
        c.node(0).connect()
        c.node(0).namespace().emit("said", "x" * 1000)
        with pytest.raises(BrokerDown, match="1 messages to other servers were lost"):
            application.flush().result()
        assert application.flush().result() is None


def test_a_lone_server_is_flushed_and_well():
    with Harness(Chat) as harness:
        assert harness._application.flush().result() is None
        health = harness._application.health()
        assert (health.node, health.broker, health.connected) == ("alone", None, True)


# Settings.


def test_a_manager_is_for_one_server():
    manager = ClusterRoomManager(MemoryBroker(MemoryHub()))
    with Harness(Chat, rooms=manager), pytest.raises(ConfigurationError, match="make one for each"):
        Harness(Chat, rooms=manager)


@pytest.mark.parametrize("prefix", ["", "a#b", "a@b"])
def test_a_prefix_that_would_be_mistaken_is_an_error(prefix):
    with pytest.raises(ConfigurationError, match="expected a text without '#' and '@'"):
        ClusterRoomManager(MemoryBroker(MemoryHub()), prefix=prefix)


@pytest.mark.parametrize("times", [{"heartbeat": 0}, {"heartbeat": 5}, {"forget_after": 0.5}])
def test_times_that_cannot_be_are_an_error(times):
    with pytest.raises(ConfigurationError, match=r"such as 1 and 3\.5"):
        ClusterRoomManager(MemoryBroker(MemoryHub()), **times)
