"""What is lost, and what comes twice, when something breaks: made for real, on each engine.

Two servers share their clients. One emits numbers, a hundred in a second; a client of the other
notes which come. What was found stands in docs/brokers.md; ``-rP`` shows what is found now.
"""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import attrs
import pytest
import websocket
from child import ServerProcess
from engines import (
    ClusterServers,
    Engine,
    NatsServer,
    PostgresServer,
    RabbitServer,
    RedisServer,
    SentinelServers,
)
from tcp_proxy import TcpProxy

RATE = 100
SECONDS = 14
"""For how long numbers are emitted."""
LATE = 25.0
"""Seconds after that within which the last number comes."""

ENGINES: dict[str, Callable[[], Engine]] = {
    "Redis": RedisServer,
    "Redis Streams": lambda: RedisServer(
        *("--appendonly", "yes", "--appendfsync", "always"), kind="+stream"
    ),
    "NATS": NatsServer,
    "RabbitMQ": RabbitServer,
    "PostgreSQL": PostgresServer,
}

WITH_COPIES: dict[str, Callable[[], Engine]] = {
    "Redis, sentinels": SentinelServers,
    "Redis Streams, sentinels": lambda: SentinelServers("+stream+sentinel"),
    "Redis Cluster": lambda: ClusterServers(with_copies=True),
}


class CountingServer(ServerProcess):
    def __init__(self, url: str) -> None:
        self._serve("counting.py", url)

    @property
    def emitted(self) -> int:
        return sum(line.startswith("emitted ") for line in self.lines)


class Listener:
    """A client that notes which numbers come, in the order in which they do."""

    def __init__(self, url: str) -> None:
        self.came: list[int] = []
        self._news = threading.Condition()
        address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self._socket = websocket.create_connection(address, 10)
        self._socket.recv()
        self._socket.send("40")
        self._socket.recv()
        self._socket.settimeout(None)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def emit(self, event: str, *args: object) -> None:
        self._socket.send("42" + json.dumps([event, *args]))

    def close(self) -> None:
        sock = self._socket.sock  # None if the server has ended it
        with suppress(OSError):
            if sock is not None:
                sock.shutdown(socket.SHUT_RDWR)
        self._reading.join(10)
        self._socket.shutdown()

    def _read(self) -> None:
        # Not python-socketio's client, which runs each event on a thread of its own.
        with suppress(websocket.WebSocketException, OSError):
            while message := self._socket.recv():
                if message == "2":
                    self._socket.send("3")
                elif message.startswith('42["number"'):
                    self._take(json.loads(message[2:])[1])

    def _take(self, number: int) -> None:
        with self._news:
            self.came.append(number)
            self._news.notify_all()

    def wait_for(self, number: int, seconds: float) -> None:
        with self._news:
            assert self._news.wait_for(lambda: number in self.came, seconds), (
                f"{number} did not come within {seconds:g} s, the last was {self.came[-1:]}"
            )


class Scene:
    """An engine, two servers, each by a network of its own to it, and a client at each."""

    def __init__(self, engine: Engine, ending: ExitStack) -> None:
        self.engine = engine
        ending.callback(engine.end)
        engine.start()
        self.networks = [TcpProxy(engine.port) for _ in range(2)]
        for network in self.networks:
            ending.callback(network.end)
        self.sender, self.receiver = [
            CountingServer(engine.url.replace(str(engine.port), str(network.port)))
            for network in self.networks
        ]
        for server in (self.sender, self.receiver):
            ending.callback(server.end, signal.SIGKILL)
        self.near, self.far = Listener(self.sender.url), Listener(self.receiver.url)
        for listener in (self.near, self.far):
            ending.callback(listener.close)
        for server in (self.sender, self.receiver):
            server.wait_for("server [0-9a-f]+ has come")


def kill_broker(scene: Scene) -> None:
    scene.engine.kill()
    time.sleep(3)
    scene.engine.start()


