"""`Namespace`: the class that applications subclass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from sionamespace.acks import Ack
from sionamespace.audience import Audience
from sionamespace.client import Client
from sionamespace.delivery import MEMBERS_TIMEOUT, Delivery
from sionamespace.errors import ConfigurationError
from sionamespace.gathering import Members
from sionamespace.handlers.discovery import discover
from sionamespace.handlers.middleware import Middleware
from sionamespace.handlers.outgoing import OutgoingTable, declared
from sionamespace.handlers.spec import HandlerTable
from sionamespace.ports import Host
from sionamespace.runtime.pending import Pending
from sionamespace.servers import Servers
from sionamespace.types import Path, Room, Rooms, Selection, Sid, names

if TYPE_CHECKING:
    from sionamespace.types import Args, Unpack

__all__ = ["Namespace"]

R = TypeVar("R")


class Namespace:
    """The clients at one path, and what they may ask.

        class Chat(Namespace):
            def on_connect(self, sid, environ, auth):
                if not auth:
                    raise Refused("who are you?")
                self.session(sid)["name"] = auth["name"]

            def on_message(self, sid, text):
                name = self.session(sid)["name"]
                self.emit("message", {"from": name, "text": text}, skip_sid=sid)
                return "OK"

    Each method ``on_<event>``, and each that `sionamespace.event` marks, is the handler of an
    event: it is called with the client's sid and what the client sent, and what it returns is the
    answer to the client's ack (None is no argument, a tuple several). ``on_connect(sid, environ,
    auth)`` decides whether a client is let in, ``on_disconnect(sid, reason)`` tells that it left;
    each may take fewer of its arguments. Handlers may be ``def`` or ``async def``.

    What it sends may be declared, ``class Chat(Namespace, outgoing=ChatPage)``: the methods of
    ``ChatPage``, or of several such classes, are the events. Then type checkers know the arguments
    of ``self.emit(ChatPage.message, ...)`` and the answer to ``self.call(ChatPage.confirm, ...)``.

    One instance serves all clients of its path, so what belongs to one client goes into its
    `session`. The events of one client run one at a time, in order; those of different clients run
    side by side. Nothing here blocks, and everything may be called from any thread.
    """

    middleware: ClassVar[Sequence[Middleware]] = ()
    """What stands around all handlers of the class, the first one outermost. That of a base class
    stays, outside of that of its subclass."""

    handlers: ClassVar[HandlerTable] = HandlerTable({})
    """The handlers of the class, found when it was defined."""

    declared: ClassVar[OutgoingTable] = OutgoingTable("Namespace")
    """The events that the class, and its bases, say they send."""

    _host: Host | None = None
    _delivery: Delivery | None = None
    _path_params: Mapping[str, Any] = MappingProxyType({})

    def __init_subclass__(cls, outgoing: type | Sequence[type] = (), **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.handlers = discover(cls)
        cls.declared = declared(cls, outgoing)

    @staticmethod
    def event_name(name: str, /) -> str:
        """The event that ``on_<name>`` handles, and that a method ``name`` declares.

        Override it for another rule, ``event_name = staticmethod(camel_case)``. It is asked when
        the class is defined; what `sionamespace.event` names is named already.
        """
        return name

    # Where it is mounted.

    @property
    def path(self) -> Path:
        """The path that it is mounted at, such as ``/chat``."""
        return self._mounted().path

    @property
    def server(self) -> Host:
        """The server that it is mounted on; its ``namespace("/other")`` is a neighbour."""
        self._mounted()
        assert self._host is not None
        return self._host

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters in its path: at ``/jobs/7`` of ``/jobs/{job_id:int}``, ``{"job_id": 7}``.

        Clients choose them, so check in `opened` whether there is such a thing. They are not known
        yet in ``__init__``.
        """
        return self._path_params

    def mount(
        self, delivery: Delivery, host: Host, params: Mapping[str, Any] | None = None
    ) -> None:
        """Join it to a server; the server does this.

        Raises:
            ConfigurationError: if it is mounted already.
            HandlerError: for the annotation of a declared answer that cannot be used.
        """
        if self._delivery is not None:
            raise ConfigurationError(
                f"this {type(self).__name__} is mounted at {self.path} already; "
                f"make another instance for {delivery.path}"
            )
        self.declared.check()
        self._delivery, self._host = delivery, host
        if params is not None:
            self._path_params = params

    # What it says to its clients.

    def emit(
        self,
        event: str | Callable[[Any, Unpack[Args]], None],
        *args: Unpack[Args],
        room: Rooms | None = None,
        skip_sid: Rooms | None = None,
        volatile: bool = False,
    ) -> None:
        """Send an event to clients.

        Args:
            event: its name, or the method that declares it, of a class in ``outgoing=``.
            args: JSON values, ``bytes``, attrs classes, dataclasses, dates, ..., also nested.
            room: a room, a sid, or several; None is everybody in the namespace, and an empty list
                nobody. A client in several of the rooms gets one copy.
            skip_sid: a sid, or several, that do not get it; a room is all who are in it.
            volatile: drop it for clients that cannot take it right now, as they are slow or away.

        Raises:
            UsageError: for a name or a value that cannot be sent.
        """
        name = event if isinstance(event, str) else self.declared.to_emit(event, args)
        self._mounted().emit(Selection.of(room, skip_sid), name, args, volatile)

    def send(
        self,
        *args: Any,
        room: Rooms | None = None,
        skip_sid: Rooms | None = None,
        volatile: bool = False,
    ) -> None:
        """Send the event ``message``; else as `emit`."""
        self.emit("message", *args, room=room, skip_sid=skip_sid, volatile=volatile)

    @overload
    def call(self, event: str, *args: Any, room: Room, timeout: float | None = 60) -> Ack[Any]: ...
    @overload
    def call(
        self,
        event: Callable[[Any, Unpack[Args]], R],
        *args: Unpack[Args],
        room: Room,
        timeout: float | None = 60,
    ) -> Ack[R]: ...
    def call(
        self, event: Any, *args: Unpack[Args], room: Room, timeout: float | None = 60
    ) -> Ack[Any]:
        """Send an event to one client and return its answer to come.

        ``self.call("confirm", "sure?", room=sid).result()`` waits for it in a ``def``, and
        ``await self.call(...)`` in an ``async def``.

        Args:
            event: its name, or the method that declares it, of a class in ``outgoing=``; what that
                returns is the type of the answer.
            room: the client's sid, or a room with one client.
            timeout: seconds after which the answer is `AckTimeout`; None waits for ever.

        Raises:
            UsageError: for a name or a value that cannot be sent, or more clients than one. That
                there is no client is an answer: `ClientGone`.
        """
        read = None
        if not isinstance(event, str):
            event, read = self.declared.to_call(event, args)
        ack: Ack[Any] = self._mounted().call(Selection.of(room), event, args, timeout)
        ack.read_with(read)
        return ack

    def to(self, *rooms: Room) -> Audience:
        """The clients in any of these rooms (or with these sids); without any, nobody.

        So a list that happens to be empty, ``self.to(*teams)``, never reaches strangers.
        """
        return self._audience(Selection.of(rooms))

    @property
    def everyone(self) -> Audience:
        """All clients of the namespace."""
        return self._audience(Selection())

    @property
    def local(self) -> Audience:
        """The clients of the namespace that are connected to this server.

        It differs from `everyone` where several servers share their clients.
        """
        return self._audience(Selection(local=True))

    @property
    def servers(self) -> Servers:
        """This namespace on all servers that share its clients; see `server_event`."""
        return Servers(self._mounted(), self.server, self.handlers)

    # Rooms.

    def enter_room(self, sid: Sid, room: Rooms) -> None:
        """Put a client into a room, or several.

        Give room names that users choose a prefix, ``f"room {name}"``: no client may enter the
        room that is named by another's sid.

        Raises:
            NotConnected: if there is no such client.
            UsageError: if the room is another client's own.
        """
        for name in names(room):
            self._mounted().rooms.enter(self.path, sid, name)

    def leave_room(self, sid: Sid, room: Rooms) -> None:
        """Take a client out of a room, or several.

        Raises:
            NotConnected: if there is no such client.
            UsageError: if the room is the client's own.
        """
        for name in names(room):
            self._mounted().rooms.leave(self.path, sid, name)

    def close_room(self, room: Room) -> None:
        """Take every client out of a room; they stay connected."""
        self._mounted().rooms.close(self.path, room)

    def rooms(self, sid: Sid) -> frozenset[Room]:
        """The rooms of a client, the one named by its sid among them.

        Raises:
            NotConnected: if there is no such client.
        """
        return self._mounted().rooms.rooms(self.path, sid)

    def members(
        self, room: Rooms | None = None, timeout: float | None = MEMBERS_TIMEOUT
    ) -> Members:
        """The sids of the clients in a room, or in any of several; None is everybody.

        It is a set. Where several servers share their clients, using it waits for the others: in an
        ``async def`` write ``await self.members(room)``. Those of this server alone are known at
        once: ``self.to(room).local.members()``.

        Args:
            timeout: how many seconds the other servers have to answer; those that did not are the
                ``silent`` of what is returned.
        """
        return self._mounted().members(Selection.of(room), timeout)

    # Single clients.

    def session(self, sid: Sid) -> dict[str, Any]:
        """The client's own dict, kept until after ``on_disconnect``; change it as you like.

        Raises:
            NotConnected: if there is no such client.
        """
        return self._mounted().session(sid).data

    def client(self, sid: Sid) -> Client:
        """What is known of a client now.

        Raises:
            NotConnected: if there is no such client.
        """
        return self._mounted().client(sid)

    def disconnect(self, sid: Sid, close: bool = False) -> None:
        """Send a client away; nothing if it has left. Then ``on_disconnect`` runs.

        Args:
            close: end the whole connection, with the other namespaces that share it.
        """
        self._mounted().disconnect_one(sid, close)

    def after_disconnect(self, sid: Sid, function: Callable[..., Any], *args: Any) -> None:
        """Have a function called when a client has gone, after ``on_disconnect`` if that runs.

        Also for one that is refused after all, or that leaves while its ``on_connect`` runs: what
        was set up for it is taken down, whoever overrides what. The last one is called first; they
        may be ``def`` or ``async def``, and the client's rooms and session are still there.

        Raises:
            NotConnected: if there is no such client.
        """
        self._mounted().session(sid).add_farewell(function, args)

    # Time.

    def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Pending[Any]:
        """Run a function, ``def`` or ``async def``, in the background; its result to come."""
        pending: Pending[Any] = self.server.spawn(function, *args, **kwargs)  # type: ignore[assignment]
        return pending

    def sleep(self, seconds: float) -> None:
        """Pause this handler or background function, and nothing else. Not in an ``async def``."""
        self._mounted().runtime.sleep(seconds)

    # To override.

    def opened(self) -> Any:
        """Called when the first client comes to a path with parameters, before its ``on_connect``.

        Override it, as ``def`` or ``async def``, to load what belongs to the path. Raise `Refused`
        if there is no such thing: then the clients that came are refused, and this instance is
        dropped. Not called for a namespace at a fixed path, which is there from the start.
        """

    def closed(self) -> Any:
        """Called when the last client has gone from a path with parameters; then it is dropped.

        ``def`` or ``async def``. Who comes meanwhile gets a new instance, after this has ended.
        """

    def server_joined(self, node: str) -> Any:
        """Called with each other server that shares the clients: when it has come, or is there.

        ``def`` or ``async def``, for one server after the other. It is called anew when this server
        was cut off from the others and may have missed what they said, and in a namespace with
        parameters also for those that are there when it opens.
        """

    def server_left(self, node: str) -> Any:
        """Called when another server has gone, or was not heard for some seconds; ``def`` or
        ``async def``."""

    # The same for building blocks, whose subclasses have those names to themselves.

    def _server_met(self, node: str) -> Any: ...

    def _server_lost(self, node: str) -> Any: ...

    def handle_error(self, sid: Sid, event: str, error: BaseException) -> Any:
        """Called with what a handler raised, other than `Refused`; this one logs it.

        Override it to report errors elsewhere, or to tell the client more: what it returns answers
        the client's ack as a handler's return would, and with None the ack gets
        ``{"error": {"message": "internal error"}}``. ``event`` may be ``connect`` or
        ``disconnect``; then there is no ack. For `opened` and `closed` it is their name, and the
        sid is empty.
        """
        self.server.report_error(self.path, sid, event, error)

    def _audience(self, selection: Selection) -> Audience:
        return Audience(self._mounted(), selection, self.declared)

    def _mounted(self) -> Delivery:
        if self._delivery is None:
            raise ConfigurationError(
                f"this {type(self).__name__} is not mounted yet; give it to a Server, "
                f"Server({{'/path': {type(self).__name__}()}}), or to a test Harness"
            )
        return self._delivery
