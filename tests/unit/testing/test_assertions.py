"""`assert_received`, `assert_broadcast` and what they refute."""

from __future__ import annotations

import pytest

from sionamespace import Namespace
from sionamespace.testing import including


class Chat(Namespace):
    def on_connect(self, sid, environ, auth):
        self.session(sid)["name"] = auth["name"]

    def on_say(self, sid, text):
        message = {"from": self.session(sid)["name"], "text": text, "tags": ("a", b"b")}
        self.emit("message", message, room="lobby", skip_sid=sid)

    def on_join(self, sid, *rooms):
        self.enter_room(sid, rooms)
        self.to(*rooms).emit("joined")

    def on_all(self, sid, *args):
        self.emit("all", *args)

    def on_ask(self, sid):
        self.everyone.call_all("sure?", timeout=1)
        self.call("really?", room=sid, timeout=1)


@pytest.fixture
def namespaces():
    return Chat()


@pytest.fixture
def ann(harness):
    return harness.connect(auth={"name": "Ann"})


def failure(assertion, *args, **kwargs):
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **kwargs)
    return str(caught.value)


class TestReceived:
    def test_it_gives_the_event_and_takes_it_out(self, ann):
        ann.emit("all", 1)
        ann.emit("all", 2)
        assert ann.assert_received("all").args == (1,)
        assert ann.assert_received("all").args == (2,)
        assert "another assertion took it" in failure(ann.assert_received, "all")
        assert len(ann.received("all")) == 2
        assert ann.last("all").args == (2,)

    def test_the_one_that_fits_is_taken_wherever_it_stands(self, ann):
        ann.emit("all", 1)
        ann.emit("all", 2)
        ann.assert_received("all", 2)
        ann.refute_received("all", 2)
        ann.assert_received("all", 1)
        ann.refute_received("all")

    def test_arguments_are_all_of_them_each_as_it_is_or_in_part(self, ann):
        ann.emit("all", {"text": "hi", "id": 7}, "more")
        assert "expected 1 of them, got 2" in failure(ann.assert_received, "all", including(id=7))
        ann.assert_received("all", including(id=7), "more")

    def test_a_failure_shows_the_nearest_event_and_all_that_came(self, ann):
        ann.emit("all", {"text": "hi"}, 2)
        ann.emit("all", {"text": "ho"}, 1)
        ann.assert_received("all", {"text": "ho"}, 1)
        assert failure(ann.assert_received, "all", {"text": "hi"}, 3) == (
            "<client / auth={'name': 'Ann'}> received no all({'text': 'hi'}, 3)\n"
            "  nearest: all({'text': 'hi'}, 2)\n"
            "    args[1]: expected 3, got 2\n"
            "  all that came (* = taken by an assertion):\n"
            "  - all({'text': 'hi'}, 2)\n"
            "  * all({'text': 'ho'}, 1)"
        )

    def test_a_misspelt_event_is_the_nearest(self, ann):
        ann.emit("all", 1)
        text = failure(ann.assert_received, "alll", 1)
        assert "nearest: all(1)\n    event: expected 'alll', got 'all'" in text

    def test_nothing_is_said_to_be_nothing(self, ann):
        assert "nothing came at all" in failure(ann.assert_received, "message")

    def test_of_very_many_the_last_are_shown(self, ann):
        for number in range(100):
            ann.emit("all", number)
        text = failure(ann.assert_received, "message")
        assert "... 80 before" in text
        assert "all(99)" in text
        assert "all(79)" not in text

    def test_what_must_not_come_is_shown_when_it_came(self, ann):
        ann.emit("all", 1)
        ann.refute_received("all", 2)
        text = failure(ann.refute_received, "all")
        assert text.startswith("<client / auth={'name': 'Ann'}> received all(1)\n")

    def test_after_clearing_nothing_came(self, ann):
        ann.emit("all", 1)
        ann.clear()
        ann.refute_received("all")


class TestBroadcast:
    def test_it_tells_to_whom_also_when_nobody_is_there(self, harness, ann):
        ann.emit("say", "hi")
        sent = harness.assert_broadcast("message", including(text="hi"), room="lobby")
        assert (sent.rooms, sent.skip, sent.path) == ({"lobby"}, {ann.sid}, "/")
        harness.refute_broadcast("message")

    def test_arguments_are_as_clients_see_them(self, harness, ann):
        ann.emit("say", "hi")
        message = {"from": "Ann", "text": "hi", "tags": ["a", b"b"]}
        harness.assert_broadcast("message", message, skip_sid=ann.sid)

    def test_several_rooms_are_those_rooms(self, harness, ann):
        ann.emit("join", "a", "b")
        assert "rooms: expected" in failure(harness.assert_broadcast, "joined", room="a")
        harness.assert_broadcast("joined", room=["b", "a"])

    def test_no_room_is_everybody(self, harness, ann):
        ann.emit("all", 1)
        assert "rooms" in failure(harness.assert_broadcast, "all", room="lobby")
        harness.assert_broadcast("all", 1, room=None, skip_sid=())

    def test_what_is_said_in_no_room_is_not_said(self, harness, ann):
        ann.emit("join")
        harness.refute_broadcast("joined")

    def test_a_failure_shows_what_was_sent_instead(self, harness, ann):
        ann.emit("say", "hi")
        text = failure(harness.assert_broadcast, "message", room="garden", path="/")
        assert text.startswith("the server sent no message(...) rooms={'garden'}")
        assert "rooms: expected {'garden'}, got {'lobby'}" in text
        assert "to lobby, but not " in text

    def test_what_must_not_be_sent_is_shown_when_it_was(self, harness, ann):
        ann.emit("all", 1)
        harness.refute_broadcast("all", room="lobby")
        assert "the server sent / all(1) to everybody" in failure(harness.refute_broadcast, "all")

    def test_what_is_asked_of_clients_counts_too(self, harness, ann):
        ann.answers("sure?", True)
        ann.answers("really?", True)
        ann.emit("ask")
        assert [sent.name for sent in harness.emitted()] == ["sure?", "really?"]
        assert harness.emitted("sure?")[0].rooms is None
        harness.assert_broadcast("really?", room=ann.sid)
