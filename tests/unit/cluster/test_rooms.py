"""What is done on one server reaches the clients of the others."""

from __future__ import annotations

import pytest

from sionamespace import Namespace, NotConnected, Refused, UsageError
from sionamespace.brokers.memory import MemoryBroker, MemoryHub
from sionamespace.cluster import ClusterRoomManager
from sionamespace.testing.cluster import Cluster
from sionamespace.testing.contract import RoomManagerContract

pytestmark = pytest.mark.every_runtime


class Chat(Namespace):
    def on_connect(self, sid, environ, auth):
        if auth and auth.get("refuse"):
            raise Refused("no")
        if auth and "room" in auth:
            self.enter_room(sid, auth["room"])
            self.emit("came", auth["room"], room=auth["room"])

    def on_join(self, sid, *rooms):
        self.enter_room(sid, rooms)

    def on_say(self, sid, room, *args):
        self.emit("said", *args, room=room, skip_sid=sid)

    def on_disconnect(self, sid, reason):
        self.emit("left", reason)


@pytest.fixture
def cluster():
    with Cluster(Chat, nodes=3) as c:
        yield c


@pytest.fixture
def clients(cluster):
    return [node.connect() for node in cluster.nodes]


def heard(clients, event):
    return [[e.args[0] if e.args else None for e in client.received(event)] for client in clients]


def test_everybody_hears_what_is_said_to_all(clients):
    one, *_ = clients
    one.emit("say", None, "hi")
    assert heard(clients, "said") == [[], ["hi"], ["hi"]]


def test_a_room_is_the_same_on_all_servers(clients):
    one, two, three = clients
    one.emit("join", "x")
    two.emit("join", "x")
    three.emit("say", "x", 1)
    assert heard(clients, "said") == [[1], [1], []]


def test_who_is_in_several_rooms_hears_it_once(clients):
    one, two, _ = clients
    two.emit("join", "x", "y")
    one.emit("say", ["x", "y", two.sid], 1)
    assert heard(clients, "said") == [[], [1], []]


def test_whoever_is_skipped_hears_nothing_wherever_it_is(cluster, clients):
    _, two, three = clients
    cluster.node(0).namespace().emit("said", 1, skip_sid=[two.sid])
    assert heard(clients, "said") == [[1], [], [1]]
    cluster.node(0).namespace().to(two.sid, three.sid).skip(three.sid).emit("said", 2)
    assert heard(clients, "said") == [[1], [2], [1]]


def test_who_is_in_a_skipped_room_hears_nothing_wherever_it_is(cluster, clients):
    _, two, three = clients
    two.emit("join", "x")
    cluster.node(0).namespace().everyone.skip("x").emit("said", 1)
    assert heard(clients, "said") == [[1], [], [1]]
    assert cluster.node(0).namespace().everyone.skip("x", three.sid).members() == {clients[0].sid}


def test_a_client_is_reached_by_its_sid_from_everywhere(clients):
    one, two, _ = clients
    one.emit("say", two.sid, "psst")
    assert heard(clients, "said") == [[], ["psst"], []]


def test_what_one_server_sends_comes_in_order(clients, cluster):
    two = clients[1]
    chat = cluster.node(0).namespace()
    two.emit("join", "x")
    for number in range(100):
        chat.emit("said", number, room=[None, "x", two.sid][number % 3])
    assert heard([two], "said") == [list(range(100))]


def test_binary_attachments_arrive(clients):
    one, two, _ = clients
    one.emit("say", None, {"picture": b"\0\xff", "more": [b"x"]}, b"last")
    assert two.last("said").args == ({"picture": b"\0\xff", "more": [b"x"]}, b"last")


def test_clients_that_speak_msgpack_hear_it_too():
    with Cluster(Chat, serializer="msgpack") as c:
        one, two = c.node(0).connect(), c.node(1).connect()
        one.emit("say", None, b"\0", {"n": 2**53})
        assert two.last("said").args == (b"\0", {"n": 2**53})


def test_namespaces_do_not_hear_each_other():
    with Cluster({"/one": Chat, "/two": Chat}) as c:
        one, other = c.node(0).connect("/one"), c.node(1).connect("/one")
        two = c.node(1).connect("/two")
        one.emit("say", None, 1)
        assert heard([other, two], "said") == [[1], []]


