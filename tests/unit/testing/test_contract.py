"""The contract must find the faults that it is there to find."""

from __future__ import annotations

import inspect

import pytest

from sionamespace.rooms import MemoryRoomManager
from sionamespace.testing.contract import RoomManagerContract
from sionamespace.types import Selection


class KeepsTheGone(MemoryRoomManager):
    def remove(self, path, sid):
        pass


class LetsStrangersIn(MemoryRoomManager):
    def enter(self, path, sid, room):
        self.add(path, sid)
        super().enter(path, sid, room)


class SharesRooms(MemoryRoomManager):
    def recipients(self, path, selection):
        return [sid for one in list(self._namespaces) for sid in super().recipients(one, selection)]


class CountsTwice(MemoryRoomManager):
    def recipients(self, path, selection):
        rooms = selection.rooms
        if rooms is None:
            return super().recipients(path, selection)
        return [
            sid
            for room in rooms
            for sid in super(CountsTwice, self).recipients(path, Selection((room,), selection.skip))
        ]


class SkipsNobody(MemoryRoomManager):
    def recipients(self, path, selection):
        return super().recipients(path, Selection(selection.rooms))


class SkipsOnlySids(MemoryRoomManager):
    def recipients(self, path, selection):
        found = super().recipients(path, Selection(selection.rooms))
        return [sid for sid in found if sid not in selection.skip]


class ClosesAnything(MemoryRoomManager):
    def close(self, path, room):
        if room not in self._namespaces[path].rooms:
            super().close(path, room)


class NoRoomIsEverybody(MemoryRoomManager):
    def recipients(self, path, selection):
        return super().recipients(path, Selection(selection.rooms or None, selection.skip))


class Remembers(MemoryRoomManager):
    def rooms(self, path, sid):
        super().rooms(path, sid)
        return self._namespaces[path].rooms[sid].keys()


def failures(manager):
    """The names of the contract's tests that a manager fails."""

    class Contract(RoomManagerContract):
        def make(self):
            return manager()

    failed = []
    for name, _ in inspect.getmembers(RoomManagerContract, inspect.isfunction):
        if name.startswith("test_"):
            try:
                getattr(Contract(), name)()
            except Exception:
                failed.append(name)
    return failed


def test_a_manager_that_does_as_it_should_passes():
    assert failures(MemoryRoomManager) == []


@pytest.mark.parametrize(
    "manager",
    [
        KeepsTheGone,
        LetsStrangersIn,
        SharesRooms,
        CountsTwice,
        SkipsNobody,
        SkipsOnlySids,
        ClosesAnything,
        NoRoomIsEverybody,
        Remembers,
    ],
)
def test_a_manager_with_a_fault_fails(manager):
    assert failures(manager)


def test_a_contract_without_a_manager_says_what_to_do():
    with pytest.raises(NotImplementedError, match="return the room manager"):
        RoomManagerContract().make()
