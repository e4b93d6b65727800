"""Who is where."""

from __future__ import annotations

import pytest

from sionamespace import NotConnected, Refused, UsageError
from sionamespace.blocks import Presence, RoomPolicy
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime


class Chat(Presence):
    """As people write it: an __init__, an on_connect and an on_disconnect with no super()."""

    def __init__(self):
        self.gone = []

    def on_connect(self, sid, environ, auth):
        self.identify(sid, auth["user"])
        self.track(sid, "lobby", auth.get("status"))
        if auth["user"] == "eve":
            raise Refused("not you")

    def on_disconnect(self, sid, reason):
        self.gone.append((self.user(sid), self.present("lobby").get(self.user(sid))))

    def on_status(self, sid, room, status):
        self.track(sid, room, status)

    async def on_quit(self, sid, room):
        self.untrack(sid, room)


@pytest.fixture
def harness():
    with Harness(Chat()) as h:
        yield h


@pytest.fixture
def come(harness):
    return lambda user, status="on": harness.connect(auth={"user": user, "status": status})


def diffs(client):
    found = [event.args for event in client.received("presence_diff")]
    client.clear()
    return [(room, diff["joins"], diff["leaves"]) for room, diff in found]


def test_who_comes_is_told_who_is_there_and_the_others_that_it_came(come):
    ann = come("ann")
    bob = come("bob", "away")
    assert ann.last("presence").args == ("lobby", {"ann": "on"})
    assert bob.last("presence").args == ("lobby", {"ann": "on", "bob": "away"})
    assert diffs(ann) == [("lobby", {"bob": "away"}, {})]
    assert diffs(bob) == []


def test_many_tabs_of_a_user_are_one_entry(harness, come):
    ann, bob = come("ann"), [come("bob") for _ in range(3)]
    assert diffs(ann) == [("lobby", {"bob": "on"}, {})]
    assert harness.namespace().present("lobby") == {"ann": "on", "bob": "on"}
    bob[0].disconnect()
    bob[2].drop()
    assert diffs(ann) == []
    bob[1].drop()
    assert diffs(ann) == [("lobby", {}, {"bob": "on"})]


def test_the_newest_word_of_a_user_counts(harness, come):
    ann, one, two = come("ann"), come("bob"), come("bob", "away")
    assert diffs(ann) == [("lobby", {"bob": "on"}, {}), ("lobby", {"bob": "away"}, {})]
    one.emit("status", "lobby", "busy")
    assert diffs(ann) == [("lobby", {"bob": "busy"}, {})]
    one.emit("status", "lobby", "busy")
    assert diffs(ann) == []
    one.drop()
    assert diffs(ann) == [("lobby", {"bob": "away"}, {})]
    assert two.connected
    assert harness.namespace().present("lobby") == {"ann": "on", "bob": "away"}


def test_one_may_be_in_several_rooms_and_leave_one(harness, come):
    ann, bob = come("ann"), come("bob")
    for each in (ann, bob):
        each.emit("status", "garden", None)
    chat = harness.namespace()
    assert chat.where("bob") == {"lobby", "garden"}
    diffs(ann)
    bob.emit("quit", "garden")
    bob.emit("quit", "nowhere")
    assert diffs(ann) == [("garden", {}, {"bob": None})]
    assert "garden" not in bob.rooms
    bob.drop()
    assert diffs(ann) == [("lobby", {}, {"bob": "on"})]
    assert chat.where("bob") == frozenset()


def test_in_on_disconnect_the_client_is_still_present_and_then_no_longer(harness, come):
    come("ann").drop()
    chat = harness.namespace()
    assert chat.gone == [("ann", "on")]
    kept = chat._Presence__roster._rooms, chat._Presence__tracked
    assert (chat.present("lobby"), *kept) == ({}, {}, {})


def test_who_is_refused_after_all_is_no_ghost(harness, come):
    ann = come("ann")
    assert come("eve").refused.message == "not you"
    assert diffs(ann) == [("lobby", {"eve": "on"}, {}), ("lobby", {}, {"eve": "on"})]
    assert harness.namespace().present("lobby") == {"ann": "on"}


def test_who_has_left_cannot_be_tracked(harness, come):
    ann, chat = come("ann"), harness.namespace()
    ann.drop()
    with pytest.raises(NotConnected):
        chat.track(ann.sid, "lobby")
    assert chat._Presence__tracked == {}


def test_what_cannot_be_sent_changes_nothing(harness, come):
    ann, chat = come("ann"), harness.namespace()
    with pytest.raises(UsageError):
        chat.track(ann.sid, "garden", object())
    assert ann.rooms == {"lobby", "user ann"}
    assert chat.where("ann") == {"lobby"}


def test_a_copy_of_the_list_kept_up_by_diffs_is_right(harness, come):
    """Whatever the order in which threads come and go."""
    watcher = come("watcher")
    clients = [come(f"user{number % 5}", number) for number in range(20)]
    for number, client in enumerate(clients):
        if number % 3:
            client.emit("status", "lobby", -number)
        if number % 2:
            client.drop()
    copy = dict(watcher.received("presence")[0].args[1])
    for _, joins, leaves in diffs(watcher):
        for user in leaves:
            del copy[user]
        copy.update(joins)
    assert copy == harness.namespace().present("lobby")
    assert len(copy) == 6


def test_it_combines_with_the_room_policy():
    class Both(Presence, RoomPolicy):
        def on_connect(self, sid, environ, auth):
            self.identify(sid, auth["user"])

        def may_join(self, sid, room):
            return True

        def joined(self, sid, room):
            self.track(sid, room)

        def left(self, sid, room):
            self.untrack(sid, room)

    with Harness(Both()) as harness:
        ann, bob = (harness.connect(auth={"user": user}) for user in ("ann", "bob"))
        for each in (ann, bob):
            each.call("join", "tea")
        assert bob.last("presence").args == ("tea", {"ann": None, "bob": None})
        assert bob.last("history").args == ("tea", [])
        assert "may not" in bob.call("join", "user ann")["error"]["message"]
        bob.call("leave", "tea")
        assert diffs(ann) == [("tea", {"bob": None}, {}), ("tea", {}, {"bob": None})]
        assert harness.namespace().present("tea") == {"ann": None}
