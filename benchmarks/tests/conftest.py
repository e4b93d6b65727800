"""The generator, compiled once; and servers to point it at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from peers import PEERS, Peer
from process import Load, ServerProcess, compile_c


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    compile_c(folder)
    return folder


@pytest.fixture
def serve(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Load]]:
    """Starts the benchmark's server with a fault, or without one, and points the load at it."""
    with ExitStack() as running:

        def start(fault: str) -> Load:
            monkeypatch.setenv("FAULT", fault)
            peer = Peer(
                "faulty", "../tests/faulty_server.py", ("eventlet",), PEERS["sionamespace"].speaks
            )
            server = running.enter_context(ServerProcess.start(peer, "eventlet", compiled))
            return Load(compiled / "load", server.port, peer)

        yield start
