"""Several workers behind one port: whichever gets a request, the one answers whose client it is."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from child import HERE, PATIENCE, Child, Node
from engines import RedisServer
from matrix import MODES, TRANSPORTS
from raw_client import BASE, Polling, WebSocket
from workers import Workers, worker_of

CLIENTS = ("client-2.5.0", "socket.io-client")


@pytest.fixture(scope="module", params=MODES)
def server(request: pytest.FixtureRequest) -> Iterator[Workers]:
    """The test application on four workers, in a mode."""
    # Python's client may wait for a ping before it goes.
    started = Workers(4, async_mode=request.param, ping_interval=1, ping_timeout=60)
    yield started
    started.stop()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_many_javascript_clients_are_served_over_each_transport(
    server: Workers, node: Node, client: str, transport: str
) -> None:
    found = json.loads(node.run("js/many.js", server.url, client, transport, "24"))

    assert sum(found.values()) == 24
    assert len(found) > 1


def test_a_broadcast_reaches_the_clients_of_all_workers_byte_for_byte(
    server: Workers, node: Node
) -> None:
    node.run("js/mix.js", server.url, "socket.io-client", "polling", *CLIENTS)


@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"]], ids=len)
def test_many_python_clients_are_served(server: Workers, transports: list[str]) -> None:
    clients = Child(sys.executable, "many.py", server.url, "24", *transports)
    try:
        found = json.loads(clients.wait_for("^{.*").group())
    finally:
        clients.end()
    assert sum(found.values()) == 24
    assert len(found) > 1


class Keeping:
    """One connection by HTTP that stays, for the requests of several clients."""

    def __init__(self, server: Workers) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self._connection.connect()
        self._socket = self._connection.sock

    def request(self, method: str, query: str, body: Any = None) -> tuple[int, bytes]:
        self._connection.request(method, f"/socket.io/?{query}", body)
        response = self._connection.getresponse()
        answer = response.status, response.read()
        assert self._connection.sock is self._socket, "it was closed in between"
        return answer

    def close(self) -> None:
        self._connection.close()


def test_a_connection_carries_the_requests_of_several_workers_clients(server: Workers) -> None:
    clients = [server.client_on(worker, Polling) for worker in (1, 2, 3)]
    for client in clients:
        client.join("/chat")
    connection = Keeping(server)
    large = "x" * 500_000

    for number in range(20):
        client = clients[number % 3]
        text = large if number % 5 == 0 else str(number)
        packet = f'42/chat,{number}["same","{text}"]'
        assert connection.request("POST", client.query, packet.encode()) == (200, b"ok")
        answer = f'43/chat,{number}["{text}"]'
        assert connection.request("GET", client.query) == (200, answer.encode())

    connection.close()


def test_a_request_may_come_in_pieces(server: Workers) -> None:
    clients = [server.client_on(worker, Polling) for worker in (1, 2, 3, 4)]
    for client in clients:
        client.join("/chat")
        body = b'42/chat,0["same",1]'
        head = (
            f"POST /socket.io/?token={'long' * 1000}&{client.query} HTTP/1.1\r\n"
            f"Host: x\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        data = head + body
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            arrived = threading.Event()
            for start, end in ((0, 3), (3, 2000), (2000, len(head) - 30), (len(head) - 30, None)):
                connection.sendall(data[start:end])
                arrived.wait(0.02)  # or they are one piece again
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert client.receive() == "43/chat,0[1]"


def test_an_upgrade_that_fails_on_the_way_leaves_the_client_where_it_is(server: Workers) -> None:
    for worker in (1, 2):
        client = server.client_on(worker, Polling)
        client.join("/chat")
        probing = WebSocket(server, client.opened["sid"])
        probing.send("2probe")
        assert probing.socket.recv() == "3probe"
        probing.close()
        assert client.ask("whoami")[0]["transport"] == "polling"


@pytest.mark.parametrize("sid", ["~", "x~00000000", "{}~00000000", "{}~ff000000", "{}"])
def test_a_session_that_no_worker_has_is_refused_as_ever(server: Workers, sid: str) -> None:
    connection = Keeping(server)
    for _ in range(8):  # whichever worker has it
        query = f"{BASE}&sid={sid.format('a' * 20)}"
        status, answer = connection.request("GET", query)
        assert (status, json.loads(answer)["code"]) == (400, 1)
    connection.close()


# What may be around the workers.


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    engine = RedisServer()
    try:
        engine.start()
        yield engine
    finally:
        engine.end()


def test_workers_may_have_the_broker_of_others(node: Node, redis: RedisServer) -> None:
    server = Workers(2, async_mode="eventlet", rooms=redis.url)
    try:
        node.run("js/mix.js", server.url, "socket.io-client", "websocket", "socket.io-client")
        assert "unix://" not in server.text()
    finally:
        server.stop()


PATCHES = {
    "eventlet": "import eventlet\neventlet.monkey_patch()\n",
    "gevent": "from gevent import monkey\nmonkey.patch_all()\n",
}


@pytest.mark.parametrize("library", PATCHES)
def test_the_process_may_be_monkey_patched(node: Node, tmp_path: Path, library: str) -> None:
    (tmp_path / "patched.py").write_text(
        f"{PATCHES[library]}import sys\nsys.path.insert(0, {str(HERE)!r})\n"
        "import logging\nlogging.basicConfig(level=logging.INFO)\n"
        "from server import Features\nfrom sionamespace import Server\n"
        'Server({"/": Features, "/chat": Features}).run("127.0.0.1", 0, workers=2)\n'
    )
    server = Child(sys.executable, "patched.py", cwd=tmp_path)
    try:
        url = server.wait_for(r"serving on (http://\S+)").group(1)
        node.run("js/mix.js", url, "socket.io-client", "polling", "socket.io-client")
    finally:
        code = server.end()
    assert code == 0
    assert "Traceback" not in server.text(), server.text()


def test_tls_is_possible_with_websockets_alone(certificate: Path) -> None:
    files = {
        "certfile": str(certificate / "certificate.pem"),
        "keyfile": str(certificate / "key.pem"),
    }
    server = Workers(2, settings=files, async_mode="threads", transports=["websocket"])
    url = server.url.replace("https", "wss") + "/socket.io/?EIO=4&transport=websocket"
    trust = {"ca_certs": str(certificate / "authority.pem")}
    clients: list[websocket.WebSocket] = []
    workers: set[int] = set()
    try:
        while len(workers) < 2:
            clients.append(websocket.create_connection(url, PATIENCE, sslopt=trust))
            workers.add(worker_of(json.loads(clients[-1].recv()[1:])["sid"]))
        for client in clients:
            client.send("40/chat,")
            assert client.recv().startswith('40/chat,{"sid":')
    finally:
        for client in clients:
            client.close()
        server.stop()
