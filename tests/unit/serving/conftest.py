from __future__ import annotations

import http.client
import logging
import os
import queue
import signal
import ssl
import threading
from contextlib import closing

import pytest
import trustme

from sionamespace.runtime.choice import make_driver
from sionamespace.runtime.threaded import ThreadedRuntime
from sionamespace.serving.door import FrontDoor
from sionamespace.serving.lifetime import serve
from sionamespace.serving.server import HTTPServer
from sionamespace.serving.tls import Certificate
from sionamespace.serving.uvicorn import run_uvicorn

MODES = ("eventlet", "gevent", "threads")
PATIENCE = 20


def hello(environ, start_response):
    """An application that says hello."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


class Client:
    """A client of the server in a test, on a thread of its own."""

    def __init__(self, port: int, authority: trustme.CA | None) -> None:
        self.port = port
        self._authority = authority

    def connect(self) -> http.client.HTTPConnection:
        """A connection for HTTP, by TLS if that is what is served."""
        if self._authority is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=PATIENCE, context=self.context()
        )

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def get(self, path: str = "/", **headers: str) -> tuple[int, bytes]:
        """Status and body of a request on a connection of its own."""
        connection = self.connect()
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


class Listening(logging.Handler):
    """Tells on which port a server listens, as it says so in its log."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.ports: queue.SimpleQueue[int] = queue.SimpleQueue()

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith("serving on"):
            self.ports.put(record.args[2])


class Site:
    """A web server, which runs on the thread of the test as it would on that of a program."""

    def __init__(self, mode: str, authority: trustme.CA, certificate: Certificate) -> None:
        self.mode = mode
        self.runtime = ThreadedRuntime(make_driver(mode))
        self._authority = authority
        self._certificate = certificate

    def make(self, app=hello, tls=False, **settings):
        return HTTPServer(app, self.runtime, self._certificate if tls else None, **settings)

    def run(
        self,
        scene,
        app=hello,
        *,
        stop=lambda: None,
        stopped=lambda: True,
        tls=False,
        number=signal.SIGTERM,
        door=None,
        **settings,
    ):
        """Serve an application while a scene, called with a `Client`, runs on another thread.

        What the scene returned; in its end there comes a signal.
        """
        listening, outcome = Listening(), queue.SimpleQueue()

        def play() -> None:
            try:
                port = listening.ports.get(timeout=PATIENCE)
                outcome.put((scene(Client(port, self._authority if tls else None)), None))
            except BaseException as error:
                outcome.put((None, error))
            finally:
                os.kill(os.getpid(), number)

        logger = logging.getLogger("sionamespace.run")
        logger.addHandler(listening)
        level = logger.level
        logger.setLevel(logging.DEBUG)
        playing = threading.Thread(target=play)
        playing.start()
        try:
            server = self.make(app, tls, **settings)
            serve(server, door or FrontDoor("127.0.0.1", 0), self.runtime, stop, stopped)
        finally:
            playing.join()
            logger.removeHandler(listening)
            logger.setLevel(level)
        value, error = outcome.get()
        if error is not None:
            raise error
        return value


async def echo_async(scope, receive, send):
    body, more = b"", scope["path"] != "/early"
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    body = body or b"hello"
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def run_async(door, scene, application=echo_async, **settings):
    """Serve on uvicorn while a scene runs on another thread."""
    outcome = queue.SimpleQueue()

    async def app(scope, receive, send):
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        playing.start()
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def play():
        try:
            outcome.put((scene(door.listener.getsockname()[1]), None))
        except BaseException as error:
            outcome.put((None, error))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    playing = threading.Thread(target=play)
    with closing(door.listener):
        run_uvicorn(app, None, door, lambda: None, lambda: True, lifespan="on", **settings)
    playing.join()
    value, error = outcome.get()
    if error is not None:
        raise error
    return value


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    issued = authority.issue_cert("127.0.0.1", "localhost", key_type=trustme.KeyType.ECDSA)
    folder = tmp_path_factory.mktemp("certificate")
    issued.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return Certificate(str(folder / "certificate.pem"), str(folder / "key.pem"))


# A driver belongs to its thread for good, so there is one of each for all tests on this thread.


@pytest.fixture(scope="session", params=MODES)
def site(request, authority, certificate) -> Site:
    return Site(request.param, authority, certificate)


@pytest.fixture(autouse=True)
def limits(mocker):
    """The limit on open files, which must not be changed for all tests."""
    mocker.patch("resource.getrlimit", return_value=(256, 4096))
    return mocker.patch("resource.setrlimit")
