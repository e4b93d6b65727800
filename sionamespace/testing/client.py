"""`HarnessClient`: a client in memory, that a test drives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import attrs

from sionamespace.engine.memory import MemoryLink
from sionamespace.errors import Refused
from sionamespace.protocol.codecs import Codec
from sionamespace.protocol.packet import Packet, PacketType
from sionamespace.sessions import Session
from sionamespace.types import Path, Reason, Room, Sid

__all__ = ["Event", "HarnessClient", "Request", "Stage"]

_NOTHING = object()


class Stage(Protocol):
    """What a client asks of its harness."""

    def settle(self) -> None:
        """Run until all is quiet, then raise what a handler raised."""

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function before all is quiet."""

    def on_engine(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function as the engine does what comes from its clients."""

    def session(self, path: Path, sid: Sid) -> Session:
        """The server's own session of a client."""

    def rooms(self, path: Path, sid: Sid) -> frozenset[Room]:
        """The server's own rooms of a client."""


@attrs.frozen
class Event:
    """An event that a client received."""

    name: str
    args: tuple[Any, ...] = ()
    _respond: Callable[..., None] | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def wants_answer(self) -> bool:
        """Whether the server sent it with `call` or `call_all`."""
        return self._respond is not None

    def answer(self, *values: Any) -> None:
        """Answer the server's call."""
        assert self._respond is not None, f"the server does not wait for an answer to {self}"
        self._respond(*values)


class Request:
    """An event that a client sent with an ack, and the handler's answer to it."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._values: Any = _NOTHING

    @property
    def answered(self) -> bool:
        """Whether the answer has come."""
        return self._values is not _NOTHING

    @property
    def answer(self) -> Any:
        """The answer: one argument is itself, several are a tuple, none is None."""
        assert self.answered, (
            f"the server has not answered {self._event!r}: its handler still waits, returned a "
            "Reply that was not sent, or NO_REPLY, or there is no such handler"
        )
        values = self._values
        return None if not values else values[0] if len(values) == 1 else tuple(values)

    @property
    def refused(self) -> Refused | None:
        """The error in the answer, as a handler's `Refused` puts it there; None if it has none."""
        answer = self.answer
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict):
            return None
        return Refused(error["message"], error.get("data"))

    def settle(self, values: list[Any]) -> None:
        """Take the answer."""
        assert not self.answered, f"the server answered {self._event!r} twice"
        self._values = values


