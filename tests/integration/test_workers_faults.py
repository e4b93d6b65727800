"""Workers that die, stop, end and are replaced; and their master."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from child import PATIENCE, Child, Node
from engines import until
from matrix import MODES, TRANSPORTS
from raw_client import CLIENTS, Closed, Polling, RawClient, WebSocket, request
from workers import Workers, is_there, processes_of, worker_of

Start = Callable[..., Workers]


@pytest.fixture
def start_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts servers for one test, which must leave no file behind."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    with ExitStack() as ending:

        def start(count: int = 2, **options: object) -> Workers:
            server = Workers(count, **options)
            ending.callback(server.stop)
            return server

        yield start
    assert not list(folder.iterdir())


def joined(server: Workers, worker: int, kind: type[RawClient] = WebSocket) -> RawClient:
    client = server.client_on(worker, kind)
    client.join("/chat")
    return client


def in_room(server: Workers, worker: int, kind: type[RawClient] = WebSocket) -> RawClient:
    client = joined(server, worker, kind)
    client.ask("enter", "room")
    return client


def tell(sender: RawClient, value: int) -> None:
    """Say something in the room, in which the sender is not."""
    sender.ask("emit", "news", [value], {"room": "room"})


def news(value: int) -> str:
    return f'42/chat,["news",{value}]'


# Dying.


@pytest.mark.parametrize("mode", MODES)
def test_a_worker_that_is_killed_is_replaced_and_no_others_client_notices(
    start_workers: Start, mode: str
) -> None:
    server = start_workers(async_mode=mode)
    lost = [in_room(server, 1, kind) for kind in CLIENTS.values()]
    kept = [in_room(server, 2, kind) for kind in CLIENTS.values()]
    since = server.mark()
    pid = server.pid(1)

    os.kill(pid, signal.SIGKILL)

    server.wait_for(rf"worker 1 \(process {pid}\) died of SIGKILL; another one starts in 0.1 s")
    assert server.pid(1, since) != pid
    for client in lost:
        client.drain()
    tell(joined(server, 1), 1)
    for client in kept:
        assert client.receive() == news(1)
        assert client.ask("same", 1) == [1]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_javascript_clients_of_a_worker_that_is_killed_come_back(
    start_workers: Start, node: Node, transport: str
) -> None:
    server = start_workers(async_mode="eventlet")
    staying = node.start("js/stay.js", server.url, "socket.io-client", transport)
    try:
        sid = json.loads(staying.wait_for('"connected".*').string)["connected"]
        since = staying.mark()

        os.kill(server.pid(worker_of(sid)), signal.SIGKILL)

        staying.wait_for('"disconnected"', since)
        staying.wait_for('"connected"', since)
    finally:
        staying.end(signal.SIGKILL)


def test_workers_meet_again_when_their_hub_is_killed(start_workers: Start) -> None:
    server = start_workers(async_mode="eventlet")
    sender, receiver = joined(server, 1), in_room(server, 2)
    others = {server.process.pid, server.pid(1), server.pid(2)}
    (hub,) = processes_of(server) - others

    os.kill(hub, signal.SIGKILL)

    server.wait_for(rf"the workers' hub \(process {hub}\) died of SIGKILL; another one starts in")
    assert sender.ask("same", 1) == [1]
    # Until the receiver's worker has come again, what is sent reaches nobody there.
    until(lambda: tell(sender, 1) or select.select([receiver.socket.sock], [], [], 0.1)[0])
    assert receiver.receive() == news(1)


# Stopping.


def test_a_worker_that_is_stopped_keeps_nobody_else_waiting(start_workers: Start) -> None:
    server = start_workers(3, async_mode="eventlet", ping_timeout=60)
    sender, receivers = joined(server, 2), [in_room(server, worker) for worker in (1, 3)]
    stopped = server.pid(1)
    os.kill(stopped, signal.SIGSTOP)
    try:
        tell(sender, 1)
        assert receivers[1].receive() == news(1)
        for kind in CLIENTS.values():
            for _ in range(20):
                new = kind(server)
                new.join("/chat")
                assert worker_of(new.opened["sid"]) != 1
                assert new.ask("same", 1) == [1]
                new.close()
    finally:
        os.kill(stopped, signal.SIGCONT)
    tell(sender, 2)
    for value in (1, 2):
        assert receivers[0].receive() == news(value)
    assert receivers[0].ask("same", 3) == [3]


# Ending.


@pytest.mark.parametrize("mode", MODES)
def test_clients_are_sent_away_one_after_another_and_get_what_was_sent_to_them(
    start_workers: Start, mode: str
) -> None:
    server = start_workers(settings={"drain": 1.5}, async_mode=mode)
    clients = [kind(server) for _ in range(10) for kind in CLIENTS.values()]
    sids = [client.join("/chat") for client in clients]
    for client in clients:
        client.send('42/chat,0["emit_many","number",5]')
    for sid in sids:
        server.wait_for(f'{{"emitted": "{sid}"}}')
    ends, got = [], []

    def read(client: RawClient) -> None:
        received = []
        with suppress(Closed):
            while True:
                received.append(client.receive())
        ends.append(time.monotonic())
        got.append(received)

    ending = threading.Thread(target=lambda: server.end(seconds=20))
    readers = [threading.Thread(target=read, args=(client,)) for client in clients]
    begin = time.monotonic()
    for thread in (ending, *readers):
        thread.start()
    for thread in (ending, *readers):
        thread.join()

    numbers = [f'42/chat,["number",{number}]' for number in range(5)]
    for received in got:
        assert sorted(received) == sorted([*numbers, "43/chat,0[5]"])
    assert {server.reason(sid) for sid in sids} == {"server shutting down"}
    times = sorted(end - begin for end in ends)
    assert times[0] < 0.5
    assert times[-1] > 1
    assert all(later - earlier < 0.5 for earlier, later in pairwise(times))


def refuses(server: Workers) -> bool:
    """Whether nobody new is let in, as it ends."""
    return request(server, "GET", "EIO=4&transport=polling").status == 503


def test_nobody_new_is_let_in_while_the_others_go(start_workers: Start) -> None:
    server = start_workers(settings={"drain": 2}, async_mode="eventlet")
    client = joined(server, 1, Polling)
    for _ in range(10):
        joined(server, 1)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: refuses(server))
    client.drain()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_to_all_of_its_processes_ends_it_as_gently(
    start_workers: Start, number: signal.Signals
) -> None:
    server = start_workers(settings={"drain": 1}, async_mode="eventlet")
    client = joined(server, 1)
    sid = client.ask("whoami")[0]["sid"]

    os.killpg(server.process.pid, number)

    client.drain()
    assert server.process.wait(PATIENCE) == 0
    assert server.reason(sid) == "server shutting down"
    assert "ERROR" not in server.text()


def test_a_second_signal_ends_it_at_once(start_workers: Start) -> None:
    server = start_workers(settings={"drain": 600}, async_mode="threads")
    for worker in (1, 1, 2, 2):
        joined(server, worker)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: refuses(server))
    assert server.end() == 0


def test_workers_do_not_outlive_their_master(start_workers: Start, tmp_path: Path) -> None:
    server = start_workers(settings={"drain": 0.1}, async_mode="threads")
    joined(server, 1), joined(server, 2)
    processes = processes_of(server)
    assert len(processes) == 4  # and the hub

    server.process.kill()

    server.process.wait()
    until(lambda: not any(map(is_there, processes)))


# Being replaced, and failing to start.

WSGI = """
from sionamespace import Server

