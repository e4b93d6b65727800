"""`Application`: the namespaces on a runtime, all of a server but its engine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar, overload

from sionamespace.connection import AnyMounted, Connection
from sionamespace.delivery import Delivery
from sionamespace.errors import ConfigurationError, NotConnected, Refused
from sionamespace.handlers.middleware import checked
from sionamespace.health import Health
from sionamespace.ids import Ids
from sionamespace.instances import Instance, Instances
from sionamespace.logs import FirstTimes
from sionamespace.mounted import Mounted, Place
from sionamespace.namespace import Namespace
from sionamespace.options import Options
from sionamespace.ports import Link, Runtime
from sionamespace.protocol.codecs import CODECS
from sionamespace.rooms import MemoryRoomManager, RoomManager
from sionamespace.router import Router, Routes
from sionamespace.runtime.deadlines import Deadlines
from sionamespace.runtime.line import Line
from sionamespace.runtime.pending import Pending
from sionamespace.sessions import Session, Sessions, outside
from sionamespace.types import Path, Reason, Selection, Sid

__all__ = ["Application"]

N = TypeVar("N", bound=Namespace)

_log = logging.getLogger("sionamespace.handlers")

_MET, _LOST = ("_server_met", "server_joined"), ("_server_lost", "server_left")
"""The methods of a namespace, of building blocks and the application's own, that are told."""

_MEETING = 1.0
"""How many seconds a server that starts waits for the others, so that its first clients miss
nothing; then it serves without them."""


