"""`NodeQuestions`: what this server asks of those of Node."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from sionamespace.acks import Ack, BroadcastAck
from sionamespace.cluster.nodejs.handshake import from_node
from sionamespace.cluster.nodejs.wire import Request
from sionamespace.errors import BrokerDown, ClientGone
from sionamespace.gathering import Gathering, Members, ServerAnswers
from sionamespace.ports import Runtime
from sionamespace.protocol.msgpack import write_value
from sionamespace.protocol.packet import PacketType
from sionamespace.types import Path, Selection, Sid

__all__ = ["OURS", "NodeQuestions"]

OURS = "sionamespace"
"""Is in responses of our own servers, which answer each other in their own way."""

_FIND_WITHIN = 2.0
"""Seconds in which servers say whom they have, before these are asked."""

Hear = Callable[[dict[str, Any]], object]


class NodeQuestions:
    """Asks them, and waits for as many responses as servers are there. Used on the cluster's loop.

    In their way of talking nobody says who answers, so these servers have no names but numbers.

    Args:
        count: how many servers listen to the requests of a path, this one among them.
        request: called with a path and a request to send.
    """

    def __init__(
        self,
        uid: str,
        runtime: Runtime,
        count: Callable[[Path], Awaitable[int]],
        request: Callable[[Path, bytes], object],
    ) -> None:
        self._uid = uid
        self._runtime = runtime
        self._count = count
        self._request = request
        self._open: dict[str, tuple[Hear, Callable[[], object]]] = {}

    def hear(self, response: dict[str, Any]) -> None:
        """A server has answered something, maybe nothing of ours."""
        hear, _ = self._open.get(str(response.get("requestId")), (None, None))
        if hear is not None:
            hear(response)

    def give_up(self) -> None:
        """This server leaves, and hears no more responses."""
        for _, give_up in list(self._open.values()):
            give_up()

    async def find(
        self, path: Path, selection: Selection, found: Gathering[Any], clients: bool
    ) -> None:
        """Which clients of a selection they have."""
        rooms, skip = list(selection.rooms or ()), selection.skip
        if clients:
            request = {"type": Request.FETCH, "opts": {"rooms": rooms, "except": list(skip)}}
            await self._gather(path, request, found, _clients)
        else:
            request = {"type": Request.SOCKETS, "rooms": rooms}
            await self._gather(path, request, found, lambda response: _sids(response) - skip)

    async def ask_servers(self, path: Path, event: list[Any], answers: ServerAnswers) -> None:
        """What their own handlers answer."""
        request = {"type": Request.SERVER_EMIT, "data": event}
        await self._gather(path, request, answers, lambda response: [response.get("data")])

    async def ask(self, path: Path, event: list[Any], timeout: float | None, ack: Ack[Any]) -> None:
        """What a client of theirs answers."""
        servers = await self._count(path) - 1
        heard = 0

        def hear(response: dict[str, Any]) -> None:
            nonlocal heard
            if response.get("type") == Request.CLIENT_ACK:
                ack.answer([response.get("packet")])
            elif not response.get("clientCount"):
                heard += 1
                if heard == servers:
                    ack.fail(_gone(ack))

        if servers <= 0:
            ack.fail(_gone(ack))
            return
        left = f"this server left the others before client {ack.sid!r} has answered {ack.event!r}"
        flags = {} if timeout is None else {"timeout": int(timeout * 1000)}
        request = {
            "uid": self._uid,
            "requestId": self._open_with(hear, partial(ack.fail, BrokerDown(left)), ack.listen),
            "type": Request.BROADCAST.value,
            "packet": {"type": PacketType.EVENT.value, "data": event, "nsp": path},
            "opts": {"rooms": [ack.sid], "except": [], "flags": flags},
        }
        self._request(path, write_value(request))

    async def ask_all(
        self,
        path: Path,
        selection: Selection,
        event: list[Any],
        timeout: float | None,
        answers: BroadcastAck[Any],
    ) -> None:
        """What clients of theirs answer. Who they are is found out before, as answers have no
        names."""
        members = Members(self._runtime)
        await self.find(path, selection, members, clients=False)
        asyncio.get_running_loop().call_later(_FIND_WITHIN, members.give_up)
        members.close()
        acks = [self._ack(sid, event[0], timeout) for sid in await members]
        answers.add(acks)
        for server in members.silent:
            answers.expect(server)
            answers.lose(server)
        for ack in acks:
            await self.ask(path, event, timeout, ack)

    def _ack(self, sid: Sid, event: str, timeout: float | None) -> Ack[Any]:
        ack: Ack[Any] = Ack(self._runtime, event, sid)
        ack.expire_after(timeout)
        return ack

    async def _gather(
        self,
        path: Path,
        request: dict[str, Any],
        gathering: Gathering[Any],
        part: Callable[[dict[str, Any]], Any],
    ) -> None:
        servers = [f"Node {number}" for number in range(1, await self._count(path))]
        gathering.expect(*servers)

        def hear(response: dict[str, Any]) -> None:
            if servers:
                server = servers.pop()
                if OURS in response:
                    gathering.drop(server)
                else:
                    gathering.give(server, part(response))

        def give_up() -> None:
            for server in servers:
                gathering.lose(server)

        if servers:
            number = self._open_with(hear, give_up, gathering.listen)
            asked = {"uid": self._uid, "requestId": number, **request}
            self._request(path, json.dumps(asked).encode())

    def _open_with(
        self,
        hear: Hear,
        give_up: Callable[[], object],
        listen: Callable[[Callable[[], object]], object],
    ) -> str:
        number = secrets.token_hex(8)
        self._open[number] = hear, give_up
        listen(partial(self._open.pop, number, None))
        return number


def _clients(response: dict[str, Any]) -> list[Any]:
    sockets = response.get("sockets")
    found = map(from_node, sockets) if isinstance(sockets, list) else ()
    return [client for client in found if client is not None]


def _sids(response: dict[str, Any]) -> frozenset[Sid]:
    sockets = response.get("sockets")
    return frozenset(map(str, sockets)) if isinstance(sockets, list) else frozenset()


def _gone(ack: Ack[Any]) -> ClientGone:
    return ClientGone(f"client {ack.sid!r} left before it answered {ack.event!r}")
