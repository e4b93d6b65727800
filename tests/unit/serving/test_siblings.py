"""Each web server hands a connection over whose next request is another worker's, and takes those
that are handed over to it."""

from __future__ import annotations

import os
import select
import socket
import threading

import pytest

from sionamespace.ids import Ids
from sionamespace.serving.door import FrontDoor
from sionamespace.workers.balance import Balance, Loads
from sionamespace.workers.siblings import Inboxes, Siblings
from tests.unit.serving.conftest import PATIENCE, run_async

LARGE = b"x" * 300_000


class Family:
    """Two workers: the server of a test, which is the first one, and the test."""

    def __init__(self):
        self._inboxes, loads = Inboxes(2), Loads(2)
        outboxes = [writer for _, writer in self._inboxes._pairs]
        self.server, self.test = (
            Siblings(n, reader, outboxes, Balance(loads, n))
            for n, (reader, _) in enumerate(self._inboxes._pairs)
        )
        self.close = self._inboxes.close

    def request(self, sibling, method="GET", body=b"", path="/"):
        """The bytes of a request for a client of a worker, or with None for anybody."""
        query = "" if sibling is None else f"?EIO=4&sid={Ids(sibling.node).new()}"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return f"{method} {path}{query} HTTP/1.1\r\nHost: x\r\n{length}\r\n".encode() + body

    def received(self):
        """What was handed over to the test."""
        select.select([self.test], [], [], PATIENCE)
        return self.test.receive()


def echo(environ, start_response):
    """Answers with what it was sent, or hello; at once, where that is asked for."""
    if environ["PATH_INFO"] == "/early":
        environ["CONTENT_LENGTH"] = "0"
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"hello"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def family():
    family = Family()
    yield family
    family.close()


@pytest.fixture
def door(family):
    door = FrontDoor("127.0.0.1", 0)
    door.siblings = family.server
    return door


def connect(port):
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def answer(sock, size=5):
    """The status and the body of an answer."""
    data = b""
    while len(data.partition(b"\r\n\r\n")[2]) < size:
        received = sock.recv(65536)
        assert received, f"it ended after {data!r}"
        data += received
    return int(data.split()[1]), data.partition(b"\r\n\r\n")[2]


class Scenes:
    """What each web server does. A subclass has ``serve(scene)``, with a scene of the port."""

    def test_a_request_for_another_workers_client_takes_its_connection_there(self, family):
        request = family.request(family.test, "POST", LARGE)

        def scene(port):
            with connect(port) as client:
                client.sendall(request)
                passed = family.received()
                assert passed.address == client.getsockname()
                with socket.socket(fileno=passed.descriptor) as received:
                    received.settimeout(PATIENCE)
                    data = passed.early
                    while len(data) < len(request):
                        data += received.recv(65536)
                    assert data == request
                    received.sendall(b"by the other worker")
                    assert client.recv(100) == b"by the other worker"

        self.serve(scene)

    def test_it_may_come_after_others_on_the_same_connection(self, family):
        def scene(port):
            with connect(port) as client:
                for sibling in (None, family.server, None):
                    client.sendall(family.request(sibling, "POST", b"mine"))
                    assert answer(client, 4) == (200, b"mine")
                request = family.request(family.test)
                client.sendall(request)
                passed = family.received()
                os.close(passed.descriptor)
                assert passed.early == request

        self.serve(scene)

    def test_it_may_come_in_pieces(self, family):
        def scene(port):
            for pieces in (1, 10, 40):
                with connect(port) as client:
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    request = family.request(family.test, path="/" + "long" * 1000)
                    size = -(-len(request) // pieces)
                    for start in range(0, len(request), size):
                        client.sendall(request[start : start + size])
                        pause.wait(0.002)  # or they are one piece again
                    passed = family.received()
                    with socket.socket(fileno=passed.descriptor) as received:
                        data = passed.early
                        while len(data) < len(request):
                            data += received.recv(65536)
                    assert data == request

        pause = threading.Event()
        self.serve(scene)

    def test_a_body_that_looks_like_a_request_is_none(self, family):
        def scene(port):
            with connect(port) as client:
                body = family.request(family.test)
                request = family.request(None, "POST", body)
                client.sendall(request[: -len(body)])
                pause.wait(0.05)
                client.sendall(body)
                assert answer(client, len(body)) == (200, body)

        pause = threading.Event()
        self.serve(scene)

    @pytest.mark.parametrize("read", [0, 2, 4])
    def test_it_may_come_after_one_that_was_answered_before_its_body_came(self, family, read):
        def scene(port):
            with connect(port) as client:
                for _ in range(2):
                    early = family.request(None, "POST", b"body", path="/early")
                    client.sendall(early[: len(early) - 4 + read])
                    assert answer(client) == (200, b"hello")
                    client.sendall(early[len(early) - 4 + read :])
                    pause.wait(0.2)  # or it comes together with the next one
                request = family.request(family.test)
                client.sendall(request)
                passed = family.received()
                os.close(passed.descriptor)
                assert passed.early == request

        pause = threading.Event()
        self.serve(scene)

    @pytest.mark.parametrize("read", [0, 1, 20, 200_000])
    def test_a_connection_that_is_handed_over_is_served_and_stays(self, family, read):
        request = family.request(family.server, "POST", LARGE)

        def scene(port):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                client = connect(listener.getsockname()[1])
                theirs, _ = listener.accept()
            with client, theirs:
                early = request[:read]
                assert family.test.hand_over(0, theirs.fileno(), early, pause.wait)
                client.sendall(request[len(early) :])
                assert answer(client, len(LARGE)) == (200, LARGE)
                client.sendall(family.request(None))
                assert answer(client) == (200, b"hello")

        pause = threading.Event()
        self.serve(scene)

    def test_a_sibling_that_is_busy_is_waited_for(self, family):
        def scene(port):
            with connect(port) as client, connect(port) as other:
                while family.server.try_to_hand_over(1, other.fileno(), bytes(100_000)):
                    pass
                request = family.request(family.test, "POST", bytes(50_000))
                client.sendall(request)
                pause.wait(0.1)
                passed = family.received()
                while passed.address != client.getsockname():
                    os.close(passed.descriptor)
                    passed = family.received()
                with socket.socket(fileno=passed.descriptor) as received:
                    data = passed.early
                    while len(data) < len(request):
                        data += received.recv(65536)
                assert data == request

        pause = threading.Event()
        self.serve(scene)

    def test_who_cannot_be_handed_over_is_answered_here(self, family, monkeypatch):
        monkeypatch.setattr("sionamespace.workers.siblings.PATIENCE", 0.05)
        family.test._inbox.close()

        def scene(port):
            with connect(port) as client:
                for _ in range(2):
                    client.sendall(family.request(family.test))
                    assert answer(client) == (200, b"hello")

        self.serve(scene)


class TestThreadsAndGreenThreads(Scenes):
    @pytest.fixture(autouse=True)
    def _site(self, site, door):
        self.serve = lambda scene: site.run(lambda client: scene(client.port), echo, door=door)


class TestUvicorn(Scenes):
    @pytest.fixture(autouse=True, params=["h11", "httptools"])
    def _uvicorn(self, request, door):
        self.serve = lambda scene: run_async(door, scene, http=request.param)
