"""The generator, compiled once; and servers to point it at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cluster import Servers
from peers import PEERS, Peer
from process import Load, ServerProcess, compile_c


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    compile_c(folder)
    return folder


FAULTY = Peer("faulty", "../tests/faulty_server.py", ("eventlet",), PEERS["sionamespace"].speaks)


@pytest.fixture
def serve(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Load]]:
    """Starts the benchmark's server with a fault, or without one, and points the load at it."""
    with ExitStack() as running:

        def start(fault: str) -> Load:
            monkeypatch.setenv("FAULT", fault)
            server = running.enter_context(ServerProcess.start(FAULTY, "eventlet", compiled))
            return Load(compiled / "load", server.ports, FAULTY)

        yield start


@pytest.fixture
def share(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Load]]:
    """Starts several, which share their clients over Redis."""
    with ExitStack() as running:

        def start(fault: str, count: int) -> Load:
            monkeypatch.setenv("FAULT", fault)
            servers = running.enter_context(Servers.start(FAULTY, "eventlet", compiled, count))
            return Load(compiled / "load", servers.ports, FAULTY)

        yield start