class HarnessClient:
    """A client in memory. What it does runs to the end before its methods return.

    It speaks to the server through the real codec, in both directions. An exception in a handler
    is raised by the method that set it off.
    """

    def __init__(self, stage: Stage, link: MemoryLink, path: Path, codec: Codec) -> None:
        self.path = path
        self.refused: Refused | None = None
        """Why the server refused it; None if it did not."""
        self.raw_answers: dict[int, list[Any]] = {}
        """Answers to the ack ids of what `send_raw` sent."""
        self._stage = stage
        self._link = link
        self._codec = codec
        self._sid: Sid | None = None
        self._session: Session | None = None
        self._connected = False
        self._events: list[Event] = []
        self._requests: dict[int, Request] = {}
        self._answers: dict[str, Any] = {}
        self._numbers = 0

    # Who it is.

    @property
    def connected(self) -> bool:
        """Whether it is in the namespace."""
        self._stage.settle()
        return self._connected and self._link.reason is None

    @property
    def closed(self) -> str | None:
        """Why its whole connection has ended; None while it is open."""
        self._stage.settle()
        return self._link.reason

    @property
    def sid(self) -> Sid:
        """Its id in the namespace."""
        assert self._sid is not None, f"the client was not let into {self.path}: {self.refused!r}"
        return self._sid

    @property
    def rooms(self) -> frozenset[Room]:
        """Its rooms, less the one named by its sid."""
        return self._stage.rooms(self.path, self.sid) - {self.sid}

    @property
    def session(self) -> dict[str, Any]:
        """Its session, as the handlers see it; also when it has left."""
        assert self._session is not None, f"the client never was in {self.path}"
        return self._session.data

    # What it says.

    def emit(self, event: str, *args: Any) -> None:
        """Send an event without an ack."""
        self._send(Packet(PacketType.EVENT, self.path, [event, *args]))
        self._stage.settle()

    def call(self, event: str, *args: Any) -> Any:
        """Send an event with an ack; the handler's answer, as the client's callback sees it."""
        return self.request(event, *args).answer

    def request(self, event: str, *args: Any) -> Request:
        """Send an event with an ack whose answer may come later."""
        request = Request(event)
        self._numbers += 1
        self._requests[self._numbers] = request
        self._send(Packet(PacketType.EVENT, self.path, [event, *args], self._numbers))
        self._stage.settle()
        return request

    def answers(self, event: str, *values: Any) -> None:
        """From now on, answer the server's calls of an event.

        One value that is a function is called with the event's arguments, and gives the value.
        """
        self._answers[event] = values

    def disconnect(self) -> None:
        """Leave the namespace, as ``socket.disconnect()`` does."""
        self._connected = False
        self._send(Packet(PacketType.DISCONNECT, self.path))
        self._stage.settle()

    def drop(self, reason: str = Reason.TRANSPORT_CLOSE) -> None:
        """Lose the whole connection, for the reason that the engine would give."""
        self._stage.on_engine(self._link.close, reason)
        self._stage.settle()

    def pause(self) -> None:
        """Read nothing from now on, as a client does that is slow or out of reach."""
        self._stage.on_engine(self._link.pause)
        self._stage.settle()

    def resume(self) -> None:
        """Read on, what the server kept first."""
        self._stage.on_engine(self._link.resume)
        self._stage.settle()

    def send_raw(self, message: str | bytes) -> None:
        """Send a message as it is, such as a broken one."""
        self._stage.on_engine(self._receive, message)
        self._stage.settle()

    # What it hears.

    def received(self, event: str | None = None) -> list[Event]:
        """What it received so far, in order; of one event, or of all."""
        self._stage.settle()
        return [e for e in self._events if event is None or e.name == event]

    def last(self, event: str) -> Event:
        """The last event of a name that it received."""
        found = self.received(event)
        assert found, f"no {event!r} was received; there came: {self._events}"
        return found[-1]

    def clear(self) -> None:
        """Forget what it received so far."""
        self._events.clear()

    # What the harness does.

    def join(self, auth: Any) -> None:
        """Ask to be let into the namespace."""
        self._send(Packet(PacketType.CONNECT, self.path, auth))

    def take(self, packet: Packet) -> None:
        """Take a packet of the server."""
        if packet.type is PacketType.CONNECT:
            self._admitted(packet.data["sid"])
        elif packet.type is PacketType.CONNECT_ERROR:
            self.refused = Refused(packet.data["message"], packet.data.get("data"))
        elif packet.type is PacketType.DISCONNECT:
            self._connected = False
        elif packet.type is PacketType.ACK:
            self._answered(packet)
        else:
            self._event(packet)

    def _admitted(self, sid: Sid) -> None:
        self._sid, self._connected = sid, True
        self._session = self._stage.session(self.path, sid)

    def _answered(self, packet: Packet) -> None:
        assert packet.id is not None
        request = self._requests.get(packet.id)
        if request is None:
            self.raw_answers[packet.id] = packet.data
        else:
            request.settle(packet.data)

    def _event(self, packet: Packet) -> None:
        name, *args = packet.data
        event = Event(name, tuple(args), self._responder(packet.id))
        self._events.append(event)
        if event.wants_answer and name in self._answers:
            values = self._answers[name]
            if len(values) == 1 and callable(values[0]):
                values = (values[0](*args),)
            self._stage.post(event.answer, *values)

    def _responder(self, number: int | None) -> Callable[..., None] | None:
        if number is None:
            return None

        def respond(*values: Any) -> None:
            self._send(Packet(PacketType.ACK, self.path, list(values), number))
            self._stage.settle()

        return respond

    def _send(self, packet: Packet) -> None:
        assert self._link.reason is None, f"the client's connection has ended: {self._link.reason}"
        message, attachments = self._codec.encode(packet)
        self._stage.on_engine(self._receive, message, *attachments)

    def _receive(self, *messages: str | bytes) -> None:
        for message in messages:
            self._link.receiver.receive(message)
