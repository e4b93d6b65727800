"""python-socketio's clients, another implementation of the protocol."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import socketio
from child import PATIENCE, ServerProcess

TRANSPORTS = ["polling", "websocket"]
BINARY = {"list": [b"\x00\xff", {"deep": b""}], "text": "ü😀"}


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server that pings often: the client may wait for a ping before it goes."""
    started = ServerProcess(ping_interval=0.5, ping_timeout=60)
    yield started
    started.stop()


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


Connect = Callable[..., socketio.Client]


@pytest.fixture
def connect(server: ServerProcess, transport: str) -> Iterator[Connect]:
    started: list[socketio.Client] = []

    def start(namespaces: list[str], auth: Any = None, **handlers: Any) -> socketio.Client:
        client = socketio.Client(reconnection=False)
        started.append(client)
        for event, handler in handlers.items():
            client.on(event, handler, namespace=namespaces[0])
        client.connect(
            server.url,
            auth=auth,
            transports=[transport],
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


def test_connect_with_auth_to_several_namespaces(connect: Connect, transport: str) -> None:
    client = connect(["/", "/chat"], auth={"name": "Zoë"})

    for path in ("/", "/chat"):
        me = ask(client, "whoami", namespace=path)
        assert me["sid"] == client.get_sid(path)
        assert (me["path"], me["auth"], me["transport"]) == (path, {"name": "Zoë"}, transport)


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
    # Over WebSocket the client may close before it has sent its goodbye.
    assert ask(one, "reason_of", sids[1]) in ("client disconnect", "transport close")


def test_the_async_client(server: ServerProcess, transport: str) -> None:
    asyncio.run(asyncio.wait_for(use_async_client(server, transport), PATIENCE))


async def use_async_client(server: ServerProcess, transport: str) -> None:
    client = socketio.AsyncClient(reconnection=False)
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
        transports=[transport],
        namespaces=["/chat"],
        wait_timeout=PATIENCE,
    )

    async def ask(event: str, *args: Any) -> Any:
        return await client.call(event, args, namespace="/chat", timeout=PATIENCE)

    try:
        me = await ask("whoami")
        assert (me["auth"], me["transport"]) == ({"async": True}, transport)
        assert await ask("echo", 1, BINARY) == (1, BINARY)
        assert await ask("ask", "double", 4) == {"type": "int", "answer": 8}
        assert await ask("boom") == {"error": {"message": "internal error"}}
        await ask("enter", me["sid"] + "'s room")
        await ask("emit", "news", [BINARY], {"room": me["sid"] + "'s room"})
        assert await news.get() == BINARY
        await client.emit("kick", (None,), namespace="/chat")
        assert await reasons.get() == "server disconnect"
    finally:
        await client.disconnect()


async def refused_async(server: ServerProcess, transport: str) -> Any:
    client = socketio.AsyncClient(reconnection=False)
    errors: asyncio.Queue[Any] = asyncio.Queue()
    client.on("connect_error", errors.put, namespace="/door")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(
            server.url,
            auth={"wish": "false"},
            transports=[transport],
            namespaces=["/door"],
            wait_timeout=PATIENCE,
        )
    return await errors.get()


def test_the_async_client_refused(server: ServerProcess, transport: str) -> None:
    error = asyncio.run(asyncio.wait_for(refused_async(server, transport), PATIENCE))

    assert error == {"message": "connection refused by the server"}
