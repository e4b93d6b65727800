"""An emitter reaches the clients of servers from another process; here, from another thread."""

from __future__ import annotations

import asyncio
import logging

import pytest

from sionamespace import BrokerDown, ConfigurationError, Emitter, Namespace, UsageError
from sionamespace.brokers.memory import MemoryBroker
from sionamespace.ids import Ids
from sionamespace.testing import Cluster

pytestmark = pytest.mark.every_runtime


class Chat(Namespace):
    def on_connect(self, sid, environ, auth):
        if auth:
            self.enter_room(sid, auth["room"])


@pytest.fixture
def cluster():
    with Cluster(lambda: {"/": Chat(), "/chat": Chat()}, nodes=2) as c:
        yield c


@pytest.fixture
def emitter(cluster):
    with Emitter(lambda: MemoryBroker(cluster._hub)) as emitter:
        yield emitter


@pytest.fixture
def out(cluster, emitter):
    """Waits until what was emitted has come."""

    def out():
        emitter.flush().result()
        cluster.settle()

    return out


def join(node, room):
    return node.connect("/", auth={"room": room})


@pytest.fixture
def clients(cluster):
    """One in each of two rooms, on different servers."""
    return [join(node, room) for node, room in zip(cluster.nodes, ["red", "blue"], strict=True)]


def heard(*clients):
    return [[event.args[0] for event in client.received("said")] for client in clients]


def test_everybody_in_a_namespace_is_reached(cluster, emitter, out):
    at_root = [node.connect("/") for node in cluster.nodes]
    at_chat = [node.connect("/chat") for node in cluster.nodes]
    emitter.emit("said", 1, b"\0")
    emitter.namespace("/chat").send({"a": [1.5, None]})
    out()
    for client in at_root:
        client.assert_received("said", 1, b"\0")
        client.refute_received("message")
    for client in at_chat:
        client.assert_received("message", {"a": [1.5, None]})


def test_rooms_clients_and_those_who_are_skipped(clients, emitter, out):
    red, blue = clients
    emitter.emit("said", "room", room="red")
    emitter.emit("said", "sid", room=blue.sid)
    emitter.emit("said", "not red", skip_sid=red.sid)
    emitter.emit("said", "nobody", room=[])
    emitter.to("red").to("blue").skip(blue.sid).emit("said", "to red")
    emitter.everyone.emit("said", "all", volatile=True)
    out()
    assert heard(red, blue) == [["room", "to red", "all"], ["sid", "not red", "all"]]


def test_clients_are_put_into_rooms_and_taken_out(clients, emitter, out):
    red, blue = clients
    emitter.enter_room(blue.sid, "red")
    emitter.emit("said", 1, room="red")
    emitter.leave_room(blue.sid, ["red", "nowhere"])
    emitter.emit("said", 2, room="red")
    emitter.to("red", "blue").enter_room("both")
    emitter.emit("said", 3, room="both")
    emitter.to("red").leave_room("both")
    emitter.emit("said", 4, room="both")
    emitter.close_room("both")
    emitter.emit("said", 5, room="both")
    out()
    assert heard(red, blue) == [[1, 2, 3], [1, 3, 4]]


def test_clients_are_sent_away(cluster, emitter, out):
    first, second, third = (join(cluster.node(n % 2), "red") for n in range(3))
    emitter.disconnect(first.sid)
    out()
    assert [client.connected for client in (first, second, third)] == [False, True, True]
    emitter.to("red").skip(third.sid).disconnect(close=True)
    out()
    assert [client.connected for client in (first, second, third)] == [False, False, True]


def test_it_is_no_server_for_the_servers(cluster, emitter, out):
    emitter.emit("said", 1)
    out()
    one, two = cluster.nodes
    assert one.health().nodes == {two.name}
    assert len(one.changes) == len([h for h in one.changes if h.nodes <= {two.name}])


