"""Who may enter which room, and what was said there."""

from __future__ import annotations

from datetime import date

import attrs
import pytest

from sionamespace import HandlerError, Refused, UsageError
from sionamespace.blocks import History, RoomPolicy
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime


class Chat(RoomPolicy):
    history_length = 3
    history_limits = {"picture": 1}
    history_rooms = 2

    def may_join(self, sid, room):
        if room == "members":
            raise Refused("members only", {"room": room})
        return room.startswith("public")

    def on_say(self, sid, room, text):
        self.publish(room, "said", text, skip_sid=sid)


@attrs.frozen
class Said:
    text: str
    on: date


@pytest.fixture
def harness():
    with Harness(Chat()) as h:
        yield h


def error(answer):
    return answer["error"]["message"]


def test_a_client_enters_what_it_may_and_leaves_it(harness):
    ann = harness.connect()
    assert ann.call("join", "public tea") is None
    assert ann.rooms == {"public tea"}
    assert ann.call("leave", "public tea") is None
    assert ann.call("leave", "public tea") is None
    assert ann.rooms == frozenset()


def test_joined_and_left_are_called_once_for_each():
    calls = []

    class Watched(Chat):
        def joined(self, sid, room):
            calls.append(("joined", room, self.rooms(sid)))

        def left(self, sid, room):
            calls.append(("left", room, self.rooms(sid)))

    with Harness(Watched()) as harness:
        ann = harness.connect()
        ann.call("join", "public tea")
        for _ in range(2):
            ann.call("leave", "public tea")
        ann.call("join", "public tea")
        ann.disconnect()
    there, away = {"public tea", ann.sid}, {ann.sid}
    joined, left = ("joined", "public tea", there), ("left", "public tea", away)
    assert calls == [joined, left, joined]


@pytest.mark.parametrize("hook", ["joined", "left"])
def test_what_nobody_awaits_is_no_coroutine(hook):
    async def function(self, sid, room): ...

    with pytest.raises(HandlerError, match=r"cannot be `async def`, as nobody awaits it; .*spawn"):
        type("Wrong", (Chat,), {hook: function})


def test_a_client_does_not_enter_what_it_may_not(harness):
    ann, bob = harness.connect(), harness.connect()
    assert error(ann.call("join", "secret")) == "you may not enter this room"
    assert ann.call("join", "members")["error"] == {
        "message": "members only",
        "data": {"room": "members"},
    }
    for nonsense in ("", "x" * 101, 7, None, ["public"]):
        assert error(ann.call("join", nonsense)).startswith("join: args[0]: Expected ")
        ann.call("leave", nonsense)
    ann.call("leave", ann.sid)
    assert error(ann.call("join", bob.sid)) == "you may not enter this room"
    assert ann.rooms == frozenset()


def test_unless_it_is_overridden_nobody_enters_anything():
    with Harness(RoomPolicy()) as harness:
        assert error(harness.connect().call("join", "x")) == "you may not enter this room"


def test_only_true_lets_in():
    class Careless(RoomPolicy):
        def may_join(self, sid, room):
            return "yes"

    with Harness(Careless()) as harness:
        assert error(harness.connect().call("join", "x")) == "you may not enter this room"


def test_an_async_policy_is_an_error_with_the_mend():
    with pytest.raises(HandlerError, match=r"may_join .*async def on_join"):

        class Wrong(RoomPolicy):
            async def may_join(self, sid, room):
                return True


def test_an_async_on_join_may_admit():
    class Asking(RoomPolicy):
        async def on_join(self, sid, room):
            self.admit(sid, room)

    with Harness(Asking()) as harness:
        ann = harness.connect()
        assert ann.call("join", "x") is None
        assert ann.last("history").args == ("x", [])


def test_even_admitting_never_enters_somebodys_own_room():
    class Open(RoomPolicy):
        def may_join(self, sid, room):
            return True

    with Harness(Open()) as harness:
        ann, bob = harness.connect(), harness.connect()
        assert error(ann.call("join", bob.sid)) == "you may not enter this room"


