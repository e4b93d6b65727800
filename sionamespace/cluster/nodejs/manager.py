"""`NodeRoomManager`: rooms whose members are connected to servers of ours and of Node."""

from __future__ import annotations

from typing import Any

from sionamespace.cluster.manager import ClusterRoomManager
from sionamespace.cluster.membership import Settings
from sionamespace.cluster.nodejs.link import CountingBroker
from sionamespace.cluster.nodejs.others import NodeOthers
from sionamespace.cluster.others import ClusterOthers
from sionamespace.cluster.wire import Wire
from sionamespace.errors import NotConnected
from sionamespace.ids import Ids
from sionamespace.ports import Broker
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["NodeRoomManager"]


class NodeRoomManager(ClusterRoomManager):
    """Rooms shared with servers of Node that have ``@socket.io/redis-adapter``.

        Server(routes, rooms="redis+node://127.0.0.1")

    What is sent to a room reaches the clients in it on both, in both directions; so do joins,
    leaves and disconnects, questions for who is there, answers, and events between servers. Our
    own servers tell each other what they do in their own way, which can do more.

    The sid of a client of Node does not say where it is. So `enter` and `leave` of one that there
    is not are no error, as in Node.

    Args:
        broker: what carries messages between our own servers.
        node_broker: what carries those of Node.
        settings: see `ClusterRoomManager`.
    """

    def __init__(self, broker: Broker, node_broker: CountingBroker, **settings: Any) -> None:
        self._node_broker = node_broker
        super().__init__(broker, **settings)

    def _make_others(self, broker: Broker, wire: Wire, settings: Settings) -> ClusterOthers:
        return NodeOthers(broker, wire, settings, self._node_broker)

    def enter(self, path: Path, sid: Sid, room: Room) -> None:
        try:
            super().enter(path, sid, room)
        except NotConnected:
            if Ids.node_of(sid) is not None:
                raise
            self.others.moved(path, Selection((sid,)), into=(room,))

    def leave(self, path: Path, sid: Sid, room: Room) -> None:
        try:
            super().leave(path, sid, room)
        except NotConnected:
            if Ids.node_of(sid) is not None:
                raise
            self.others.moved(path, Selection((sid,)), out_of=(room,))
