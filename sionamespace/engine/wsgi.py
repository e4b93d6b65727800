"""`WSGIEngine`: an `EngineServer` behind a WSGI web server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from sionamespace.engine.deflate import Deflate
from sionamespace.engine.handshake import Handshake
from sionamespace.engine.http import Fault, Request, RequestRefused, Response
from sionamespace.engine.server import EngineServer, Opening, Poll, Post, Todo
from sionamespace.engine.servers import find_socket
from sionamespace.engine.socket import EngineSocket
from sionamespace.engine.websocket import open_websocket
from sionamespace.errors import ConfigurationError
from sionamespace.process import check_loaded_here
from sionamespace.runtime.threaded import ThreadedRuntime

__all__ = ["WSGIEngine"]

StartResponse = Callable[[str, list[tuple[str, str]]], object]


class WSGIEngine:
    """A WSGI application that answers Engine.IO's requests; it waits where the server cannot.

    Args:
        max_bytes: the size of a request's body and of a WebSocket's message.
        deflate: how messages of WebSockets are compressed; None if they are not.
    """

    def __init__(
        self,
        server: EngineServer,
        runtime: ThreadedRuntime,
        max_bytes: int,
        deflate: Deflate | None = None,
    ) -> None:
        self._server = server
        self._runtime = runtime
        self._max_bytes = max_bytes
        self._deflate = deflate
        self._process = os.getpid()

    def __call__(
        self, environ: Mapping[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        self._bind()
        request = self._server.request(environ)
        try:
            with self._runtime.engine:
                todo = self._server.route(request)
            answer = self._do(request, todo)
        except RequestRefused as refused:
            answer = self._server.refusal(refused)
        if not isinstance(answer, Response):
            return answer
        return self._answer(request, answer, start_response)

    def _answer(
        self, request: Request, answer: Response, start_response: StartResponse
    ) -> Iterable[bytes]:
        response = self._server.finish(request, answer)
        start_response(response.status, list(response.headers))
        return [response.body]

    def _do(self, request: Request, todo: Todo) -> Response | Iterable[bytes]:
        if isinstance(todo, Poll):
            return self._poll(request, todo)
        if isinstance(todo, Post):
            return self._post(request, todo.socket)
        if isinstance(todo, Opening):
            return self._open(request, todo.socket)
        return todo

    def _poll(self, request: Request, poll: Poll) -> Response | Iterable[bytes]:
        later = request.environ.get("sionamespace.later")
        if later is not None and not poll.waiting.done():
            later(poll.waiting.listen, partial(self._answer_poll, request, poll))
            return ()
        poll.waiting.result()
        with self._runtime.engine:
            return self._server.polled(poll.socket)

    def _answer_poll(
        self, request: Request, poll: Poll, environ: object, start_response: StartResponse
    ) -> Iterable[bytes]:
        """The same as an application that is called when the poll waits no more."""
        with self._runtime.engine:
            answer = self._server.polled(poll.socket)
        return self._answer(request, answer, start_response)

    def _post(self, request: Request, socket: EngineSocket) -> Response:
        try:
            body = request.read_body(socket.content.most_bytes(self._max_bytes))
        except EOFError as error:
            with self._runtime.engine:
                raise self._server.broken_off(socket, error) from None
        except BaseException:
            socket.posting = False
            raise
        with self._runtime.engine:
            return self._server.posted(socket, body)

    def _open(self, request: Request, socket: EngineSocket | None) -> Iterable[bytes]:
        handshake = Handshake(request.environ, self._max_bytes, self._deflate)
        if handshake.fault is not None:
            raise RequestRefused(Fault.BAD_REQUEST, f"a bad WebSocket request: {handshake.fault}")
        raw = find_socket(request.environ, self._runtime.wait_writable)
        if raw is None:
            raise RequestRefused(
                Fault.BAD_REQUEST,
                "this web server does not hand out its sockets, so there is no WebSocket; use "
                "server.run(), gunicorn, eventlet.wsgi, gevent.pywsgi or Werkzeug",
            )
        runtime = self._runtime
        with runtime.engine:
            websocket = open_websocket(
                raw, handshake, runtime.start_blocking, runtime.engine, runtime.at_end
            )
            if socket is None:
                ended = self._server.opened(request, websocket)
            else:
                ended = self._server.upgrading(socket, websocket)
        websocket.serve(runtime.watch, ended, partial(runtime.sleep, 0))
        return raw.end_request()

    def _bind(self) -> None:
        if os.getpid() != self._process:
            check_loaded_here()
        self._runtime.bind()
        if self._runtime.one_thread and not self._runtime.here():
            raise ConfigurationError(
                f"async_mode={self._runtime.name!r}, but this web server runs requests on several "
                "threads; write Server(..., async_mode='threads')"
            )
