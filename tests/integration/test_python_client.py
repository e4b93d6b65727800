"""python-socketio's clients, another implementation of the protocol, in each mode."""

from __future__ import annotations

import asyncio
import queue
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import attrs
import pytest
import socketio
from child import PATIENCE, Child, ServerProcess

MODES = ["eventlet", "gevent", "threads", "asyncio"]
TRANSPORTS = {
    "polling": ["polling"],
    "websocket": ["websocket"],
    "upgrade": ["polling", "websocket"],
}
BINARY = {"list": [b"\x00\xff", {"deep": b""}], "text": "ü😀"}


@attrs.frozen
class Way:
    """A way to connect."""

    mode: str
    name: str
    serializer: str = "default"

    @property
    def transports(self) -> list[str]:
        return TRANSPORTS[self.name]

    @property
    def transport(self) -> str:
        """The one that it comes to."""
        return self.transports[-1]

    def __str__(self) -> str:
        return f"{self.mode}-{self.name}-{self.serializer}"


WAYS = [Way(mode, name) for mode in MODES for name in TRANSPORTS]
WAYS += [Way("eventlet", name, "msgpack") for name in TRANSPORTS]
WAYS += [Way(mode, "upgrade", "msgpack") for mode in MODES[1:]]


@pytest.fixture(params=WAYS, ids=str, scope="module")
def way(request: pytest.FixtureRequest) -> Way:
    return request.param


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[Way], ServerProcess]]:
    """Servers that ping often: the client may wait for a ping before it goes."""
    started: dict[tuple[str, str], ServerProcess] = {}
    with ExitStack() as ending:

        def server_for(way: Way) -> ServerProcess:
            kind = way.mode, way.serializer
            if kind not in started:
                options = {} if way.serializer == "default" else {"serializer": way.serializer}
                started[kind] = ServerProcess(
                    ping_interval=0.2, ping_timeout=60, async_mode=way.mode, **options
                )
                ending.callback(started[kind].stop)
            return started[kind]

        yield server_for


@pytest.fixture
def server(way: Way, servers: Callable[[Way], ServerProcess]) -> ServerProcess:
    return servers(way)


Connect = Callable[..., socketio.Client]


@pytest.fixture
def connect(server: ServerProcess, way: Way) -> Iterator[Connect]:
    started: list[socketio.Client] = []

    def start(namespaces: list[str], auth: Any = None, **handlers: Any) -> socketio.Client:
        client = socketio.Client(reconnection=False, serializer=way.serializer)
        started.append(client)
        for event, handler in handlers.items():
            client.on(event, handler, namespace=namespaces[0])
        client.connect(
            server.url,
            auth=auth,
            transports=way.transports,
            namespaces=namespaces,
            wait_timeout=PATIENCE,
        )
        return client

    yield start
    for client in started:
        client.disconnect()
        client.eio.wait()


def ask(client: socketio.Client, event: str, *args: Any, namespace: str = "/chat") -> Any:
    return client.call(event, args, namespace=namespace, timeout=PATIENCE)


def test_connect_with_auth_to_several_namespaces(connect: Connect, way: Way) -> None:
    client = connect(["/", "/chat"], auth={"name": "Zoë"})

    for path in ("/", "/chat"):
        me = ask(client, "whoami", namespace=path)
        assert me["sid"] == client.get_sid(path)
        assert (me["path"], me["auth"], me["transport"]) == (
            path,
            {"name": "Zoë"},
            way.transport,
        )


def test_events_and_answers(connect: Connect) -> None:
    client = connect(["/chat"])

    assert ask(client, "echo", 1, "two", {"a": [None, True, 1.5]}) == (
        1,
        "two",
        {"a": [None, True, 1.5]},
    )
    assert ask(client, "same", "ü😀\u2028\x00") == "ü😀\u2028\x00"
    assert ask(client, "nothing") is None
    assert ask(client, "boom") == {"error": {"message": "internal error"}}
    assert ask(client, "refuse", "no", 1) == {"error": {"message": "no", "data": 1}}
    assert [ask(client, "same", number) for number in range(100)] == list(range(100))


def test_binary_both_ways(connect: Connect) -> None:
    client = connect(["/chat"], give=lambda: (b"a", {"b": [b"", b"c"]}))

    assert ask(client, "same", BINARY) == BINARY
    assert ask(client, "same", b"\x01" * 100_000) == b"\x01" * 100_000
    assert ask(client, "ask", "give") == {"type": "tuple", "answer": [b"a", {"b": [b"", b"c"]}]}


def test_calls_to_the_client(connect: Connect) -> None:
    client = connect(["/chat"], double=lambda number: number * 2, none=lambda: None)

    for how in ("ask", "ask_async"):
        assert ask(client, how, "double", 21) == {"type": "int", "answer": 42}
        assert ask(client, how, "none") == {"type": "NoneType", "answer": None}


def test_rooms_and_emits(connect: Connect) -> None:
    got: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    one = connect(["/chat"], news=lambda value: got.put(("one", value)))
    two = connect(["/chat"], news=lambda value: got.put(("two", value)))
    room = one.get_sid("/chat") + "'s room"
    for client in (one, two):
        ask(client, "enter", room)

    ask(one, "emit", "news", [BINARY], {"room": room})
    assert {got.get(timeout=PATIENCE)[0] for _ in range(2)} == {"one", "two"}
    ask(one, "emit", "news", [2], {"room": room, "skip_sid": one.get_sid("/chat")})
    assert got.get(timeout=PATIENCE) == ("two", 2)
    ask(two, "leave", room)
    ask(two, "emit", "news", [BINARY], {"room": room})
    assert got.get(timeout=PATIENCE) == ("one", BINARY)
    assert got.empty()


