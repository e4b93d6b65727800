"""The house has floors, and a module imports only from below it (or beside it, without a cycle)."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "sionamespace"

# From the ground up. What is not listed is a mistake; folders stand for all that is in them.
FLOORS = [
    {"errors", "types", "ids", "ports", "options", "logs"},
    {"protocol"},
    {"runtime"},
    {
        "rooms",
        "acks",
        "sessions",
        "delivery",
        "audience",
        "client",
        "gathering",
        "health",
        "others",
    },
    {"cluster"},
    {"handlers"},
    {
        "middleware",
        "namespace",
        "servers",
        "patterns",
        "router",
        "mounted",
        "instances",
        "connection",
        "application",
    },
    {"blocks"},
    {
        "brokers",
        "engine",
        "wsgi",
        "asgi",
        "serving",
        "process",
        "gunicorn",
        "uvicorn",
        "workers",
    },
    {"server", "emitter"},
    {"__init__"},
    {"testing", "codegen", "cli", "routes"},
    {"__main__"},
]


def modules() -> dict[str, Path]:
    found = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports_of(file: Path) -> set[str]:
    """Every module of the package that a file imports, in functions and TYPE_CHECKING too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write absolute imports"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                found.add(inner if inner in MODULES else module)
    return {name for name in found if name.split(".")[0] == "sionamespace"}


MODULES = modules()


def floor_of(module: str) -> int:
    parts = module.split(".")
    top = parts[1] if len(parts) > 1 else "__init__"
    for number, floor in enumerate(FLOORS):
        if top in floor:
            return number
    raise AssertionError(f"{module} stands on no floor; add it to FLOORS, or put it elsewhere")


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_from_its_floor_or_below(module: str) -> None:
    above = {n for n in imports_of(MODULES[module]) if floor_of(n) > floor_of(module)}
    assert not above, f"{module} imports {above}, which stand above it"


def test_there_is_no_import_cycle() -> None:
    graph = {name: imports_of(file) - {name} for name, file in MODULES.items()}
    while leaves := {name for name, needs in graph.items() if not needs & graph.keys()}:
        for name in leaves:
            del graph[name]
    assert not graph, f"these import each other in a circle: {sorted(graph)}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_what_a_module_exports_is_there(module: str) -> None:
    loaded = importlib.import_module(module)
    missing = [name for name in getattr(loaded, "__all__", ()) if not hasattr(loaded, name)]
    assert not missing


def test_only_the_drivers_know_their_libraries() -> None:
    homes = {
        "eventlet": {
            "runtime/eventlet.py",
            "runtime/originals.py",
            "runtime/choice.py",
            "engine/servers.py",
            "gunicorn.py",
        },
        "gunicorn": {"gunicorn.py"},
        "gevent": {
            "runtime/gevent.py",
            "runtime/originals.py",
            "runtime/choice.py",
        },
        "engineio": {"engine/server.py"},
        "websockets": {
            "engine/websocket.py",
            "engine/frames.py",
            "engine/handshake.py",
            "engine/deflate.py",
        },
    }
    for library, allowed in homes.items():
        users = {
            str(file.relative_to(PACKAGE))
            for file in MODULES.values()
            if f"import {library}" in (text := file.read_text()) or f"from {library}" in text
        }
        assert users <= allowed, f"{library} is used in {users - allowed} too"


def test_functions_are_short_and_files_are_one_concept() -> None:
    for file in MODULES.values():
        assert len(file.read_text().splitlines()) <= 400, f"{file} holds more than one concept"
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
                assert lines <= 40, f"{file}:{node.lineno} {node.name} has {lines} lines"