def test_what_is_said_while_a_client_is_let_in_follows_in_order(cluster):
    first = cluster.node(1).connect(auth={"room": "x"})
    second = cluster.node(0).connect(auth={"room": "x"})
    assert heard([first, second], "came") == [["x", "x"], ["x"]]


def test_who_is_refused_hears_nothing_more(cluster):
    one = cluster.node(0).connect()
    refused = cluster.node(1).connect(auth={"refuse": True})
    one.emit("say", None, 1)
    assert refused.refused.message == "no"
    assert heard([refused], "said") == [[]]


def test_a_slow_client_elsewhere_misses_what_is_volatile(cluster, clients):
    one, two, _ = clients
    two.pause()
    cluster.node(0).namespace().emit("said", 1, volatile=True)
    cluster.node(0).namespace().emit("said", 2)
    cluster.settle()
    two.resume()
    assert heard([one, two], "said") == [[1, 2], [2]]


def test_local_is_this_server_only(cluster, clients):
    chat = cluster.node(0).namespace()
    for client in clients:
        client.emit("join", "x")
    chat.local.emit("said", 1)
    chat.to("x").local.emit("said", 2)
    chat.local.to("x").emit("said", 3)
    chat.everyone.local.emit("said", 4)
    assert heard(clients, "said") == [[1, 2, 3, 4], [], []]
    chat.local.enter_room("y")
    chat.to("y").emit("said", 5)
    assert heard(clients, "said") == [[1, 2, 3, 4, 5], [], []]
    chat.to("x").local.disconnect()
    assert [client.connected for client in clients] == [False, True, True]


# Clients of other servers.


def test_a_client_elsewhere_is_put_into_a_room_and_taken_out(cluster, clients):
    chat, two = cluster.node(0).namespace(), clients[1]
    chat.enter_room(two.sid, ["x", "y"])
    assert two.rooms == {"x", "y"}
    chat.leave_room(two.sid, "x")
    assert two.rooms == {"y"}


def test_what_follows_reaches_a_room_that_a_client_elsewhere_was_put_into_just_before(
    cluster, clients
):
    chat, two = cluster.node(0).namespace(), clients[1]

    def at_once():
        chat.enter_room(two.sid, "x")
        chat.emit("said", 1, room="x")

    cluster.node(0).run(at_once)
    assert heard([two], "said") == [[1]]


def test_an_audience_moves_wherever_it_is(cluster, clients):
    chat = cluster.node(0).namespace()
    for client in clients:
        client.emit("join", "x")
    chat.to("x").skip(clients[2].sid).enter_room("y")
    chat.to("y").leave_room("x")
    assert [client.rooms for client in clients] == [{"y"}, {"y"}, {"x"}]


def test_a_room_is_closed_everywhere(cluster, clients):
    for client in clients:
        client.emit("join", "x", "y")
    cluster.node(2).namespace().close_room("x")
    assert [client.rooms for client in clients] == [{"y"}] * 3


def test_a_client_elsewhere_is_sent_away(cluster, clients):
    _, two, three = clients
    cluster.node(0).namespace().disconnect(two.sid)
    assert [client.connected for client in clients] == [True, False, True]
    assert heard([three], "left") == [["server disconnect"]]
    assert two.closed is None
    cluster.node(0).namespace().disconnect(three.sid, close=True)
    assert three.closed == "server disconnect"


def test_an_audience_is_sent_away_wherever_it_is(cluster, clients):
    clients[0].emit("join", "x")
    clients[1].emit("join", "x")
    cluster.node(2).namespace().to("x").disconnect()
    assert [client.connected for client in clients] == [False, False, True]


def test_what_was_sent_before_comes_before_a_client_is_asked_or_goes(cluster, clients):
    chat, two = cluster.node(0).namespace(), clients[1]
    two.answers("question", "yes")

    def at_once():
        chat.emit("said", 1, room=two.sid)
        chat.call("question", room=two.sid)
        chat.emit("said", 2, room=two.sid)
        chat.disconnect(two.sid)
        chat.emit("said", 3, room=two.sid)

    cluster.node(0).run(at_once)
    assert [event.name for event in two.received()] == ["said", "question", "said"]
    assert not two.connected