class Application:
    """Namespaces on a runtime. An engine gives it connections through `accept`.

    `sionamespace.Server` is one with python-engineio as its engine, a test harness one with the
    engine in memory.
    """

    connection_type: ClassVar[type[Connection]] = Connection
    delivery_type: ClassVar[type[Delivery]] = Delivery

    def __init__(
        self,
        routes: Routes | Router | None,
        runtime: Runtime,
        options: Options,
        rooms: RoomManager | None = None,
    ) -> None:
        self.async_mode = runtime.name
        self.options = options
        self.router = routes if isinstance(routes, Router) else Router(routes)
        self.router.freeze()
        self.runtime = runtime
        self.ids = Ids()
        self.codec = CODECS[options.serializer]
        self.rooms = rooms if rooms is not None else MemoryRoomManager()
        self._middleware = checked(options.middleware, "Server(middleware=)")
        self._mounted = {path: self._mount(path, namespace) for path, namespace in self.router}
        for route in self.router.patterns:
            route.namespace.handlers.check()
            route.namespace.declared.check()
        self.rooms.others.attach(self)
        most = options.max_dynamic_namespaces
        self._instances = Instances(self.router, self, self._place, self._opened, most)
        self._unknown = FirstTimes(_log)
        self._connections: dict[Connection, None] = {}
        self._unjoined: Deadlines[Connection] = Deadlines(
            runtime, options.connect_timeout, Connection.close_unless_joined
        )

    def use_rooms(self, rooms: RoomManager) -> None:
        """Have another room manager, before any client has come."""
        self.rooms = rooms
        for mounted in self._mounted.values():
            mounted.delivery.rooms = rooms
        rooms.others.attach(self)

    @overload
    def namespace(self, where: Path) -> Namespace: ...
    @overload
    def namespace(self, where: type[N]) -> N: ...
    def namespace(self, where: Any) -> Any:
        """A namespace, for code outside a handler: a web view, another thread, ...

        Args:
            where: its path; or its class, if there is one instance of that at a path without
                parameters, which type checkers then know.

        Raises:
            ConfigurationError: if there is none, or several of that class.
            NotConnected: if it has parameters, ``/rooms/7`` of ``/rooms/{room_id}``, and nobody is
                there: such a namespace lives while it has clients.
        """
        return self._at(where) if isinstance(where, str) else self._of(where)

    def _of(self, cls: type[N]) -> N:
        found = {path: each for path, each in self.router if isinstance(each, cls)}
        if len(found) != 1:
            there = f"one at each of {', '.join(found)}" if found else f"none: {self._there()}"
            raise ConfigurationError(f"which {cls.__name__}? There is {there}; name its path")
        return found.popitem()[1]

    def _at(self, path: Path) -> Namespace:
        mounted = self._mounted.get(path)
        if mounted is not None:
            return mounted.namespace
        instance = self._instances.get(path)
        if instance is not None and instance.is_open:
            return instance.namespace
        if self.router.match(path) is not None:
            raise NotConnected(f"nobody is in {path}, so there is no such namespace now")
        raise ConfigurationError(f"there is no namespace at {path!r}; there are: {self._there()}")

    def namespaces(self, pattern: Path) -> list[Namespace]:
        """The namespaces that live now of a path with parameters, such as ``/rooms/{room_id}``.

        Raises:
            ConfigurationError: if no such path is mounted.
        """
        if pattern not in (route.pattern.path for route in self.router.patterns):
            raise ConfigurationError(
                f"there is no path with parameters {pattern!r}; there are: {self._there()}"
            )
        return self._instances.of(pattern)

    def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Pending[Any]:
        """Run a function, ``def`` or ``async def``, in the background; its result to come."""
        spawn: Callable[..., Pending[Any]] = self.runtime.spawn  # type: ignore[assignment]
        # The function may wait for a client in whose on_connect it is spawned.
        pending = outside(spawn, function, *args, **kwargs)
        return pending

    def sleep(self, seconds: float) -> None:
        """Pause the calling thread or green thread, and no other."""
        self.runtime.sleep(seconds)

    def send_away(self) -> None:
        """End every connection; ``on_disconnect`` gets the reason ``server shutting down``."""
        if not self.runtime.here():
            self.runtime.post(self.send_away)
            return
        for connection in list(self._connections):
            connection.link.close(Reason.SHUTDOWN)

    @property
    def idle(self) -> bool:
        """Whether no client is connected, and ``on_disconnect`` has run for those that were.

        Other handlers of theirs may still run.
        """
        there = (self.rooms.recipients(path, Selection()) for path in self._mounted)
        return not self._connections and not self._instances and not any(there)

    def health(self) -> Health:
        """How this server stands with those that share its clients, for a readiness probe."""
        return self.rooms.others.health()

    def flush(self, timeout: float = 5) -> Pending[None]:
        """What is done when all that was sent to other servers so far is on its way.

        Then the broker has taken it, and this server hears what is sent to the rooms that its
        clients are in. In a ``def``: ``server.flush().result()``; in an ``async def``: ``await
        server.flush()``. Instead of it there is `BrokerDown` if that did not come about within
        ``timeout`` seconds, or if something was lost since it was asked last.
        """
        return self.rooms.others.flush(timeout, self.runtime)

    @property
    def shares_clients(self) -> bool:
        """Whether there may be other servers that share the clients."""
        return self.rooms.others.exist

    def come_to_others(self) -> Pending[None]:
        """Come to the other servers; done when that is so, or seems to take too long."""
        self.rooms.others.start()
        return self.flush(_MEETING)

    def leave_others(self) -> bool:
        """Leave the other servers that share the clients; whether this one has left them."""
        leaving = self.rooms.others.stop()
        return leaving is None or leaving.done()

    def report_error(self, path: Path, sid: Sid, event: str, error: BaseException) -> None:
        """Log what a handler raised and nothing handled: once, with its traceback."""
        whom = f" for {sid}" if sid else ""
        _log.error("%s: the handler of %r failed%s", path, event, whom, exc_info=error)

    def session(self, path: Path, sid: Sid) -> Session:
        """The session of a client; raises `NotConnected` if there is none."""
        mounted: AnyMounted | None = self._mounted.get(path) or self._instances.get(path)
        if mounted is None:
            raise NotConnected(f"client {sid!r} is not connected to {path}, where nobody is")
        return mounted.sessions[sid]

    @property
    def paths(self) -> list[Path]:
        """The paths of the namespaces that are always there."""
        return list(self._mounted)

    def delivery(self, path: Path) -> Delivery | None:
        """How the clients of a namespace are reached; None if there is none now."""
        mounted: AnyMounted | None = self._mounted.get(path) or self._instances.get(path)
        return None if mounted is None else mounted.delivery

    def server_event(
        self, path: Path, event: str, args: Sequence[Any], in_line: bool
    ) -> Pending[Any] | None:
        """What the handler of an event of servers returns; None if its namespace is not there.

        Args:
            in_line: run it after those that came before it, not beside them.
        """
        there = self._mounted.get(path) or self._open_instance(path)
        if there is None:
            return None
        result: Pending[Any] = Pending(self.runtime)
        run = there.news.put if in_line else self.runtime.start
        self.runtime.post(run, partial(there.dispatcher.server_event, event, args, result))
        return result

    def server_came(self, node: str) -> None:
        """Tell all namespaces that another server has come."""
        self.runtime.post(self._tell_all, _MET, node)

    def server_went(self, node: str) -> None:
        """Tell all namespaces that another server has gone."""
        self.runtime.post(self._tell_all, _LOST, node)

    def _tell_all(self, methods: Sequence[str], node: str) -> None:
        every: list[AnyMounted] = [*self._mounted.values(), *self._instances.open]
        for there in every:
            self._tell(there, methods, node)

    def _opened(self, instance: Instance) -> None:
        for node in self.rooms.others.health().nodes:
            self._tell(instance, _MET, node)

    def _tell(self, there: AnyMounted, methods: Sequence[str], node: str) -> None:
        for method in methods:
            if getattr(type(there.namespace), method) is not getattr(Namespace, method):
                there.news.put(partial(there.dispatcher.server_news, method, node))

    def _open_instance(self, path: Path) -> Instance | None:
        instance = self._instances.get(path)
        return instance if instance is not None and instance.is_open else None

    def accept(self, link: Link, environ: Mapping[str, Any]) -> Connection:
        """Take a new connection of the engine; what it receives goes to what is returned."""
        self.rooms.others.start()
        make, options = self.connection_type, self.options
        connection = make(self._find, self.runtime, options, link, environ, self._ended, self.ids)
        self._connections[connection] = None
        self._unjoined.add(connection)
        if connection.is_legacy:
            # Later, as the engine has yet to be told who receives what comes.
            self.runtime.post(connection.greet, "/" in self._mounted)
        return connection

    def _find(self, path: Path) -> AnyMounted:
        mounted = self._mounted.get(path) or self._instances.find(path)
        if mounted is None:
            text = "refusing a client: there is no namespace %.80r; there are: %s"
            self._unknown.warning(path, text, path, self._there())
            raise Refused("Invalid namespace")
        return mounted

    def _there(self) -> str:
        return ", ".join(self.router.paths) or "none"

    def _ended(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        self._unjoined.discard(connection)

    def _mount(self, path: Path, namespace: Namespace) -> Mounted:
        return Mounted(self._place(path), namespace, self)

    def _place(self, path: Path) -> Place:
        sessions = Sessions(path)
        delivery = self.delivery_type(path, self.runtime, self.rooms, sessions, self.codec)
        return Place(path, delivery, sessions, self._middleware, Line(self.runtime))
