"""Rooms in the memory of this process."""

from __future__ import annotations

from sionamespace.errors import NotConnected, UsageError
from sionamespace.rooms.manager import RoomManager
from sionamespace.runtime.originals import new_lock
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["MemoryRoomManager"]


class _Namespace:
    """The two indexes of one namespace, each the reverse of the other."""

    __slots__ = ("members", "rooms")

    def __init__(self) -> None:
        # Dicts with no values are sets that keep the order in which their members came.
        self.members: dict[Room, dict[Sid, None]] = {}
        self.rooms: dict[Sid, dict[Room, None]] = {}


class _Namespaces(dict[Path, _Namespace]):
    """The namespaces in which somebody is. The others are empty, and nothing is kept of them."""

    def __missing__(self, path: Path) -> _Namespace:
        return _Namespace()


class MemoryRoomManager(RoomManager):
    """Rooms in memory, with an index in each direction; see `RoomManager` for what it promises."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._namespaces = _Namespaces()

    def add(self, path: Path, sid: Sid) -> None:
        with self._lock:
            namespace = self._namespaces.setdefault(path, _Namespace())
            namespace.rooms.setdefault(sid, {})[sid] = None
            namespace.members.setdefault(sid, {})[sid] = None

    def remove(self, path: Path, sid: Sid) -> None:
        with self._lock:
            namespace = self._namespaces[path]
            for room in namespace.rooms.pop(sid, ()):
                _take_out(namespace, sid, room)
            if not namespace.rooms:
                self._namespaces.pop(path, None)

    def enter(self, path: Path, sid: Sid, room: Room) -> None:
        with self._lock:
            namespace = self._namespaces[path]
            own = _rooms_of(namespace, path, sid)
            if room != sid and room in namespace.rooms:
                raise UsageError(f"room {room!r} is another client's own, named by its sid")
            own[room] = None
            namespace.members.setdefault(room, {})[sid] = None

    def leave(self, path: Path, sid: Sid, room: Room) -> None:
        with self._lock:
            namespace = self._namespaces[path]
            own = _rooms_of(namespace, path, sid)
            if room == sid:
                raise UsageError(f"client {sid!r} cannot leave the room named by its own sid")
            if room in own:
                del own[room]
                _take_out(namespace, sid, room)

    def close(self, path: Path, room: Room) -> None:
        with self._lock:
            namespace = self._namespaces[path]
            if room in namespace.rooms:
                raise UsageError(
                    f"room {room!r} is a client's own, named by its sid, and cannot be closed; "
                    "to send the client away, use disconnect(sid)"
                )
            for sid in namespace.members.pop(room, ()):
                del namespace.rooms[sid][room]

    def rooms(self, path: Path, sid: Sid) -> frozenset[Room]:
        with self._lock:
            return frozenset(_rooms_of(self._namespaces[path], path, sid))

    def recipients(self, path: Path, selection: Selection) -> list[Sid]:
        with self._lock:
            namespace = self._namespaces[path]
            found = _select(namespace, selection.rooms)
        return [sid for sid in found if sid not in selection.skip] if selection.skip else found


def _select(namespace: _Namespace, rooms: tuple[Room, ...] | None) -> list[Sid]:
    if rooms is None:
        return list(namespace.rooms)
    if len(rooms) == 1:
        return list(namespace.members.get(rooms[0], ()))
    union: dict[Sid, None] = {}
    for room in rooms:
        union.update(namespace.members.get(room, {}))
    return list(union)


def _rooms_of(namespace: _Namespace, path: Path, sid: Sid) -> dict[Room, None]:
    try:
        return namespace.rooms[sid]
    except KeyError:
        raise NotConnected(f"client {sid!r} is not connected to {path}") from None


def _take_out(namespace: _Namespace, sid: Sid, room: Room) -> None:
    members = namespace.members[room]
    del members[sid]
    if not members:
        del namespace.members[room]
