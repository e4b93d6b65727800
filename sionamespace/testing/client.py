"""`HarnessClient`: a client in memory, that a test drives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from sionamespace.acks import Ack
from sionamespace.engine.memory import MemoryLink
from sionamespace.errors import Refused
from sionamespace.protocol.codecs import Codec
from sionamespace.protocol.packet import Packet, PacketType
from sionamespace.sessions import Session
from sionamespace.testing.events import Event, EventName, Request
from sionamespace.testing.mailbox import Mailbox, Wanted
from sionamespace.types import Path, Reason, Room, Sid

__all__ = ["HarnessClient", "Stage"]

__tracebackhide__ = True  # pytest shows the line of the test instead


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

    def name_of(self, event: EventName) -> str:
        """The name of an event, which may be a declared one."""

    def why_unanswered(self, client: HarnessClient, event: str, number: int) -> str | None:
        """Why an event of a client has no answer; None if its handler means to give none."""


class HarnessClient:
    """A client in memory. What it does runs to the end before its methods return.

    It speaks to the server through the real codec, in both directions. An exception in a handler
    is raised by the method that set it off.

    What it received can be looked at, with `received` and `last`, or asserted. `assert_received`
    takes the event out, as it were: to assert it twice, it must have come twice, and
    `refute_received` sees only what no assertion has taken. Arguments may be given in part, with
    `sionamespace.testing.including`, ``matching`` and ``unittest.mock.ANY``. Where an event of the
    server's is named, the method that declares it does as well: ``ChatPage.message``.
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
        self._auth: Any = None
        self._connected = False
        self._mailbox: Mailbox[Event] = Mailbox()
        self._requests: dict[int, Request] = {}
        self._answers: dict[str, Any] = {}
        self._numbers = 0

    def __repr__(self) -> str:
        auth = "" if self._auth is None else f" auth={self._auth!r}"
        return f"<client {self.path}{auth}>"

    # Who it is.

    @property
    def connected(self) -> bool:
        """Whether it is in the namespace."""
        self._stage.settle()
        return self.there

    @property
    def there(self) -> bool:
        """The same at this very moment, whatever is under way."""
        return self._connected and self._link.reason is None

    @property
    def closed(self) -> str | None:
        """Why its whole connection has ended; None while it is open."""
        self._stage.settle()
        return self._link.reason

    @property
    def sid(self) -> Sid:
        """Its id in the namespace."""
        assert self._sid is not None, f"{self} was not let in: {self._why_not()}"
        return self._sid

    @property
    def rooms(self) -> frozenset[Room]:
        """Its rooms, less the one named by its sid."""
        self._stage.settle()
        return self._stage.rooms(self.path, self.sid) - {self.sid}

    @property
    def session(self) -> dict[str, Any]:
        """Its session, as the handlers see it; also when it has left."""
        assert self._session is not None, f"the client never was in {self.path}"
        return self._session.data

    # What it says.

    def emit(self, event: str, *args: Any) -> None:
        """Send an event without an ack."""
        self._check_there()
        self._send(Packet(PacketType.EVENT, self.path, [event, *args]))
        self._stage.settle()

    def call(self, event: str, *args: Any) -> Any:
        """Send an event with an ack; the handler's answer, as the client's callback sees it."""
        return self.request(event, *args).answer

    def request(self, event: str, *args: Any) -> Request:
        """Send an event with an ack whose answer may come later."""
        self._check_there()
        self._numbers += 1
        why = partial(self._stage.why_unanswered, self, event, self._numbers)
        request = self._requests[self._numbers] = Request(event, why)
        self._send(Packet(PacketType.EVENT, self.path, [event, *args], self._numbers))
        self._stage.settle()
        return request

    def answers(self, event: EventName, *values: Any) -> None:
        """From now on, answer the server's calls of an event.

        One value that is a function is called with the event's arguments, and gives the value.
        """
        self._answers[self._stage.name_of(event)] = values

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

    def received(self, event: EventName | None = None) -> list[Event]:
        """What it received so far, in order; of one event, or of all."""
        self._stage.settle()
        return self._mailbox.named(None if event is None else self._stage.name_of(event))

    def last(self, event: EventName) -> Event:
        """The last event of a name that it received."""
        found = self.received(event)
        assert found, f"no {event!r} was received; there came: {self._mailbox.items}"
        return found[-1]

    def assert_received(self, event: EventName, *args: Any) -> Event:
        """The first event of this name and these arguments that was not asserted yet.

        Args:
            args: all of its arguments, each as it is or in part; without any, whatever they are.

        Raises:
            AssertionError: if it received none; it shows the nearest one, and all that came.
        """
        self._stage.settle()
        return self._mailbox.take(Wanted(self._stage.name_of(event), args), f"{self} received")

    def refute_received(self, event: EventName, *args: Any) -> None:
        """Nothing, if it received no such event other than those that were asserted.

        Raises:
            AssertionError: if it did; it shows the event, and all that came.
        """
        self._stage.settle()
        self._mailbox.refute(Wanted(self._stage.name_of(event), args), f"{self} received")

    def clear(self) -> None:
        """Forget what it received so far."""
        self._mailbox.clear()

    def _check_there(self) -> None:
        # A client's own library sends nothing then, and a server would not look at it.
        assert self.connected, f"{self} cannot send, it is not connected: {self._why_not()}"

    def _why_not(self) -> str:
        otherwise = "it still waits" if self._sid is None else "it has left"
        return repr(self.refused) if self.refused else self._link.reason or otherwise

    # What the harness does.

    def requests(self) -> list[Request]:
        """What it asked of the server."""
        return list(self._requests.values())

    def unanswered(self) -> list[Ack[Any]]:
        """What the server asks of it and it has not answered."""
        there = self._session is not None and self._session.leaving is None
        return list(self._session.acks) if there and self._session else []

    def join(self, auth: Any) -> None:
        """Ask to be let into the namespace."""
        self._auth = auth
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
        self._mailbox.add(event)
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
