"""`Hosted`: what has an engine and is served by a web server."""

from __future__ import annotations

import asyncio
import logging
import math
import os
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from typing import Any

from sionamespace.asgi import ASGIApplication, ASGIMiddleware
from sionamespace.engine.asgi import ASGIEngine
from sionamespace.engine.deflate import Deflate
from sionamespace.engine.server import EngineServer
from sionamespace.engine.socket import EngineSocket
from sionamespace.engine.wsgi import WSGIEngine
from sionamespace.errors import BrokerDown, ConfigurationError
from sionamespace.ids import Ids
from sionamespace.options import Options
from sionamespace.ports import Receiver, Runtime
from sionamespace.process import check_alone, mode_of_worker, stop_with_process
from sionamespace.runtime.aio import AsyncioRuntime
from sionamespace.runtime.choice import choose, make_driver
from sionamespace.runtime.pending import Pending
from sionamespace.runtime.threaded import ThreadedRuntime
from sionamespace.serving.door import Door, FrontDoor
from sionamespace.serving.lifetime import LOOK_AGAIN, serve
from sionamespace.serving.server import HTTPServer
from sionamespace.serving.tls import Certificate
from sionamespace.serving.uvicorn import run_uvicorn
from sionamespace.workers.siblings import Siblings
from sionamespace.wsgi import WSGIApplication, WSGIMiddleware

__all__ = ["MODE_VARIABLE", "Hosted", "parse_options"]

_log = logging.getLogger("sionamespace")

_GOODBYES = 1.0
"""How many seconds a server that stops waits for clients to take its goodbye; some never do."""

MODE_VARIABLE = "SIONAMESPACE_ASYNC_MODE"
"""The environment variable with the mode of servers that do not say their own."""