def test_what_cannot_be_sent_is_an_error_at_once(emitter):
    with pytest.raises(UsageError, match="object"):
        emitter.emit("said", object())
    with pytest.raises(UsageError, match="connect"):
        emitter.emit("connect")
    with pytest.raises(UsageError, match="a room or sid is a string"):
        emitter.to(3)
    with pytest.raises(ConfigurationError, match="path such as '/chat'"):
        emitter.namespace("chat")


def test_the_rooms_of_clients_are_their_own(emitter):
    one, other = Ids("5f1c09ae").new(), Ids("5f1c09ae").new()
    with pytest.raises(UsageError, match="another client's own"):
        emitter.enter_room(one, other)
    with pytest.raises(UsageError, match="cannot leave"):
        emitter.leave_room(one, one)
    with pytest.raises(UsageError, match="cannot be closed"):
        emitter.close_room(one)


def test_in_an_async_def_it_is_awaited(cluster, clients):
    async def main():
        async with Emitter(lambda: MemoryBroker(cluster._hub)) as emitter:
            emitter.emit("said", 1)
            await emitter.flush()
            emitter.emit("said", 2)

    asyncio.run(main())
    cluster.settle()
    assert heard(*clients) == [[1, 2]] * 2


def test_one_that_was_closed_may_be_used_again(cluster, clients, emitter, out):
    emitter.emit("said", 1)
    emitter.close().result()
    emitter.emit("said", 2)
    out()
    assert heard(*clients) == [[1, 2]] * 2


# A broker that is away.


class Away(MemoryBroker):
    """One that cannot be reached until it is told."""

    is_there = False

    async def open(self, receive, lost):
        if not self.is_there:
            raise ConnectionRefusedError("nobody listens")
        await super().open(receive, lost)


@pytest.fixture
def away(cluster):
    return Away(cluster._hub)


def test_that_it_is_not_out_is_raised_to_who_waits_for_it(away):
    emitter = Emitter(lambda: away)
    emitter.emit("said", 1)
    with pytest.raises(BrokerDown, match=r"in time.*nobody listens"):
        emitter.flush(0.05).result()
    with pytest.raises(BrokerDown):
        emitter.close(0.02).result()


def test_a_with_block_raises_it_but_not_instead_of_another_error(away, caplog):
    def use(error=None):
        with Emitter(lambda: away) as emitter:
            emitter.close = lambda: Emitter.close(emitter, 0.02)
            emitter.emit("said", 1)
            if error is not None:
                raise error

    with pytest.raises(BrokerDown):
        use()
    with pytest.raises(ZeroDivisionError):
        use(ZeroDivisionError())
    assert "has not reached memory://" in caplog.text


def test_what_waits_is_sent_when_the_broker_is_back(cluster, clients, away, caplog):
    caplog.set_level(logging.INFO, "sionamespace.cluster")
    with Emitter(lambda: away) as emitter:
        emitter.emit("said", 1)
        with pytest.raises(BrokerDown):
            emitter.flush(0.2).result()
        away.is_there = True
        emitter.emit("said", 2)
    cluster.settle()
    assert heard(*clients) == [[1, 2]] * 2
    said = [record.getMessage() for record in caplog.records if "emitter" in record.getMessage()]
    assert [text.split("memory")[0] for text in said] == [
        "an emitter cannot reach ",
        "an emitter is connected to ",
    ]


def test_too_much_that_waits_is_refused_at_once(away):
    emitter = Emitter(lambda: away, max_outbox_bytes=10_000)
    for _ in range(5):
        emitter.emit("said", "x" * 1500)
    with pytest.raises(BrokerDown, match="bytes wait for memory:// already"):
        emitter.emit("said", "x" * 1500)
    with pytest.raises(BrokerDown):
        emitter.close(0.1).result()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"broker": "ftp://host"}, "no broker for 'ftp'"),
        ({"broker": "memory://x", "serializer": "pickle"}, "expected one of json, msgpack"),
        ({"broker": "memory://x", "prefix": "a#b"}, "without '#' and '@'"),
    ],
)
def test_what_it_cannot_work_with_is_said_when_it_is_made(arguments, said):
    with pytest.raises(ConfigurationError, match=said):
        Emitter(**arguments)
