"""`Server`: where the parts are put together."""

from __future__ import annotations

from typing import Any

from sionamespace.application import Application
from sionamespace.brokers import broker_of
from sionamespace.cluster import ClusterRoomManager
from sionamespace.cluster.nodejs.manager import NodeRoomManager
from sionamespace.engine.hosted import Hosted, parse_options
from sionamespace.errors import ConfigurationError
from sionamespace.rooms import MemoryRoomManager, RoomManager
from sionamespace.router import Router, Routes

__all__ = ["Server", "shared_rooms"]


class Server(Application, Hosted):
    """A Socket.IO server: namespaces, an engine, and the way to a web server.

        server = Server({"/chat": Chat(), "/dashboard": Dashboard()})
        server.run("127.0.0.1", 5000)

    Args:
        routes: namespaces by their paths, as classes or instances, or a `Router`.
        rooms: who knows who is in which room; a `MemoryRoomManager` by default. A URL, such as
            ``redis://127.0.0.1``, makes it a `ClusterRoomManager`: servers with the same URL share
            their clients.
        options: see `sionamespace.Options`, which lists them with their defaults.

    Raises:
        ConfigurationError: for an option that there is not or a value that it cannot have, for a
            path that is malformed, and for a namespace that is mounted already.
    """

    default_path = "socket.io"

    def __init__(
        self,
        routes: Routes | Router | None = None,
        *,
        rooms: RoomManager | str | None = None,
        **options: Any,
    ) -> None:
        parsed, runtime = parse_options(options)
        Application.__init__(self, routes, runtime, parsed, _room_manager(rooms))
        self._host(self.accept, ids=self.ids)

    def check_shared(self, is_tls: bool) -> None:
        super().check_shared(is_tls)
        cls = type(self.rooms)
        if issubclass(cls, ClusterRoomManager) or not issubclass(cls, MemoryRoomManager):
            return
        if cls is not MemoryRoomManager:
            raise ConfigurationError(
                f"rooms={cls.__name__}() knows the clients of its own process only, so that "
                "several workers would each have rooms of their own; make it a subclass of "
                "ClusterRoomManager, leave rooms= out, or start one worker"
            )

    def share(self, broker: str) -> None:
        if type(self.rooms) is MemoryRoomManager:
            self.use_rooms(ClusterRoomManager(broker_of(broker)))


def _room_manager(rooms: RoomManager | str | None) -> RoomManager | None:
    if isinstance(rooms, str):
        return shared_rooms(rooms)
    if rooms is not None and not isinstance(rooms, RoomManager):
        raise ConfigurationError(
            "rooms= takes a RoomManager, such as MemoryRoomManager(), or the URL of a broker, such "
            f"as 'redis://127.0.0.1', not {rooms!r:.60}"
        )
    return rooms


def shared_rooms(url: str, **settings: Any) -> ClusterRoomManager:
    """What ``rooms=url`` makes of a URL, but with settings:

        Server(routes, rooms=shared_rooms("redis://127.0.0.1", prefix="shop", on_change=changed))

    Args:
        url: of the broker, as in ``docs/brokers.md``.
        settings: see `ClusterRoomManager`.

    Raises:
        ConfigurationError: for a URL or a setting that cannot be.
    """
    broker: Any = broker_of(url)
    if hasattr(broker, "node_key"):
        return NodeRoomManager(broker.plain(), broker, **settings)
    return ClusterRoomManager(broker, **settings)
