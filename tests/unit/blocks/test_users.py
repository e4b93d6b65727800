"""A user over all its connections."""

from __future__ import annotations

import pytest

from sionamespace import Refused
from sionamespace.blocks import Users
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime


class Inbox(Users):
    def on_connect(self, sid, environ, auth):
        if auth:
            self.identify(sid, auth["user"])

    def on_write(self, sid, to, text):
        self.to_user(*to).skip(sid).emit("mail", self.user(sid), text)

    def on_enter(self, sid, room):
        self.enter_room(sid, room)

    def on_become(self, sid, user):
        self.identify(sid, user)

    def handle_error(self, sid, event, error):
        raise Refused(str(error))


@pytest.fixture
def harness():
    with Harness(Inbox()) as h:
        yield h


def test_a_user_is_reached_over_all_its_connections(harness):
    ann1, ann2, bob, eve = (harness.connect(auth={"user": u}) for u in ("ann", "ann", "bob", "eve"))
    eve.emit("write", ["ann", "bob"], "hi")
    assert [len(each.received("mail")) for each in (ann1, ann2, bob, eve)] == [1, 1, 1, 0]
    assert bob.last("mail").args == ("eve", "hi")
    inbox = harness.namespace()
    assert inbox.connections("ann") == {ann1.sid, ann2.sid}
    assert inbox.user(bob.sid) == "bob"
    ann1.disconnect()
    ann2.drop()
    assert inbox.connections("ann") == frozenset()
    inbox.to_user("ann").emit("mail")
    inbox.to_user().emit("mail")
    assert len(eve.received("mail")) == 0


def test_nobody_enters_a_users_room_by_its_name(harness):
    eve = harness.connect(auth={"user": "eve"})
    answer = eve.call("enter", ["lobby", "user ann"])
    assert "stands for a user" in answer["error"]["message"]
    assert eve.rooms == {"user eve"}
    assert eve.call("enter", "lobby") is None
    assert "lobby" in eve.rooms


def test_who_nobody_is_said_to_be_is_an_error_with_the_mend(harness):
    stranger = harness.connect()
    assert "self.identify(sid, user)" in stranger.call("write", ["x"], "hi")["error"]["message"]


@pytest.mark.parametrize(
    ("user", "text"),
    [("eve", "is 'ann' already"), ("", "a user is a text"), (7, "a user is a text"), ("ann", None)],
)
def test_who_a_client_is_is_said_once(harness, user, text):
    answer = harness.connect(auth={"user": "ann"}).call("become", user)
    assert answer is None if text is None else text in answer["error"]["message"]
