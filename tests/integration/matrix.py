"""Clients, transports and modes: what is run with what, side by side, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from child import HERE, Node, ServerProcess

__all__ = ["CELLS", "CLIENTS", "MODES", "RUNNERS", "TRANSPORTS", "Cell", "Matrix"]

CLIENTS = {
    name: wanted.rpartition("@")[2]
    for name, wanted in json.loads((HERE / "package.json").read_text())["dependencies"].items()
    if name.startswith("client-") or name == "socket.io-client"
}
"""The names in ``package.json`` and the versions."""
MODES = ("eventlet", "gevent", "threads", "asyncio")
TRANSPORTS = {"polling": "P", "websocket": "W", "upgrade": "U"}
"""The transports, and how the table writes them."""

_SIDE_BY_SIDE = 3
"""How many cells run at a time; with a server and that many clients, two cores are busy."""

Outcome = dict[str, str]
"""What each feature came to: "ok", or what went wrong."""
ServerIn = Callable[[str], ServerProcess]


class Cell(NamedTuple):
    """A client, in one of its ways, and a server."""

    mode: str
    client: str
    where: str
    transport: str

    @property
    def major(self) -> int:
        """The first number of the client's version."""
        return int(CLIENTS[self.client].partition(".")[0])

    def __str__(self) -> str:
        where = "" if self.where == "Node" else f"-{self.where}"
        return f"{self.mode}-{self.client}{where}-{self.transport}"


def in_node(node: Node, url: str, client: str, transport: str) -> Outcome:
    """Run the features in Node."""
    outcome: Outcome = json.loads(node.run("js/features.js", url, client, transport))
    return outcome


RUNNERS = {"Node": in_node}
"""Where clients run, and how; each is called with Node, a server's URL, a client and a transport,
and beside others."""

CELLS = [
    Cell(mode, client, "Node", transport)
    for mode in MODES
    for client in CLIENTS
    for transport in TRANSPORTS
]


class Matrix:
    """The outcome of each cell, which is run when it is first asked for.

    Args:
        wanted: the cells that will be asked for; they are run ahead, in this order.
    """

    def __init__(self, node: Node, server_in: ServerIn, wanted: Iterable[Cell]) -> None:
        self._node = node
        self._server_in = server_in
        self._wanted = list(wanted)
        self._pool = ThreadPoolExecutor(_SIDE_BY_SIDE)
        self._runs: dict[Cell, Future[Outcome]] = {}

    def of(self, cell: Cell) -> Outcome:
        """What each feature came to. A run that fails as a whole fails whoever asks for it."""
        for one in (cell, *self._wanted):
            if one not in self._runs:
                self._runs[one] = self._pool.submit(self._run, one)
        return self._runs[cell].result()

    def _run(self, cell: Cell) -> Outcome:
        url = self._server_in(cell.mode).url
        return RUNNERS[cell.where](self._node, url, cell.client, cell.transport)

    def passed(self, cell: Cell) -> bool:
        """Whether all its features work."""
        return cell in CELLS and set(self.of(cell).values()) == {"ok"}

    def table(self) -> str:
        """What works with what, as Markdown; it runs what has not run yet."""
        self._wanted = CELLS
        rows = dict.fromkeys((cell.client, cell.where) for cell in CELLS)
        lines = [
            f"| client | in | {' | '.join(MODES)} |",
            f"|---|---|{'---|' * len(MODES)}",
            *(self._row(client, where) for client, where in rows),
        ]
        return "".join(f"{line}\n" for line in lines)

    def _row(self, client: str, where: str) -> str:
        ways = [
            [
                mark
                for transport, mark in TRANSPORTS.items()
                if self.passed(Cell(mode, client, where, transport))
            ]
            for mode in MODES
        ]
        return f"| {CLIENTS[client]} | {where} | {' | '.join(map(' '.join, ways))} |"

    def close(self) -> None:
        """Run no more."""
        self._pool.shutdown(cancel_futures=True)
