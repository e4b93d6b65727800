"""`Connection`: one client's connection to the web server, and its requests one after another."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeAlias

from sionamespace.engine.stream import Stream
from sionamespace.runtime.deadlines import Deadlines
from sionamespace.runtime.sockets import OVER, WAITING
from sionamespace.runtime.threaded import ThreadedRuntime
from sionamespace.serving.body import Body
from sionamespace.serving.http import MOST_HEAD, Malformed, Request
from sionamespace.serving.response import Clock, Response
from sionamespace.workers.siblings import Siblings

__all__ = ["Connection", "Services"]

_log = logging.getLogger("sionamespace.run")

_READ = 65536
_WRITE = 262144
"""How many bytes are written at a time: of much, what is left is not copied each time."""

_SLOWEST, _SLOW_START = 500, 60.0
"""How many bytes of a body come in a second at least, on average, after how many seconds: a thread
waits for it, which who sends a byte now and then would keep for ever."""

Application: TypeAlias = Callable[..., Iterable[bytes]]
Listen: TypeAlias = Callable[[Callable[[], object]], object]


class Services(Protocol):
    """What the connections of a server share."""

    app: Application
    runtime: ThreadedRuntime
    siblings: Siblings | None
    stopping: bool
    environ: dict[str, Any]
    """What is the same in the environments of all requests."""
    clock: Clock
    under_way: set[Connection]
    """Those with a request under way."""
    patience: Deadlines[Connection]
    """Those that wait for their clients."""
    brief_patience: Deadlines[Connection]
    """Those that wait for a handshake of TLS, or for the client to close."""


class Connection:
    """One client's connection.

    While it waits for a request it is watched, and no thread or green thread waits with it. What
    answers runs in one, until the next request is to be waited for.

    Args:
        early: what was read of it already.
    """

    _broken = False
    """Whether it broke off; an application may fail by the same errors, of a database, say."""
    _received = 0
    """How much of a body has come that had to be waited for."""
    _waited = 0.0
    """For how many seconds."""

    def __init__(
        self, services: Services, stream: Stream, address: Any, early: bytes = b""
    ) -> None:
        self._services = services
        self._stream = stream
        self._address = address
        self._data = early
        self._request: Request | Malformed | None = None
        self._home: int | None = None
        self._patience = services.patience
        self._later: tuple[Listen, Application] | None = None

    # Waiting for a request, on the engine's thread.

    def begin(self) -> None:
        """Take what is there, or wait for it."""
        if self._parse(self._services.siblings) or self.read() == OVER:
            self._go_on()
        else:
            self._wait()

    def _wait(self) -> None:
        self._patience = self._services.patience
        if not self._stream.is_open:
            self._patience = self._services.brief_patience
        self._patience.add(self)
        self._services.runtime.watch(self._stream, self.read, self._go_on)

    def read(self) -> int:
        """Read what has come, up to a request that can be answered."""
        try:
            data = self._stream.recv(_READ)
        except BlockingIOError:
            self._note_handshake()
            return WAITING
        except OSError as error:
            _log.debug("a connection broke off: %s", error)
            data = b""
        self._data += data
        return WAITING if data and not self._parse(self._services.siblings) else OVER

    def _note_handshake(self) -> None:
        if self._patience is self._services.brief_patience and self._stream.is_open:
            self._patience.discard(self)
            self._patience = self._services.patience
            self._patience.add(self)

    def _go_on(self) -> None:
        self._patience.discard(self)
        if self._request is None and self._home is None:
            self._stream.close()
        else:
            self._services.runtime.start_blocking(self._answer)

    def give_up(self) -> None:
        """The client has kept it waiting for too long."""
        self._stream.shutdown()

    def _parse(self, siblings: Siblings | None) -> bool:
        """Take the head of a request off what has come; whether all of it is there."""
        self._data = self._data.lstrip(b"\r\n")
        end = self._data.find(b"\r\n\r\n") + 4
        if (end if end >= 4 else len(self._data)) > MOST_HEAD:
            self._request = Malformed("431 Request Header Fields Too Large", "too large a head")
            return True
        if end < 4:
            return False
        if siblings is not None:
            self._home = siblings.home_of(self._data)
            if self._home is not None:
                return True
        head, self._data = self._data[:end], self._data[end:]
        try:
            self._request = Request(head.decode("latin-1"), self._services.environ)
        except Malformed as malformed:
            self._request = malformed
        return True

    # Answering, in a thread or green thread.

    def _answer(self) -> None:
        if self._answer_one():
            self._answer_more()

    def _answer_more(self) -> None:
        """Answer what else has come, and then wait for more."""
        while self._parse(self._services.siblings):
            if not self._answer_one():
                return
        with self._services.runtime.engine:
            self._wait()

    def _hand_over(self, home: int) -> bool:
        """Give the connection to the worker whose client this is; False if that cannot be."""
        services, self._home = self._services, None
        assert services.siblings is not None
        descriptor, sleep = self._stream.fileno(), services.runtime.sleep
        gone = services.siblings.hand_over(home, descriptor, self._data, sleep)
        if gone:
            self._stream.close()
        else:
            self._parse(None)
        return gone

    def _answer_one(self) -> bool:
        """Answer a request; whether the connection can be used for another one."""
        if self._home is not None and self._hand_over(self._home):
            return False
        request, self._request = self._request, None
        if isinstance(request, Request):
            self._complete(request)
            return self._have_answered(request, self._services.app)
        assert request is not None
        self._refuse(request)
        self._close()
        return False

    def _have_answered(self, request: Request, app: Application) -> bool:
        """Have an application answer; whether the connection can be used for another request."""
        services, stream, keeps = self._services, self._stream, False
        services.under_way.add(self)
        try:
            keeps = self._run(request, app)
        finally:
            later, self._later = self._later, None
            if later is None:
                services.under_way.discard(self)
                if not keeps and not stream.taken:
                    self._close()
        if later is not None:
            listen, answer = later
            listen(partial(services.runtime.start_blocking, self._resume, request, answer))
        return keeps and not stream.taken

    def answer_later(self, listen: Listen, app: Application) -> None:
        """Called by an application instead of an answer.

        Until then no thread or green thread waits.

        Args:
            listen: has a function called when the answer is known.
            app: what answers then, in place of the application.
        """
        self._later = listen, app

    def _resume(self, request: Request, app: Application) -> None:
        if self._have_answered(request, app):
            self._answer_more()

    def _complete(self, request: Request) -> None:
        """Add to a request what its head does not tell."""
        environ = request.environ
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = self._address[0], str(self._address[1])
        environ["sionamespace.stream"] = self._stream
        environ["sionamespace.later"] = self.answer_later
        environ["wsgi.errors"] = sys.stderr
        if request.chunked or request.length > len(self._data):
            self._received, self._waited = 0, 0.0
            request.body = Body(self, request.length, request.chunked)
            environ["wsgi.input"] = io.BufferedReader(request.body)
        else:
            whole, self._data = self._data[: request.length], self._data[request.length :]
            environ["wsgi.input"] = io.BytesIO(whole)
        if request.expects:
            with suppress(OSError):
                self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _run(self, request: Request, app: Application) -> bool:
        """Run an application; whether all went well and the client may go on."""
        services, body = self._services, request.body
        keeps = request.keeps and not services.stopping
        response = Response(request, self._send, services.clock, keeps)
        try:
            response.run(app)
        except Exception as error:
            if self._broken or (body is not None and body.broken):
                _log.debug("a connection broke off: %s", error)
                return False
            _log.exception("a request failed: %s %s", request.method, request.environ["PATH_INFO"])
            with suppress(OSError):
                response.fail()
        return response.started and response.keeps and (body is None or body.drained())

    def _refuse(self, malformed: Malformed) -> None:
        text = str(malformed).encode()
        head = f"HTTP/1.1 {malformed.status}\r\nContent-Type: text/plain\r\n"
        length = f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        with suppress(OSError):
            self._send((head + length).encode() + text)

    def _close(self) -> None:
        """Close when the client has, for a while: something unread would cut the answer off."""
        try:
            self._stream.finish()
        except OSError:
            self._stream.close()
            return
        services = self._services
        with services.runtime.engine:
            self._patience = services.brief_patience
            self._patience.add(self)
            services.runtime.watch(self._stream, self._pass_over, self._end)

    def _pass_over(self) -> int:
        try:
            return WAITING if self._stream.recv(_READ) else OVER
        except BlockingIOError:
            return WAITING
        except OSError:
            return OVER

    def _end(self) -> None:
        self._patience.discard(self)
        self._stream.close()

    # What a client sends and is sent meanwhile.

    def read1(self, size: int) -> bytes:
        """Some bytes of a body, none at the end; waits for them."""
        if not self._data:
            self._data = self._receive()
        part, self._data = self._data[:size], self._data[size:]
        return part

    def readline(self, limit: int) -> bytes:
        """A line, or so many bytes of it, or less at the end; waits for it."""
        while b"\n" not in self._data and len(self._data) < limit:
            data = self._receive()
            if not data:
                break
            self._data += data
        return self.read1(min(limit, self._data.find(b"\n") + 1 or limit))

    def _receive(self) -> bytes:
        runtime = self._services.runtime
        while True:
            try:
                data = self._stream.recv(_READ)
            except BlockingIOError:
                if self._waited > _SLOW_START + self._received / _SLOWEST:
                    self.give_up()
                begin = runtime.now()
                self._await(runtime.wait_readable)
                self._waited += runtime.now() - begin
            except OSError:
                self._broken = True
                raise
            else:
                self._received += len(data)
                return data

    def _send(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            try:
                at += self._stream.send(data[at : at + _WRITE])
            except BlockingIOError:
                self._await(self._services.runtime.wait_writable)
            except OSError:
                self._broken = True
                raise

    def _await(self, event: Callable[[Any], object]) -> None:
        """Wait for the client to send or read something, but not for ever."""
        services = self._services
        with services.runtime.engine:
            services.patience.add(self)
        try:
            event(self._stream)
        except OSError:
            self._broken = True
            raise
        finally:
            with services.runtime.engine:
                services.patience.discard(self)
