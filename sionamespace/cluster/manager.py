"""`ClusterRoomManager`: rooms whose members are connected to several servers."""

from __future__ import annotations

from collections.abc import Callable

from sionamespace.cluster.membership import Settings
from sionamespace.cluster.others import ClusterOthers
from sionamespace.cluster.wire import Wire
from sionamespace.errors import ConfigurationError
from sionamespace.health import Health
from sionamespace.ids import Ids
from sionamespace.ports import Broker
from sionamespace.rooms.memory import MemoryRoomManager, cannot_close, cannot_leave, not_yours
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["ClusterRoomManager"]


class ClusterRoomManager(MemoryRoomManager):
    """Rooms shared by servers that reach each other over a broker.

        Server(routes, rooms="redis://127.0.0.1")
        Server(routes, rooms=shared_rooms("redis://127.0.0.1", prefix="shop"))
        Server(routes, rooms=ClusterRoomManager(MyBroker(), prefix="shop"))

    Each server keeps the memberships of its own clients in memory. What concerns those of others is
    sent to them, in order; whoever sends it never waits. While the broker cannot be reached, each
    server serves its own clients, and what the others should get waits, up to a bound.

    Args:
        broker: what carries messages between the servers.
        prefix: servers with another one do not meet, on the same broker.
        heartbeat: every how many seconds a server says that it is there.
        forget_after: for how many seconds nothing is heard of one that is gone.
        max_outbox_bytes: how much may wait for the broker. Past it the oldest volatile messages
            make room, then what comes is refused, which the log tells and `Health` counts.
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
        if hasattr(broker, "node_key"):
            raise ConfigurationError(
                f"{broker.name} is what servers of Node have; to share rooms with them, give its "
                "URL to the Server, as rooms=, or to shared_rooms()"
            )
        if not 0 < heartbeat < forget_after:
            raise ConfigurationError(
                f"heartbeat={heartbeat!r}, forget_after={forget_after!r}: expected seconds, the "
                "second a few times the first, such as 1 and 3.5"
            )
        settings = Settings(heartbeat, forget_after, max_outbox_bytes, max_inbox_bytes, on_change)
        self.others: ClusterOthers = self._make_others(broker, wire or Wire(prefix), settings)

    def _make_others(self, broker: Broker, wire: Wire, settings: Settings) -> ClusterOthers:
        return ClusterOthers(broker, wire, settings)

    def enter(self, path: Path, sid: Sid, room: Room) -> None:
        if room != sid and Ids.node_of(room) is not None:
            raise not_yours(room)
        if self.others.is_elsewhere(path, sid):
            self.others.moved(path, Selection((sid,)), into=(room,))
        else:
            super().enter(path, sid, room)

    def leave(self, path: Path, sid: Sid, room: Room) -> None:
        if self.others.is_elsewhere(path, sid):
            if room == sid:
                raise cannot_leave(sid)
            self.others.moved(path, Selection((sid,)), out_of=(room,))
        else:
            super().leave(path, sid, room)

    def close(self, path: Path, room: Room) -> None:
        if Ids.node_of(room) is not None:
            raise cannot_close(room)
        super().close(path, room)
        self.others.moved(path, Selection((room,)), out_of=(room,))

    def rooms(self, path: Path, sid: Sid) -> frozenset[Room]:
        if self.others.node_elsewhere(sid) is not None:
            raise self.others.absent(path, sid)
        return super().rooms(path, sid)

    def _filled(self, path: Path, room: Room | None) -> None:
        self.others.listen_to(path, room)

    def _emptied(self, path: Path, room: Room | None) -> None:
        self.others.listen_no_more_to(path, room)
