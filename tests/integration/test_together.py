"""The official clients of all versions at the same time, on one server."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from child import Child, Node, ServerProcess
from matrix import CLIENTS, MODES, TRANSPORTS

ALL = ("socket.io-client", "polling", *CLIENTS)
NAMES = [f"{client} {transport}" for client in CLIENTS for transport in TRANSPORTS]
INTERVAL, TIMEOUT = 1, 3
IN_TIME = INTERVAL + 2 * TIMEOUT + 10
"""Seconds within which a silent client or server is found out, on a machine that may be slow."""


@pytest.mark.parametrize("mode", MODES)
def test_a_broadcast_reaches_all_of_them_byte_for_byte(
    node: Node, server_in: Callable[[str], ServerProcess], mode: str
) -> None:
    node.run("js/mix.js", server_in(mode).url, *ALL)


class Crowd:
    """A client of each version over each transport, in one process; and a server of their own."""

    def __init__(self, node: Node, mode: str) -> None:
        self.server = ServerProcess(async_mode=mode, ping_interval=INTERVAL, ping_timeout=TIMEOUT)
        self.clients = node.start("js/heartbeat.js", self.server.url, *ALL)
        self._since = 0

    def all(self, what: str) -> list[dict]:
        """What each of the clients tells of itself, since the last `while_stopped` began."""
        patterns = [rf'^{{"{what}":"{name}".*' for name in NAMES]
        return [
            json.loads(self.clients.wait_for(pattern, self._since).group()) for pattern in patterns
        ]

    def while_stopped(self, child: Child, look: Callable[[], list[str]]) -> tuple[set[str], float]:
        """What is seen while a process does nothing, and after how many seconds."""
        self._since = self.clients.mark()
        begin = time.monotonic()
        child.process.send_signal(signal.SIGSTOP)
        try:
            return set(look()), time.monotonic() - begin
        finally:
            child.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.clients.end()
        self.server.stop()


def story(node: Node, mode: str) -> dict[str, object]:
    """What becomes of clients that live, fall silent, live again, and lose their server."""
    crowd = Crowd(node, mode)
    try:
        sids = [fact["sid"] for fact in crowd.all("connected")]
        crowd.all("stayed")
        lost = [fact for fact in crowd.clients.facts() if "disconnected" in fact]
        silent = crowd.while_stopped(crowd.clients, lambda: list(map(crowd.server.reason, sids)))
        crowd.all("connected")
        crowd.all("stayed")
        alone = crowd.while_stopped(
            crowd.server, lambda: [fact["reason"] for fact in crowd.all("disconnected")]
        )
        crowd.all("connected")
        crowd.all("stayed")
    finally:
        crowd.close()
    return {"lost": lost, "silent": silent, "alone": alone}


@pytest.fixture(scope="module")
def stories(node: Node) -> Iterator[Callable[[str], dict]]:
    """Gives the `story` of a mode. They are told at the same time, as each is mostly waiting."""
    with ThreadPoolExecutor(len(MODES)) as pool:
        told = {mode: pool.submit(story, node, mode) for mode in MODES}
        yield lambda mode: told[mode].result()


@pytest.mark.parametrize("mode", MODES)
class TestHeartbeat:
    """Current clients are pinged, old ones ping; each comes back after it was lost."""

    def test_who_beats_stays(self, stories: Callable[[str], dict], mode: str) -> None:
        assert stories(mode)["lost"] == []

    def test_a_client_that_falls_silent_is_found_out_in_time(
        self, stories: Callable[[str], dict], mode: str
    ) -> None:
        reasons, seconds = stories(mode)["silent"]
        assert reasons == {"ping timeout"}
        assert seconds < IN_TIME

    def test_so_is_a_server(self, stories: Callable[[str], dict], mode: str) -> None:
        reasons, seconds = stories(mode)["alone"]
        assert reasons == {"ping timeout"}
        assert seconds < IN_TIME
