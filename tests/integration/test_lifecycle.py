"""How connections and servers begin, wait and end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from child import MODES, Child, Node, ServerProcess
from matrix import CLIENTS as JAVASCRIPT_CLIENTS
from matrix import TRANSPORTS
from raw_client import BASE, CLIENTS, Closed, Polling, RawClient, WebSocket, request

StartServer = Callable[..., ServerProcess]

HEARTBEAT = {"ping_interval": 0.3, "ping_timeout": 0.3}

both = pytest.mark.parametrize("kind", CLIENTS.values(), ids=CLIENTS)


# The heartbeat.


@both
def test_a_client_that_does_not_answer_pings_is_closed(
    start_server: StartServer, kind: type[RawClient]
) -> None:
    server = start_server(**HEARTBEAT)
    client = kind(server)
    client.answers_pings = False
    sid = client.join("/chat")
    begin = time.monotonic()

    client.drain()

    assert server.reason(sid) == "ping timeout"
    assert client.pings == 1
    assert time.monotonic() - begin >= 0.3
    assert client.opened["pingInterval"] == 300
    assert client.opened["pingTimeout"] == 300


def test_a_polling_client_that_is_away_is_closed(start_server: StartServer) -> None:
    server = start_server(**HEARTBEAT)
    client = Polling(server)
    sid = client.join("/chat")

    assert server.reason(sid) == "ping timeout"

    client.answers_pings = False
    client.drain()
    assert client.poll().json() == {"code": 1, "message": "Session ID unknown"}


@both
def test_a_client_that_answers_pings_stays(
    start_server: StartServer, kind: type[RawClient]
) -> None:
    server = start_server(ping_interval=0.1, ping_timeout=20)
    client, other = kind(server), WebSocket(server)
    sid = client.join("/chat")
    other.join("/chat")

    stop = threading.Event()
    keeping = threading.Thread(target=keep_answering, args=(client, stop))
    keeping.start()
    try:
        while client.pings < 5:
            assert keeping.is_alive()
            assert other.ask("echo", 1) == [1]
    finally:
        stop.set()
        other.ask("kick", sid)
        keeping.join()

    assert server.reason(sid) == "server disconnect"


def keep_answering(client: RawClient, stop: threading.Event) -> None:
    with contextlib.suppress(Closed):
        while not stop.is_set():
            client.receive()


# Joining in time.


@both
def test_a_client_that_joins_nothing_is_closed(
    start_server: StartServer, kind: type[RawClient]
) -> None:
    server = start_server(connect_timeout=1)
    joined, idle, refused = kind(server), kind(server), kind(server)
    joined.join("/chat")
    refused.send('40/door,{"wish":"false"}')
    assert str(refused.receive()).startswith("44/door,")

    idle.drain()
    refused.drain()

    assert joined.ask("echo", 1) == [1]
    assert request(server, "GET", f"{BASE}&sid={idle.opened['sid']}").status == 400


# Upgrading in time.


def test_an_upgrade_that_takes_too_long_is_given_up(start_server: StartServer) -> None:
    server = start_server(upgrade_timeout=1)
    idle, probed = Polling(server), Polling(server)
    for client in (idle, probed):
        client.join("/chat")
    never, half = (WebSocket(server, client.opened["sid"]) for client in (idle, probed))
    half.send("2probe")
    assert half.socket.recv() == "3probe"

    never.drain()
    half.drain()

    for client in (idle, probed):
        assert client.ask("whoami")[0]["transport"] == "polling"
    again = WebSocket(server, idle.opened["sid"])
    again.send("2probe")
    assert again.socket.recv() == "3probe"
    again.send("5")
    assert again.ask("whoami")[0]["transport"] == "websocket"


# The end of the server.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_ends_the_server_and_its_clients(
    start_server: StartServer, number: signal.Signals
) -> None:
    server = start_server()
    clients = [kind(server) for kind in CLIENTS.values()]
    idle = [kind(server) for kind in CLIENTS.values()]
    sids = [client.join("/chat") for client in clients]
    ends: list[Closed] = []
    waiting = [
        threading.Thread(target=lambda client=client: ends.append(client.drain()))
        for client in clients + idle
    ]
    for thread in waiting:
        thread.start()

    code = server.end(number)

    assert code == 0
    for thread in waiting:
        thread.join()
    assert len(ends) == 4
    assert [server.reason(sid) for sid in sids] == ["server shutting down"] * 2
    assert "WARNING" not in server.text()


def test_a_signal_does_not_wait_for_handlers(start_server: StartServer) -> None:
    server = start_server()
    clients = [WebSocket(server) for _ in range(2)]
    for client, event in zip(clients, ("slowly", "slowly_async"), strict=True):
        client.join("/chat")
        client.send('42/chat,["overtake","ready"]', f'42/chat,["{event}",60,"late"]')
        assert client.receive() == '42/chat,["order","ready"]'
    asked, asker = (WebSocket(server) for _ in range(2))
    sid = asked.join("/chat")
    asker.join("/chat")
    asker.send(f'42/chat,["ask_other","{sid}","question",60]')
    assert str(asked.receive()).endswith('["question"]')
    everyone = [*clients, asked, asker]
    reading = [threading.Thread(target=client.drain) for client in everyone]
    for thread in reading:
        thread.start()
    begin = time.monotonic()

    code = server.end()

    assert code == 0
    assert time.monotonic() - begin < 4, "it waited for somebody"
    for thread in reading:
        thread.join()


def test_a_signal_under_load_ends_the_server(start_server: StartServer) -> None:
    server = start_server()
    client = WebSocket(server)
    sid = client.join("/chat")
    answered = threading.Event()

    def load() -> None:
        with contextlib.suppress(Closed, OSError):
            while True:
                client.send(*(f'42/chat,{n}["echo",{n}]' for n in range(50)))
                for _ in range(50):
                    client.receive()
                answered.set()

    loading = threading.Thread(target=load)
    loading.start()
    assert answered.wait(30)

    code = server.end()

    loading.join()
    assert code == 0
    assert server.reason(sid) == "server shutting down"


@pytest.fixture
def start_node(node: Node) -> Iterator[Callable[..., Child]]:
    with contextlib.ExitStack() as ending:

        def start(*arguments: str) -> Child:
            child = node.start(*arguments)
            ending.callback(child.end, signal.SIGKILL)
            return child

        yield start


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("client", JAVASCRIPT_CLIENTS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_javascript_clients_come_back_after_a_restart(
    start_server: StartServer,
    start_node: Callable[..., Child],
    client: str,
    transport: str,
    number: signal.Signals,
) -> None:
    server = start_server()
    staying = start_node("js/stay.js", server.url, client, transport)
    staying.wait_for('"connected"')

    code = server.end(number)
    staying.wait_for('"disconnected"')
    since = staying.mark()
    start_server(server.port)
    staying.wait_for('"connected"', since)

    before, lost, after, *_ = staying.facts()
    in_query = client in ("client-1.3.5", "client-1.7.4", "client-2.5.0")
    auth = {"staying": "true" if in_query else True}
    assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    assert (before["auth"], before["same"]) == (auth, True)
    assert lost["disconnected"] in ("transport close", "transport error")
    assert (after["auth"], after["same"]) == (auth, True)
    assert before["connected"] != after["connected"]


# What a server keeps.


@pytest.mark.parametrize("mode", [*MODES, "asyncio"])
def test_a_client_that_reads_on_after_a_while_gets_all_and_the_others_are_served(
    start_server: StartServer, mode: str
) -> None:
    # So that most of it waits in the outbox, for the system takes a few megabytes.
    server = start_server(async_mode=mode, ping_timeout=60, max_outbox_bytes=100_000_000)
    slow, quick = WebSocket(server), WebSocket(server)
    sid = slow.join("/chat")
    quick.join("/chat")
    texts = [f"{number:03}" + "x" * 60_000 for number in range(200)]
    for text in texts:
        assert quick.ask("emit", "much", [text], {"room": sid}) == ["emitted"]

    for text in texts:
        assert slow.receive() == f'42/chat,["much","{text}"]'
        assert quick.ask("echo", text[:3]) == [text[:3]]


def test_clients_that_left_leave_nothing_open(start_server: StartServer) -> None:
    server = start_server()
    first = WebSocket(server)
    first.join("/chat")
    before = open_files(server)

    for _ in range(20):
        client = WebSocket(server)
        sid = client.join("/chat")
        client.close()
        server.reason(sid)
        polling = Polling(server)
        polling.join("/chat")
        polling.send("1")

    assert first.ask("echo", 1) == [1]
    deadline = time.monotonic() + 30
    while open_files(server) > before and time.monotonic() < deadline:
        first.ask("echo", 1)
    assert open_files(server) <= before


def open_files(server: ServerProcess) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))