server = Server({{}}, async_mode="{mode}")

def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "{size}")])
    return [b"{version}"]
"""
ASGI = """
from sionamespace import Server

server = Server({{}}, async_mode="asyncio")

async def app(scope, receive, send):
    while scope["type"] == "lifespan":
        kind = (await receive())["type"]
        await send({{"type": kind + ".complete"}})
        if kind == "lifespan.shutdown":
            return
    headers = [(b"content-length", b"{size}")]
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": b"{version}"}})
"""


class Command:
    """``sionamespace run --workers 2`` for an application that can be changed."""

    def __init__(self, folder: Path, mode: str = "eventlet") -> None:
        self._file = folder / "changing.py"
        self._mode = mode
        self.write("one")
        words = ["run", "changing:server", "--app", "changing:app", "--port", "0"]
        self.child = Child(
            *[sys.executable, "-m", "sionamespace", *words, "--workers", "2", "--drain", "0.2"],
            cwd=folder,
            PYTHONDONTWRITEBYTECODE="1",
        )
        self.port = int(self.child.wait_for(r"serving on http://127.0.0.1:(\d+)").group(1))

    def write(self, version: str) -> None:
        app = ASGI if self._mode == "asyncio" else WSGI
        self._file.write_text(app.format(mode=self._mode, size=len(version), version=version))

    def break_(self) -> None:
        self._file.write_text("raise LookupError('nothing works')")

    def get(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            assert response.status == 200
            return response.read().decode()
        finally:
            connection.close()


@pytest.fixture(params=["eventlet"])
def command(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Command]:
    command = Command(tmp_path, request.param)
    yield command
    assert command.child.end() == 0
    assert "Traceback" not in command.child.text() or "nothing works" in command.child.text()


@pytest.mark.parametrize("command", MODES, indirect=True)
def test_sighup_replaces_the_workers_and_loads_the_application_anew(command: Command) -> None:
    found, over = [], threading.Event()

    def ask() -> None:
        while not over.is_set():
            found.append(command.get())

    asking = threading.Thread(target=ask)
    asking.start()
    command.write("two")
    command.child.process.send_signal(signal.SIGHUP)
    until(lambda: found[-20:] == ["two"] * 20)
    over.set()
    asking.join()
    assert found[0] == "one"
    assert set(found) == {"one", "two"}, "each request was answered"


def test_an_application_that_is_broken_meanwhile_is_tried_again_and_the_others_serve(
    command: Command,
) -> None:
    command.break_()
    command.child.process.send_signal(signal.SIGHUP)
    for pause in ("0.1", "0.2", "0.4"):
        command.child.wait_for(rf"ended with code 1; another one starts in {pause} s")
    assert command.get() == "one"
    command.write("three")
    until(lambda: command.get() == "three")


def test_an_application_that_cannot_be_loaded_ends_it(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise LookupError('nothing works')")
    child = Child(
        *[sys.executable, "-m", "sionamespace", "run", "broken:server"],
        *["--port", "0", "--workers", "4"],
        cwd=tmp_path,
    )
    child.process.wait(PATIENCE)
    assert child.end() == 2
    text = child.text()
    assert text.count("LookupError: nothing works") == 1
    assert "worker 1 (process" in text.splitlines()[-1]
    assert "ended with code 1 while it started" in text.splitlines()[-1]
