"""`Audience`: some clients of a namespace, and what can be done with all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

import attrs

from sionamespace.acks import BroadcastAck
from sionamespace.delivery import MEMBERS_TIMEOUT, Delivery
from sionamespace.gathering import Clients, Members
from sionamespace.ports import Declared
from sionamespace.types import Room, Rooms, Selection, names

if TYPE_CHECKING:
    from sionamespace.types import Args, Unpack

__all__ = ["Audience"]

R = TypeVar("R")


@attrs.frozen
class Audience:
    """Some clients of a namespace. It never changes: each method that narrows returns a new one.

        self.to("lobby", "bar").skip(sid).emit("message", text)

    Who they are is found out anew at each use; a client in several of the rooms counts once.
    Its methods may be called from any thread and never block.
    """

    _delivery: Delivery = attrs.field(repr=False)
    selection: Selection
    _declared: Declared = attrs.field(repr=False)

    def to(self, *rooms: Room) -> Audience:
        """These rooms (or sids) too."""
        chosen = (self.selection.rooms or ()) + names(rooms)
        return attrs.evolve(self, selection=attrs.evolve(self.selection, rooms=chosen))

    def skip(self, *rooms: Room) -> Audience:
        """Without the clients in any of these rooms (or with these sids)."""
        skip = self.selection.skip | frozenset(names(rooms))
        return attrs.evolve(self, selection=attrs.evolve(self.selection, skip=skip))

    @property
    def local(self) -> Audience:
        """Only those who are connected to this server, where several share their clients."""
        return attrs.evolve(self, selection=attrs.evolve(self.selection, local=True))

    def emit(
        self,
        event: str | Callable[[Any, Unpack[Args]], None],
        *args: Unpack[Args],
        volatile: bool = False,
    ) -> None:
        """Send them an event; with ``volatile``, not to those who cannot take it right now.

        The event is a name or declared, as for `Namespace.emit`.

        Raises:
            UsageError: for a name or a value that cannot be sent.
        """
        name = event if isinstance(event, str) else self._declared.to_emit(event, args)
        self._delivery.emit(self.selection, name, args, volatile)

    def send(self, *args: Any, volatile: bool = False) -> None:
        """Send them the event ``message``."""
        self.emit("message", *args, volatile=volatile)

    @overload
    def call_all(self, event: str, *args: Any, timeout: float | None = 60) -> BroadcastAck[Any]: ...
    @overload
    def call_all(
        self,
        event: Callable[[Any, Unpack[Args]], R],
        *args: Unpack[Args],
        timeout: float | None = 60,
    ) -> BroadcastAck[R]: ...
    def call_all(
        self, event: Any, *args: Unpack[Args], timeout: float | None = 60
    ) -> BroadcastAck[Any]:
        """Send them an event that each of them answers.

        The result's value is an `Answers`: what each client answered, and who did not within
        ``timeout`` seconds (None: for ever).

        Raises:
            UsageError: for a name or a value that cannot be sent.
        """
        read = None
        if not isinstance(event, str):
            event, read = self._declared.to_call(event, args)
        acks: BroadcastAck[Any] = self._delivery.call_all(self.selection, event, args, timeout)
        acks.read_with(read)
        return acks

    def enter_room(self, room: Rooms) -> None:
        """Put all of them into a room, or several."""
        self._delivery.enter(self.selection, names(room))

    def leave_room(self, room: Rooms) -> None:
        """Take all of them out of a room, or several."""
        self._delivery.leave(self.selection, names(room))

    def disconnect(self, close: bool = False) -> None:
        """Send them away, from this namespace or (``close``) from the server."""
        self._delivery.disconnect(self.selection, close)

    def clients(self, timeout: float | None = MEMBERS_TIMEOUT) -> Clients:
        """What is known of each of them now: a sequence of `Client`.

        Where several servers share their clients it is something to wait for; see `Clients`.

        Args:
            timeout: how many seconds the other servers have to answer.
        """
        return self._delivery.clients(self.selection, timeout)

    def members(self, timeout: float | None = MEMBERS_TIMEOUT) -> Members:
        """Their sids; as `clients`, but a set."""
        return self._delivery.members(self.selection, timeout)
