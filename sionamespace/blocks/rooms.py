"""`RoomPolicy`: who may enter which room, and what was said there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol, TypeAlias

import msgspec

from sionamespace.blocks.announcements import Announcements
from sionamespace.blocks.history import History
from sionamespace.errors import HandlerError, Refused, UsageError
from sionamespace.handlers.decorators import event
from sionamespace.handlers.server_events import server_event
from sionamespace.handlers.signature import where
from sionamespace.namespace import Namespace
from sionamespace.runtime.portal import is_async
from sionamespace.types import Room, Rooms, Sid, names

if TYPE_CHECKING:
    from sionamespace.types import Args, Unpack

__all__ = ["RoomEvents", "RoomPolicy"]

RoomName: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]

_PUBLISHED = "sionamespace room published"
"""What servers say to each other of what was published."""


class RoomEvents(Protocol):
    """What the clients of a `RoomPolicy` are sent."""

    @event("history")
    def history(self, room: str, events: list[list[Any]]) -> None:
        """What was said in the room that you enter, oldest first: each event with its arguments."""


class RoomPolicy(Namespace, outgoing=RoomEvents):
    """Rooms that clients enter by themselves, if they may, with the history of each.

        class Chat(RoomPolicy):
            def may_join(self, sid, room):
                return room in ROOMS or room in self.session(sid)["teams"]

            def on_message(self, sid, room, text):
                if room not in self.rooms(sid):
                    raise Refused("you are not there")
                self.publish(room, "message", {"text": text}, skip_sid=sid)

    Clients send ``join(room)`` and ``leave(room)``. Who enters is sent ``history(room, [[event,
    ...arguments], ...])``, oldest first, and then what comes: nothing twice, nothing left out.
    Nobody may enter anything until you override `may_join`.
    """

    history_length: ClassVar[int] = 50
    """How many of the last events of a room are kept."""
    history_limits: ClassVar[Mapping[str, int]] = MappingProxyType({})
    """Of some events fewer, by their names, such as ``{"picture": 3}`` of large ones: all that is
    kept is sent at once, and a client whose outbox is full is closed."""
    history_rooms: ClassVar[int] = 1000
    """Of how many rooms; that of the quietest one is forgotten first."""

    past: History
    """What is kept. It may be another one, which your ``__init__`` makes."""

    # Names with two underscores are nobody else's: subclasses are the application's own.
    __entries: Announcements

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if is_async(cls.may_join):
            raise HandlerError(
                f"{cls.__qualname__}.may_join ({where(cls.may_join)}) cannot be `async def`; write "
                "an `async def on_join(self, sid, room)`, await there, then self.admit(sid, room)"
            )
        for hook in filter(is_async, (cls.joined, cls.left)):
            raise HandlerError(
                f"{hook.__qualname__} ({where(hook)}) cannot be `async def`, as nobody awaits it; "
                "write a `def` that calls self.spawn with what takes time"
            )

    def __new__(cls, *args: Any, **kwargs: Any) -> RoomPolicy:
        # Not in __init__, which is the subclass's own and need not call ours.
        self = super().__new__(cls)
        self.past = History(cls.history_length, cls.history_limits, cls.history_rooms)
        self.__entries = Announcements()
        return self

    def may_join(self, sid: Sid, room: Room) -> bool:
        """Whether a client may enter a room: only ``True`` lets it in. `Refused` says why not."""
        return False

    def joined(self, sid: Sid, room: Room) -> None:
        """Called after a client has entered a room."""

    def left(self, sid: Sid, room: Room) -> None:
        """Called after a client has left a room by ``leave``; one that disconnects leaves all its
        rooms without that."""

    def on_join(self, sid: Sid, room: RoomName) -> None:
        if self.may_join(sid, room) is not True:
            raise Refused("you may not enter this room")
        self.admit(sid, room)

    def on_leave(self, sid: Sid, room: str) -> None:
        if room in self.rooms(sid) - {sid}:
            self.leave_room(sid, room)
            self.left(sid, room)

    def admit(self, sid: Sid, room: Room) -> None:
        """Let a client into a room, whatever `may_join` says, and send it the history.

        Raises:
            NotConnected: if there is no such client.
            Refused: if it is no room to enter, as it stands for somebody.
        """
        with self.__entries.change(self.sleep) as announce:
            is_new = room not in self.rooms(sid)
            try:
                self.enter_room(sid, room)
            except UsageError:
                raise Refused("you may not enter this room") from None
            if is_new:
                announce(self.__tell, sid, room, self.history(room))
        self.joined(sid, room)

    def publish(
        self,
        room: Room,
        event: str | Callable[[Any, Unpack[Args]], None],
        *args: Unpack[Args],
        skip_sid: Rooms | None = None,
    ) -> None:
        """Send an event, named or declared, to a room, and keep it for those who come later.

        Raises:
            UsageError: for a name or a value that cannot be sent.
        """
        self.emit(event, *args, room=())  # raises what cannot be sent
        name, plain = self.declared.name_of(event), self._mounted().as_received(args)
        skip = () if skip_sid is None else names(skip_sid)
        with self.__entries.change(self.sleep) as announce:
            self.past.add(room, name, *plain)
            self.__pass_on(announce, room, name, plain, skip)
            announce(self.servers.elsewhere.emit, _PUBLISHED, room, name, plain, skip)

    def history(self, room: Room) -> list[list[Any]]:
        """What is kept of a room, oldest first: each event with its arguments as clients get them,
        such as a dict where you sent an object of a class."""
        return self.past.of(room)

    def __tell(self, sid: Sid, room: Room, history: list[list[Any]]) -> None:
        self.emit(RoomEvents.history, room, history, room=sid)

    def __pass_on(
        self, announce: Any, room: Room, event: str, args: Sequence[Any], skip: Iterable[Sid]
    ) -> None:
        there = self.to(room).local.members()  # who enters from here on finds it in the history
        announce(self.to(*there).local.skip(*skip).emit, event, *args)

    @server_event(_PUBLISHED)
    def __published_elsewhere(
        self, room: Room, event: str, args: list[Any], skip: list[Sid]
    ) -> None:
        with self.__entries.change(self.sleep) as announce:
            if not self.past.shared:
                self.past.add(room, event, *args)
            self.__pass_on(announce, room, event, args, skip)