class Hosted:
    """An engine with the ways to a web server.

    A subclass calls `_host` when it is made, and says what `send_away` and `idle` are.
    """

    default_path: str
    """Where clients connect to unless they are told otherwise."""
    options: Options
    runtime: Runtime
    async_mode: str

    def _host(
        self,
        accept: Callable[[EngineSocket, Mapping[str, Any]], Receiver],
        carries_json: bool = True,
        ids: Ids | None = None,
    ) -> None:
        self.engine = EngineServer(self.options, self.runtime, accept, carries_json, ids)
        self._ends_at = 0.0
        self._outlive_process: Callable[[], None] | None = None

    @property
    def idle(self) -> bool:
        """Whether no client is connected, and the application knows of it."""
        raise NotImplementedError

    def send_away(self) -> None:
        """End every connection."""
        raise NotImplementedError

    @property
    def shares_clients(self) -> bool:
        """Whether there may be other servers that share the clients."""
        return False

    def come_to_others(self) -> Pending[None]:
        """Come to the servers that share the clients, if there are any; done when that is so."""
        return Pending.known(self.runtime, None)

    def leave_others(self) -> bool:
        """Leave them; whether that is done. Asked until it is."""
        return True

    def wsgi(
        self,
        app: WSGIApplication | None = None,
        path: str | None = None,
        static: Mapping[str, str] | None = None,
    ) -> WSGIMiddleware:
        """A WSGI application with clients at ``/<path>/`` and everything else from ``app``.

        Args:
            app: any WSGI application, such as a Flask one.
            path: where clients connect to; left out, it is their default.
            static: files to serve, by URL: ``{"/": "index.html", "/static/": "static/"}``.

        Raises:
            ConfigurationError: for a path or files that cannot be; if gunicorn starts several
                workers that cannot serve together, or one that cannot serve at all.
        """
        if not isinstance(self.runtime, ThreadedRuntime):
            raise ConfigurationError(
                "async_mode='asyncio' is for ASGI: use server.asgi(), or another async_mode"
            )
        check_alone(self.shares_clients, "polling" in self.options.transports)
        if self._outlive_process is None:
            self._outlive_process = stop_with_process(self.runtime, self.shutdown, self._stopped)
        threshold = self.options.per_message_deflate
        deflate = None if threshold is None else Deflate(threshold)
        engine = WSGIEngine(self.engine, self.runtime, self.options.max_message_bytes, deflate)
        return WSGIMiddleware(engine, app, self._url_path(path), static)

    def asgi(self, app: ASGIApplication | None = None, path: str | None = None) -> ASGIMiddleware:
        """An ASGI application with clients at ``/<path>/`` and everything else from ``app``.

        Args:
            app: any ASGI application, such as one of FastAPI, Starlette, Quart or Django; its
                lifespan is kept.
            path: where clients connect to; left out, it is their default.

        Raises:
            ConfigurationError: for a path that cannot be; if uvicorn or gunicorn starts several
                workers that cannot serve together.
        """
        if not isinstance(self.runtime, AsyncioRuntime):
            raise ConfigurationError(
                f"async_mode={self.async_mode!r} is for WSGI: use server.wsgi(), or "
                "Server(..., async_mode='asyncio')"
            )
        check_alone(self.shares_clients, "polling" in self.options.transports)
        engine = ASGIEngine(self.engine, self.runtime, self.options.max_message_bytes)
        return ASGIMiddleware(engine, app, self._url_path(path), self._begin, self._end)

    def run(
        self,
        host: str = "127.0.0.1",
        port: int = 5000,
        *,
        app: Any = None,
        certfile: str | None = None,
        keyfile: str | None = None,
        workers: int = 1,
        drain: float | None = None,
        **settings: Any,
    ) -> None:
        """Serve until SIGTERM or Ctrl-C; then `shutdown` ends every connection.

        Args:
            app: what to serve: what `wsgi` or `asgi` returned, or an application to put behind it.
            certfile: a certificate in PEM form, to serve ``https`` and ``wss``.
            keyfile: its private key, if that is not in the same file.
            workers: how many processes serve.
            drain: over how many seconds the clients are sent away in the end, so that they do not
                all come back at once; left out, 0 for one process, and 3 for several.
            settings: for ``uvicorn.Config`` in the asyncio mode, such as ``log_level="info"``. The
                web server of the other modes has none.

        Raises:
            ConfigurationError: if the address cannot be listened on, the certificate cannot be
                used, or an extra is missing.
        """
        certificate = Certificate.parse(certfile, keyfile)

        def serve(door: Door) -> None:
            self.serve(door, app=app, certificate=certificate, **settings)

        if workers != 1:
            if not hasattr(os, "fork"):
                raise ConfigurationError(
                    f"workers={workers!r:.40}: processes that share a port need a system such as "
                    "Linux; in Windows, serve in WSL or in a container"
                )
            from sionamespace.workers.master import supervise  # names signals that Windows lacks

            self.check_shared(certificate is not None)
            supervise(workers, host, port, serve, drain)
            return
        door = FrontDoor(host, port, drain or 0)
        with closing(door.listener):
            serve(door)

    def serve(
        self,
        door: Door,
        *,
        app: Any = None,
        certificate: Certificate | None = None,
        **settings: Any,
    ) -> None:
        """Serve behind a door; the rest is as in `run`."""
        if door.siblings is not None:
            self.check_shared(certificate is not None)
            self._become_worker(door.siblings, door.broker)
        stop = partial(self.shutdown, door.drain)
        if isinstance(self.runtime, ThreadedRuntime):
            wsgi = app if isinstance(app, WSGIMiddleware) else self.wsgi(app)
            web_server = HTTPServer(wsgi, self.runtime, certificate, **settings)
            self.runtime.bind()
            self.come_to_others().exception()
            serve(web_server, door, self.runtime, stop, self._stopped)
            if self._outlive_process is not None:
                self._outlive_process()
        else:
            asgi = app if isinstance(app, ASGIMiddleware) else self.asgi(app)
            settings.setdefault("ws_max_size", self.options.max_message_bytes)
            settings.setdefault(
                "ws_per_message_deflate", self.options.per_message_deflate is not None
            )
            run_uvicorn(asgi, certificate, door, stop, self._stopped, **settings)

    def _url_path(self, path: str | None) -> str:
        if path is None:
            return self.default_path
        if not isinstance(path, str) or not path.strip("/"):
            raise ConfigurationError(
                f"path={path!r:.80}: expected where clients connect to, such as "
                f"{self.default_path!r}; all other URLs are the application's"
            )
        return path

    def check_shared(self, is_tls: bool) -> None:
        """Check that several workers may serve as this one server.

        Raises:
            ConfigurationError: if they may not.
        """
        if is_tls and "polling" in self.options.transports:
            raise ConfigurationError(
                "several workers cannot hand over to each other what comes by TLS; have a proxy "
                "do that (docs/deploy/nginx.md) and leave certfile= out, or allow "
                "transports=['websocket'] only"
            )
        if self.engine.ids.node is not None or self.runtime.has_threads:
            raise ConfigurationError(
                "something was spawned or sent before the workers were started, which they would "
                "not have; do it in them: in a handler or a request, or in a module that "
                "`sionamespace run --workers` imports in each of them"
            )

    def share(self, broker: str) -> None:
        """Share the clients with other workers, by a broker that is there for that."""

    def _become_worker(self, siblings: Siblings, broker: str) -> None:
        self.engine.ids.node = siblings.node
        siblings.balance.clients = self.engine.sockets.__len__
        self.share(broker)

    def shutdown(self, seconds: float = 0) -> None:
        """End every connection; `run` waits for it to be done.

        To the clients it is a lost connection, so that they come back when the server does.

        Args:
            seconds: how long that takes: one after another, and nobody new is let in.
        """
        if seconds:
            self._ends_at = math.inf
            self.runtime.post(self.engine.drain, seconds, self._sent_away)
        else:
            self._sent_away()
            self.send_away()

    def _sent_away(self) -> None:
        self._ends_at = self.runtime.now() + _GOODBYES

    async def _begin(self) -> None:
        """Called on the event loop when the web server starts."""
        self.runtime.bind()
        with suppress(BrokerDown):  # which the log has told
            await self.come_to_others()

    async def _end(self) -> None:
        """Called there when it stops; the other servers hear how the clients have gone."""
        self.shutdown()
        end = self.runtime.now() + _GOODBYES
        while self.shares_clients and not self._stopped() and self.runtime.now() < end:
            await asyncio.sleep(LOOK_AGAIN)

    def _stopped(self) -> bool:
        said_goodbye = not self.engine.sockets or self.runtime.now() > self._ends_at
        return self.idle and said_goodbye and self.leave_others()


def parse_options(options: Mapping[str, Any]) -> tuple[Options, ThreadedRuntime | AsyncioRuntime]:
    """Options from keyword arguments, and the runtime that they ask for.

    Raises:
        ConfigurationError: for an option that there is not, or a value that it cannot have.
    """
    if MODE_VARIABLE in os.environ:
        options = {"async_mode": os.environ[MODE_VARIABLE], **options}
    parsed = Options.parse(options)
    runtime, why = _runtime(parsed)
    _log.info("async_mode is %s (%s)", runtime.name, why)
    return parsed, runtime


def _runtime(options: Options) -> tuple[ThreadedRuntime | AsyncioRuntime, str]:
    """The runtime of a server, and why it is this one."""
    if options.async_mode == "asyncio":
        return AsyncioRuntime(options.worker_threads), "as asked for"
    mode, why = choose(options.async_mode, mode_of_worker())
    return ThreadedRuntime(make_driver(mode)), why
