"""The command ``sionamespace``: ``sionamespace run module:server``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from sionamespace.engine.hosted import MODE_VARIABLE, Hosted
from sionamespace.errors import ConfigurationError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code, which is 2 if it was used wrongly."""
    asked = _parser().parse_args(arguments)
    if asked.mode is not None:
        os.environ[MODE_VARIABLE] = asked.mode
    try:
        if asked.reload:
            _run_reloading(asked)
        else:
            _run(*_served(asked))
    except ConfigurationError as error:
        print(f"sionamespace: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sionamespace", description="A Socket.IO server.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="serve until Ctrl-C or SIGTERM")
    run.add_argument("server", metavar="MODULE:SERVER", help="the Server, such as chat:server")
    run.add_argument("--app", metavar="MODULE:APP", help="a WSGI or ASGI application beside it")
    run.add_argument("--mode", help="the async_mode, for a Server that does not say its own")
    run.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    run.add_argument("--port", type=int, default=5000, help="where to listen (%(default)s)")
    run.add_argument("--certfile", metavar="PEM", help="a certificate, to serve https and wss")
    run.add_argument("--keyfile", metavar="PEM", help="its key, if that is not in the certfile")
    run.add_argument("--reload", action="store_true", help="start again when a file changes")
    return parser


def _served(asked: argparse.Namespace) -> tuple[Any, ...]:
    """What `_run` is called with, here or in a process of its own."""
    return asked.server, asked.app, asked.host, asked.port, asked.certfile, asked.keyfile


def _run(
    server: str, app: str | None, host: str, port: int, certfile: str | None, keyfile: str | None
) -> None:
    sys.path.insert(0, os.getcwd())
    found = _load(server, "server")
    if not isinstance(found, Hosted):
        raise ConfigurationError(
            f"{server} is a {type(found).__name__}; name the Server: run chat:server --app chat:app"
        )
    beside = None if app is None else _load(app, "app")
    found.run(host, port, app=beside, certfile=certfile, keyfile=keyfile)


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
