"""`Presence`: who is where."""

from __future__ import annotations

from typing import Any, Protocol, TypedDict

from sionamespace.blocks.announcements import Announcements
from sionamespace.blocks.roster import Change, Entry, Roster
from sionamespace.blocks.users import Users
from sionamespace.handlers.decorators import event
from sionamespace.handlers.server_events import server_event
from sionamespace.ids import Ids
from sionamespace.types import Room, Sid, names

__all__ = ["Presence", "PresenceDiff", "PresenceEvents"]

_PUT, _TAKE, _ASK, _ALL = (
    f"sionamespace presence {what}" for what in ("put", "take", "ask", "all")
)
"""What servers say to each other: a tab is there, or not, and which of yours are there."""


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
    refused after all, is untracked by itself. On several servers, everybody is told of everybody.
    """

    # Names with two underscores are nobody else's: subclasses are the application's own.
    __roster: Roster
    __tracked: dict[Sid, set[Room]]
    __announcements: Announcements

    def __new__(cls, *args: Any, **kwargs: Any) -> Presence:
        # Not in __init__, which is the subclass's own and need not call ours.
        self = super().__new__(cls)
        self.__roster, self.__tracked, self.__announcements = Roster(), {}, Announcements()
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
            change = self.__roster.put(room, user, sid, meta)
            announce(self.__tell, room, change, () if room in here else sid)
            announce(self.servers.elsewhere.emit, _PUT, room, user, sid, meta)
            if room not in here:
                here.add(room)
                announce(self.__welcome, sid, room, self.__roster.users(room))

    def untrack(self, sid: Sid, room: Room) -> None:
        """Count a client out, which leaves the room too; nothing if it was not counted in."""
        if room not in self.__tracked.get(sid, ()):
            return
        user = self.user(sid)
        self.leave_room(sid, room)
        with self.__announcements.change() as announce:
            self.__tracked.get(sid, set()).discard(room)
            self.__take(announce, sid, room, user)

    def present(self, room: Room) -> dict[str, Any]:
        """The users in a room, and the meta of each."""
        with self.__announcements.change():
            return self.__roster.users(room)

    def where(self, user: str) -> frozenset[Room]:
        """The rooms in which a user is present."""
        with self.__announcements.change():
            return self.__roster.where(user)

    def __forget(self, sid: Sid, user: str) -> None:
        with self.__announcements.change() as announce:
            for room in self.__tracked.pop(sid, ()):
                self.__take(announce, sid, room, user)

    def __take(self, announce: Any, sid: Sid, room: Room, user: str) -> None:
        announce(self.__tell, room, self.__roster.take(room, user, sid), sid)
        announce(self.servers.elsewhere.emit, _TAKE, room, user, sid)

    def __tell(self, room: Room, change: Change | None, skip: Sid | tuple[()] = ()) -> None:
        """Tell this server's clients; those of others are told when these know of it."""
        if change is not None:
            joins, leaves = change
            diff: PresenceDiff = {"joins": joins, "leaves": leaves}
            audience = self.to(room).local.skip(*names(skip))
            audience.emit(PresenceEvents.presence_diff, room, diff)

    def __welcome(self, sid: Sid, room: Room, users: dict[str, Any]) -> None:
        self.emit(PresenceEvents.presence, room, users, room=sid)

    # On several servers each has the whole roster: its own tabs, and what the others say of theirs.

    @server_event(_PUT)
    def __put_elsewhere(self, room: Room, user: str, sid: Sid, meta: Any) -> None:
        with self.__announcements.change() as announce:
            announce(self.__tell, room, self.__roster.put(room, user, sid, meta))

    @server_event(_TAKE)
    def __taken_elsewhere(self, room: Room, user: str, sid: Sid) -> None:
        with self.__announcements.change() as announce:
            announce(self.__tell, room, self.__roster.take(room, user, sid))

    def _server_met(self, node: str) -> None:
        self.servers.to(node).emit(_ASK, self.servers.node)

    @server_event(_ASK)
    def __asked(self, node: str) -> None:
        with self.__announcements.change() as announce:
            own = self.__roster.entries(self.__tracked.__contains__)
            announce(self.servers.to(node).emit, _ALL, self.servers.node, own)

    @server_event(_ALL)
    def __all_of(self, node: str, entries: list[Any]) -> None:
        there = {(room, sid) for room, _, sid, _ in entries}
        with self.__announcements.change() as announce:
            for room, user, sid, _ in self.__of(node):
                if (room, sid) not in there:
                    announce(self.__tell, room, self.__roster.take(room, user, sid))
            for room, user, sid, meta in entries:
                announce(self.__tell, room, self.__roster.put(room, user, sid, meta))

    def _server_lost(self, node: str) -> None:
        with self.__announcements.change() as announce:
            for room, user, sid, _ in self.__of(node):
                announce(self.__tell, room, self.__roster.take(room, user, sid))

    def __of(self, node: str) -> list[Entry]:
        return self.__roster.entries(lambda sid: Ids.node_of(sid) == node)