def test_emits_in_on_connect_come_in_order(connect: Connect) -> None:
    got: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    client = connect(["/greeter"], greeting=lambda *args: got.put(args))

    # The client runs each handler in a thread of its own, so it does not keep the order itself.
    greetings = sorted(got.get(timeout=PATIENCE) for _ in range(3))
    sid = client.get_sid("/greeter")
    assert greetings == [(sid, 1), (sid, 2, b"two"), (sid, 3)]


def test_refused(connect: Connect) -> None:
    errors: queue.SimpleQueue[Any] = queue.SimpleQueue()

    with pytest.raises(socketio.exceptions.ConnectionError):
        connect(["/door"], auth={"wish": "refused"}, connect_error=errors.put)

    assert errors.get(timeout=PATIENCE) == {
        "message": "not today",
        "data": {"code": 7, "until": ["tomorrow"]},
    }


def test_disconnect_by_either_side(connect: Connect) -> None:
    reasons: queue.SimpleQueue[Any] = queue.SimpleQueue()
    one = connect(["/chat"])
    two = connect(["/chat"], disconnect=reasons.put)
    three = connect(["/chat"])
    sids = [client.get_sid("/chat") for client in (two, three)]

    ask(one, "kick", sids[0])
    three.disconnect()

    assert reasons.get(timeout=PATIENCE) == "server disconnect"
    assert ask(one, "reason_of", sids[0]) == "server disconnect"
    # Over WebSocket the client may close before it has sent its goodbye, or read what has come.
    reason = ask(one, "reason_of", sids[1])
    assert reason in ("client disconnect", "transport close", "transport error")


def test_the_async_client(server: ServerProcess, way: Way) -> None:
    asyncio.run(asyncio.wait_for(use_async_client(server, way), PATIENCE))


async def use_async_client(server: ServerProcess, way: Way) -> None:
    client = socketio.AsyncClient(reconnection=False, serializer=way.serializer)
    news: asyncio.Queue[Any] = asyncio.Queue()
    reasons: asyncio.Queue[str] = asyncio.Queue()

    async def double(number: int) -> int:
        return number * 2

    client.on("double", double, namespace="/chat")
    client.on("news", news.put, namespace="/chat")
    client.on("disconnect", reasons.put, namespace="/chat")
    await client.connect(
        server.url,
        auth={"async": True},
        transports=way.transports,
        namespaces=["/chat", "/"],
        wait_timeout=PATIENCE,
    )

    async def ask(event: str, *args: Any, namespace: str = "/chat") -> Any:
        return await client.call(event, args, namespace=namespace, timeout=PATIENCE)

    try:
        me = await ask("whoami")
        assert (me["sid"], me["auth"]) == (client.get_sid("/chat"), {"async": True})
        assert me["transport"] == way.transport
        assert (await ask("whoami", namespace="/"))["path"] == "/"
        answer = await ask("echo", 1, BINARY)
        assert list(answer) == [1, BINARY]
        assert await ask("ask", "double", 4) == {"type": "int", "answer": 8}
        assert await ask("boom") == {"error": {"message": "internal error"}}
        await ask("enter", me["sid"] + "'s room")
        await ask("emit", "news", [BINARY], {"room": me["sid"] + "'s room"})
        assert await news.get() == BINARY
        await client.emit("kick", (None,), namespace="/chat")
        assert await reasons.get() == "server disconnect"
    finally:
        await client.disconnect()


def test_the_async_client_refused(server: ServerProcess, way: Way) -> None:
    error = asyncio.run(asyncio.wait_for(refused_async(server, way), PATIENCE))

    assert error == {"message": "connection refused by the server"}


async def refused_async(server: ServerProcess, way: Way) -> Any:
    client = socketio.AsyncClient(reconnection=False, serializer=way.serializer)
    errors: asyncio.Queue[Any] = asyncio.Queue()
    client.on("connect_error", errors.put, namespace="/door")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(
            server.url,
            auth={"wish": "false"},
            transports=way.transports,
            namespaces=["/door"],
            wait_timeout=PATIENCE,
        )
    return await errors.get()


def test_the_log_has_no_surprises(server: ServerProcess) -> None:
    assert server.faults() == []


@pytest.mark.parametrize("mode", MODES)
def test_both_clients_come_back_after_a_restart(
    mode: str, start_server: Callable[..., ServerProcess]
) -> None:
    first = start_server(async_mode=mode)
    with ExitStack() as ending:
        clients = []
        for kind in ("sync", "async"):
            for transports in TRANSPORTS.values():
                client = Child(sys.executable, "stay.py", first.url, kind, *transports)
                ending.callback(client.end, signal.SIGKILL)
                clients.append(client)
        for client in clients:
            client.wait_for("^here True$")
        marks = [client.mark() for client in clients]
        first.stop()
        start_server(first.port, async_mode=mode)
        for client, mark in zip(clients, marks, strict=True):
            client.wait_for("^here True$", since=mark)
