"""`ClusterRoomManager`: rooms whose members are connected to several servers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sionamespace.cluster.membership import Membership, Settings
from sionamespace.cluster.messages import Dismiss, Emit, Enter, Leave, Packet
from sionamespace.cluster.outbox import Outbox
from sionamespace.cluster.wire import Wire
from sionamespace.errors import ConfigurationError, NotConnected
from sionamespace.ids import Ids, new_node
from sionamespace.ports import Broker, Local, Sendable, Waiting
from sionamespace.rooms.health import Health
from sionamespace.rooms.memory import MemoryRoomManager, cannot_close, cannot_leave, not_yours
from sionamespace.runtime.originals import new_lock
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["ClusterRoomManager"]

_log = logging.getLogger("sionamespace.cluster")

_NOBODY: frozenset[Sid] = frozenset()


class ClusterRoomManager(MemoryRoomManager):
    """Rooms shared by servers that reach each other over a broker.

        Server(routes, rooms="redis://127.0.0.1")
        Server(routes, rooms=ClusterRoomManager(RedisBroker("redis://127.0.0.1"), prefix="shop"))

    Each server keeps the memberships of its own clients in memory. What concerns those of others is
    sent to them, in order; whoever sends it never waits. While the broker cannot be reached, each
    server serves its own clients, and what the others should get waits, up to a bound.

    Args:
        broker: what carries messages between the servers.
        prefix: servers with another one do not meet, on the same broker.
        heartbeat: every how many seconds a server says that it is there.
        forget_after: for how many seconds nothing is heard of one that is gone.
        max_outbox_bytes: how much may wait for the broker. Past it the oldest volatile messages
            make room, then what comes is refused, which `health` counts and the log tells.
        max_inbox_bytes: how much of what came may wait for this server to deliver it.
        on_change: called in the background with the `Health` of the server when the connection to
            the broker breaks or is back, and when a server comes or goes.
        wire: the format of what is sent; by default that of sionamespace.

    Raises:
        ConfigurationError: for a prefix or a time that cannot be.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        prefix: str = "sionamespace",
        heartbeat: float = 1.0,
        forget_after: float = 3.5,
        max_outbox_bytes: int = 16 * 1024 * 1024,
        max_inbox_bytes: int = 16 * 1024 * 1024,
        on_change: Callable[[Health], object] | None = None,
        wire: Wire | None = None,
    ) -> None:
        super().__init__()
        if not 0 < heartbeat < forget_after:
            raise ConfigurationError(
                f"heartbeat={heartbeat!r}, forget_after={forget_after!r}: expected seconds, the "
                "second a few times the first, such as 1 and 3.5"
            )
        self._broker = broker
        self._wire = wire or Wire(prefix)
        self._settings = Settings(
            heartbeat, forget_after, max_outbox_bytes, max_inbox_bytes, on_change
        )
        self._outbox = Outbox(max_outbox_bytes, self._wake, self._full)
        self._beginning = new_lock()
        self._local: Local | None = None
        self._membership: Membership | None = None
        self._fixed: frozenset[Path] = frozenset()

    # Its life.

    def attach(self, local: Local) -> None:
        if self._local is not None:
            raise ConfigurationError(
                "this ClusterRoomManager is another server's already; make one for each"
            )
        self._local = local
        self._fixed = frozenset(local.paths)
        for path in self._fixed:
            self._outbox.want(self._wire.namespace(path))
        local.ids.name_process = self._name

    def start(self) -> None:
        """Come to the other servers, if this one has not.

        That happens by itself when the first client comes or something is sent, and so in the
        process that serves, also where that was forked.
        """
        self._begin().start()

    def stop(self) -> Waiting[Any] | None:
        return None if self._membership is None else self._membership.stop()

    def health(self) -> Health:
        if self._membership is None:
            return Health(broker=self._broker.name, connected=False)
        return self._membership.health()

    def _begin(self) -> Membership:
        """This server's membership, made now if there is none."""
        with self._beginning:
            if self._membership is None:
                self._membership = self._make()
            return self._membership

    def _make(self) -> Membership:
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

    def _name(self) -> str:
        return self._begin().node

    def _wake(self) -> None:
        if self._membership is not None:
            self._membership.wake()

    def _full(self, is_full: bool) -> None:
        if self._membership is not None:
            self._membership.outbox_full(is_full)

    # What is done for this server's clients, and told to the others.

    def published(self, path: Path, selection: Selection, parcel: Sendable, volatile: bool) -> None:
        if self._concerns_others(selection):
            packet = Packet.of(parcel.packets)
            message = Emit(path, selection.rooms, selection.skip, packet, volatile)
            self._outbox.put(message, None, parcel.size, volatile)

    def moved(
        self,
        path: Path,
        selection: Selection,
        into: tuple[Room, ...] = (),
        out_of: tuple[Room, ...] = (),
    ) -> None:
        if self._concerns_others(selection):
            if into:
                self._outbox.put(Enter(path, selection.rooms, selection.skip, into))
            if out_of:
                self._outbox.put(Leave(path, selection.rooms, selection.skip, out_of))

    def dismissed(self, path: Path, selection: Selection, close: bool) -> None:
        if self._concerns_others(selection):
            self._outbox.put(Dismiss(path, selection.rooms, selection.skip, close))

    def _concerns_others(self, selection: Selection) -> bool:
        """Whether other servers may have a client of a selection; they are come to, if so."""
        if selection.local or self._local is None:
            return False
        membership, rooms = self._membership or self._begin(), selection.rooms
        if rooms is None or len(rooms) > 1:
            return True
        return bool(rooms) and Ids.node_of(rooms[0]) != membership.node

    # Memberships.

    def add(self, path: Path, sid: Sid) -> None:
        if self._membership is None and self._local is not None:
            self._begin()
        super().add(path, sid)

    def enter(self, path: Path, sid: Sid, room: Room) -> None:
        if room != sid and Ids.node_of(room) is not None:
            raise not_yours(room)
        if self._is_elsewhere(path, sid):
            self.moved(path, Selection((sid,)), into=(room,))
        else:
            super().enter(path, sid, room)

    def leave(self, path: Path, sid: Sid, room: Room) -> None:
        if self._is_elsewhere(path, sid):
            if room == sid:
                raise cannot_leave(sid)
            self.moved(path, Selection((sid,)), out_of=(room,))
        else:
            super().leave(path, sid, room)

    def close(self, path: Path, room: Room) -> None:
        if Ids.node_of(room) is not None:
            raise cannot_close(room)
        super().close(path, room)
        self.moved(path, Selection((room,)), out_of=(room,))

    def rooms(self, path: Path, sid: Sid) -> frozenset[Room]:
        if self._is_elsewhere(path, sid):
            raise self.absent(path, sid)
        return super().rooms(path, sid)

    def absent(self, path: Path, sid: Sid) -> NotConnected:
        node = Ids.node_of(sid)
        if self._membership is None or node is None or node == self._membership.node:
            return super().absent(path, sid)
        if node not in self._membership.nodes.there:
            return NotConnected(
                f"client {sid!r} is not connected to {path}: its server {node} is not there (any "
                "more)"
            )
        return NotConnected(
            f"client {sid!r} of {path} is connected to another server, {node}, which alone has its "
            "session; what is known of it: self.to(sid).clients()"
        )

    def _is_elsewhere(self, path: Path, sid: Sid) -> bool:
        """Whether a client is another server's.

        Raises:
            NotConnected: if that server is not there.
        """
        node, membership = Ids.node_of(sid), self._membership
        if node is None or membership is None or node == membership.node:
            return False
        if not membership.nodes.may_be_there(node):
            raise self.absent(path, sid)
        return True

    def _filled(self, path: Path, room: Room | None) -> None:
        channel = self._channel_of(path, room)
        if channel is not None:
            self._outbox.want(channel)

    def _emptied(self, path: Path, room: Room | None) -> None:
        channel = self._channel_of(path, room)
        if channel is not None:
            self._outbox.unwant(channel)

    def _channel_of(self, path: Path, room: Room | None) -> str | None:
        """The channel of a namespace (None) or a room; None where nobody need come or go."""
        if room is None:
            return None if path in self._fixed else self._wire.namespace(path)
        return None if Ids.node_of(room) is not None else self._wire.room(path, room)
