"""Clients, where they run, transports and modes: what is run, side by side; the README's table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from child import HERE

__all__ = ["CLIENTS", "MODES", "TRANSPORTS", "Cell", "Matrix", "claimed", "rows"]

CLIENTS = {
    name: wanted.rpartition("@")[2]
    for name, wanted in json.loads((HERE / "package.json").read_text())["dependencies"].items()
    if name.startswith("client-") or name == "socket.io-client"
}
"""The names in ``package.json`` and the versions."""
MODES = ("eventlet", "gevent", "threads", "asyncio")
TRANSPORTS = ("polling", "websocket", "upgrade")

_MARKS = {"polling": "P", "websocket": "W", "upgrade": "U", "jsonp": "J"}
"""How the table writes the transports."""
_SIDE_BY_SIDE = 3
"""How many cells run at a time; with a server and that many clients, two cores are busy."""

Outcome = dict[str, str]
"""What each feature came to: "ok", or what went wrong."""


class Cell(NamedTuple):
    """A client, where it runs and over what; and a server."""

    mode: str
    client: str
    where: str
    transport: str

    def __str__(self) -> str:
        return f"{self.mode}-{self.client}-{self.transport}"


class Matrix:
    """The outcome of each cell, which is run when it is first asked for.

    Args:
        run: runs a cell; it is called by several threads.
        wanted: the cells that will be asked for; they are run ahead, in this order.
    """

    def __init__(self, run: Callable[[Cell], Outcome], wanted: Iterable[Cell]) -> None:
        self._run = run
        self._wanted = list(wanted)
        self._pool = ThreadPoolExecutor(_SIDE_BY_SIDE)
        self._runs: dict[Cell, Future[Outcome]] = {}

    def of(self, cell: Cell) -> Outcome:
        """What each feature came to. A run that fails as a whole fails whoever asks for it."""
        for one in (cell, *self._wanted):
            if one not in self._runs:
                self._runs[one] = self._pool.submit(self._run, one)
        return self._runs[cell].result()

    def close(self) -> None:
        """Run no more."""
        self._pool.shutdown(cancel_futures=True)


def rows(passed: Mapping[Cell, bool]) -> list[str]:
    """The rows of the table, one for each client and where it runs: the transports that passed."""
    return [
        _row(client, where, passed)
        for client, where in dict.fromkeys((cell.client, cell.where) for cell in passed)
    ]


def _row(client: str, where: str, passed: Mapping[Cell, bool]) -> str:
    ways = (
        [_MARKS[way] for way in _MARKS if passed.get(Cell(mode, client, where, way))]
        for mode in MODES
    )
    return f"| {CLIENTS[client]} | {where} | {' | '.join(map(' '.join, ways))} |"


def claimed(where: str) -> list[str]:
    """The rows of the README's table for clients that run in one place."""
    head = f"| client | in | {' | '.join(MODES)} |\n|---|---|{'---|' * len(MODES)}\n"
    _, found, table = (HERE.parents[1] / "README.md").read_text().partition(head)
    assert found, f"the README has no table that begins with:\n{head}"
    return [row for row in table.partition("\n\n")[0].splitlines() if f" | {where} | " in row]
