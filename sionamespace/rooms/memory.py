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
            if path not in self._namespaces:
                self._namespaces[path] = _Namespace()
                self._filled(path, None)
            namespace = self._namespaces[path]
            namespace.rooms.setdefault(sid, {})[sid] = None
            namespace.members.setdefault(sid, {})[sid] = None

    def remove(self, path: Path, sid: Sid) -> None:
        with self._lock:
            namespace = self._namespaces[path]
            for room in namespace.rooms.pop(sid, ()):
                self._take_out(path, namespace, sid, room)
            if not namespace.rooms and self._namespaces.pop(path, None) is not None:
                self._emptied(path, None)

    def enter(self, path: Path, sid: Sid, room: Room) -> None:
        with self._lock:
            namespace = self._namespaces[path]
            own = _rooms_of(namespace, path, sid)
            if room != sid and room in namespace.rooms:
                raise not_yours(room)
            own[room] = None
            if room not in namespace.members:
                namespace.members[room] = {}
                self._filled(path, room)
            namespace.members[room][sid] = None

    def leave(self, path: Path, sid: Sid, room: Room) -> None:
        with self._lock:
            namespace = self._namespaces[path]
            own = _rooms_of(namespace, path, sid)
            if room == sid:
                raise cannot_leave(sid)
            if room in own:
                del own[room]
                self._take_out(path, namespace, sid, room)

    def close(self, path: Path, room: Room) -> None:
        with self._lock:
            namespace = self._namespaces[path]
            if room in namespace.rooms:
                raise cannot_close(room)
            if room in namespace.members:
                for sid in namespace.members.pop(room):
                    del namespace.rooms[sid][room]
                self._emptied(path, room)

    def rooms(self, path: Path, sid: Sid) -> frozenset[Room]:
        with self._lock:
            return frozenset(_rooms_of(self._namespaces[path], path, sid))

    def recipients(self, path: Path, selection: Selection) -> list[Sid]:
        with self._lock:
            namespace = self._namespaces[path]
            found = _select(namespace, selection.rooms)
            if not selection.skip:
                return found
            skipped = set(_select(namespace, tuple(selection.skip)))
        return [sid for sid in found if sid not in skipped]

    # For those who must know where there are clients. Called with the lock held, so be quick.

    def _filled(self, path: Path, room: Room | None) -> None:
        """The first client has come into a room, or (None) into a namespace."""

    def _emptied(self, path: Path, room: Room | None) -> None:
        """The last one has left it."""

    def _take_out(self, path: Path, namespace: _Namespace, sid: Sid, room: Room) -> None:
        members = namespace.members[room]
        del members[sid]
        if not members:
            del namespace.members[room]
            self._emptied(path, room)


def not_yours(room: Room) -> UsageError:
    """What to raise for a client that is put into the room of another."""
    return UsageError(f"room {room!r} is another client's own, named by its sid")


def cannot_leave(sid: Sid) -> UsageError:
    """What to raise for a client that is taken out of its own room."""
    return UsageError(f"client {sid!r} cannot leave the room named by its own sid")


def cannot_close(room: Room) -> UsageError:
    """What to raise for who closes the room that is a client's own."""
    return UsageError(
        f"room {room!r} is a client's own, named by its sid, and cannot be closed; "
        "to send the client away, use disconnect(sid)"
    )


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
