"""`Emitter`: reaches the clients of servers from a process that is none of them."""

from __future__ import annotations

import atexit
import copy
import logging
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import attrs

from sionamespace.brokers import broker_of
from sionamespace.cluster.courier import Courier
from sionamespace.cluster.encoded import Encoded
from sionamespace.cluster.messages import Dismiss, Emit, Enter, Leave, ToClients
from sionamespace.cluster.nodejs.wire import NodeWire
from sionamespace.cluster.wire import Wire
from sionamespace.errors import BrokerDown, ConfigurationError
from sionamespace.ids import Ids
from sionamespace.ports import Broker
from sionamespace.protocol.codecs import CODECS
from sionamespace.protocol.engineio import Parcel
from sionamespace.protocol.packet import Packet
from sionamespace.rooms.memory import cannot_close, cannot_leave, not_yours
from sionamespace.runtime.choice import choose, make_driver
from sionamespace.runtime.originals import new_lock
from sionamespace.runtime.pending import Pending
from sionamespace.runtime.threaded import ThreadedRuntime
from sionamespace.types import Path, Room, Rooms, Selection, Sid, names

__all__ = ["Emitter", "EmitterAudience"]

_log = logging.getLogger("sionamespace.cluster")

_PATIENCE = 5.0


class Emitter:
    """Sends to the clients of servers that share them, without being one of these servers.

        emitter = Emitter("redis://127.0.0.1")
        emitter.namespace("/chat").to("lobby").emit("news", "hello")

    For a web view, a task of Celery, a cron job: whatever runs elsewhere. Its methods may be called
    from any thread and never block, but where they return a `Pending`. What they send goes out in
    the background, in order; `flush` tells when it is out. An emitter connects when it is first
    used, also in a process that was forked meanwhile, and is kept for as long as that runs; where
    that is not long, ``with`` ends it when all is out:

        with Emitter("redis://127.0.0.1") as emitter:  # in an async def: async with
            emitter.emit("backup", "done")

    Args:
        broker: the URL that the servers have as ``rooms=``, or a function that makes a broker.
        prefix: that of the servers' `ClusterRoomManager`.
        serializer: that of the servers.
        max_outbox_bytes: how much may wait while the broker is away.
        wire: that of the servers' `ClusterRoomManager`.

    Raises:
        ConfigurationError: for a URL or a value that cannot be.
    """

    def __init__(
        self,
        broker: str | Callable[[], Broker],
        *,
        prefix: str = "sionamespace",
        serializer: str = "json",
        max_outbox_bytes: int = 16 * 1024 * 1024,
        wire: Wire | None = None,
    ) -> None:
        if serializer not in CODECS:
            raise ConfigurationError(
                f"serializer={serializer!r:.60}: expected one of {', '.join(CODECS)}"
            )
        make = broker if callable(broker) else lambda: broker_of(broker)
        key = getattr(make(), "node_key", None)  # what is wrong with it is said now
        self._codec = CODECS[serializer]
        if wire is None:
            wire = Wire(prefix) if key is None else NodeWire(self._codec, key)
        self._line = _Line(make, wire, max_outbox_bytes)
        self._path = "/"

    def namespace(self, path: Path) -> Emitter:
        """An emitter for another namespace, over the same connection."""
        if not path.startswith("/"):
            raise ConfigurationError(f"namespace({path!r:.80}): expected a path such as '/chat'")
        other = copy.copy(self)
        other._path = path
        return other

    # What it says to clients; as a namespace does.

    def emit(
        self,
        event: str,
        *args: Any,
        room: Rooms | None = None,
        skip_sid: Rooms | None = None,
        volatile: bool = False,
    ) -> None:
        """Send an event to clients; the arguments are as for `Namespace.emit`.

        Raises:
            UsageError: for a name or a value that cannot be sent.
            BrokerDown: if so much waits for the broker already that no more may.
        """
        self._emit(Selection.of(room, skip_sid), event, args, volatile)

    def send(
        self,
        *args: Any,
        room: Rooms | None = None,
        skip_sid: Rooms | None = None,
        volatile: bool = False,
    ) -> None:
        """Send the event ``message``; else as `emit`."""
        self.emit("message", *args, room=room, skip_sid=skip_sid, volatile=volatile)

    def to(self, *rooms: Room) -> EmitterAudience:
        """The clients in any of these rooms (or with these sids); without any, nobody."""
        return EmitterAudience(self, Selection.of(rooms))

    @property
    def everyone(self) -> EmitterAudience:
        """All clients of the namespace."""
        return EmitterAudience(self, Selection())

    def enter_room(self, sid: Sid, room: Rooms) -> None:
        """Put a client into a room, or several; nothing if there is no such client.

        Raises:
            UsageError: if the room is another client's own.
        """
        self._enter(Selection((sid,)), room)

    def leave_room(self, sid: Sid, room: Rooms) -> None:
        """Take a client out of a room, or several; nothing if there is no such client.

        Raises:
            UsageError: if the room is the client's own.
        """
        self._leave(Selection((sid,)), room)

    def close_room(self, room: Room) -> None:
        """Take every client out of a room; they stay connected."""
        if Ids.node_of(room) is not None:
            raise cannot_close(room)
        self._leave(Selection((room,)), room)

    def disconnect(self, sid: Sid, close: bool = False) -> None:
        """Send a client away, from the namespace or (``close``) from its server."""
        self._dismiss(Selection((sid,)), close)

    # Its connection.

    def flush(self, timeout: float = _PATIENCE) -> Pending[None]:
        """What is done when the broker has taken all that was sent so far.

        ``emitter.flush().result()`` in a ``def``, ``await emitter.flush()`` in an ``async def``
        raise `BrokerDown` if it has not after ``timeout`` seconds, or if messages were lost.
        """
        return self._line.courier().flush(timeout)

    def close(self, timeout: float = _PATIENCE) -> Pending[None]:
        """As `flush`, and let go of the connection. It is made anew if the emitter is used again.

        At the end of the process it is closed by itself, and the log says what is not out then.
        """
        return self._line.close(timeout)

    def __enter__(self) -> Emitter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with _not_instead_of(error):
            self.close().result()

    async def __aenter__(self) -> Emitter:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with _not_instead_of(error):
            await self.close()

    # What it sends.

    def _emit(self, to: Selection, event: str, args: tuple[Any, ...], volatile: bool) -> None:
        packet = Packet.of_event(self._path, event, args)
        encoded = Encoded.of(Parcel.of_message(*self._codec.encode(packet)).packets)
        self._put(Emit(self._path, to.rooms, to.skip, encoded, volatile), encoded.size)

    def _enter(self, who: Selection, room: Rooms) -> None:
        rooms = names(room)
        for name in rooms:
            if who.rooms != (name,) and Ids.node_of(name) is not None:
                raise not_yours(name)
        self._put(Enter(self._path, who.rooms, who.skip, rooms))

    def _leave(self, who: Selection, room: Rooms) -> None:
        rooms = names(room)
        for name in rooms:
            if Ids.node_of(name) is not None and who.rooms == (name,):
                raise cannot_leave(name)
        self._put(Leave(self._path, who.rooms, who.skip, rooms))

    def _dismiss(self, who: Selection, close: bool) -> None:
        self._put(Dismiss(self._path, who.rooms, who.skip, close))

    def _put(self, message: ToClients, size: int = 0) -> None:
        if message.rooms != ():
            self._line.courier().put(message, size)


