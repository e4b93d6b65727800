"""How what a namespace says reaches its clients: encoded once, sent to each recipient."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from sionamespace.acks import Ack, BroadcastAck
from sionamespace.client import Client
from sionamespace.errors import BrokerDown, ClientGone, NotConnected, UsageError
from sionamespace.gathering import Clients, Members
from sionamespace.ids import Ids
from sionamespace.ports import Runtime
from sionamespace.protocol.codecs import Codec
from sionamespace.protocol.engineio import Parcel
from sionamespace.protocol.packet import Packet, PacketType
from sionamespace.rooms.manager import RoomManager
from sionamespace.sessions import Session, Sessions
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["MEMBERS_TIMEOUT", "Delivery"]

MEMBERS_TIMEOUT = 2.0
"""How many seconds other servers have to say which clients they have, unless it is said."""


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
        self.codec = codec

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
            self.runtime.on_engine(self.fan_out, recipients, parcel, volatile)
        self.rooms.others.published(self.path, selection, parcel, volatile)

    def call(
        self, selection: Selection, event: str, args: tuple[Any, ...], timeout: float | None
    ) -> Ack[Any]:
        """Send an event to one client, and return its answer to come.

        Raises:
            UsageError: for a name or a value that cannot be sent, or more clients than one.
        """
        number = next(self._numbers)
        parcel = self._encode(event, args, number)
        rooms = selection.rooms or ()
        ack: Ack[Any] = Ack(self.runtime, event, rooms[0] if rooms else "nobody")
        ack.expire_after(timeout)
        if len(rooms) == 1 and Ids.node_of(rooms[0]) is not None:  # a sid that says where it is
            self._ask(ack, number, parcel, timeout)
            return ack
        members = self.members(selection)
        if members.done():
            self._ask_only(members, selection, ack, number, parcel, timeout)
        else:
            once = partial(self._ask_only, members, selection, ack, number, parcel, timeout)
            members.listen(partial(_quietly, once))
        return ack

    def call_all(
        self, selection: Selection, event: str, args: tuple[Any, ...], timeout: float | None
    ) -> BroadcastAck[Any]:
        """Send an event to a selection of clients, and return their answers to come."""
        parcel = self._encode(event, args, number := next(self._numbers))
        sids = self.rooms.recipients(self.path, selection)
        answers: BroadcastAck[Any] = BroadcastAck(self.runtime)
        answers.add(self._ask_each(sids, event, number, parcel, timeout))
        self.rooms.others.ask_all(self.path, selection, event, parcel, timeout, answers)
        answers.close()
        return answers

    def ask_each(
        self, sids: list[Sid], event: str, args: tuple[Any, ...], timeout: float | None
    ) -> list[Ack[Any]]:
        """Send an event to clients of this server, and return an ack for each of them."""
        parcel = self._encode(event, args, number := next(self._numbers))
        return self._ask_each(sids, event, number, parcel, timeout)

    def members(self, selection: Selection, timeout: float | None = MEMBERS_TIMEOUT) -> Members:
        """The sids of a selection of clients, to come if other servers have to be asked."""
        members = Members(self.runtime)
        members.give("", frozenset(self.rooms.recipients(self.path, selection)))
        self.rooms.others.find(self.path, selection, members, False, timeout)
        members.close()
        return members

    def clients(self, selection: Selection, timeout: float | None = MEMBERS_TIMEOUT) -> Clients:
        """What is known of each client of a selection, to come in the same way."""
        clients = Clients(self.runtime)
        clients.give("", self.own_clients(selection))
        self.rooms.others.find(self.path, selection, clients, True, timeout)
        clients.close()
        return clients

    def enter(self, selection: Selection, rooms: tuple[Room, ...]) -> None:
        """Put a selection of clients into rooms."""
        self._move(self.rooms.enter, selection, rooms)
        self.rooms.others.moved(self.path, selection, into=rooms)

    def leave(self, selection: Selection, rooms: tuple[Room, ...]) -> None:
        """Take a selection of clients out of rooms."""
        self._move(self.rooms.leave, selection, rooms)
        self.rooms.others.moved(self.path, selection, out_of=rooms)

    def disconnect(self, selection: Selection, close: bool) -> None:
        """Send a selection of clients away, from the namespace or (``close``) from the server."""
        self.runtime.on_engine(self.dismiss, self.rooms.recipients(self.path, selection), close)
        self.rooms.others.dismissed(self.path, selection, close)

    def disconnect_one(self, sid: Sid, close: bool) -> None:
        """Send a client away; nothing if it has left."""
        session = self.sessions.get(sid)
        if session is not None:
            self.runtime.on_engine(session.dismiss, close)
        elif self.rooms.others.may_have(sid):
            self.rooms.others.dismissed(self.path, Selection((sid,)), close)

    def dismiss(self, sids: list[Sid], close: bool) -> None:
        """Send clients of this server away. On the engine's thread only."""
        for sid in sids:
            session = self.sessions.get(sid)
            if session is not None:
                session.dismiss(close)

    def session(self, sid: Sid) -> Session:
        """The session of a client; raises `NotConnected` if it is not connected to this server."""
        try:
            return self.sessions[sid]
        except NotConnected:
            raise self.rooms.others.absent(self.path, sid) from None

    def client(self, sid: Sid) -> Client:
        """What is known of a client; raises `NotConnected` if there is none."""
        return self.session(sid).client(self.rooms.rooms(self.path, sid))

    def own_clients(self, selection: Selection) -> list[Client]:
        """What is known of each client of a selection that is connected to this server."""
        found = (self.sessions.get(sid) for sid in self.rooms.recipients(self.path, selection))
        return [s.client(self._rooms_of(s.sid)) for s in found if s is not None]

    def _rooms_of(self, sid: Sid) -> frozenset[Room]:
        return self.rooms.rooms(self.path, sid)

    def _encode(self, event: str, args: tuple[Any, ...], number: int | None = None) -> Parcel:
        return self.parcel(Packet.of_event(self.path, event, args, number))

    def parcel(self, packet: Packet) -> Parcel:
        """A packet, encoded; raises `UsageError` for a value that cannot be sent."""
        return Parcel.of_message(*self.codec.encode(packet))

    def as_received(self, values: Sequence[Any]) -> list[Any]:
        """Values as those see them who are sent them; raises `UsageError` if they cannot be."""
        parcel = self.parcel(Packet(PacketType.ACK, self.path, [*values], 0))
        data: list[Any] = self.codec.read(parcel.messages).data
        return data

    def _ask_only(
        self,
        members: Members,
        selection: Selection,
        ack: Ack[Any],
        number: int,
        parcel: Parcel,
        timeout: float | None,
    ) -> None:
        """Ask the one client that there is of a selection."""
        if len(members) > 1:
            error = UsageError(
                f"call({ack.event!r}) asks one client, but room={selection.rooms!r} has "
                f"{len(members)}; use to(room).call_all({ack.event!r}, ...) to ask all of them"
            )
            ack.fail(error)
            raise error
        if members:
            (ack.sid,) = members
            self._ask(ack, number, parcel, timeout)
        else:
            where = repr(ack.sid) if selection.rooms else "nobody"
            none = f"there is no client {where} in {self.path} to answer {ack.event!r}"
            if members.complete:
                ack.fail(ClientGone(none))
            else:
                ack.fail(BrokerDown(f"{none} on the servers that could be asked"))

    def _ask_each(
        self, sids: list[Sid], event: str, number: int, parcel: Parcel, timeout: float | None
    ) -> list[Ack[Any]]:
        acks = []
        for sid in sids:
            ack: Ack[Any] = Ack(self.runtime, event, sid)
            ack.expire_after(timeout)
            self._ask(ack, number, parcel, timeout)
            acks.append(ack)
        return acks

    def _ask(self, ack: Ack[Any], number: int, parcel: Parcel, timeout: float | None) -> None:
        session = self.sessions.get(ack.sid)
        if session is not None:
            ack.wait_only_if(session.may_answer)
            session.acks.add(number, ack)
            self.runtime.on_engine(session.send, parcel)
        elif not self.rooms.others.ask(self.path, parcel, timeout, ack):
            ack.fail(ClientGone(f"client {ack.sid!r} left before it was asked {ack.event!r}"))

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


def _quietly(ask: Callable[[], object]) -> None:
    with suppress(UsageError):  # which the ack has got
        ask()
