"""How what a namespace says reaches its clients: encoded once, sent to each recipient."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sionamespace.acks import Ack, BroadcastAck
from sionamespace.client import Client
from sionamespace.errors import ClientGone, NotConnected, UsageError
from sionamespace.ids import Ids
from sionamespace.ports import Runtime
from sionamespace.protocol.codecs import Codec
from sionamespace.protocol.engineio import Parcel
from sionamespace.protocol.packet import RESERVED_EVENTS, Packet, PacketType
from sionamespace.rooms.manager import RoomManager
from sionamespace.sessions import Session, Sessions
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["Delivery"]


class Delivery:
    """The outgoing side of one namespace.

    Its methods may be called from any thread and never block. Encoding happens in the caller, so
    that its errors are raised there; sending happens on the engine's thread.
    """

    def __init__(
        self,
        path: Path,
        runtime: Runtime,
        rooms: RoomManager,
        sessions: Sessions,
        codec: Codec,
    ) -> None:
        self.path = path
        self.runtime = runtime
        self.rooms = rooms
        self.sessions = sessions
        self._numbers = itertools.count()
        self._encode_packet = codec.encode
        self.is_text = codec.is_text
        """Whether packets are texts, not bytes."""

    def emit(
        self, selection: Selection, event: str, args: tuple[Any, ...], volatile: bool = False
    ) -> None:
        """Send an event to a selection of clients.

        Raises:
            UsageError: for a name or a value that cannot be sent.
        """
        parcel = self._encode(event, args)
        recipients = self.rooms.recipients(self.path, selection)
        if recipients:
            self._on_engine(self.fan_out, recipients, parcel, volatile)
        self.rooms.published(self.path, selection, parcel, volatile)

    def call(
        self, selection: Selection, event: str, args: tuple[Any, ...], timeout: float | None
    ) -> Ack[Any]:
        """Send an event to one client, and return its answer to come.

        Raises:
            UsageError: for a name or a value that cannot be sent, or more clients than one.
        """
        number = next(self._numbers)
        parcel = self._encode(event, args, number)
        recipients = self.rooms.recipients(self.path, selection)
        if len(recipients) > 1:
            raise UsageError(
                f"call({event!r}) asks one client, but room={selection.rooms!r} has "
                f"{len(recipients)}; use to(room).call_all({event!r}, ...) to ask all of them"
            )
        if not recipients:
            return self._unreachable(event, selection)
        return self._ask(recipients[0], event, number, parcel, timeout)

    def call_all(
        self, selection: Selection, event: str, args: tuple[Any, ...], timeout: float | None
    ) -> BroadcastAck[Any]:
        """Send an event to a selection of clients, and return their answers to come."""
        number = next(self._numbers)
        parcel = self._encode(event, args, number)
        recipients = self.rooms.recipients(self.path, selection)
        acks = [self._ask(sid, event, number, parcel, timeout) for sid in recipients]
        return BroadcastAck(self.runtime, acks)

    def enter(self, selection: Selection, rooms: tuple[Room, ...]) -> None:
        """Put a selection of clients into rooms."""
        self._move(self.rooms.enter, selection, rooms)
        self.rooms.moved(self.path, selection, into=rooms)

    def leave(self, selection: Selection, rooms: tuple[Room, ...]) -> None:
        """Take a selection of clients out of rooms."""
        self._move(self.rooms.leave, selection, rooms)
        self.rooms.moved(self.path, selection, out_of=rooms)

    def disconnect(self, selection: Selection, close: bool) -> None:
        """Send a selection of clients away, from the namespace or (``close``) from the server."""
        self.dismiss(selection, close)
        self.rooms.dismissed(self.path, selection, close)

    def disconnect_one(self, sid: Sid, close: bool) -> None:
        """Send a client away; nothing if it has left."""
        session = self.sessions.get(sid)
        if session is not None:
            self._on_engine(session.dismiss, close)
        elif Ids.node_of(sid) is not None:
            self.rooms.dismissed(self.path, Selection((sid,)), close)

    def dismiss(self, selection: Selection, close: bool) -> None:
        """As `disconnect`, for the clients that are connected to this server."""
        for sid in self.rooms.recipients(self.path, selection):
            session = self.sessions.get(sid)
            if session is not None:
                self._on_engine(session.dismiss, close)

    def session(self, sid: Sid) -> Session:
        """The session of a client; raises `NotConnected` if it is not connected to this server."""
        try:
            return self.sessions[sid]
        except NotConnected:
            raise self.rooms.absent(self.path, sid) from None

    def client(self, sid: Sid) -> Client:
        """What is known of a client; raises `NotConnected` if there is none."""
        return self.session(sid).client(self.rooms.rooms(self.path, sid))

    def clients(self, selection: Selection) -> list[Client]:
        """What is known of each client of a selection."""
        found = (self.sessions.get(sid) for sid in self.rooms.recipients(self.path, selection))
        return [s.client(self._rooms_of(s.sid)) for s in found if s is not None]

    def _rooms_of(self, sid: Sid) -> frozenset[Room]:
        return self.rooms.rooms(self.path, sid)

    def _encode(self, event: str, args: tuple[Any, ...], number: int | None = None) -> Parcel:
        if not isinstance(event, str) or event in RESERVED_EVENTS:
            raise UsageError(
                f"cannot send an event named {event!r}; expected a text other than "
                + ", ".join(sorted(RESERVED_EVENTS))
            )
        packet = Packet(PacketType.EVENT, self.path, [event, *args], number)
        return Parcel.of_message(*self._encode_packet(packet))

    def _ask(
        self, sid: Sid, event: str, number: int, parcel: Parcel, timeout: float | None
    ) -> Ack[Any]:
        ack: Ack[Any] = Ack(self.runtime, event, sid)
        session = self.sessions.get(sid)
        if session is None:
            ack.fail(ClientGone(f"client {sid!r} left before it was asked {event!r}"))
            return ack
        ack.wait_only_if(session.may_answer)
        session.acks.add(number, ack)
        ack.expire_after(timeout)
        self._on_engine(session.send, parcel)
        return ack

    def _unreachable(self, event: str, selection: Selection) -> Ack[Any]:
        where = repr(selection.rooms[0]) if selection.rooms else "nobody"
        ack: Ack[Any] = Ack(self.runtime, event, where)
        ack.fail(ClientGone(f"there is no client {where} in {self.path} to answer {event!r}"))
        return ack

    def _move(
        self,
        change: Callable[[Path, Sid, Room], object],
        selection: Selection,
        rooms: tuple[Room, ...],
    ) -> None:
        for sid in self.rooms.recipients(self.path, selection):
            for room in rooms:
                with suppress(NotConnected):  # it left meanwhile
                    change(self.path, sid, room)

    def fan_out(self, recipients: list[Sid], parcel: Parcel, volatile: bool) -> None:
        """Send a packet to clients of this server. On the engine's thread only."""
        find = self.sessions.get
        for sid in recipients:
            session = find(sid)
            if session is not None:
                session.send(parcel, volatile)

    def _on_engine(self, function: Callable[..., object], *args: Any) -> None:
        if self.runtime.here():
            function(*args)
        else:
            self.runtime.post(function, *args)