@attrs.frozen
class EmitterAudience:
    """Some clients of a namespace, as an `Emitter` reaches them; see `Audience`."""

    _emitter: Emitter = attrs.field(repr=False)
    selection: Selection

    def to(self, *rooms: Room) -> EmitterAudience:
        """These rooms (or sids) too."""
        chosen = (self.selection.rooms or ()) + names(rooms)
        return attrs.evolve(self, selection=attrs.evolve(self.selection, rooms=chosen))

    def skip(self, *rooms: Room) -> EmitterAudience:
        """Without the clients in any of these rooms (or with these sids)."""
        skip = self.selection.skip | frozenset(names(rooms))
        return attrs.evolve(self, selection=attrs.evolve(self.selection, skip=skip))

    def emit(self, event: str, *args: Any, volatile: bool = False) -> None:
        """Send them an event; as `Emitter.emit`."""
        self._emitter._emit(self.selection, event, args, volatile)

    def send(self, *args: Any, volatile: bool = False) -> None:
        """Send them the event ``message``."""
        self.emit("message", *args, volatile=volatile)

    def enter_room(self, room: Rooms) -> None:
        """Put all of them into a room, or several."""
        self._emitter._enter(self.selection, room)

    def leave_room(self, room: Rooms) -> None:
        """Take all of them out of a room, or several."""
        self._emitter._leave(self.selection, room)

    def disconnect(self, close: bool = False) -> None:
        """Send them away, from this namespace or (``close``) from their server."""
        self._emitter._dismiss(self.selection, close)


class _Line:
    """The connection of an emitter: in each process of its own, and begun when it is needed."""

    def __init__(self, make_broker: Callable[[], Broker], wire: Wire, most: int) -> None:
        self._make_broker = make_broker
        self._wire = wire
        self._most = most
        self._lock = new_lock()
        self._process = os.getpid()
        self._courier: Courier | None = None
        atexit.register(_close_at_exit, weakref.ref(self))

    def courier(self) -> Courier:
        """What takes messages to the broker."""
        if self._process != os.getpid():
            # A fork took over neither the thread nor, perhaps, whoever held the lock.
            self._lock, self._courier, self._process = new_lock(), None, os.getpid()
        with self._lock:
            if self._courier is None:
                driver = make_driver(choose(None, served_by="threads")[0])
                self._courier = Courier(
                    self._make_broker(),
                    self._wire,
                    self._most,
                    ThreadedRuntime(driver),
                    driver.start_real_thread,
                )
            return self._courier

    def close(self, timeout: float) -> Pending[None]:
        """Send what waits, and end."""
        courier = self.courier()
        with self._lock:
            self._courier = None
        return courier.finish(timeout)

    def close_at_exit(self) -> None:
        """Send what waits, as far as that is possible now."""
        if self._courier is not None and self._process == os.getpid():
            try:
                self.close(_PATIENCE).result()
            except BrokerDown as error:
                _log.error("the process ends, and %s", error)


def _close_at_exit(line: weakref.ref[_Line]) -> None:
    if (there := line()) is not None:
        there.close_at_exit()


@contextmanager
def _not_instead_of(error: BaseException | None) -> Iterator[None]:
    """Log a failure to send, if there is another error already for the caller to see."""
    try:
        yield
    except BrokerDown as down:
        if error is None:
            raise
        _log.error("%s", down)
