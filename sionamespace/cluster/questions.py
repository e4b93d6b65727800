"""`Questions`: what this server asks of others, and who has still to answer."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any, Protocol

from sionamespace.acks import Ack, BroadcastAck
from sionamespace.client import Client
from sionamespace.cluster.encoded import Encoded
from sionamespace.cluster.messages import Answer, Asked, Found, Reply, Said
from sionamespace.errors import BrokerDown, ClientGone
from sionamespace.gathering import Gathering
from sionamespace.ports import Runtime
from sionamespace.protocol.codecs import Codec
from sionamespace.runtime.originals import new_lock
from sionamespace.runtime.pending import Pending
from sionamespace.types import Sid

__all__ = ["UNHEARD", "AskingAll", "AskingOne", "AskingServers", "Finding", "Questions", "Waits"]

UNHEARD = object()
"""Expected while there may be servers that are not known yet."""


class Waits(Protocol):
    """Who waits for the answers of other servers to a question."""

    @property
    def pending(self) -> Pending[Any]:
        """What they make up; when that is done, no more is heard."""

    def hear(self, node: str, reply: Reply) -> None:
        """A server has answered."""

    def lose(self, node: str) -> None:
        """A server has ended, or cannot be asked."""

    def expect(self, *things: object) -> None:
        """Servers are asked; see `Gathering.expect`."""

    def drop(self, thing: object) -> None:
        """Something is expected no longer."""

    def give_up(self, why: str) -> None:
        """No server will answer any more."""


class Questions:
    """The questions that are not answered yet, by their numbers. From any thread."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = new_lock()
        self._open: dict[int, Waits] = {}

    def add(self, waits: Waits) -> int:
        """Let somebody wait; the number of the question."""
        number = next(self._numbers)
        with self._lock:
            self._open[number] = waits
        waits.pending.listen(partial(self._forget, number))
        return number

    def hear(self, node: str, reply: Reply) -> None:
        """A server has answered, maybe too late."""
        waits = self._open.get(reply.question)
        if waits is not None:
            waits.hear(node, reply)

    def lose(self, node: str) -> None:
        """A server has gone, and answers nothing any more."""
        with self._lock:
            waiting = list(self._open.values())
        for waits in waiting:
            waits.lose(node)

    def all_heard(self) -> None:
        """All servers are known that were there; those that are not heard of are not expected."""
        with self._lock:
            waiting = list(self._open.values())
        for waits in waiting:
            waits.drop(UNHEARD)

    def give_up(self) -> None:
        """This server leaves, and hears no more answers."""
        with self._lock:
            waiting = list(self._open.values())
        for waits in waiting:
            waits.give_up("this server has left the others")

    def _forget(self, number: int) -> None:
        with self._lock:
            self._open.pop(number, None)


class _Parts:
    """Waits for the parts that servers have of something, which may have others too."""

    def __init__(self, gathering: Gathering[Any], codec: Codec) -> None:
        self.pending = gathering
        self.drop = gathering.drop
        self._codec = codec
        self._expected: set[object] = set()

    def expect(self, *things: object) -> None:
        self._expected.update(things)
        self.pending.expect(*things)

    def lose(self, node: str) -> None:
        self.pending.lose(node)

    def give_up(self, why: str) -> None:
        for thing in list(self._expected):
            self.pending.lose(thing)


class Finding(_Parts):
    """Waits for servers to say which clients they have."""

    def hear(self, node: str, reply: Reply) -> None:
        if isinstance(reply, Found):
            part = frozenset(reply.sids) if reply.packet is None else self._clients(reply.packet)
            self.pending.give(node, part)

    def _clients(self, packet: Encoded) -> list[Client]:
        return [
            Client(sid, auth, environ, frozenset(rooms), transport, protocol, connected_at)
            for sid, auth, environ, rooms, transport, protocol, connected_at in packet.values(
                self._codec
            )
        ]


class AskingOne:
    """Waits for the answer of one client."""

    def __init__(self, ack: Ack[Any], codec: Codec) -> None:
        self.pending = ack
        self._codec = codec
        self._server: object = None

    def expect(self, *things: object) -> None:
        """There is but one: the client's server."""
        (self._server,) = things

    def drop(self, thing: object) -> None:
        """Nor is anything else expected."""

    def hear(self, node: str, reply: Reply) -> None:
        if isinstance(reply, Answer) and reply.packet is not None:
            self.pending.answer(reply.packet.values(self._codec))
        elif isinstance(reply, Asked) and reply.refused:
            self.give_up(f"its server {node} has too much to do")
        elif isinstance(reply, Answer) or (isinstance(reply, Asked) and not reply.sids):
            self.pending.fail(_gone(self.pending))

    def lose(self, node: str) -> None:
        if node == self._server:
            self.pending.fail(_gone(self.pending))

    def give_up(self, why: str) -> None:
        ack = self.pending
        ack.fail(BrokerDown(f"client {ack.sid!r} has not answered {ack.event!r}: {why}"))


class AskingAll(_Parts):
    """Waits for servers to say whom they ask, and for the answers of these clients.

    Args:
        timeout: within how many seconds.
    """

    def __init__(
        self,
        answers: BroadcastAck[Any],
        event: str,
        timeout: float | None,
        runtime: Runtime,
        codec: Codec,
    ) -> None:
        super().__init__(answers, codec)
        self._answers = answers
        self._event = event
        self._runtime = runtime
        self._until = None if timeout is None else runtime.now() + timeout
        self._asked: dict[str, dict[Sid, AskingOne]] = {}

    def hear(self, node: str, reply: Reply) -> None:
        if isinstance(reply, Asked) and reply.refused:
            self.pending.lose(node)
        elif isinstance(reply, Asked) and node not in self._asked:
            asked = [AskingOne(self._ack(sid), self._codec) for sid in reply.sids]
            for each in asked:
                each.expect(node)
            self._asked[node] = {each.pending.sid: each for each in asked}
            self._answers.add((each.pending for each in asked), node)
        elif isinstance(reply, Answer):
            one = self._asked.get(node, {}).get(reply.sid)
            if one is not None:
                one.hear(node, reply)

    def lose(self, node: str) -> None:
        for asked in self._asked.get(node, {}).values():
            asked.lose(node)
        super().lose(node)

    def give_up(self, why: str) -> None:
        for asked in self._asked.values():
            for one in asked.values():
                one.give_up(why)
        super().give_up(why)

    def _ack(self, sid: Sid) -> Ack[Any]:
        ack: Ack[Any] = Ack(self._runtime, self._event, sid)
        if self._until is not None:
            ack.expire_after(max(0, self._until - self._runtime.now()))
        return ack


class AskingServers(_Parts):
    """Waits for what servers' own handlers return."""

    def hear(self, node: str, reply: Reply) -> None:
        if not isinstance(reply, Said):
            return
        if not reply.there:
            self.drop(node)
        else:
            values = None if reply.packet is None else reply.packet.values(self._codec)
            self.pending.give(node, values)


def _gone(ack: Ack[Any]) -> ClientGone:
    return ClientGone(f"client {ack.sid!r} left before it answered {ack.event!r}")
