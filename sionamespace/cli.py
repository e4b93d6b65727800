"""The command ``sionamespace``: ``run``, ``routes``, and contracts for the front end."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

import attrs

from sionamespace import __version__
from sionamespace.codegen.asyncapi import asyncapi
from sionamespace.codegen.contract import contracts_of
from sionamespace.codegen.typescript import typescript
from sionamespace.engine.hosted import MODE_VARIABLE, Hosted
from sionamespace.errors import ConfigurationError, UsageError
from sionamespace.routes import routes_of, table
from sionamespace.server import Server
from sionamespace.serving.tls import Certificate
from sionamespace.workers.master import supervise
from sionamespace.workers.worker import Worker

__all__ = ["main"]

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code, which is 2 if it was used wrongly."""
    asked = _parser().parse_args(arguments)
    try:
        asked.command(asked)
    except UsageError as error:
        print(f"sionamespace: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sionamespace", description="A Socket.IO server.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_routes(commands)
    _add_contracts(commands)
    return parser


def _add_run(commands: Any) -> None:
    run = commands.add_parser(
        "run",
        help="serve until Ctrl-C or SIGTERM",
        description="Serve until Ctrl-C or SIGTERM, while you develop (--reload) and in production "
        "(--workers). What listens, what is refused and why goes to the standard error.",
    )
    run.set_defaults(command=_run_command)
    _add_server(run)
    run.add_argument("--app", metavar="MODULE:APP", help="a WSGI or ASGI application beside it")
    run.add_argument(
        "--mode",
        help="the async_mode, for a Server that does not say its own: eventlet, gevent, threads or "
        "asyncio",
    )
    run.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    run.add_argument("--port", type=int, default=5000, help="where to listen (%(default)s)")
    run.add_argument("--certfile", metavar="PEM", help="a certificate, to serve https and wss")
    run.add_argument("--keyfile", metavar="PEM", help="its key, if that is not in the certfile")
    run.add_argument("--workers", type=int, default=1, help="how many processes (%(default)s)")
    run.add_argument(
        "--drain", type=float, metavar="SECONDS", help="how long sending clients away may take"
    )
    run.add_argument("--reload", action="store_true", help="start again when a file changes")


def _add_routes(commands: Any) -> None:
    routes = commands.add_parser(
        "routes",
        help="list namespaces, events and handlers",
        description="List the namespaces of a server, with their events, and the handler of each "
        "with its file and line.",
    )
    routes.set_defaults(command=_routes_command)
    _add_server(routes)
    routes.add_argument("--json", action="store_true", help="as JSON, for other programs")


def _add_contracts(commands: Any) -> None:
    types = commands.add_parser(
        "typescript",
        help="write types for socket.io-client",
        description="Write the types that socket.io-client's generics take, out of the annotations "
        "of the handlers: sionamespace typescript chat:server > events.ts",
    )
    types.set_defaults(command=_typescript_command)
    _add_server(types)
    document = commands.add_parser(
        "asyncapi",
        help="write an AsyncAPI document",
        description="Write an AsyncAPI 3 document, out of the annotations of the handlers: "
        "sionamespace asyncapi chat:server > asyncapi.json",
    )
    document.set_defaults(command=_asyncapi_command)
    _add_server(document)
    document.add_argument("--title", help="what it is called (the module's name)")
    document.add_argument("--api-version", default="1.0.0", help="of the API (%(default)s)")


def _add_server(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "server",
        metavar="MODULE:SERVER",
        help="the Server, such as chat:server, or a function that makes it",
    )


def _run_command(asked: argparse.Namespace) -> None:
    if asked.mode is not None:
        os.environ[MODE_VARIABLE] = asked.mode
    if asked.reload and asked.workers != 1:
        raise ConfigurationError("--reload is for one process: leave --workers out")
    if asked.reload:
        _run_reloading(asked)
    else:
        _run(*_served(asked))


def _routes_command(asked: argparse.Namespace) -> None:
    routes = routes_of(_server(asked.server, Server, "routes chat:server").router)
    print(json.dumps([attrs.asdict(r) for r in routes], indent=2) if asked.json else table(routes))


def _typescript_command(asked: argparse.Namespace) -> None:
    router = _server(asked.server, Server, "typescript chat:server").router
    print(typescript(contracts_of(router)), end="")


def _asyncapi_command(asked: argparse.Namespace) -> None:
    router = _server(asked.server, Server, "asyncapi chat:server").router
    title = asked.title or asked.server.partition(":")[0]
    print(json.dumps(asyncapi(contracts_of(router), title, asked.api_version), indent=2))


def _served(asked: argparse.Namespace) -> tuple[Any, ...]:
    """What `_run` is called with, here or in a process of its own."""
    serving = asked.host, asked.port, asked.certfile, asked.keyfile, asked.workers, asked.drain
    return asked.server, asked.app, *serving


def _run(
    server: str,
    app: str | None,
    host: str,
    port: int,
    certfile: str | None,
    keyfile: str | None,
    workers: int,
    drain: float | None,
) -> None:
    if workers == 1:
        found, beside = _find(server, app)
        found.run(host, port, app=beside, certfile=certfile, keyfile=keyfile, drain=drain)
        return
    certificate = Certificate.parse(certfile, keyfile)

    def work(worker: Worker) -> None:
        # Imported here and not before, so that a worker which is replaced has what is there then.
        found, beside = _find(server, app)
        found.serve(worker, app=beside, certificate=certificate)

    supervise(workers, host, port, work, drain)


def _find(server: str, app: str | None) -> tuple[Hosted, Any]:
    """A server and the application beside it."""
    found = _server(server, Hosted, "run chat:server --app chat:app")
    return found, None if app is None else _load(app, "app")


def _server(target: str, kind: type[T], example: str) -> T:
    sys.path.insert(0, os.getcwd())
    found = _load(target, "server")
    if inspect.isfunction(found):  # one that makes it
        found, target = found(), f"what {target} returns"
    if not isinstance(found, kind):
        what = "class" if isinstance(found, type) else type(found).__name__
        raise ConfigurationError(f"{target} is a {what}; name the Server: {example}")
    return found


def _load(target: str, example: str) -> Any:
    module, colon, name = target.partition(":")
    if not colon or not module or not name:
        raise ConfigurationError(f"{target!r} is not MODULE:NAME, such as chat:{example}")
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there, and what it imports is not
        raise ConfigurationError(f"there is no module {module!r} in {os.getcwd()}") from None
    try:
        return getattr(loaded, name)
    except AttributeError:
        raise ConfigurationError(f"the module {module!r} has no {name!r}") from None


def _run_reloading(asked: argparse.Namespace) -> None:
    try:
        from watchfiles import PythonFilter, run_process
    except ImportError:
        raise ConfigurationError(
            "--reload needs watchfiles, which is not installed: pip install 'sionamespace[reload]'"
        ) from None
    run_process(os.getcwd(), target=_run, args=_served(asked), watch_filter=PythonFilter())