def pause_broker(scene: Scene) -> None:
    scene.engine.pause()
    time.sleep(5)
    scene.engine.resume()


def cut_off_receiver(scene: Scene) -> None:
    scene.networks[1].cut()
    time.sleep(8)
    scene.networks[1].heal()


def cut_off_sender(scene: Scene) -> None:
    scene.networks[0].cut()
    time.sleep(8)
    scene.networks[0].heal()


def lose_master(scene: Scene) -> None:
    scene.engine.lose_master("sionamespace#/#everybody")


def kill_sender(scene: Scene) -> None:
    scene.sender.end(signal.SIGKILL)
    scene.receiver.wait_for("server [0-9a-f]+ has gone")


@attrs.frozen
class Outcome:
    """What became of the numbers that were sent, for the client of the other server."""

    sent: int
    came: int
    lost: int
    doubled: int
    in_order: bool
    near: bool
    """Whether the client of the same server has got all."""

    @classmethod
    def of(cls, scene: Scene, sent: int) -> Outcome:
        times = Counter(scene.far.came)
        came = len([number for number in times if number < sent])
        doubled = sum(times.values()) - len(times)
        in_order = scene.far.came == sorted(scene.far.came)
        near = scene.near.came == list(range(sent))
        return cls(sent, came, sent - came, doubled, in_order, near)


def on_each_engine(
    play: Callable[[Scene], Outcome], fault: str, engines: dict[str, Callable[[], Engine]] = ENGINES
) -> dict[str, Outcome]:
    """What happens on all of them, at the same time."""

    def one(engine: str) -> Outcome:
        with ExitStack() as ending:
            return play(Scene(engines[engine](), ending))

    with ThreadPoolExecutor() as pool:
        outcomes = dict(zip(engines, pool.map(one, engines), strict=True))
    for engine, found in outcomes.items():
        row = (engine, fault, found.sent, found.came, found.lost, found.doubled)
        print("|", " | ".join(map(str, row)), "|")
    return outcomes


def during(fault: Callable[[Scene], None]) -> Callable[[Scene], Outcome]:
    """What plays a fault while numbers are emitted."""
    sent = RATE * SECONDS

    def play(scene: Scene) -> Outcome:
        scene.near.emit("count", sent, RATE)
        scene.far.wait_for(RATE, LATE)
        fault(scene)
        scene.near.wait_for(sent - 1, LATE + SECONDS)
        scene.far.wait_for(sent - 1, LATE)
        return Outcome.of(scene, sent)

    return play


@pytest.mark.parametrize("fault", [kill_broker, pause_broker, cut_off_receiver, cut_off_sender])
def test_what_is_lost(fault: Callable[[Scene], None]) -> None:
    for engine, found in on_each_engine(during(fault), fault.__name__).items():
        assert found.near, f"{engine}: clients of the same server need no broker"
        assert found.in_order, engine
        assert found.doubled == 0, engine
        if engine == "Redis Streams":
            assert found.lost == 0
        elif fault is cut_off_receiver:
            assert found.came > found.sent / 4, engine
        else:
            assert found.lost <= 10, f"{engine}: only what was on its way just then"


def test_what_is_lost_when_a_copy_takes_the_place_of_its_master() -> None:
    outcomes = on_each_engine(during(lose_master), "lose_master", WITH_COPIES)
    for engine, found in outcomes.items():
        assert found.near, engine
        assert found.in_order, engine
        assert found.doubled == 0, engine
        assert found.lost <= 10, f"{engine}: only what was on its way just then"


def test_what_a_server_that_is_killed_has_emitted_has_come() -> None:
    def play(scene: Scene) -> Outcome:
        scene.near.emit("count", RATE * SECONDS, RATE)
        scene.far.wait_for(2 * RATE, LATE)
        kill_sender(scene)
        return Outcome.of(scene, scene.sender.emitted)

    for engine, found in on_each_engine(play, "kill_sender").items():
        assert found.lost <= 2, f"{engine}: only the last may have been in its memory still"
        assert found.doubled == 0, engine
