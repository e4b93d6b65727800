"""`Roster`: the users in each room, with their tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from sionamespace.types import Room, Sid

__all__ = ["Change", "Entry", "Roster"]

Entry: TypeAlias = "tuple[Room, str, Sid, Any]"
"""A tab: its room, its user, its sid, and what it says of itself."""

Change: TypeAlias = "tuple[dict[str, Any], dict[str, Any]]"
"""What others see of a change: the users that came or say something else, and those that left."""


class Roster:
    """The users in each room; a user is what the newest of its tabs there says."""

    def __init__(self) -> None:
        self._rooms: dict[Room, dict[str, dict[Sid, Any]]] = {}

    def users(self, room: Room) -> dict[str, Any]:
        """The users in a room, and what each says of itself."""
        return {user: _shown(tabs) for user, tabs in self._rooms.get(room, {}).items()}

    def where(self, user: str) -> frozenset[Room]:
        """The rooms in which a user is."""
        return frozenset(room for room, users in self._rooms.items() if user in users)

    def put(self, room: Room, user: str, sid: Sid, meta: Any) -> Change | None:
        """A tab is there, and says something; None if others see no change."""
        tabs = self._rooms.setdefault(room, {}).setdefault(user, {})
        changed = not tabs or _shown(tabs) != meta
        tabs.pop(sid, None)  # so that it becomes the last one
        tabs[sid] = meta
        return ({user: meta}, {}) if changed else None

    def take(self, room: Room, user: str, sid: Sid) -> Change | None:
        """A tab is no longer there; None if others see no change."""
        users = self._rooms.get(room, {})
        tabs = users.get(user, {})
        if sid not in tabs:
            return None
        before = _shown(tabs)
        del tabs[sid]
        if tabs:
            return ({user: _shown(tabs)}, {}) if _shown(tabs) != before else None
        del users[user]
        if not users:
            del self._rooms[room]
        return {}, {user: before}

    def entries(self, wanted: Callable[[Sid], bool]) -> list[Entry]:
        """The tabs whose sids are wanted, the oldest of each user first."""
        return [
            (room, user, sid, meta)
            for room, users in self._rooms.items()
            for user, tabs in users.items()
            for sid, meta in tabs.items()
            if wanted(sid)
        ]


def _shown(tabs: dict[Sid, Any]) -> Any:
    """What the newest of a user's tabs says."""
    return tabs[next(reversed(tabs))]