def test_who_comes_gets_the_last_events_and_then_what_follows(harness):
    ann, bob = harness.connect(), harness.connect()
    ann.call("join", "public tea")
    for number in range(5):
        ann.emit("say", "public tea", number)
    bob.call("join", "public tea")
    assert bob.last("history").args == ("public tea", [["said", 2], ["said", 3], ["said", 4]])
    ann.emit("say", "public tea", 5)
    assert [event.args for event in bob.received("said")] == [(5,)]
    assert ann.received("said") == []
    bob.call("join", "public tea")
    assert len(bob.received("history")) == 1, "who is there already needs none"


def test_the_history_has_an_end_in_rooms_too(harness):
    chat = harness.namespace()
    for room in ("a", "b", "a", "c"):
        chat.publish(room, "said", room)
    assert (chat.history("a"), chat.history("b")) == ([["said", "a"]] * 2, [])


def test_what_is_kept_is_what_clients_get_whatever_becomes_of_what_was_sent(harness):
    said, tags = Said("hi", date(2025, 1, 2)), ["new"]
    chat = harness.namespace()
    chat.publish("a", "said", said, tags, b"\0")
    tags.append("old")
    assert chat.history("a") == [["said", {"text": "hi", "on": "2025-01-02"}, ["new"], b"\0"]]


def test_of_some_events_fewer_are_kept_and_nothing_else_goes_for_them(harness):
    chat = harness.namespace()
    for event, number in [("said", 1), ("picture", 2), ("said", 3), ("picture", 4)]:
        chat.publish("a", event, number)
    assert chat.history("a") == [["said", 1], ["said", 3], ["picture", 4]]


def test_what_is_kept_may_be_elsewhere():
    class Diary(History):
        def add(self, room, event, *args):
            super().add(room, event, "dear diary", *args)

    class Chat(RoomPolicy):
        def __init__(self):
            self.past = Diary(length=1, limits={}, rooms=1)

    with Harness(Chat()) as harness:
        chat, ann = harness.namespace(), harness.connect()
        for text in ("hello", "bye"):
            chat.publish("a", "said", text)
        chat.admit(ann.sid, "a")
        assert ann.last("history").args == ("a", [["said", "dear diary", "bye"]])


def test_what_cannot_be_sent_is_not_kept(harness):
    chat = harness.namespace()
    with pytest.raises(UsageError):
        chat.publish("a", "said", object())
    assert chat.history("a") == []


def test_nothing_is_missed_and_nothing_comes_twice(harness):
    chat, clients = harness.namespace(), [harness.connect() for _ in range(10)]
    for number, client in enumerate(clients, start=1):
        chat.spawn(chat.publish, "public", "said", number)
        request = client.request("join", "public")
        chat.spawn(chat.publish, "public", "said", -number)
        assert request.answer is None
    harness.settle()
    everything = [event.args[0] for event in clients[0].received("said")]
    everything = [event[1] for event in clients[0].last("history").args[1]] + everything
    for client in clients:
        heard = [event[1] for event in client.last("history").args[1]]
        heard += [event.args[0] for event in client.received("said")]
        assert heard == everything[-len(heard) :]
        assert len(heard) == len(set(heard))


def test_a_declared_event_is_kept_by_its_name():
    class Page:
        def said(self, text: str) -> None: ...

    class Declaring(RoomPolicy, outgoing=Page):
        def may_join(self, sid, room):
            return True

    with Harness(Declaring()) as harness:
        ann = harness.connect()
        ann.call("join", "a")
        harness.namespace().publish("a", Page.said, "hi")
        ann.assert_received(Page.said, "hi")
        bob = harness.connect()
        bob.call("join", "a")
        bob.assert_received("history", "a", [["said", "hi"]])


def test_a_history_may_take_its_time_and_stops_nobody():
    class Slow(Chat):
        def __init__(self):
            self.past = Diary(10, {}, 10)
            self.past.wait = self.sleep

        def on_echo(self, sid, value):
            return value

    class Diary(History):
        def add(self, room, event, *args):
            self.wait(0.2)
            super().add(room, event, *args)

    with Harness(Slow()) as h:
        ann, bob, eve = h.connect(), h.connect(), h.connect()
        eve.call("join", "public tea")
        ann.emit("say", "public tea", "a")
        bob.emit("say", "public tea", "b")
        assert eve.call("echo", 1) == 1
        h.advance(1)
        h.advance(1)
        assert sorted(event.args for event in eve.received("said")) == [("a",), ("b",)]
