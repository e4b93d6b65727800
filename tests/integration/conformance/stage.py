"""Where exchanges are played: the application on either server."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from child import Node, ServerProcess
from exchanges import SERVERS, Exchange
from player import Player
from wires import Target

AT_ONCE = 32
"""Exchanges that are played at the same time; most of them wait most of the time."""


class Stage:
    """Plays exchanges, many at once, on the servers at these ports."""

    def __init__(self, ports: dict[str, int], exchanges: list[Exchange]) -> None:
        self._ports = ports
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._playing: dict[Exchange, Future[str]] = {}
        for exchange in exchanges:
            self.start(exchange)

    def start(self, exchange: Exchange) -> Future[str]:
        """Begin with one, unless that was done."""
        if exchange not in self._playing:
            self._playing[exchange] = self._pool.submit(self._play, exchange)
        return self._playing[exchange]

    def transcript(self, exchange: Exchange) -> str:
        """What was said."""
        return self.start(exchange).result()

    def close(self) -> None:
        """Have done; exchanges that have not begun are not played."""
        self._pool.shutdown(cancel_futures=True)

    def _play(self, exchange: Exchange) -> str:
        with closing(Player(Target(self._ports[exchange.server], exchange.server))) as player:
            for step in exchange.steps:
                step.play(player)
            return "\n".join(player.lines)


class Reference:
    """The JavaScript server."""

    def __init__(self, node: Node) -> None:
        self._child = node.start("js/reference.js", json.dumps(SERVERS))
        try:
            self.ports = json.loads(self._child.wait_for(r'\{"ports":.*').group(0))["ports"]
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it; how it ends is its own affair."""
        self._child.end()


class Application(ServerProcess):
    """sionamespace, in a mode."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._serve("conformance/application.py", mode, json.dumps(SERVERS))
        self.ports = dict.fromkeys(SERVERS, self.port)
