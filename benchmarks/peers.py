"""`Peer`: a server program to measure, and how it is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs

__all__ = ["IN_MEMORY", "MODES", "PEERS", "Peer", "of_tree"]

_ROOT = Path(__file__).resolve().parent.parent
_HERE = Path(__file__).resolve().parent
_SERVERS = _HERE / "servers"

MODES = ("eventlet", "asyncio", "gevent", "threads")
IN_MEMORY = "in-memory"
"""The mode of what needs no server: a program that measures itself."""

_NODE_NEEDS = "['socket.io', '@socket.io/redis-adapter', 'redis'].map((n) => require.resolve(n))"

_MESSAGES, _SOCKETIO, _OLD = "messages", "socket.io", "engine.io 3"


@attrs.frozen
class Peer:
    """A server program to measure.

    It takes ``--port`` and, if it has modes, ``--mode``; it prints one line of JSON, its versions,
    and serves on 127.0.0.1.

    Args:
        modes: the async modes that it has; without any it is the same in all of them.
        speaks: ``messages`` is WebSocket only, and what is sent comes back; ``socket.io`` is all
            transports and binary; ``engine.io 3`` is old clients.
        library: what the in-memory programs know it by, if they do.
        cases: those that it is measured in, if not all.
        beside: the modes that it is measured beside, if it has none itself and not beside all.
        shared: what the program is told where servers may share their clients.
        tree: where Python finds the package, if it is not installed.
    """

    name: str
    program: str
    modes: tuple[str, ...] = ()
    speaks: frozenset[str] = frozenset({_MESSAGES, _SOCKETIO})
    library: str | None = None
    cases: frozenset[str] | None = None
    beside: frozenset[str] = frozenset()
    shared: tuple[str, ...] = ()
    tree: Path | None = None

    @property
    def bare(self) -> bool:
        """Whether it speaks WebSocket only, and sends back what it gets."""
        return _SOCKETIO not in self.speaks

    @property
    def old(self) -> bool:
        """Whether clients that speak Engine.IO 3 may come."""
        return _OLD in self.speaks

    @property
    def is_ours(self) -> bool:
        """Whether it is sionamespace, from whichever folder."""
        return self.tree is not None

    def serves(self, mode: str) -> bool:
        """Whether it can be measured in a mode."""
        if mode == IN_MEMORY:
            return self.library is not None
        chosen = self.modes or self.beside
        return not chosen or mode in chosen

    @property
    def missing(self) -> str | None:
        """What must be installed before it can be measured; None if nothing."""
        if not self.program.endswith(".js"):
            return None
        if shutil.which("node") is None:
            return "node"
        found = subprocess.run(
            ["node", "-e", _NODE_NEEDS],
            cwd=_SERVERS,
            env=self.environ(),
            capture_output=True,
            check=False,
        )
        return None if found.returncode == 0 else "npm install in benchmarks/"

    def command(self, port: int, mode: str, compiled: Path) -> list[str]:
        """The command that starts it; ``compiled`` is where the C programs are."""
        name, *more = self.program.split()
        program = str(_SERVERS / name)
        start = {
            ".py": [sys.executable, program],
            ".js": ["node", program],
            ".c": [str(compiled / Path(name).stem)],
        }[Path(name).suffix]
        chosen = ["--mode", mode] if self.modes else []
        return [*start, "--port", str(port), *chosen, *more]

    def in_memory(self, what: str, *arguments: str) -> list[str]:
        """The command that measures a part of it without a server."""
        assert self.library is not None
        program = str(_HERE / "in_memory.py")
        return [sys.executable, program, what, "--of", self.library, *arguments]

    def environ(self) -> Mapping[str, str]:
        """The environment that it runs in."""
        environ = {**os.environ, "NODE_ENV": "production", "PYTHONWARNINGS": "ignore"}
        if self.tree is not None:
            environ["PYTHONPATH"] = str(self.tree)
        return environ


def of_tree(name: str, tree: Path) -> Peer:
    """sionamespace as it is in another folder, to measure a change against what was before."""
    if not (tree / "sionamespace").is_dir():
        raise ValueError(f"there is no sionamespace/ in {tree}")
    return Peer(
        name,
        "sionamespace_server.py",
        MODES,
        frozenset({_MESSAGES, _SOCKETIO, _OLD}),
        "sionamespace",
        tree=tree.resolve(),
    )


PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        of_tree("sionamespace", _ROOT),
        Peer(
            "python-socketio",
            "python_socketio_server.py",
            MODES,
            library="python-socketio",
            # Else what one client asks for is published in any order.
            shared=("--ordered",),
        ),
        Peer(
            "ordered",
            "python_socketio_server.py --ordered",
            MODES,
            cases=frozenset({"echo-50x4", "echo-200x1"}),
        ),
        Peer(
            "node",
            "node_server.js",
            speaks=frozenset({_MESSAGES, _SOCKETIO, _OLD}),
            beside=frozenset({"eventlet", "asyncio"}),
        ),
        Peer(
            "checked",
            "sionamespace_server.py --checked",
            MODES,
            cases=frozenset({"echo-object"}),
            tree=_ROOT,
        ),
        Peer("bare", "bare_server.py", MODES, speaks=frozenset({_MESSAGES})),
        Peer("c", "bare_server.c", speaks=frozenset({_MESSAGES})),
    )
}
"""What can be measured. ``ordered`` is python-socketio with ``async_handlers=False``, which is
faster: the events of a client run in order, as they do here, but a handler that waits for its
client waits for ever. ``checked`` is sionamespace with middleware and a checked payload. ``bare``
is what is left of a mode without a framework, ``c`` is the limit of the load generator."""
