"""Clients of two servers that share them: every feature, as if they were one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from child import Node, ServerProcess
from engines import (
    ClusterServers,
    Engine,
    NatsServer,
    PostgresServer,
    RabbitServer,
    RedisServer,
    SentinelServers,
)
from test_javascript import features_of

OF_ONE_SERVER = {"namespaces-with-parameters", "enter-leave-and-close-room"}
"""Each server has its own instances of a namespace, which the first one counts; and what one server
does and then another has no order, as the second one takes for granted."""

CELLS = [
    ("eventlet", "asyncio", "socket.io-client", "websocket"),
    ("eventlet", "asyncio", "client-2.5.0", "upgrade"),
    ("threads", "gevent", "socket.io-client", "polling"),
    ("threads", "gevent", "client-1.7.4", "websocket"),
    ("threads", "gevent", "client-3.1.3", "upgrade"),
]


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    engine = RedisServer()
    try:
        engine.start()
        yield engine
    finally:
        engine.end()


@pytest.fixture(scope="module")
def servers(redis: RedisServer) -> Iterator[dict[str, ServerProcess]]:
    """One in each mode."""
    modes = ("eventlet", "asyncio", "threads", "gevent")
    started = {
        mode: ServerProcess(ping_timeout=60, async_mode=mode, rooms=redis.url) for mode in modes
    }
    yield started
    for server in started.values():
        assert server.unexpected() == []
        server.stop()


@pytest.mark.parametrize(("one", "other", "client", "transport"), CELLS)
def test_every_feature_works_with_clients_of_two_servers(
    servers: dict[str, ServerProcess],
    node: Node,
    one: str,
    other: str,
    client: str,
    transport: str,
) -> None:
    play(node, [servers[one], servers[other]], client, transport)


@pytest.mark.parametrize(
    "engine",
    [
        lambda: RedisServer(kind="+stream"),
        SentinelServers,
        ClusterServers,
        NatsServer,
        RabbitServer,
        PostgresServer,
    ],
    ids=["streams", "sentinel", "cluster", "nats", "rabbitmq", "postgresql"],
)
def test_every_feature_works_over_each_broker(engine: Callable[[], Engine], node: Node) -> None:
    with ExitStack() as ending:
        broker = engine()
        ending.callback(broker.end)
        broker.start()
        servers = []
        for mode in ("eventlet", "asyncio"):
            server = ServerProcess(ping_timeout=60, async_mode=mode, rooms=broker.url)
            ending.callback(server.stop)
            servers.append(server)
        play(node, servers, "socket.io-client", "upgrade")
        assert [server.unexpected() for server in servers] == [[], []]


def play(node: Node, servers: list[ServerProcess], client: str, transport: str) -> None:
    """Try every feature, each with clients of both servers."""
    urls = ",".join(server.url for server in servers)
    ran = json.loads(node.run("js/features.js", urls, client, transport))
    wanted = {name for name in features_of(client) if name not in OF_ONE_SERVER}
    failed = {name: ran.get(name) for name in wanted if ran.get(name) != "ok"}
    assert failed == {}, failed
    for server in servers:
        assert server.wait_for(r"server \w+ has come")