def test_a_room_named_in_place_of_a_sid_is_not_sent_away(cluster, clients):
    clients[1].emit("join", "x")
    cluster.node(0).namespace().disconnect("x")
    assert clients[1].connected


def test_the_room_of_a_client_elsewhere_is_its_own(cluster, clients):
    chat, (one, two, _) = cluster.node(0).namespace(), clients
    with pytest.raises(UsageError, match="another client's own"):
        chat.enter_room(one.sid, two.sid)
    with pytest.raises(UsageError, match="another client's own"):
        chat.enter_room(two.sid, one.sid)
    with pytest.raises(UsageError, match="own sid"):
        chat.leave_room(two.sid, two.sid)
    with pytest.raises(UsageError, match="cannot be closed"):
        chat.close_room(two.sid)
    chat.to(two.sid).enter_room(one.sid)
    assert two.rooms == frozenset()


def test_what_only_a_clients_own_server_knows_is_not_asked_of_another(cluster, clients):
    chat, two = cluster.node(0).namespace(), clients[1]
    for ask in (chat.session, chat.client, chat.rooms):
        with pytest.raises(NotConnected, match=r"another server.*to\(sid\)\.clients\(\)"):
            ask(two.sid)


def test_a_client_of_a_server_that_is_gone_is_not_connected(cluster, clients):
    chat, two = cluster.node(0).namespace(), clients[1]
    cluster.kill(1)
    cluster.advance(5)
    with pytest.raises(NotConnected, match=r"its server .* is not there"):
        chat.enter_room(two.sid, "x")
    with pytest.raises(NotConnected, match=r"its server .* is not there"):
        chat.session(two.sid)


def test_an_unknown_sid_is_not_connected(cluster, clients):
    with pytest.raises(NotConnected, match="client 'nobody' is not connected to /"):
        cluster.node(0).namespace().enter_room("nobody", "x")


# Paths with parameters.


class Room(Namespace):
    def on_say(self, sid, text):
        self.emit("said", text)


def test_a_namespace_with_parameters_is_shared_by_those_who_have_it_open():
    with Cluster({"/rooms/{room_id}": Room}, nodes=3) as c:
        one, two = c.node(0).connect("/rooms/7"), c.node(1).connect("/rooms/7")
        other = c.node(2).connect("/rooms/8")
        one.emit("say", "hi")
        assert heard([one, two, other], "said") == [["hi"], ["hi"], []]
        two.disconnect()
        one.emit("say", "again")
        again = c.node(1).connect("/rooms/7")
        one.emit("say", "once more")
        assert heard([again], "said") == [["once more"]]


# What travels.


def test_a_message_goes_only_to_servers_with_a_client_in_its_room(cluster, clients):
    one, two, three = clients
    two.emit("join", "x")
    came = [node._broker.taken for node in cluster.nodes]
    for messages in came:
        messages.clear()
    one.emit("say", "x", 1)
    one.emit("say", three.sid, 2)
    one.emit("say", "nobody is in here", 3)
    one.emit("say", one.sid, 4)
    assert [len(messages) for messages in came] == [0, 1, 1]


def test_rooms_whose_last_client_has_left_are_not_listened_to(cluster, clients):
    two = clients[1]
    before = set(cluster.node(1)._broker._channels)
    two.emit("join", "x", "y#z")
    assert len(cluster.node(1)._broker._channels) == len(before) + 2
    cluster.node(1).namespace().leave_room(two.sid, "x")
    two.disconnect()
    cluster.settle()
    assert cluster.node(1)._broker._channels == before


def test_any_text_may_be_a_rooms_name(clients):
    one, two, _ = clients
    for number, room in enumerate(["#", "a#b", "@", "\0", "ü€😀", "~deadbeef", "", "x" * 1000]):
        two.emit("join", room)
        one.emit("say", room, number)
        assert heard([two], "said")[0][-1] == number


@pytest.mark.manual("a manager that stands alone")
class TestContract(RoomManagerContract):
    def make(self):
        return ClusterRoomManager(MemoryBroker(MemoryHub()))
