"""How workers hand connections over to each other."""

from __future__ import annotations

import os
import socket
import struct

import pytest

from sionamespace.ids import Ids
from sionamespace.workers.balance import Balance, Loads
from sionamespace.workers.siblings import Inboxes, Siblings

PATIENCE = 20


@pytest.fixture
def family():
    """Three workers, all in this process."""
    inboxes, loads = Inboxes(3), Loads(3)
    outboxes = [writer for _, writer in inboxes._pairs]
    yield [
        Siblings(n, reader, outboxes, Balance(loads, n))
        for n, (reader, _) in enumerate(inboxes._pairs)
    ]
    inboxes.close()


@pytest.fixture
def connection():
    """A client's end of a connection and the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), PATIENCE)
        server, _ = listener.accept()
    with client, server:
        yield client, server


def no_nap(seconds):
    raise AssertionError("there is room, so nobody waits")


class TestHome:
    def sid(self, siblings):
        return Ids(siblings.node).new()

    @pytest.mark.parametrize(
        "line",
        [
            "GET /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\n",
            "GET /socket.io/?sid={}&EIO=4 HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /a/b?token=%26sid%3Dx&sid={}&t=1 HTTP/1.1\r\n",
            "GET http://x/socket.io/?sid={} HTTP/1.0\n",
            "OPTIONS /?sid={}",
        ],
    )
    def test_the_id_in_a_request_tells_whose_it_is(self, family, line):
        first, second, third = family
        head = line.format(self.sid(third)).encode()
        assert first.home_of(head) == 2
        assert second.home_of(head) == 2
        assert third.home_of(head) is None

    def test_clients_may_escape_what_need_not_be(self, family):
        sid = self.sid(family[1]).replace("~", "%7e").replace("-", "%2D")
        assert family[0].home_of(f"GET /?sid={sid} HTTP/1.1\r\n".encode()) == 1

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n",
            "GET /socket.io/?resid={} HTTP/1.1\r\n",
            "GET /{}?a=b HTTP/1.1\r\nCookie: sid={}\r\nX: ?sid={}\r\n\r\n",
            "GET / HTTP/1.1\r\nReferer: http://x/?sid={}\r\n\r\n",
            "\x16\x03\x01?sid={}",
        ],
    )
    def test_elsewhere_it_tells_nothing(self, family, line):
        head = line.replace("{}", self.sid(family[1])).encode()
        assert family[0].home_of(head) is None

    @pytest.mark.parametrize(
        "sid", ["abc", "~", "x~01aaaaaa", "a" * 20 + "~zzzzzzzz", "a" * 20 + "~03aaaaaa", "%7e"]
    )
    def test_what_is_no_id_of_a_worker_is_for_anybody(self, family, sid):
        assert family[0].home_of(f"GET /?sid={sid} HTTP/1.1\r\n".encode()) is None

    def test_each_process_has_a_name_of_its_own_that_begins_with_its_number(self):
        loads = Loads(256)
        nodes = {Siblings(255, None, (), Balance(loads, 255)).node for _ in range(20)}
        assert len(nodes) == 20
        assert all(node.startswith("ff") and len(node) == 8 for node in nodes)


class TestHandingOver:
    def test_a_sibling_gets_the_connection_and_what_was_read_of_it(self, family, connection):
        client, server = connection
        client.sendall(b"GET / HTTP/1.1\r\n")
        early = server.recv(5)
        assert family[0].hand_over(1, server.fileno(), early, no_nap)
        server.close()
        with pytest.raises(BlockingIOError):
            family[2].receive()

        descriptor, address, early = family[1].receive()

        with socket.socket(fileno=descriptor) as received:
            assert early + received.recv(100) == b"GET / HTTP/1.1\r\n"
            assert address == client.getsockname()
            received.sendall(b"hello")
            assert client.recv(5) == b"hello"
            assert not os.get_inheritable(descriptor)

    def test_what_was_read_may_be_much_or_nothing(self, family, connection):
        _, server = connection
        for early in (bytes(256 * 1024), b""):
            assert family[0].hand_over(1, server.fileno(), early, no_nap)
            passed = family[1].receive()
            os.close(passed.descriptor)
            assert passed.early == early
        assert not family[0].hand_over(1, server.fileno(), bytes(1024 * 1024), no_nap)

    def test_several_come_in_their_order_and_then_none(self, family, connection):
        _, server = connection
        for number in range(50):
            assert family[number % 2].hand_over(2, server.fileno(), b"%d" % number, no_nap)
        got = [family[2].receive() for _ in range(50)]
        for passed in got:
            os.close(passed.descriptor)
        assert [passed.early for passed in got] == [b"%d" % number for number in range(50)]
        with pytest.raises(BlockingIOError):
            family[2].receive()

    def test_a_full_inbox_is_waited_for_but_not_for_ever(self, family, connection):
        _, server = connection
        sibling, naps = family[0], []
        while sibling.try_to_hand_over(1, server.fileno(), bytes(1000)):
            pass
        assert sibling.try_to_hand_over(1, server.fileno(), b"") is None
        assert not sibling.hand_over(1, server.fileno(), bytes(1000), naps.append)
        assert 1 < sum(naps) < 5

        def read_one(seconds):
            os.close(family[1].receive().descriptor)

        assert sibling.hand_over(1, server.fileno(), bytes(1000), read_one)
        for _ in range(2000):
            try:
                os.close(family[1].receive().descriptor)
            except BlockingIOError:
                break

    def test_one_that_has_ended_takes_nothing(self, family, connection):
        family[1]._inbox.close()
        assert not family[0].hand_over(1, connection[1].fileno(), b"", no_nap)

    def test_a_connection_whose_client_has_left_is_let_go(self, family, connection):
        client, server = connection
        family[0].hand_over(1, server.fileno(), b"", no_nap)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        server.close()
        open_before = len(os.listdir("/proc/self/fd"))
        assert family[1].receive() is None
        assert len(os.listdir("/proc/self/fd")) == open_before


def test_each_worker_keeps_its_own_inbox_and_can_write_to_all():
    inboxes = Inboxes(3)
    inbox, outboxes = inboxes.of_worker(1)
    for outbox in outboxes:
        if outbox is outboxes[1]:
            outbox.send(b"for the second")
        else:
            with pytest.raises(OSError, match="refused"):
                outbox.send(b"nobody reads it here")
    assert inbox.recv(100) == b"for the second"
    inboxes.close()
    assert inbox.fileno() == -1
