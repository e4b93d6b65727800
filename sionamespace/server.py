"""`Server`: where the parts are put together."""

from __future__ import annotations

from typing import Any

from sionamespace.application import Application
from sionamespace.engine.hosted import Hosted, parse_options
from sionamespace.errors import ConfigurationError
from sionamespace.rooms import RoomManager
from sionamespace.router import Router, Routes

__all__ = ["Server"]


class Server(Application, Hosted):
    """A Socket.IO server: namespaces, an engine, and the way to a web server.

        server = Server({"/chat": Chat(), "/dashboard": Dashboard()})
        server.run("127.0.0.1", 5000)

    Args:
        routes: namespaces by their paths, as classes or instances, or a `Router`.
        rooms: who knows who is in which room; a `MemoryRoomManager` by default.
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
        rooms: RoomManager | None = None,
        **options: Any,
    ) -> None:
        parsed, runtime = parse_options(options)
        Application.__init__(self, routes, runtime, parsed, _check_rooms(rooms))
        self._host(self.accept, ids=self.ids)


def _check_rooms(rooms: RoomManager | None) -> RoomManager | None:
    if rooms is not None and not isinstance(rooms, RoomManager):
        raise ConfigurationError(
            f"rooms= takes a RoomManager, such as MemoryRoomManager(), not {rooms!r:.60}"
        )
    return rooms
