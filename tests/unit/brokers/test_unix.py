"""The broker of a machine's processes does what every broker must, and its hub stays bounded."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import suppress

import pytest

from sionamespace import Namespace, Server
from sionamespace.brokers import broker_of, unix_hub
from sionamespace.brokers.unix_hub import UnixHub
from sionamespace.brokers.unix_wire import Kind, frame
from sionamespace.errors import ConfigurationError
from sionamespace.testing.broker_contract import BrokerContract

PATIENCE = 20
RECEIPT = frame(Kind.RECEIPT, b"", b"1")


class Hub:
    """A hub on a thread of its own."""

    def __init__(self, path):
        self.path = str(path)
        self._loop = asyncio.new_event_loop()
        self._hub = UnixHub()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._loop.run_until_complete(self._hub.serve(self._listener))
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def connect(self):
        """A connection to it, for bytes by hand."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(self.path)
        return sock

    def answer(self):
        """Wait until it has answered a process that has just connected."""
        with self.connect() as sock:
            sock.sendall(RECEIPT)
            assert received(sock, len(RECEIPT)) == RECEIPT

    def close(self):
        self.answer()  # so that whoever connected before this one is there
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self):
        await self._hub.close()


@pytest.fixture
def hub(tmp_path):
    hub = Hub(tmp_path / "hub.sock")
    yield hub
    hub.close()


class TestContract(BrokerContract):
    @pytest.fixture(autouse=True)
    def _hub(self, hub):
        self.hub = hub

    def make(self):
        return broker_of(f"unix://{self.hub.path}")


def test_the_socket_may_have_any_name(tmp_path):
    folder = tmp_path / "a b%"
    folder.mkdir()
    hub = Hub(folder / "hub?")

    async def meet():
        broker = broker_of(f"unix://{tmp_path}/a%20b%25/hub%3F")
        await broker.open(lambda channel, message: None, lambda error: None)
        await broker.close()

    asyncio.run(meet())
    hub.close()


@pytest.mark.parametrize("url", ["unix://", "unix://hub.sock", "unix://folder/hub.sock"])
def test_a_url_without_an_absolute_path_is_an_error(url):
    with pytest.raises(ConfigurationError, match="unix:///path"):
        broker_of(url)


def test_a_broker_notices_that_the_hub_is_gone(tmp_path):
    hub = Hub(tmp_path / "hub.sock")

    async def notice():
        broker, lost = broker_of(f"unix://{hub.path}"), asyncio.Event()
        await broker.open(lambda channel, message: None, lambda error: lost.set())
        await asyncio.to_thread(hub.close)
        await asyncio.wait_for(lost.wait(), PATIENCE)
        with pytest.raises(ConnectionError, match="hub"):
            await broker.publish([("a", b"1")])
        await broker.close()

    asyncio.run(notice())


def test_a_room_whose_name_cannot_be_written_does_not_cut_its_server_off(hub):
    server = Server({"/": Namespace()}, async_mode="threads", rooms=f"unix://{hub.path}")
    server.rooms.add("/", "a client")
    try:
        server.rooms.enter("/", "a client", "half a character \ud800")
        server.flush(timeout=5).result()
        server.rooms.leave("/", "a client", "half a character \ud800")
        server.flush(timeout=5).result()
        assert server.health().connected
    finally:
        while not server.leave_others():
            pass


def test_what_speaks_otherwise_is_thrown_out_and_harms_nobody(hub, caplog):
    with hub.connect() as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert stranger.recv(1) == b""
    assert "no broker of ours" in caplog.text
    hub.answer()


def test_frames_may_come_in_any_pieces(hub):
    message = frame(Kind.MESSAGE, b"a", bytes(range(256)) * 300)
    with hub.connect() as one, hub.connect() as two:
        two.sendall(frame(Kind.SUBSCRIBE, b"a") + RECEIPT)
        received(two, len(RECEIPT))
        for part in (message[:3], message[3:12], message[12:70_000], message[70_000:] + message):
            one.sendall(part)
            time.sleep(0.01)
        assert received(two, 2 * len(message)) == 2 * message


def test_a_process_that_reads_nothing_is_thrown_out_and_costs_no_other(hub, monkeypatch, caplog):
    monkeypatch.setattr(unix_hub, "_MOST", 1_000_000)
    message = frame(Kind.MESSAGE, b"a", bytes(100_000))
    with hub.connect() as one, hub.connect() as stopped, hub.connect() as two:
        for receiver in (stopped, two):
            receiver.sendall(frame(Kind.SUBSCRIBE, b"a") + RECEIPT)
            received(receiver, len(RECEIPT))
        for _ in range(50):
            one.sendall(message)
            assert received(two, len(message)) == message
        with suppress(ConnectionError):
            while stopped.recv(65536):
                pass
    assert "has to connect anew" in caplog.text


def received(sock, size):
    data = b""
    while len(data) < size:
        data += sock.recv(size - len(data))
    return data
