"""Clients that uvicorn alone would wait for without end, or log without end."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
import time

import pytest
import uvicorn

from sionamespace.serving import uvicorn_server
from sionamespace.serving.door import FrontDoor
from tests.unit.serving.conftest import PATIENCE, echo_async, run_async

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
CHUNKS = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"


@pytest.fixture
def play():
    """What came of a scene, a function of the port, while an application is served."""

    def play(scene, application=echo_async, **settings):
        return run_async(FrontDoor("127.0.0.1", 0), scene, application, **settings)

    return play


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr(uvicorn_server, "_PATIENCE", 0.1)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("http", ["h11", "httptools"])
@pytest.mark.parametrize("data", [b"", REQUEST[:9], REQUEST + REQUEST[:9], POST + b"he", CHUNKS])
def test_one_that_does_not_go_on_is_let_go(play, http, data):
    def scene(port):
        with connect(port) as sock:
            sock.sendall(data)
            try:
                return b"".join(iter(lambda: sock.recv(65536), b""))
            except ConnectionResetError:
                return b"reset"

    answer = play(scene, http=http)
    assert answer in (b"", b"reset") or (data.startswith(REQUEST) and answer.endswith(b"hello"))


@pytest.mark.usefixtures("hurry")
def test_one_that_does_not_read_is_let_go(play):
    ended = queue.SimpleQueue()

    async def large(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        leaving = asyncio.ensure_future(receive())
        while not leaving.done():
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        ended.put(leaving.result()["type"])

    def scene(port):
        with connect(port) as sock:
            sock.sendall(REQUEST)
            return ended.get(timeout=PATIENCE)

    assert play(scene, large) == "http.disconnect"


@pytest.mark.usefixtures("hurry")
def test_an_application_may_take_its_time_and_so_may_a_body_that_comes(play):
    async def slow(scope, receive, send):
        await asyncio.sleep(0.5)
        await echo_async(scope, receive, send)

    def scene(port):
        with connect(port) as sock:
            sock.sendall(POST)
            for byte in b"abcde":
                sock.sendall(bytes([byte]))
            answer = b""
            while not answer.endswith(b"abcde"):
                received = sock.recv(65536)
                assert received
                answer += received
            return answer

    assert play(scene, slow).startswith(b"HTTP/1.1 200 ")


@pytest.fixture
def narrow():
    """A door behind which the system keeps little of what waits for a client."""
    door = FrontDoor("127.0.0.1", 0)
    door.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return door


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("piece", [1000, 65536, 4_000_000])
def test_one_that_reads_slowly_gets_all(narrow, piece):
    async def large(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(4_000_000 // piece):
            await send({"type": "http.response.body", "body": b"x" * piece, "more_body": True})
        await send({"type": "http.response.body"})

    def scene(port):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(PATIENCE)
            sock.connect(("127.0.0.1", port))
            sock.sendall(REQUEST)
            end, got = time.monotonic() + 0.5, 0
            while received := sock.recv(4096):
                got += len(received)
                if time.monotonic() < end:
                    nap.wait(0.005)
            return got

    nap = threading.Event()
    assert run_async(narrow, scene, large) > 4_000_000 // piece * piece


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_one_that_sends_slowly_is_answered(play, http):
    def scene(port):
        with connect(port) as sock:
            sock.sendall(POST.replace(b"5", b"20"))
            for _ in range(20):
                sock.sendall(b"x")
                nap.wait(0.03)
            return b"".join(iter(lambda: sock.recv(65536), b""))

    nap = threading.Event()
    assert play(scene, http=http).endswith(b"x" * 20)


class Transport(asyncio.Transport):
    """Of a client that reads, but never all that there is."""

    def __init__(self):
        super().__init__()
        self.aborted = asyncio.Event()
        self.abort = self.aborted.set

    def get_write_buffer_size(self):
        return 70_000


@pytest.mark.usefixtures("hurry")
def test_one_for_whom_always_as_much_waits_is_kept_while_it_reads():
    async def scene():
        config = uvicorn.Config(echo_async, lifespan="off", ws="none")
        server = uvicorn_server.UvicornServer(config, door, lambda: None, lambda: True)
        make, transport = config.http_protocol_class, Transport()
        protocol = make(config=config, server_state=server.server_state, app_state={})
        protocol.connection_made(transport)
        for _ in range(100):
            protocol.pause_writing()
            protocol.resume_writing()
            await asyncio.sleep(0.01)
        assert not transport.aborted.is_set()
        await asyncio.wait_for(transport.aborted.wait(), PATIENCE)

    door = FrontDoor("127.0.0.1", 0)
    with door.listener:
        asyncio.run(scene())


def test_requests_that_are_none_are_logged_now_and_then(play, capfd):
    def scene(port):
        for _ in range(10):
            with connect(port) as sock:
                sock.sendall(b"nonsense\r\n\r\n")
                assert sock.recv(65536).startswith(b"HTTP/1.1 400 ")

    play(scene)
    assert capfd.readouterr().err.count("Invalid HTTP request") == 1
