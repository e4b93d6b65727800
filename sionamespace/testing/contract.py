"""What every `RoomManager` must do, as tests that any implementation can be run through."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sionamespace.errors import NotConnected, UsageError
from sionamespace.rooms import RoomManager
from sionamespace.types import Selection

__all__ = ["RoomManagerContract"]

_EVERYBODY = Selection()


class RoomManagerContract:
    """Subclass it in your tests, with a ``make`` that gives a new, empty room manager.

        class TestMyRooms(RoomManagerContract):
            def make(self):
                return MyRooms()

    It has a test for each rule that `sionamespace.RoomManager` has.
    """

    def make(self) -> RoomManager:
        """A new, empty room manager."""
        raise NotImplementedError("return the room manager to test")

    def _with(self, *sids: str, path: str = "/") -> RoomManager:
        rooms = self.make()
        for sid in sids:
            rooms.add(path, sid)
        return rooms

    def test_a_new_client_is_alone_in_the_room_named_by_its_sid(self) -> None:
        rooms = self._with("a", "b")
        assert rooms.rooms("/", "a") == {"a"}
        assert rooms.recipients("/", Selection(("a",))) == ["a"]

    def test_everybody_is_in_the_namespace(self) -> None:
        rooms = self._with("a", "b")
        assert sorted(rooms.recipients("/", _EVERYBODY)) == ["a", "b"]

    def test_adding_twice_changes_nothing(self) -> None:
        rooms = self._with("a", "a")
        rooms.enter("/", "a", "x")
        rooms.add("/", "a")
        assert rooms.rooms("/", "a") == {"a", "x"}
        assert rooms.recipients("/", _EVERYBODY) == ["a"]

    def test_entering_and_leaving(self) -> None:
        rooms = self._with("a", "b")
        rooms.enter("/", "a", "x")
        rooms.enter("/", "a", "x")
        rooms.enter("/", "b", "x")
        assert rooms.rooms("/", "a") == {"a", "x"}
        assert sorted(rooms.recipients("/", Selection(("x",)))) == ["a", "b"]
        rooms.leave("/", "a", "x")
        rooms.leave("/", "a", "x")
        assert rooms.rooms("/", "a") == {"a"}
        assert rooms.recipients("/", Selection(("x",))) == ["b"]

    def test_a_client_in_several_rooms_counts_once(self) -> None:
        rooms = self._with("a", "b", "c")
        for sid, room in (("a", "x"), ("a", "y"), ("b", "y")):
            rooms.enter("/", sid, room)
        assert sorted(rooms.recipients("/", Selection(("x", "y", "a")))) == ["a", "b"]

    def test_skipped_clients_are_left_out(self) -> None:
        rooms = self._with("a", "b", "c")
        found = rooms.recipients("/", Selection(None, frozenset({"a", "nobody"})))
        assert sorted(found) == ["b", "c"]

    def test_a_skipped_room_is_all_who_are_in_it(self) -> None:
        rooms = self._with("a", "b", "c")
        for sid, room in (("a", "x"), ("b", "x"), ("b", "y"), ("c", "y")):
            rooms.enter("/", sid, room)
        assert rooms.recipients("/", Selection(("x",), frozenset({"y"}))) == ["a"]
        assert rooms.recipients("/", Selection(None, frozenset({"a", "y", "nobody"}))) == []

    def test_no_rooms_is_nobody_and_unknown_rooms_are_empty(self) -> None:
        rooms = self._with("a")
        assert rooms.recipients("/", Selection(())) == []
        assert rooms.recipients("/", Selection(("x",))) == []
        assert rooms.recipients("/elsewhere", _EVERYBODY) == []

    def test_namespaces_do_not_share_rooms(self) -> None:
        rooms = self._with("a", path="/one")
        rooms.add("/two", "b")
        rooms.enter("/one", "a", "x")
        rooms.enter("/two", "b", "x")
        assert rooms.recipients("/one", Selection(("x",))) == ["a"]
        assert rooms.recipients("/two", _EVERYBODY) == ["b"]

    def test_closing_a_room_takes_everybody_out(self) -> None:
        rooms = self._with("a", "b")
        rooms.enter("/", "a", "x")
        rooms.enter("/", "b", "x")
        rooms.enter("/", "b", "y")
        rooms.close("/", "x")
        rooms.close("/", "x")
        assert rooms.recipients("/", Selection(("x",))) == []
        assert rooms.rooms("/", "b") == {"b", "y"}
        assert sorted(rooms.recipients("/", _EVERYBODY)) == ["a", "b"]

    def test_a_removed_client_is_nowhere(self) -> None:
        rooms = self._with("a", "b")
        rooms.enter("/", "a", "x")
        rooms.remove("/", "a")
        rooms.remove("/", "a")
        assert rooms.recipients("/", _EVERYBODY) == ["b"]
        assert rooms.recipients("/", Selection(("x", "a"))) == []
        _raises(NotConnected, lambda: rooms.rooms("/", "a"))

    def test_a_client_that_is_not_there_has_no_rooms(self) -> None:
        rooms = self._with("a")
        _raises(NotConnected, lambda: rooms.enter("/", "b", "x"))
        _raises(NotConnected, lambda: rooms.leave("/", "b", "x"))
        _raises(NotConnected, lambda: rooms.rooms("/other", "a"))
        assert rooms.recipients("/", Selection(("x",))) == []

    def test_the_room_named_by_a_sid_is_its_clients_own(self) -> None:
        rooms = self._with("a", "b")
        _raises(UsageError, lambda: rooms.enter("/", "b", "a"))
        _raises(UsageError, lambda: rooms.leave("/", "a", "a"))
        _raises(UsageError, lambda: rooms.close("/", "a"))
        assert rooms.recipients("/", Selection(("a",))) == ["a"]

    def test_what_is_returned_does_not_change_later(self) -> None:
        rooms = self._with("a", "b")
        before, everybody = rooms.rooms("/", "a"), rooms.recipients("/", _EVERYBODY)
        rooms.enter("/", "a", "x")
        rooms.remove("/", "b")
        assert before == {"a"}
        assert sorted(everybody) == ["a", "b"]

    def test_threads_may_come_and_go_at_once(self) -> None:
        rooms = self._with("stays")
        failures: list[BaseException] = []

        def come_and_go(name: str) -> None:
            try:
                for turn in range(200):
                    sid = f"{name}{turn}"
                    rooms.add("/", sid)
                    rooms.enter("/", sid, "x")
                    assert sid in rooms.recipients("/", Selection(("x",)))
                    rooms.remove("/", sid)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=come_and_go, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert rooms.recipients("/", _EVERYBODY) == ["stays"]
        assert rooms.recipients("/", Selection(("x",))) == []


def _raises(expected: type[Exception], action: Callable[[], object]) -> None:
    try:
        action()
    except expected:
        return
    raise AssertionError(f"expected {expected.__name__}")
