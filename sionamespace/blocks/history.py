"""`History`: the last events of each room."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any

from sionamespace.types import Room

__all__ = ["History"]


class History:
    """The last events of each room, in the memory of this process.

    Args:
        length: how many events of a room are kept.
        limits: of some events fewer, by their names, such as ``{"picture": 3}`` of large ones; an
            old one goes then, and nothing else for it.
        rooms: of how many rooms; that of the quietest one is forgotten first.
    """

    shared = False
    """Whether it is one for all servers that share the clients, such as one in a database. Of one
    that is not, each server has its own, of what was published since it started."""

    def __init__(self, length: int, limits: Mapping[str, int], rooms: int) -> None:
        self._length = length
        self._limits = limits
        self._most_rooms = rooms
        self._rooms: OrderedDict[Room, deque[list[Any]]] = OrderedDict()

    def add(self, room: Room, event: str, *args: Any) -> None:
        """Keep an event, and forget what there is no place for any longer."""
        kept = self._rooms.setdefault(room, deque())
        kept.append([event, *args])
        if event in self._limits:
            same = [at for at, (name, *_) in enumerate(kept) if name == event]
            if len(same) > self._limits[event]:
                del kept[same[0]]
        if len(kept) > self._length:
            kept.popleft()
        self._rooms.move_to_end(room)
        if len(self._rooms) > self._most_rooms:
            self._rooms.popitem(last=False)

    def of(self, room: Room) -> list[list[Any]]:
        """What is kept of a room, oldest first: each event with its arguments."""
        return list(self._rooms.get(room, ()))
