"""`Peer`: a server program to measure, and how it is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs

__all__ = ["PEERS", "Peer", "of_tree"]

_ROOT = Path(__file__).resolve().parent.parent
_SERVERS = Path(__file__).resolve().parent / "servers"
_NODE_MODULES = (_ROOT / "tests" / "integration" / "node_modules",)
"""Where Node may find socket.io, beside what NODE_PATH says."""
_MODES = ("eventlet", "gevent", "threads")


@attrs.frozen
class Peer:
    """A server program to measure.

    It takes ``--port`` and, if it has modes, ``--mode``; it prints one line of JSON, its versions,
    and serves on 127.0.0.1.
    """

    name: str
    program: str
    modes: tuple[str, ...] = ()
    """The async modes that it has; without any it is the same in all of them."""
    bare: bool = False
    """Whether it speaks WebSocket only, and sends back what it gets."""
    tree: Path | None = None
    """Where Python finds the package, if it is not installed."""

    def serves(self, mode: str) -> bool:
        """Whether it can be measured in a mode."""
        return not self.modes or mode in self.modes

    @property
    def missing(self) -> str | None:
        """What must be installed before it can be measured; None if nothing."""
        if not self.program.endswith(".js"):
            return None
        if shutil.which("node") is None:
            return "node"
        found = subprocess.run(
            ["node", "-e", "require.resolve('socket.io')"],
            cwd=_SERVERS,
            env=self.environ(),
            capture_output=True,
            check=False,
        )
        return None if found.returncode == 0 else "socket.io, in a folder named by NODE_PATH"

    def command(self, port: int, mode: str, compiled: Path) -> list[str]:
        """The command that starts it; ``compiled`` is where the C programs are."""
        program = str(_SERVERS / self.program)
        start = {
            ".py": [sys.executable, program],
            ".js": ["node", program],
            ".c": [str(compiled / Path(self.program).stem)],
        }[Path(program).suffix]
        chosen = ["--mode", mode] if self.modes else []
        return [*start, "--port", str(port), *chosen]

    def environ(self) -> Mapping[str, str]:
        """The environment that it runs in."""
        environ = {**os.environ, "NODE_ENV": "production", "PYTHONWARNINGS": "ignore"}
        environ["NODE_PATH"] = os.pathsep.join(
            [os.environ.get("NODE_PATH", ""), *map(str, _NODE_MODULES)]
        )
        if self.tree is not None:
            environ["PYTHONPATH"] = str(self.tree)
        return environ


def of_tree(name: str, tree: Path) -> Peer:
    """sionamespace as it is in another folder, to measure a change against what was before."""
    if not (tree / "sionamespace").is_dir():
        raise ValueError(f"there is no sionamespace/ in {tree}")
    return Peer(name, "sionamespace_server.py", _MODES, tree=tree.resolve())


PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        of_tree("sionamespace", _ROOT),
        Peer("python-socketio", "python_socketio_server.py", _MODES),
        Peer("node", "node_server.js"),
        Peer("eventlet", "eventlet_server.py", ("eventlet",), bare=True),
        Peer("c", "bare_server.c", bare=True),
    )
}
"""What can be measured. ``eventlet`` is the limit of a mode without a framework, ``c`` that of the
load generator."""
