"""The interface of a room manager."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sionamespace.others import Others
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["RoomManager"]


class RoomManager(ABC):
    """Knows which client is in which room, for all namespaces of a server.

    Write a subclass and give it to the server, ``Server(routes, rooms=MyRooms())``, to keep
    memberships elsewhere, to log them, or to add rules. What holds for every implementation, and
    what `sionamespace.testing.RoomManagerContract` checks:

    - A client is in the namespace from `add` to `remove`, and in between always in the room named
      by its sid, which no other client can enter and it cannot leave.
    - A room exists while somebody is in it. It is never created or deleted by itself, and the same
      name in two namespaces is two rooms.
    - Methods may be called from any thread, never block and never call the application.
    - What is returned is a copy: it does not change later.
    - `add`, `enter`, `leave`, `remove` and `rooms` take a time that does not grow with the number
      of other clients, nor with rooms that the client is not in.

    To override single methods, subclass `MemoryRoomManager` instead.
    """

    others: Others = Others()
    """The servers that share their clients with this one. A manager that passes all on to another
    has that one's."""

    @abstractmethod
    def add(self, path: Path, sid: Sid) -> None:
        """Let a client into the namespace, in the room named by its sid."""

    @abstractmethod
    def remove(self, path: Path, sid: Sid) -> None:
        """Take a client out of the namespace and all its rooms; nothing if it is not there."""

    @abstractmethod
    def enter(self, path: Path, sid: Sid, room: Room) -> None:
        """Put a client into a room; nothing if it is in it already.

        Raises:
            NotConnected: if the client is not in the namespace.
            UsageError: if the room is the one named by another client's sid.
        """

    @abstractmethod
    def leave(self, path: Path, sid: Sid, room: Room) -> None:
        """Take a client out of a room; nothing if it is not in it.

        Raises:
            NotConnected: if the client is not in the namespace.
            UsageError: if the room is the one named by the client's own sid.
        """

    @abstractmethod
    def close(self, path: Path, room: Room) -> None:
        """Take every client out of a room; nothing if there is no such room.

        Raises:
            UsageError: if the room is one named by a client's sid.
        """

    @abstractmethod
    def rooms(self, path: Path, sid: Sid) -> frozenset[Room]:
        """The rooms of a client, the one named by its sid among them.

        Raises:
            NotConnected: if the client is not in the namespace.
        """

    @abstractmethod
    def recipients(self, path: Path, selection: Selection) -> list[Sid]:
        """The sids of a selection, each once, in no particular order."""
