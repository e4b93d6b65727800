"""The blocks where several servers share the clients."""

from __future__ import annotations

import pytest

from sionamespace.blocks import History, Presence, RoomPolicy, Users
from sionamespace.testing import Cluster

pytestmark = pytest.mark.every_runtime


class Chat(Presence, RoomPolicy):
    def on_connect(self, sid, environ, auth):
        self.identify(sid, auth["user"])
        self.track(sid, "lobby", auth.get("status", "on"))

    def may_join(self, sid, room):
        return True

    def on_status(self, sid, status):
        self.track(sid, "lobby", status)

    def on_quit(self, sid):
        self.untrack(sid, "lobby")

    def on_say(self, sid, *args):
        self.publish("lobby", "said", *args, skip_sid=sid)

    def on_whisper(self, sid, user, text):
        self.to_user(user).emit("whisper", text)

    # An application's own, with no super() to forget.
    def server_joined(self, node): ...

    def server_left(self, node): ...


@pytest.fixture
def cluster():
    with Cluster(Chat, nodes=2) as c:
        yield c


@pytest.fixture
def come(cluster):
    def come(number, user, **auth):
        client = cluster.node(number).connect(auth={"user": user, **auth})
        cluster.settle()
        return client

    return come


def present(cluster):
    return [node.namespace().present("lobby") for node in cluster.nodes]


def diffs(client):
    found = [event.args[1] for event in client.received("presence_diff")]
    client.clear()
    return [(diff["joins"], diff["leaves"]) for diff in found]


# Users.


def test_a_user_is_reached_over_all_its_connections(come):
    ann, bob, other_bob = come(0, "ann"), come(0, "bob"), come(1, "bob")
    ann.emit("whisper", "bob", "psst")
    assert [bob.last("whisper").args, other_bob.last("whisper").args] == [("psst",)] * 2
    ann.refute_received("whisper")


def test_its_connections_are_those_of_all_servers(cluster, come):
    tabs = {come(0, "ann").sid, come(1, "ann").sid}
    assert cluster.node(0).namespace().connections("ann") == tabs


# Presence.


def test_who_comes_sees_all_and_is_seen_by_all(cluster, come):
    ann = come(0, "ann")
    bob = come(1, "bob", status="away")
    assert bob.last("presence").args == ("lobby", {"ann": "on", "bob": "away"})
    assert diffs(ann) == [({"bob": "away"}, {})]
    assert diffs(bob) == []
    assert present(cluster) == [{"ann": "on", "bob": "away"}] * 2
    assert cluster.node(0).namespace().where("bob") == {"lobby"}


def test_a_change_is_told_once_to_each(cluster, come):
    ann, bob = come(0, "ann"), come(1, "bob")
    diffs(ann), diffs(bob)
    bob.emit("status", "away")
    bob.emit("status", "away")
    assert diffs(ann) == diffs(bob) == [({"bob": "away"}, {})]
    bob.emit("quit")
    assert diffs(ann) == [({}, {"bob": "away"})]


def test_tabs_on_several_servers_are_one_user(cluster, come):
    ann, tab = come(0, "ann"), come(0, "bob", status="one")
    diffs(ann)
    other = come(1, "bob", status="two")
    assert diffs(ann) == [({"bob": "two"}, {})]
    other.drop()
    assert diffs(ann) == [({"bob": "one"}, {})]
    tab.drop()
    assert diffs(ann) == [({}, {"bob": "one"})]
    assert present(cluster) == [{"ann": "on"}] * 2


def test_a_server_that_comes_knows_who_is_there(cluster, come):
    come(0, "ann")
    come(1, "bob")
    cluster.add()
    eve = come(2, "eve")
    assert eve.last("presence").args == ("lobby", {"ann": "on", "bob": "on", "eve": "on"})
    assert present(cluster) == [{"ann": "on", "bob": "on", "eve": "on"}] * 3


def test_the_users_of_a_server_that_dies_are_gone(cluster, come):
    ann = come(0, "ann")
    come(1, "bob")
    come(1, "ann", status="other tab")
    diffs(ann)
    cluster.kill(1)
    cluster.advance(5)
    assert diffs(ann) == [({"ann": "on"}, {}), ({}, {"bob": "on"})]
    assert cluster.node(0).namespace().present("lobby") == {"ann": "on"}


def test_after_a_break_all_know_what_has_changed(cluster, come):
    ann, bob, cid = come(0, "ann"), come(1, "bob"), come(1, "cid")
    cluster.stall(0)
    cluster.advance(10)
    bob.drop()
    cid.emit("status", "away")
    dan = come(1, "dan")
    ann.emit("status", "alone")
    cluster.heal(0)
    cluster.advance(10)
    now = {"ann": "alone", "cid": "away", "dan": "on"}
    assert present(cluster) == [now, now]
    for client in (ann, dan):
        seen = dict(client.received("presence")[0].args[1])
        for event in client.received("presence_diff"):
            seen |= event.args[1]["joins"]
            for user in event.args[1]["leaves"]:
                del seen[user]
        assert seen == now


def test_a_namespace_with_parameters_that_opens_later_knows_who_is_there():
    with Cluster({"/rooms/{id}": Chat}) as c:
        c.node(0).connect("/rooms/7", auth={"user": "ann"})
        c.settle()
        bob = c.node(1).connect("/rooms/7", auth={"user": "bob"})
        c.settle()
        assert [node.namespace("/rooms/7").present("lobby") for node in c.nodes] == [
            {"ann": "on", "bob": "on"}
        ] * 2
        seen = dict(bob.last("presence").args[1])
        for event in bob.received("presence_diff"):
            seen |= event.args[1]["joins"]
        assert seen == {"ann": "on", "bob": "on"}


# Rooms and their history.


def test_what_is_published_is_heard_and_kept_on_all_servers(cluster, come):
    ann, bob = come(0, "ann"), come(1, "bob")
    ann.emit("say", "hi", b"\0")
    bob.emit("say", "hello")
    assert [event.args for event in bob.received("said")] == [("hi", b"\0")]
    assert [event.args for event in ann.received("said")] == [("hello",)]
    for number in (0, 1):
        history = cluster.node(number).namespace().history("lobby")
        assert history == [["said", "hi", b"\0"], ["said", "hello"]]


def test_who_enters_gets_what_was_published_on_another_server(cluster, come):
    come(0, "ann").emit("say", "hi")
    cid = come(1, "cid")
    cid.emit("quit")
    cid.emit("join", "lobby")
    assert cid.last("history").args == ("lobby", [["said", "hi"]])


def test_a_history_that_all_servers_share_gets_it_once():
    class Database(History):
        shared = True
        kept = []

        def add(self, room, event, *args):
            self.kept.append([event, *args])

        def of(self, room):
            return list(self.kept)

    class Shared(Chat):
        def __init__(self):
            self.past = Database(1, {}, 1)

    with Cluster(lambda: {"/": Shared()}) as c:
        ann = c.node(0).connect(auth={"user": "ann"})
        bob = c.node(1).connect(auth={"user": "bob"})
        ann.emit("say", "hi")
        bob.assert_received("said", "hi")
        assert Database.kept == [["said", "hi"]]


def test_users_alone_work_too():
    class Inbox(Users):
        def on_connect(self, sid, environ, auth):
            self.identify(sid, "ann")

    with Cluster(Inbox) as c:
        one, two = c.node(0).connect(), c.node(1).connect()
        c.node(0).namespace().to_user("ann").emit("mail")
        assert one.received("mail") == two.received("mail") != []
