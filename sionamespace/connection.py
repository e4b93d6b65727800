"""`Connection`: one client connection, and the namespaces that it has joined.

It is where packets come in. It runs on the engine's thread, never blocks and never calls the
application: handlers run in the client's line (see `sionamespace.runtime.line`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from sionamespace.errors import PacketError, Refused, UsageError
from sionamespace.handlers.response import Answer, Reply, failure
from sionamespace.handlers.spec import HandlerSpec
from sionamespace.ids import Ids
from sionamespace.instances import Instance
from sionamespace.mounted import Mounted
from sionamespace.options import Options
from sionamespace.ports import Link, Runtime
from sionamespace.protocol import legacy
from sionamespace.protocol.codecs import CODECS
from sionamespace.protocol.engineio import Parcel
from sionamespace.protocol.packet import Packet, PacketType, TooLarge
from sionamespace.runtime.line import Job
from sionamespace.sessions import Session
from sionamespace.types import Path, Reason, Sid

__all__ = ["AnyMounted", "Connection"]

_log = logging.getLogger("sionamespace.connection")

_EVENT_BYTES = 500
"""What an event costs in memory while it waits for its handler, beside its own size."""


_CONNECT, _EVENT, _ACK = PacketType.CONNECT, PacketType.EVENT, PacketType.ACK

AnyMounted: TypeAlias = "Mounted | Instance"


class Connection:
    """One client connection. It implements `sionamespace.ports.Receiver`.

    Args:
        find: the namespace at a path; raises `Refused` if the client cannot have it.
        ended: called once it has ended.
    """

    def __init__(
        self,
        find: Callable[[Path], AnyMounted],
        runtime: Runtime,
        options: Options,
        link: Link,
        environ: Mapping[str, Any],
        ended: Callable[[Connection], object],
        ids: Ids,
    ) -> None:
        self._find = find
        self._runtime = runtime
        self._options = options
        self._environ = environ
        self._tell_ended = ended
        self._ids = ids
        self.is_legacy = link.protocol <= legacy.PROTOCOL
        codec = CODECS[options.serializer]
        if self.is_legacy:
            codec = legacy.legacy(codec)
        self._encode = codec.encode
        self._decoder = codec.make_decoder(options.max_attachments, options.max_message_bytes)
        self._returning: dict[Path, Any] = {}
        self._members: dict[Path, tuple[AnyMounted, Session]] = {}
        self._left: dict[Path, None] = {}
        self._ended = False
        self._sessions = 0
        """How many there are, those among them that are leaving."""
        self._inbox_bytes = 0
        self.link = link

    # What the engine tells.

    def receive(self, message: str | bytes) -> None:
        """Take one message of the client."""
        if self._ended:
            return
        try:
            packet = self._decoder.feed(message)
            if packet is not None:
                self._take(packet, len(message))
        except PacketError as error:
            _log.warning("closing a connection (%s): %s", self._address(), error)
            too_large = isinstance(error, TooLarge)
            self.link.close(Reason.TOO_LARGE if too_large else Reason.PARSE_ERROR)

    def closed(self, reason: str) -> None:
        """The connection has ended."""
        self._ended = True
        self._tell_ended(self)
        for mounted, session in list(self._members.values()):
            self._leave(mounted, session, reason)

    # What the server does.

    def greet(self, has_root: bool) -> None:
        """Connect a client of revision 3 or 4 to ``/``, for which it does not ask.

        Args:
            has_root: whether there is a namespace ``/``. Without one the client is let in all the
                same, since otherwise it would reach no other; what it says there is not heard.
        """
        if self._ended:
            return
        if has_root:
            self._join("/", None)
        else:
            self._left["/"] = None
            self.link.send(self._parcel(Packet(PacketType.CONNECT, "/")))

    def close_unless_joined(self) -> None:
        """End it if it has not joined a namespace by now."""
        if not any(session.admitted for _, session in self._members.values()):
            _log.info("closing a connection (%s) that joined no namespace in time", self._address())
            self.link.close(Reason.CONNECT_TIMEOUT)

    def _send_away(self, mounted: AnyMounted, session: Session, close: bool) -> None:
        self._dismiss(mounted, session, Reason.SERVER)
        if close:
            for other in list(self._members.values()):
                self._dismiss(*other, Reason.SERVER)
            self.link.close(Reason.SERVER)

    def _dismiss(self, mounted: AnyMounted, session: Session, reason: str) -> None:
        session.send(self._parcel(Packet(PacketType.DISCONNECT, session.path)))
        self._leave(mounted, session, reason)

    # Packets.

    def _take(self, packet: Packet, size: int) -> None:
        if packet.type is _CONNECT:
            self._join(packet.path, packet.data)
            return
        member = self._members.get(packet.path)
        if member is None:
            if packet.type is PacketType.DISCONNECT:
                self._returning.pop(packet.path, None)
            if packet.path in self._left:
                return  # it was on its way when the server sent the client away
            raise PacketError(
                f"{packet.type.name} for the namespace {packet.path!r:.80}, which is not joined"
            )
        mounted, session = member
        if packet.type is _EVENT:
            self._event(mounted, session, packet, size)
        elif packet.type is _ACK:
            assert packet.id is not None
            if not session.acks.answer(packet.id, packet.data):
                _log.debug("%s: an answer that nobody waits for: %d", packet.path, packet.id)
        elif packet.type is PacketType.DISCONNECT:
            self._leave(mounted, session, Reason.CLIENT)
        else:
            raise PacketError(f"{packet.type.name} is not for a client to send")

    # Coming.

    def _join(self, path: Path, auth: Any) -> None:
        if not self._make_way(path):
            return
        most = self._options.max_namespaces
        # Who joins and leaves without end would have as many handlers at work.
        if len(self._members) >= most or self._sessions >= 2 * most:
            self._refuse(path, Refused("too many namespaces on one connection"))
            return
        try:
            mounted = self._find(path)
        except Refused as refused:
            self._refuse(path, refused)
        else:
            self._open(mounted, path, auth)

    def _make_way(self, path: Path) -> bool:
        """Whether a path may be joined, by one that may have joined it before.

        A page that connects, disconnects and connects in one breath, as React's strict mode does,
        sends two CONNECTs and nothing between them. The JavaScript server ends the connection
        then, with all its namespaces; here the client is still coming, or comes anew.
        """
        member = self._members.get(path)
        if member is None:
            return True
        mounted, session = member
        if session.admitted:
            self._leave(mounted, session, Reason.CLIENT)
        return session.admitted

    def _open(self, mounted: AnyMounted, path: Path, auth: Any) -> None:
        if self.is_legacy and auth is None:
            auth = legacy.parameters(str(self._environ.get("QUERY_STRING", "")))
        sid = self._new_sid(path)
        if mounted.sessions.get(sid) is not None:
            self._returning[path] = auth  # its on_disconnect has not ended yet
            return
        session = Session(
            self._runtime,
            self.link,
            path,
            sid,
            auth,
            self._environ,
            self._options.max_outbox_bytes,
        )
        session.dismiss = partial(self._send_away, mounted, session)
        self._members[path] = mounted, session
        self._sessions += 1
        mounted.sessions.add(session)
        mounted.delivery.rooms.add(path, sid)
        mounted.put(session, partial(self._admit, mounted, session))

    def _new_sid(self, path: Path) -> Sid:
        """A sid that nobody can guess; or the one that a client of revision 3 or 4 makes itself."""
        return legacy.sid_of(self.link.sid, path) if self.is_legacy else self._ids.new()

    async def _admit(self, mounted: AnyMounted, session: Session) -> None:
        refused: Refused | None = Refused("internal error")
        try:
            with session.joining():
                refused = await mounted.connect(session)
            if refused is not None:
                await mounted.farewell(session)
        finally:  # whatever ended it, it is over
            if refused is None:
                session.let_in = True
                self._runtime.on_engine(session.admit, self._parcel(_connect(session)))
            else:
                self._runtime.on_engine(self._turn_away, mounted, session, refused)

    def _turn_away(self, mounted: AnyMounted, session: Session, refused: Refused) -> None:
        try:
            error = self._parcel(_connect_error(session.path, refused))
        except UsageError:
            _log.exception("%s: the data of a refusal cannot be sent", session.path)
            error = self._parcel(_connect_error(session.path, Refused(refused.message)))
        session.refuse(error)
        self._drop_member(session)
        self._forget(mounted, session)

    def _refuse(self, path: Path, refused: Refused) -> None:
        self.link.send(self._parcel(_connect_error(path, refused)))

    # Events.

    def _event(self, mounted: AnyMounted, session: Session, packet: Packet, size: int) -> None:
        if not session.admitted:
            raise PacketError(f"an EVENT for {packet.path!r:.80} before it was joined")
        name, *args = packet.data
        event = name if type(name) is str else _text_of(name)
        spec = mounted.dispatcher.find(event)
        if spec is None:
            mounted.dispatcher.log_unknown(event, session.sid)
            return
        cost = size + _EVENT_BYTES
        self._inbox_bytes += cost
        if self._inbox_bytes > self._options.max_inbox_bytes:
            _log.warning("closing a connection (%s) that floods its handlers", self._address())
            self.link.close(Reason.FLOODING)
            return
        put = self._start if spec.concurrent else session.line.put
        put(self._handle, mounted, session, spec, event, args, packet.id, cost)

    def _start(self, job: Job, *args: Any) -> None:
        """Run a job beside others of its client."""
        self._runtime.start(partial(job, *args))

    async def _handle(
        self,
        mounted: AnyMounted,
        session: Session,
        spec: HandlerSpec,
        event: str,
        args: list[Any],
        number: int | None,
        cost: int,
    ) -> None:
        wants_answer, parcel = number is not None, None
        try:
            answer = await mounted.dispatcher.event(spec, session.sid, event, args, wants_answer)
            if number is not None:
                parcel = self._answer(mounted, session, event, number, answer)
        finally:
            self._runtime.on_engine(self._handled, session, parcel, cost)

    def _handled(self, session: Session, answer: Parcel | None, cost: int) -> None:
        self._inbox_bytes -= cost
        if answer is not None:
            session.send(answer)

    def _answer(
        self, mounted: AnyMounted, session: Session, event: str, number: int, answer: Answer
    ) -> Parcel | None:
        """What a handler returned, for its client; None if that comes later, or never."""
        try:
            return self._answered(session, number, answer)
        except UsageError as error:
            answer = mounted.dispatcher.failed(session.sid, event, error)
        try:
            return self._answered(session, number, answer)
        except UsageError:
            _log.exception("%s: what handle_error returned cannot be sent", session.path)
            return self._ack(session, number, (failure("internal error"),))

    def _answered(self, session: Session, number: int, answer: Answer) -> Parcel | None:
        if isinstance(answer, tuple):
            return self._ack(session, number, answer)
        if isinstance(answer, Reply):
            answer.deliver_with(partial(self._respond, session, number))
        return None

    def _respond(self, session: Session, number: int, values: tuple[Any, ...]) -> None:
        self._runtime.on_engine(session.send, self._ack(session, number, values))

    def _ack(self, session: Session, number: int, values: tuple[Any, ...]) -> Parcel:
        packet = Packet(_ACK, session.path, list(values), number)
        return Parcel.of_message(*self._encode(packet))

    # Going.

    def _leave(self, mounted: AnyMounted, session: Session, reason: str) -> None:
        if session.leaving is None:
            session.leave(reason)
            self._remember(session.path)
            self._drop_member(session)
            # Nothing overtakes on_connect: what has not come cannot go.
            put = session.line.put_last if session.admitted else session.line.put
            put(partial(self._say_goodbye, mounted, session, reason))

    async def _say_goodbye(self, mounted: AnyMounted, session: Session, reason: str) -> None:
        try:
            if session.let_in:  # on the engine it may not be admitted yet
                await mounted.dispatcher.disconnect(session, reason)
            await mounted.farewell(session)
        finally:
            self._runtime.on_engine(self._leave_rooms, mounted, session)
            # Events that it sent before it left may still be in the line; they find their session.
            close = partial(self._close_session, mounted, session)
            self._runtime.on_engine(session.line.put, close)

    async def _close_session(self, mounted: AnyMounted, session: Session) -> None:
        self._runtime.on_engine(self._forget, mounted, session)

    def _forget(self, mounted: AnyMounted, session: Session) -> None:
        self._leave_rooms(mounted, session)
        if mounted.sessions.get(session.sid) is session:  # else it was forgotten before
            mounted.sessions.remove(session.sid)
            self._sessions -= 1
        session.forgotten()
        if session.path in self._returning and not self._ended:
            self._join(session.path, self._returning.pop(session.path))
        mounted.left()

    def _leave_rooms(self, mounted: AnyMounted, session: Session) -> None:
        # A client of revision 3 or 4 that comes anew has the same sid.
        if mounted.sessions.get(session.sid) is session:
            mounted.delivery.rooms.remove(session.path, session.sid)

    def _remember(self, path: Path) -> None:
        """What still comes for a path that was just left is not an error. The last ones will do."""
        self._left.pop(path, None)
        self._left[path] = None
        if len(self._left) > self._options.max_namespaces:
            del self._left[next(iter(self._left))]

    def _drop_member(self, session: Session) -> None:
        """From here on the client may join the path anew."""
        member = self._members.get(session.path)
        if member is not None and member[1] is session:
            del self._members[session.path]

    def _parcel(self, packet: Packet) -> Parcel:
        return Parcel.of_message(*self._encode(packet))

    def _address(self) -> str:
        return str(self._environ.get("REMOTE_ADDR", "unknown address"))


def _text_of(name: Any) -> str:
    """The name of an event that is a number."""
    return f"{name:.15g}" if isinstance(name, float) else str(name)


def _connect(session: Session) -> Packet:
    return Packet(PacketType.CONNECT, session.path, {"sid": session.sid})


def _connect_error(path: Path, refused: Refused) -> Packet:
    data = {"message": refused.message}
    if refused.data is not None:
        data["data"] = refused.data
    return Packet(PacketType.CONNECT_ERROR, path, data)
