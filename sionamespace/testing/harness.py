"""`Harness`: a server in memory, for tests of its namespaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from sionamespace.application import Application
from sionamespace.engine.memory import MemoryLink
from sionamespace.errors import ConfigurationError
from sionamespace.namespace import Namespace
from sionamespace.options import Options
from sionamespace.ports import Runtime
from sionamespace.protocol.codecs import CODECS
from sionamespace.rooms import RoomManager
from sionamespace.router import Router, Routes
from sionamespace.runtime.pending import Pending
from sionamespace.sessions import Session
from sionamespace.testing.client import HarnessClient
from sionamespace.testing.runtime import ManualRuntime
from sionamespace.types import Path, Room, Sid

__all__ = ["Harness"]

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
    test gives the answer, or moves the clock with `advance`. An exception that a handler does not
    handle is raised in the test.

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
        self._runtime = self.make_runtime()
        self._options = Options.parse(options)
        self._codec = CODECS[self._options.serializer]
        self._application = _Application(
            _routes(routes), self._runtime, self._options, rooms, self.errors.append
        )
        self._clients: dict[MemoryLink, dict[Path, HarnessClient]] = {}

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
            path: the namespace; may be left out if there is only one.
            auth: what it sends along, a dict.
            headers: HTTP headers of its handshake request, such as ``Cookie``.
            environ: more for the WSGI environment of that request.
            on: a client whose connection it shares, as another namespace of the same page does.
        """
        path = self._only_path() if path is None else path
        link = self._open(headers or {}, environ or {}) if on is None else on._link
        client = HarnessClient(self, link, path, self._codec)
        self._clients[link][path] = client
        client.join(auth)
        self.settle()
        return client

    def namespace(self, path: Path | None = None) -> Any:
        """The namespace at a path; it may be left out if there is only one."""
        return self._application.namespace(self._only_path() if path is None else path)

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
        pending: Pending[Any] = self._runtime.spawn(function, *args, **kwargs)
        return pending.result()

    def close(self) -> None:
        """End it; what still waits is not run."""
        self._runtime.close()

    def __enter__(self) -> Harness:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # What the clients ask.

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function before all is quiet."""
        self._runtime.post(function, *args)

    def on_engine(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function as the engine does what comes from its clients: here and now, or there."""
        if self._runtime.here():
            function(*args)
        else:
            self._runtime.post(function, *args)

    def session(self, path: Path, sid: Sid) -> Session:
        """The server's own session of a client."""
        return self._application.session(path, sid)

    def rooms(self, path: Path, sid: Sid) -> frozenset[Room]:
        """The server's own rooms of a client."""
        return self._application.rooms.rooms(path, sid)

    # Inside.

    @staticmethod
    def make_runtime() -> Any:
        """The runtime of a harness; sionamespace's own tests put others in its place."""
        return ManualRuntime()

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
        paths = [path for path, _ in self._application.router]
        if len(paths) != 1:
            raise ConfigurationError(f"say which namespace, as there are: {', '.join(paths)}")
        return paths[0]

    def _raise_first_error(self) -> None:
        if self._raise_errors and self.errors:
            error = self.errors[0]
            self.errors.clear()
            raise error


class _Application(Application):
    """An application whose unhandled errors go to the test."""

    def __init__(
        self,
        routes: Routes | Router,
        runtime: Runtime,
        options: Options,
        rooms: RoomManager | None,
        keep_error: Callable[[BaseException], None],
    ) -> None:
        super().__init__(routes, runtime, options, rooms)
        self._keep_error = keep_error

    def report_error(self, path: Path, sid: Sid, event: str, error: BaseException) -> None:
        self._keep_error(error)


def _routes(routes: Namespace | type[Namespace] | Routes | Router) -> Routes | Router:
    if isinstance(routes, (Router, Mapping)):
        return routes
    return {"/": routes}


def _environ(headers: Mapping[str, str], environ: Mapping[str, Any]) -> dict[str, Any]:
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {**_ENVIRON, **named, **environ}
