from __future__ import annotations

import asyncio
from typing import Protocol

import attrs
import pytest

from sionamespace import AckTimeout, AnswerInvalid, Namespace, Refused, UsageError
from sionamespace.testing import Harness, mocks_of, stub


class Chat(Namespace):
    def __init__(self, room: str = "lobby") -> None:
        self._room = room

    def on_connect(self, sid, environ, auth):
        if auth is None:
            raise Refused("who are you?")
        self.session(sid)["name"] = auth
        self.enter_room(sid, self._room)

    def on_message(self, sid, text):
        self.emit("message", {"text": text}, room=self._room, skip_sid=sid)
        return "OK", len(self.members(self._room))

    def on_clear(self, sid):
        return self.call("confirm", "sure?", room=sid, timeout=5).result()

    async def on_clear_async(self, sid):
        return await self.call("confirm", "sure?", room=sid)

    def on_tell(self, sid):
        self.to("a").to("b").skip(sid).emit("told")
        self.everyone.emit("told", 1)

    def on_wait(self, sid):
        self.sleep(3600)
        self.spawn(self.on_tell, sid)
        return sorted(self.rooms(sid))

    def on_wrong(self, sid):
        self.emit("message", text="hi")  # type: ignore[call-arg]

    def on_about(self, sid):
        return self.client(sid).sid, self.path


def test_a_handler_is_called_and_what_it_says_is_recorded():
    chat = stub(Chat)
    assert chat.on_message("ann", "hi") == ("OK", 0)
    mocks_of(chat).emit.assert_called_once_with(
        "message", {"text": "hi"}, room="lobby", skip_sid="ann"
    )


def test_as_much_may_be_said_to_a_client_as_you_like():
    chat = stub(Chat)
    chat.on_connect("ann", {}, "Ann")
    for _ in range(3):
        assert chat.on_message("bob", "hi") == ("OK", 1)
    assert mocks_of(chat).emit.call_count == 3


def test_it_takes_an_instance_too():
    chat = stub(Chat("garden"))
    chat.on_connect("ann", {}, "Ann")
    mocks_of(chat).enter_room.assert_called_once_with("ann", "garden")


def test_sessions_and_rooms_are_real():
    chat = stub(Chat)
    chat.on_connect("ann", {}, "Ann")
    assert chat.session("ann") == {"name": "Ann"}
    assert chat.rooms("ann") == {"ann", "lobby"}
    assert chat.on_message("ann", "hi") == ("OK", 1)
    chat.leave_room("bob", "lobby")
    assert chat.rooms("bob") == {"bob"}
    assert chat.on_about("ann") == ("ann", "/stub")


def test_what_a_handler_raises_is_raised():
    with pytest.raises(Refused, match="who are you"):
        stub(Chat).on_connect("ann", {}, None)


def test_clients_answer_as_they_are_told():
    chat = stub(Chat, answers={"confirm": True})
    assert chat.on_clear("ann") is True
    assert asyncio.run(chat.on_clear_async("ann")) is True
    mocks_of(chat).call.assert_called_with("confirm", "sure?", room="ann")


def test_or_do_not():
    chat = stub(Chat, answers={"confirm": AckTimeout("late")})
    with pytest.raises(AckTimeout, match="late"):
        chat.on_clear("ann")
    with pytest.raises(AssertionError, match=r"answers=\{'confirm': \.\.\.\}"):
        stub(Chat).on_clear("ann")


def test_a_mock_may_be_told_what_to_do_as_any():
    chat = stub(Chat)
    mocks_of(chat).members.side_effect = None
    mocks_of(chat).members.return_value = {"a", "b"}
    assert chat.on_message("ann", "hi") == ("OK", 2)


def test_audiences_are_recorded():
    chat = stub(Chat)
    chat.on_tell("ann")
    mocks = mocks_of(chat)
    mocks.to.assert_called_once_with("a")
    mocks.to.return_value.to.assert_called_once_with("b")
    mocks.to.return_value.skip.assert_called_once_with("ann")
    mocks.everyone.emit.assert_called_with("told", 1)


def test_nothing_is_spawned_and_nothing_sleeps():
    chat = stub(Chat)
    assert chat.on_wait("ann") == ["ann"]
    mocks_of(chat).sleep.assert_called_once_with(3600)
    mocks_of(chat).spawn.assert_called_once_with(chat.on_tell, "ann")
    mocks_of(chat).to.assert_not_called()


def test_what_the_real_method_does_not_take_fails():
    with pytest.raises(TypeError, match="text"):
        stub(Chat).on_wrong("ann")
    with pytest.raises(UsageError, match="cannot send"):
        stub(Chat).emit("message", object())


def test_two_of_them_and_the_class_do_not_meet():
    one, other = stub(Chat), stub(Chat)
    one.on_connect("ann", {}, "Ann")
    assert other.session("ann") == {}
    with Harness(Chat()) as harness:
        assert harness.connect(auth={"name": "Bob"}).rooms == {"lobby"}


def test_it_has_the_parameters_that_it_is_given():
    class Job(Namespace):
        def on_number(self, sid):
            return self.params["job_id"]

    assert stub(Job, params={"job_id": 7}).on_number("ann") == 7
    assert stub(Job).params == {}


@attrs.frozen
class Point:
    x: int


class Page(Protocol):
    def moved(self, point: Point) -> None: ...

    def where(self) -> Point: ...

    def both(self) -> tuple[int, str]: ...


class Map(Namespace, outgoing=Page):
    def on_move(self, sid, x):
        self.emit(Page.moved, Point(x), room="map")
        self.to("map").emit(Page.moved, Point(x))

    def on_find(self, sid):
        return self.call(Page.where, room=sid).result()

    def on_both(self, sid):
        return self.call(Page.both, room=sid).result()


def test_declared_events_are_recorded_as_they_are_written():
    chat = stub(Map)
    chat.on_move("ann", 1)
    mocks_of(chat).emit.assert_called_once_with(Page.moved, Point(1), room="map")
    mocks_of(chat).to.return_value.emit.assert_called_once_with(Page.moved, Point(1))
    with pytest.raises(UsageError, match="expected 1"):
        chat.emit(Page.moved)  # type: ignore[call-arg]


@pytest.mark.parametrize("answer", [Point(1), {"x": 1}])
def test_a_declared_answer_comes_as_its_type(answer):
    assert stub(Map, answers={Page.where: answer}).on_find("ann") == Point(1)


def test_several_arguments_are_a_tuple():
    assert stub(Map, answers={"both": (1, "b")}).on_both("ann") == (1, "b")


def test_a_wrong_answer_is_wrong_here_too():
    with pytest.raises(AnswerInvalid, match=r"answer\.x: Missing"):
        stub(Map, answers={Page.where: {}}).on_find("ann")
    with pytest.raises(UsageError, match="does not declare"):
        stub(Map, answers={Chat.on_message: 1})
