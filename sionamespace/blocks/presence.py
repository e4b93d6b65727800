"""`Presence`: who is where."""

from __future__ import annotations

from typing import Any, Protocol, TypedDict

from sionamespace.blocks.announcements import Announcements
from sionamespace.blocks.users import Users
from sionamespace.handlers.decorators import event
from sionamespace.types import Room, Sid

__all__ = ["Presence", "PresenceDiff", "PresenceEvents"]


class PresenceDiff(TypedDict):
    """Who has come, or says something new of itself, and who has gone; the meta of each."""

    joins: dict[str, Any]
    leaves: dict[str, Any]


class PresenceEvents(Protocol):
    """What the clients of a `Presence` are sent."""

    @event("presence")
    def presence(self, room: str, users: dict[str, Any]) -> None:
        """Who is in the room, and the meta of each."""

    @event("presence_diff")
    def presence_diff(self, room: str, diff: PresenceDiff) -> None:
        """What has changed there."""


class Presence(Users, outgoing=PresenceEvents):
    """Who is in which room: one entry for a user, however many tabs it has open there.

        class Chat(Presence):
            def on_connect(self, sid, environ, auth):
                self.identify(sid, user_of_token(auth["token"]))
                self.track(sid, "lobby", {"status": "online"})

    Who is tracked enters the room and is sent ``presence(room, users)``, a dict of each user's
    meta; then everybody there gets ``presence_diff(room, {"joins": {...}, "leaves": {...}})``
    whenever a user comes, changes its meta, or goes with its last tab. The meta of a user is what
    it said last, in whichever of its tabs are still there. A client that disconnects, or is
    refused after all, is untracked by itself.
    """

    # Names with two underscores are nobody else's: subclasses are the application's own.
    __present: dict[Room, dict[str, dict[Sid, Any]]]
    __tracked: dict[Sid, set[Room]]
    __announcements: Announcements

    def __new__(cls, *args: Any, **kwargs: Any) -> Presence:
        # Not in __init__, which is the subclass's own and need not call ours.
        self = super().__new__(cls)
        self.__present, self.__tracked, self.__announcements = {}, {}, Announcements()
        return self

    def track(self, sid: Sid, room: Room, meta: Any = None) -> None:
        """Count a client in as its user's tab in a room, or change what it says of itself.

        Args:
            meta: whatever others shall see of the user there.

        Raises:
            NotConnected: if there is no such client.
            UsageError: if nobody said who it is (`Users.identify`), or the meta cannot be sent.
        """
        user = self.user(sid)
        self.emit(
            PresenceEvents.presence, room, {user: meta}, room=()
        )  # raises what cannot be sent
        self.enter_room(sid, room)
        with self.__announcements.change() as announce:
            if sid not in self.__tracked:
                self.after_disconnect(sid, self.__forget, sid, user)
            here = self.__tracked.setdefault(sid, set())
            tabs = self.__present.setdefault(room, {}).setdefault(user, {})
            changed = not tabs or _shown(tabs) != meta
            tabs.pop(sid, None)  # so that it becomes the last one
            tabs[sid] = meta
            if changed:
                announce(self.__tell, room, {user: meta}, {}, () if room in here else sid)
            if room not in here:
                here.add(room)
                announce(self.__welcome, sid, room, self.__users(room))

    def untrack(self, sid: Sid, room: Room) -> None:
        """Count a client out, which leaves the room too; nothing if it was not counted in."""
        if room not in self.__tracked.get(sid, ()):
            return
        user = self.user(sid)
        self.leave_room(sid, room)
        with self.__announcements.change() as announce:
            self.__tracked.get(sid, set()).discard(room)
            self.__drop(announce, sid, room, user)

    def present(self, room: Room) -> dict[str, Any]:
        """The users in a room, and the meta of each."""
        with self.__announcements.change():
            return self.__users(room)

    def where(self, user: str) -> frozenset[Room]:
        """The rooms in which a user is present."""
        with self.__announcements.change():
            return frozenset(room for room, users in self.__present.items() if user in users)

    def __forget(self, sid: Sid, user: str) -> None:
        with self.__announcements.change() as announce:
            for room in self.__tracked.pop(sid, ()):
                self.__drop(announce, sid, room, user)

    def __drop(self, announce: Any, sid: Sid, room: Room, user: str) -> None:
        users = self.__present.get(room, {})
        tabs = users.get(user, {})
        if sid not in tabs:
            return
        before = _shown(tabs)
        del tabs[sid]
        if not tabs:
            del users[user]
            announce(self.__tell, room, {}, {user: before}, sid)
        elif _shown(tabs) != before:
            announce(self.__tell, room, {user: _shown(tabs)}, {}, sid)
        if not users:
            del self.__present[room]

    def __users(self, room: Room) -> dict[str, Any]:
        return {user: _shown(tabs) for user, tabs in self.__present.get(room, {}).items()}

    def __tell(
        self, room: Room, joins: dict[str, Any], leaves: dict[str, Any], skip: Sid | tuple[()]
    ) -> None:
        diff: PresenceDiff = {"joins": joins, "leaves": leaves}
        self.emit(PresenceEvents.presence_diff, room, diff, room=room, skip_sid=skip)

    def __welcome(self, sid: Sid, room: Room, users: dict[str, Any]) -> None:
        self.emit(PresenceEvents.presence, room, users, room=sid)


def _shown(tabs: dict[Sid, Any]) -> Any:
    """What the newest of a user's tabs says."""
    return tabs[next(reversed(tabs))]
