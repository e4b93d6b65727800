from __future__ import annotations

import pytest

from sionamespace.errors import NotConnected, UsageError
from sionamespace.rooms import MemoryRoomManager
from sionamespace.testing.contract import RoomManagerContract
from sionamespace.types import Selection


class TestContract(RoomManagerContract):
    def make(self):
        return MemoryRoomManager()


class Counted(str):
    """A name that counts how often it is looked up or compared, in any dict that holds it."""

    touched = 0

    def __hash__(self):
        Counted.touched += 1
        return str.__hash__(self)

    def __eq__(self, other):
        Counted.touched += 1
        return str.__eq__(self, other)


def crowded(others):
    """A manager with a client in two rooms, and others in a room each of their own."""
    rooms = MemoryRoomManager()
    for number in range(others):
        rooms.add("/", Counted(f"other{number}"))
        rooms.enter("/", Counted(f"other{number}"), Counted(f"room{number}"))
    rooms.add("/", Counted("me"))
    for room in ("x", "y"):
        rooms.enter("/", Counted("me"), Counted(room))
    return rooms


def cost(others, action):
    rooms = crowded(others)
    before = Counted.touched
    action(rooms)
    return Counted.touched - before


@pytest.mark.parametrize(
    "action",
    [
        lambda rooms: rooms.add("/", Counted("new")),
        lambda rooms: rooms.enter("/", Counted("me"), Counted("z")),
        lambda rooms: rooms.leave("/", Counted("me"), Counted("x")),
        lambda rooms: rooms.remove("/", Counted("me")),
        lambda rooms: rooms.rooms("/", Counted("me")),
        lambda rooms: rooms.close("/", Counted("x")),
        lambda rooms: rooms.recipients("/", Selection((Counted("x"),))),
    ],
    ids=["add", "enter", "leave", "remove", "rooms", "close", "recipients"],
)
def test_the_cost_does_not_grow_with_other_clients_and_their_rooms(action):
    # A handful, for names whose hashes happen to collide.
    assert 0 < cost(1000, action) <= cost(1, action) + 6


def test_nothing_is_left_of_clients_that_came_and_went():
    rooms = MemoryRoomManager()
    for turn in range(100):
        rooms.add("/", f"sid{turn}")
        rooms.enter("/", f"sid{turn}", f"room{turn}")
        rooms.enter("/", f"sid{turn}", "all")
        rooms.leave("/", f"sid{turn}", f"room{turn}")
        rooms.remove("/", f"sid{turn}")
        assert rooms.recipients("/", Selection()) == []
    assert not rooms._namespaces


def test_members_come_in_the_order_in_which_they_entered():
    rooms = MemoryRoomManager()
    for sid in "cab":
        rooms.add("/", sid)
        rooms.enter("/", sid, "x")
    assert rooms.recipients("/", Selection(("x",))) == ["c", "a", "b"]


def test_errors_name_the_client_the_path_and_the_way_out():
    rooms = MemoryRoomManager()
    rooms.add("/chat", "a")
    with pytest.raises(NotConnected, match="client 'b' is not connected to /chat"):
        rooms.rooms("/chat", "b")
    with pytest.raises(UsageError, match=r"use disconnect\(sid\)"):
        rooms.close("/chat", "a")


def test_it_can_be_overridden_method_by_method():
    entered = []

    class Logging(MemoryRoomManager):
        def enter(self, path, sid, room):
            entered.append((path, sid, room))
            super().enter(path, sid, room)

    rooms = Logging()
    rooms.add("/", "a")
    rooms.enter("/", "a", "x")
    assert entered == [("/", "a", "x")]
    assert rooms.rooms("/", "a") == {"a", "x"}
