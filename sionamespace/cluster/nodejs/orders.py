"""`NodeOrders`: what servers of Node have this one do, and what they ask it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sionamespace.cluster.inbox import Inbox
from sionamespace.cluster.messages import (
    Announce,
    Answer,
    Asked,
    AskServers,
    Call,
    Command,
    Dismiss,
    Emit,
    Enter,
    Find,
    Found,
    Leave,
    Reply,
)
from sionamespace.cluster.nodejs.handshake import to_node
from sionamespace.cluster.nodejs.reading import Broadcast, Options, encoded, event_of
from sionamespace.cluster.nodejs.wire import Request
from sionamespace.cluster.orders import Orders
from sionamespace.cluster.wire import WireError
from sionamespace.ports import Local
from sionamespace.protocol.msgpack import write_value
from sionamespace.types import Path, Room, Selection

__all__ = ["NodeOrders"]

_PATIENCE = 5.0
"""How many seconds clients have to answer who does not say: as long as Node waits for servers."""
_NOBODY: frozenset[Room] = frozenset()


class NodeOrders:
    """Has `Orders` do what they want, and answers as they do. Used on the cluster's loop.

    Args:
        respond: called with a path and a response.
    """

    def __init__(
        self, local: Local, inbox: Inbox, respond: Callable[[Path, bytes], object]
    ) -> None:
        self._local = local
        self._respond = respond
        self._orders = Orders(local, inbox, self._reply)
        self._ways: dict[int, Callable[[Path, dict[str, Any]], Command | None]] = {
            Request.SOCKETS: self._sockets,
            Request.ALL_ROOMS: self._all_rooms,
            Request.JOIN: self._join,
            Request.LEAVE: self._leave,
            Request.DISCONNECT: self._disconnect,
            Request.FETCH: self._fetch,
            Request.SERVER_EMIT: self._server_emit,
            Request.BROADCAST: self._broadcast,
        }

    def broadcast(self, path: Path, said: Broadcast) -> None:
        """Send an event to clients of this server."""
        volatile = bool(said.to.flags.get("volatile"))
        packet = encoded(self._local.codec, path, said.data)
        emit = Emit(path, said.to.rooms, said.to.skip, packet, volatile)
        self._orders.carry_out("of Node", emit)

    def request(self, path: Path, request: dict[str, Any]) -> None:
        """Do what a request says, and answer it; one of a type that is not known is left alone."""
        way = self._ways.get(request.get("type", -1))
        command = way(path, request) if way is not None else None
        if command is not None:
            # Whoever gets the reply knows by this what it is the reply to.
            asked = json.dumps([path, request.get("requestId")])
            self._orders.carry_out(asked, command)

    def _sockets(self, path: Path, request: dict[str, Any]) -> Command:
        return Find(path, Options.read(request).rooms, _NOBODY, 0, clients=False)

    def _fetch(self, path: Path, request: dict[str, Any]) -> Command:
        to = Options.read(request.get("opts"))
        return Find(path, to.rooms, to.skip, 0, clients=True)

    def _all_rooms(self, path: Path, request: dict[str, Any]) -> None:
        delivery, found = self._local.delivery(path), set()
        if delivery is not None:
            for client in delivery.own_clients(Selection(local=True)):
                found |= client.rooms
        self._answer(path, request.get("requestId"), rooms=sorted(found))

    def _join(self, path: Path, request: dict[str, Any]) -> Command:
        rooms, skip, into = self._moved(path, request)
        return Enter(path, rooms, skip, into)

    def _leave(self, path: Path, request: dict[str, Any]) -> Command:
        rooms, skip, out_of = self._moved(path, request)
        return Leave(path, rooms, skip, out_of)

    def _disconnect(self, path: Path, request: dict[str, Any]) -> Command:
        rooms, skip, _ = self._moved(path, request)
        return Dismiss(path, rooms, skip, bool(request.get("close")))

    def _moved(
        self, path: Path, request: dict[str, Any]
    ) -> tuple[tuple[Room, ...] | None, frozenset[Room], tuple[Room, ...]]:
        """Who is meant, and which rooms. Older servers name a client, and want to be answered."""
        if "opts" not in request and isinstance(sid := request.get("sid"), str):
            self._answer(path, request.get("requestId"))
            return (sid,), _NOBODY, (str(request.get("room")),)
        to = Options.read(request.get("opts"))
        return to.rooms, to.skip, Options.read(request).rooms or ()

    def _server_emit(self, path: Path, request: dict[str, Any]) -> Command:
        data = request.get("data")
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise WireError("it is an event of servers without a name")
        packet = encoded(self._local.codec, path, data)
        if request.get("requestId") is None:
            return Announce(path, packet)
        return AskServers(path, None, _NOBODY, 0, packet)

    def _broadcast(self, path: Path, request: dict[str, Any]) -> Command:
        to = Options.read(request.get("opts"))
        packet = encoded(self._local.codec, path, event_of(request.get("packet")))
        timeout = _PATIENCE if to.timeout is None else to.timeout
        return Call(path, to.rooms, to.skip, 0, packet, timeout)

    def _reply(self, asked: str, reply: Reply, size: int) -> None:
        path, number = json.loads(asked)
        codec = self._local.codec
        if isinstance(reply, Found):
            clients = reply.packet.values(codec) if reply.packet is not None else None
            sockets = reply.sids if clients is None else [to_node(client) for client in clients]
            self._answer(path, number, sockets=sockets)
        elif isinstance(reply, Asked):
            self._answer(path, number, type=Request.CLIENT_COUNT, clientCount=len(reply.sids))
        elif isinstance(reply, Answer):
            if reply.packet is not None:
                first = (reply.packet.values(codec) or [None])[0]
                said = {"type": Request.CLIENT_ACK.value, "requestId": number, "packet": first}
                self._respond(path, write_value(said))
        else:  # what a handler of servers returned; Node would wait in vain for one that is not
            value = reply.packet.values(codec)[0] if reply.packet is not None else None
            self._answer(path, number, type=Request.SERVER_EMIT, data=value)

    def _answer(self, path: Path, number: Any, **said: Any) -> None:
        if number is not None:
            response = {"requestId": number, **said}
            self._respond(path, json.dumps(response, default=str).encode())
