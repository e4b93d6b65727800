"""`Harness`: a server in memory, for tests of its namespaces."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar, cast, overload
from unittest.mock import ANY

from sionamespace.engine.memory import MemoryLink
from sionamespace.errors import ConfigurationError, UsageError
from sionamespace.handlers.response import NO_REPLY, Reply
from sionamespace.namespace import Namespace
from sionamespace.options import Options
from sionamespace.protocol.codecs import CODECS
from sionamespace.rooms import RoomManager
from sionamespace.router import Router, Routes
from sionamespace.runtime.pending import Pending
from sionamespace.sessions import Session
from sionamespace.testing.client import HarnessClient
from sionamespace.testing.events import Emitted, EventName
from sionamespace.testing.leftovers import Leftovers
from sionamespace.testing.loop import apart_from_the_running_loop
from sionamespace.testing.mailbox import Mailbox, Wanted
from sionamespace.testing.recording import RecordingApplication, RecordingConnection
from sionamespace.testing.runtime import ManualRuntime
from sionamespace.testing.unfinished import is_ours
from sionamespace.types import Path, Room, Sid, names

__all__ = ["Harness"]

N = TypeVar("N", bound=Namespace)

_log = logging.getLogger("sionamespace.testing")

__tracebackhide__ = True  # pytest shows the line of the test instead

_ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/socket.io/",
    "QUERY_STRING": "EIO=4&transport=websocket",
    "SERVER_NAME": "testserver",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_HOST": "testserver",
    "wsgi.url_scheme": "http",
}


class Harness:
    """A server in memory: the real codec and the real pipeline, no socket, no sleep, no patching.

        def test_greeting():
            with Harness(Chat()) as h:
                ann, bob = h.connect(auth={"name": "Ann"}), h.connect(auth={"name": "Bob"})
                assert ann.call("message", "hi") == "OK"
                assert bob.last("message").args == ({"from": "Ann", "text": "hi"},)

    Everything runs on the test's own thread, in the same order each time. What a test does runs
    to the end before the next line: handlers, ``def`` or ``async def``, and what they started. A
    handler that waits (for an answer, in `Namespace.sleep`, in ``asyncio.sleep``) goes on when the
    test gives the answer, or moves the clock with `advance`. An exception that a handler or a
    background task does not handle is raised in the test.

    Leaving the ``with`` block fails the test if somebody still waits for an answer, or a background
    task would run for ever; see `finish`.

    Args:
        routes: a namespace, which stands at ``/``; or routes as for `sionamespace.Server`.
        rooms: a room manager, as for `sionamespace.Server`.
        raise_errors: False to keep the exceptions of handlers in `errors` instead, and see what
            the clients get.
        options: as for `sionamespace.Server`.
    """

    def __init__(
        self,
        routes: Namespace | type[Namespace] | Routes | Router,
        *,
        rooms: RoomManager | None = None,
        raise_errors: bool = True,
        **options: Any,
    ) -> None:
        self.errors: list[BaseException] = []
        """What handlers raised and nothing handled, so far."""
        self._raise_errors = raise_errors
        self._runtime = self._begin_runtime()
        self._options = Options.parse(options)
        self._codec = CODECS[self._options.serializer]
        self._emitted: Mailbox[Emitted] = Mailbox()
        self._application = RecordingApplication(
            _routes(routes),
            self._runtime,
            self._options,
            rooms,
            self.errors.append,
            self._emitted.add,
        )
        self._clients: dict[MemoryLink, dict[Path, HarnessClient]] = {}
        self._all: list[HarnessClient] = []
        self._leftovers = Leftovers(self._runtime)

    # What a test uses.

    def connect(
        self,
        path: Path | None = None,
        *,
        auth: Any = None,
        headers: Mapping[str, str] | None = None,
        environ: Mapping[str, Any] | None = None,
        on: HarnessClient | None = None,
    ) -> HarnessClient:
        """A new client, which has asked to be let in; see its ``connected`` and ``refused``.

        Args:
            path: the namespace; may be left out if there is only one, at a path with no parameters.
            auth: what it sends along, a dict.
            headers: HTTP headers of its handshake request, such as ``Cookie``.
            environ: more for the WSGI environment of that request.
            on: a client whose connection it shares, as another namespace of the same page does.

        Raises:
            UsageError: for an ``auth`` that no client's library sends.
        """
        if isinstance(auth, (str, bytes, int, float, list, tuple)):
            raise UsageError(f"auth is a dict, such as {{'token': ...}}, not {auth!r}")
        path = self._only_path() if path is None else path
        link = self._open(headers or {}, environ or {}) if on is None else on._link
        client = HarnessClient(self, link, path, self._codec)
        self._clients[link][path] = client
        self._all.append(client)
        client.join(auth)
        self.settle()
        return client

    @overload
    def namespace(self, where: Path | None = None) -> Any: ...
    @overload
    def namespace(self, where: type[N]) -> N: ...
    def namespace(self, where: Any = None) -> Any:
        """The namespace at a path, or of a class; either may be left out if there is only one."""
        return self._application.namespace(self._only_path() if where is None else where)

    def assert_broadcast(
        self,
        event: EventName,
        *args: Any,
        room: Any = ANY,
        skip_sid: Any = ANY,
        path: Path = ANY,
    ) -> Emitted:
        """The first such event that a namespace sent and that was not asserted yet.

        It tells what was said, also where nobody is there to hear it.

        Args:
            args: all of its arguments, as clients see them; without any, whatever they are.
            room: the room or sid that it was sent to, or several; None is everybody.
            skip_sid: the sid, or several, that were left out.
            path: the namespace.

        Raises:
            AssertionError: if there is none; it shows the nearest one, and all that was sent.
        """
        self.settle()
        wanted = _sent(self.name_of(event), args, room, skip_sid, path)
        return self._emitted.take(wanted, "the server sent")

    def refute_broadcast(
        self,
        event: EventName,
        *args: Any,
        room: Any = ANY,
        skip_sid: Any = ANY,
        path: Path = ANY,
    ) -> None:
        """Nothing, if no such event was sent other than those that were asserted.

        Raises:
            AssertionError: if one was.
        """
        self.settle()
        wanted = _sent(self.name_of(event), args, room, skip_sid, path)
        self._emitted.refute(wanted, "the server sent")

    def emitted(self, event: EventName | None = None) -> list[Emitted]:
        """What the namespaces sent so far, in order; of one event, or of all."""
        self.settle()
        return self._emitted.named(None if event is None else self.name_of(event))

    def advance(self, seconds: float) -> None:
        """Move the clock: what falls due on the way happens, in order."""
        self._runtime.advance(seconds)
        self._raise_first_error()

    def settle(self) -> None:
        """Run until everything has ended or waits. The client's methods do this by themselves."""
        self._runtime.settle()
        self._raise_first_error()

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The result of a function, ``def`` or ``async def``, run as a background task is."""
        with apart_from_the_running_loop():
            pending: Pending[Any] = self._runtime.spawn(function, *args, **kwargs)
            return pending.result()

    def allow_unfinished(self, *names: str) -> Harness:
        """This harness, for which it is no fault that these events or functions do not end.

        Args:
            names: of events that are not answered, and of functions that run on; without any, all.
        """
        self._leftovers.allow(names)
        return self

    def finish(self) -> None:
        """End it, as a test does that must leave nothing behind. The ``with`` block does this.

        Raises:
            LeftBehind: if a client that is there has got no answer (other than by `NO_REPLY`),
                or has not answered the server; or if a handler or a background task does not end
                by itself once the clients have left and the clock runs on.
        """
        try:
            self.settle()
            self._leftovers.check(self._all, self._shut_down)
        finally:
            self.close()

    def close(self) -> None:
        """End it; what still waits is not run, and is no fault."""
        self._application.rooms.others.stop()
        self._runtime.settle()
        self._close_runtime()

    def __enter__(self) -> Harness:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.close()

    # What the clients ask.

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function before all is quiet."""
        self._runtime.post(function, *args)

    def on_engine(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function as the engine does what comes from its clients: here and now, or there."""
        self._runtime.on_engine(function, *args)

    def session(self, path: Path, sid: Sid) -> Session:
        """The server's own session of a client."""
        return self._application.session(path, sid)

    def rooms(self, path: Path, sid: Sid) -> frozenset[Room]:
        """The server's own rooms of a client."""
        return self._application.rooms.rooms(path, sid)

    def name_of(self, event: EventName) -> str:
        """The name of an event, which may be one that a namespace declares."""
        if isinstance(event, str):
            return event
        for _, cls in self._application.router.classes:
            if event in cls.declared.functions:
                return cls.declared.name_of(event)
        raise UsageError(f"{event!r} is not declared by any namespace here, with outgoing=")

    def why_unanswered(self, client: HarnessClient, event: str, number: int) -> str | None:
        """Why an event of a client has no answer; None if its handler means to give none."""
        connection = cast(RecordingConnection, client._link.receiver)
        answer = connection.answers.get((client.path, number))
        if answer is NO_REPLY:
            return None
        if isinstance(answer, Reply):
            return "its handler returned a Reply that nobody has sent"
        return self._leftovers.why(self._application.namespace(client.path), event)

    # Inside.

    @staticmethod
    def make_runtime() -> Any:
        """The runtime of a harness; sionamespace's own tests put others in its place."""
        return ManualRuntime()

    def _begin_runtime(self) -> Any:
        return self.make_runtime()

    def _close_runtime(self) -> None:
        self._runtime.close()

    def _shut_down(self) -> None:
        self._application.send_away()
        self._application.rooms.others.stop()

    def _open(self, headers: Mapping[str, str], environ: Mapping[str, Any]) -> MemoryLink:
        options = self._options
        decoder = self._codec.make_decoder(options.max_attachments, options.max_message_bytes)

        def deliver(message: str | bytes) -> None:
            packet = decoder.feed(message)
            if packet is not None:
                self._clients[link][packet.path].take(packet)

        link = MemoryLink(deliver, options.max_outbox_bytes)
        self._clients[link] = {}
        self.on_engine(self._accept, link, _environ(headers, environ))
        return link

    def _accept(self, link: MemoryLink, environ: dict[str, Any]) -> None:
        link.receiver = self._application.accept(link, environ)

    def _only_path(self) -> Path:
        router = self._application.router
        if len(router) != 1 or router.patterns:
            raise ConfigurationError(
                f"say which namespace, as there are: {', '.join(router.paths)}"
            )
        return router.paths[0]

    def _raise_first_error(self) -> None:
        if self._raise_errors and self.errors:
            error, *others = self.errors
            self.errors.clear()
            for other in others:
                _log.error("this failed too, in the same step of the test", exc_info=other)
            raise error.with_traceback(_from_the_application(error.__traceback__))


def _routes(routes: Namespace | type[Namespace] | Routes | Router) -> Routes | Router:
    if isinstance(routes, (Router, Mapping)):
        return routes
    return {"/": routes}


def _sent(event: str, args: tuple[Any, ...], room: Any, skip: Any, path: Any) -> Wanted:
    wanted = {"rooms": _names(room), "skip": _names(skip), "path": path}
    return Wanted(
        event, args, {field: value for field, value in wanted.items() if value is not ANY}
    )


def _names(rooms: Any) -> Any:
    return rooms if rooms is ANY or rooms is None else frozenset(names(rooms))


def _from_the_application(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback from where it enters the application's code; all of it, if it never does."""
    entered = traceback
    while entered is not None and is_ours(entered.tb_frame):
        entered = entered.tb_next
    return entered or traceback


def _environ(headers: Mapping[str, str], environ: Mapping[str, Any]) -> dict[str, Any]:
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {**_ENVIRON, **named, **environ}
