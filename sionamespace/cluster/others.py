"""`ClusterOthers`: the other servers of a cluster, as this one tells and asks them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from sionamespace.acks import Ack, BroadcastAck
from sionamespace.cluster.encoded import Encoded
from sionamespace.cluster.membership import Membership, Settings
from sionamespace.cluster.messages import (
    Announce,
    AskServers,
    Call,
    Dismiss,
    Emit,
    Enter,
    Find,
    Leave,
    Question,
)
from sionamespace.cluster.outbox import Outbox
from sionamespace.cluster.questions import AskingAll, AskingOne, AskingServers, Finding, Waits
from sionamespace.cluster.wire import Wire
from sionamespace.errors import BrokerDown, ConfigurationError, NotConnected
from sionamespace.gathering import Gathering, ServerAnswers
from sionamespace.health import Health
from sionamespace.ids import Ids, new_node
from sionamespace.others import Others
from sionamespace.ports import Broker, Local, Runtime, Sendable
from sionamespace.runtime.originals import new_lock
from sionamespace.runtime.pending import Pending
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["ClusterOthers", "size_of"]

_NOBODY: frozenset[Sid] = frozenset()


class ClusterOthers(Others):
    """Puts what the other servers are told and asked into the outbox.

    This server comes to them by itself when its first client comes or something is sent: so in the
    process that serves, also where that was forked.
    """

    exist = True

    def __init__(self, broker: Broker, wire: Wire, settings: Settings) -> None:
        self._broker = broker
        self._wire = wire
        self._settings = settings
        self._outbox = Outbox(settings.max_outbox_bytes, self._full)
        self._beginning = new_lock()
        self._local: Local | None = None
        self._fixed: frozenset[Path] = frozenset()
        self._begun: Membership | None = None
        self._lost_before = 0

    # How this server stands with them.

    @property
    def node(self) -> str:  # type: ignore[override]
        return self._membership().node

    def attach(self, local: Local) -> None:
        if self._local is not None:
            raise ConfigurationError(
                "this ClusterRoomManager is another server's already; make one for each"
            )
        self._local = local
        self._fixed = frozenset(local.paths)
        for path in self._fixed:
            self._outbox.want(self._wire.namespace(path))
        local.ids.name_process = lambda: self.node

    def start(self) -> None:
        self._membership().start()

    def stop(self) -> Pending[Any] | None:
        return None if self._begun is None else self._begun.stop()

    def flush(self, timeout: float, runtime: Runtime) -> Pending[None]:
        self._membership()
        flushed: Pending[None] = Pending(runtime)
        if not self._outbox.mark(partial(self._flushed, flushed)):
            flushed.fail(BrokerDown(f"{self._outbox.bytes} bytes wait for {self._broker.name}"))
        if not flushed.done():
            late = f"what was sent to other servers did not reach {self._broker.name} within"
            error = BrokerDown(f"{late} {timeout:g} s; it is sent when that is reached")
            flushed.listen(runtime.later(timeout, flushed.fail, error).cancel)
        return flushed

    def _flushed(self, flushed: Pending[None]) -> None:
        if flushed.done():  # its time was over
            return
        lost, self._lost_before = self._outbox.lost - self._lost_before, self._outbox.lost
        if lost:
            flushed.fail(BrokerDown(f"{lost} messages to other servers were lost; see the log"))
        else:
            flushed.resolve(None)

    def health(self) -> Health:
        if self._begun is None:
            return Health(broker=self._broker.name, connected=False)
        return self._begun.health()

    def may_have(self, sid: Sid) -> bool:
        return Ids.node_of(sid) is not None

    def absent(self, path: Path, sid: Sid) -> NotConnected:
        node = self.node_elsewhere(sid)
        if node is None:
            return super().absent(path, sid)
        if not self._membership().nodes.may_be_there(node):
            return NotConnected(
                f"client {sid!r} is not connected to {path}: its server {node} is not there (any "
                "more)"
            )
        return NotConnected(
            f"client {sid!r} of {path} is connected to another server, {node}, which alone has its "
            "session; what is known of it: self.to(sid).clients()"
        )

    def node_elsewhere(self, sid: Sid) -> str | None:
        """The other server that a client is of; None if it is of this one, or of none."""
        node = Ids.node_of(sid)
        if node is None or self._local is None or node == self.node:
            return None
        return node

    def is_elsewhere(self, path: Path, sid: Sid) -> bool:
        """Whether a client is another server's.

        Raises:
            NotConnected: if that server is not there.
        """
        node = self.node_elsewhere(sid)
        if node is not None and not self._membership().nodes.may_be_there(node):
            raise self.absent(path, sid)
        return node is not None

    # What they are told.

    def published(self, path: Path, selection: Selection, parcel: Sendable, volatile: bool) -> None:
        if self._concern(selection):
            packet = Encoded.of(parcel.packets)
            message = Emit(path, selection.rooms, selection.skip, packet, volatile)
            size = parcel.size
            for room in (
                selection.rooms or ()
            ):  # as `size_of` does, without a call in the usual case
                size += len(room)
            if selection.skip:
                size += size_of(selection.skip)
            self._outbox.put(message, None, size, volatile)

    def moved(
        self,
        path: Path,
        selection: Selection,
        into: tuple[Room, ...] = (),
        out_of: tuple[Room, ...] = (),
    ) -> None:
        if self._concern(selection):
            size = size_of(selection.rooms, selection.skip) + size_of(into, out_of)
            if into:
                self._outbox.put(Enter(path, selection.rooms, selection.skip, into), None, size)
            if out_of:
                self._outbox.put(Leave(path, selection.rooms, selection.skip, out_of), None, size)

    def dismissed(self, path: Path, selection: Selection, close: bool) -> None:
        if self._concern(selection):
            size = size_of(selection.rooms, selection.skip)
            self._outbox.put(Dismiss(path, selection.rooms, selection.skip, close), None, size)

    def announced(self, path: Path, parcel: Sendable, to: str | None) -> None:
        if self._local is not None and to != self.node:
            channel = self._wire.namespace(path) if to is None else self._wire.node(to)
            message = Announce(path, Encoded.of(parcel.packets))
            self._outbox.put(message, channel, parcel.size)

    # What they are asked.

    def find(
        self,
        path: Path,
        selection: Selection,
        found: Gathering[Any],
        clients: bool,
        timeout: float | None,
    ) -> None:
        if self._local is not None and self._concern(selection):
            question = partial(Find, path, selection.rooms, selection.skip, clients=clients)
            size = size_of(selection.rooms, selection.skip)
            self._ask(question, Finding(found, self._local.codec), size)
            _limit(found, timeout, self._local.runtime)

    def ask(self, path: Path, parcel: Sendable, timeout: float | None, ack: Ack[Any]) -> bool:
        node, local = self.node_elsewhere(ack.sid), self._local
        if node is None or local is None or not self._membership().nodes.may_be_there(node):
            return False
        packet = Encoded.of(parcel.packets)
        question = partial(Call, path, (ack.sid,), _NOBODY, packet=packet, timeout=timeout)
        self._ask(question, AskingOne(ack, local.codec), parcel.size)
        return True

    def ask_all(
        self,
        path: Path,
        selection: Selection,
        event: str,
        parcel: Sendable,
        timeout: float | None,
        answers: BroadcastAck[Any],
    ) -> None:
        local = self._local
        if local is not None and self._concern(selection):
            packet, rooms = Encoded.of(parcel.packets), selection.rooms
            question = partial(Call, path, rooms, selection.skip, packet=packet, timeout=timeout)
            waits = AskingAll(answers, event, timeout, local.runtime, local.codec)
            self._ask(question, waits, parcel.size + size_of(rooms, selection.skip))
            _limit(answers, timeout, local.runtime)

    def ask_servers(
        self,
        path: Path,
        parcel: Sendable,
        timeout: float | None,
        answers: ServerAnswers,
        to: str | None,
    ) -> None:
        if self._local is not None:
            packet = Encoded.of(parcel.packets)
            question = partial(AskServers, path, None, _NOBODY, packet=packet)
            self._ask(question, AskingServers(answers, self._local.codec), parcel.size, to)
            _limit(answers, timeout, self._local.runtime)

    # Where there are clients.

    def listen_to(self, path: Path, room: Room | None) -> None:
        """The first client of this server is in a room, or (None) in a namespace."""
        channel = self._channel(path, room)
        if channel is not None:
            self._outbox.want(channel)

    def listen_no_more_to(self, path: Path, room: Room | None) -> None:
        """The last one is no longer there."""
        channel = self._channel(path, room)
        if channel is not None:
            self._outbox.unwant(channel)

    # Inside.

    def _concern(self, selection: Selection) -> bool:
        """Whether the others may have a client of a selection; this server comes to them, if so."""
        if selection.local or self._local is None:
            return False
        membership, rooms = self._begun or self._membership(), selection.rooms
        if rooms is None or len(rooms) > 1:
            return True
        return bool(rooms) and Ids.node_of(rooms[0]) != membership.node

    def _ask(
        self,
        question: Callable[..., Question],
        waits: Waits,
        size: int = 0,
        node: str | None = None,
    ) -> None:
        self._membership().ask(lambda number: question(question=number), waits, size, node)

    def _channel(self, path: Path, room: Room | None) -> str | None:
        """The channel of a namespace (None) or a room; None where nobody need come or go."""
        if room is None:
            return None if path in self._fixed else self._wire.namespace(path)
        if Ids.node_of(room) is not None or not _can_be_written(room):
            return None
        return self._wire.room(path, room)

    def _membership(self) -> Membership:
        """This server's membership, which begins now if it has not."""
        with self._beginning:
            if self._begun is None:
                self._begun = self._begin()
            return self._begun

    def _begin(self) -> Membership:
        local = self._local
        if local is None:
            raise ConfigurationError("give this ClusterRoomManager to a Server first, as rooms=")
        node = local.ids.node = local.ids.node or new_node()
        self._outbox.want(self._wire.everyone)
        self._outbox.want(self._wire.node(node))
        parts = local, self._broker, self._wire, self._outbox, self._settings
        membership = Membership(node, *parts)
        membership.start()
        return membership

    def _full(self, is_full: bool) -> None:
        if self._begun is not None:
            self._begun.outbox_full(is_full)


def _can_be_written(room: Room) -> bool:
    """Whether a message can name a room; if not, none comes for it, and no engine need know it."""
    try:
        room.encode()
    except UnicodeEncodeError:
        return False
    return True


def size_of(rooms: Iterable[Room] | None, others: Iterable[Room] = ()) -> int:
    """About how many bytes names of rooms have in a message."""
    size = 0
    for room in rooms or ():
        size += len(room)
    for room in others:
        size += len(room)
    return size


def _limit(gathering: Gathering[Any], timeout: float | None, runtime: Runtime) -> None:
    """Let servers that do not answer in time be silent."""
    if timeout is not None and not gathering.done():
        gathering.listen(runtime.later(timeout, gathering.give_up).cancel)
