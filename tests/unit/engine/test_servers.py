from __future__ import annotations

import socket
import ssl

import pytest
from eventlet import wsgi
from eventlet.greenio import GreenSocket, shutdown_safe

from sionamespace.engine.servers import ServerSocket, find_socket


@pytest.fixture
def pair():
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


@pytest.fixture
def server_socket(pair):
    return ServerSocket(GreenSocket(pair[0]), lambda sock: None)


def fill(server_socket):
    """Send until it would block."""
    try:
        while server_socket.send(b"x" * 65536):
            pass
    except BlockingIOError:
        return
    raise AssertionError("it never would block")


class TestServerSocket:
    def test_what_is_sent_arrives_and_how_much_it_was_is_told(self, server_socket, pair):
        assert server_socket.send(b"hello") == 5
        assert pair[1].recv(10) == b"hello"

    def test_what_the_peer_sends_is_received(self, server_socket, pair):
        pair[1].send(b"hello")
        assert server_socket.recv(3) == b"hel"
        assert server_socket.recv(3) == b"lo"

    def test_sending_raises_where_the_servers_own_socket_would_block(self, server_socket, pair):
        fill(server_socket)
        pair[1].recv(2**20)
        assert server_socket.send(b"more") == 4

    def test_the_server_decides_how_to_wait_with_its_own_socket(self, pair):
        waited = []
        green = GreenSocket(pair[0])
        ServerSocket(green, waited.append).wait_writable()
        assert waited == [green]

    def test_after_the_end_nothing_is_received_or_sent(self, server_socket, pair):
        server_socket.shutdown()
        assert server_socket.recv(10) == b""
        assert pair[1].recv(10) == b""
        with pytest.raises(OSError, match="pipe"):
            server_socket.send(b"late")

    def test_it_may_be_ended_twice_and_after_it_was_closed(self, server_socket, pair):
        server_socket.shutdown()
        server_socket.shutdown()
        pair[0].close()
        server_socket.shutdown()

    def test_small_packets_are_not_held_back(self):
        options = []

        class Plain:
            def recv(self, size): ...

            def send(self, data): ...

            def setsockopt(self, *option):
                options.append(option)

        ServerSocket(Plain(), lambda sock: None)
        assert options == [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]

    def test_a_plain_socket_that_is_not_green_is_used_as_it_is(self, pair):
        plain = ServerSocket(pair[0], lambda sock: None)
        fill(plain)
        assert pair[1].recv(1) == b"x"

    def test_tls_that_wants_to_write_later_is_a_socket_that_would_block(self):
        class Session:
            def write(self, data):
                raise ssl.SSLWantWriteError

        class Full:
            __module__ = "gevent.ssl"
            _sslobj = Session()

            def recv(self, size): ...

            def send(self, data):
                raise AssertionError("this one would wait")

            def setsockopt(self, *option):
                raise OSError("not a TCP socket")

        with pytest.raises(BlockingIOError):
            ServerSocket(Full(), lambda sock: None).send(b"data")


class TestDetaching:
    def test_a_green_socket_is_independent_of_the_servers_request(self, pair):
        green = GreenSocket(pair[0])
        sock = ServerSocket(green, lambda sock: None)
        assert sock.detach()
        assert green.fileno() == -1
        with pytest.raises(BlockingIOError):
            sock.recv(10)
        pair[1].send(b"hello")
        assert sock.recv(10) == b"hello"
        assert sock.send(b"you too") == 7
        assert pair[1].recv(10) == b"you too"
        sock.close()
        assert pair[1].recv(10) == b""

    def test_one_that_was_made_green_twice_is_taken_too(self, pair):
        sock = ServerSocket(GreenSocket(GreenSocket(pair[0])), lambda sock: None)
        assert sock.detach()
        assert sock.send(b"hello") == 5
        sock.shutdown()
        assert pair[1].recv(10) == b"hello"
        sock.close()

    def test_the_servers_own_end_does_not_touch_it(self, pair):
        green = GreenSocket(pair[0])
        sock = ServerSocket(green, lambda sock: None)
        sock.detach()
        shutdown_safe(green)
        green.close()
        assert sock.send(b"still here") == 10
        sock.close()

    def test_from_a_plain_socket_the_connection_is_taken_and_the_server_finds_its_end(self, pair):
        pair[0].setblocking(True)
        sock = ServerSocket(pair[0], lambda sock: None)
        assert sock.detach()
        with pytest.raises(BlockingIOError):
            sock.recv(10)
        pair[1].send(b"hello")
        assert sock.recv(10) == b"hello"
        assert pair[0].recv(10) == b""
        with pytest.raises(BrokenPipeError):
            pair[0].send(b"a response")
        pair[0].close()
        assert sock.send(b"still here") == 10
        assert pair[1].recv(20) == b"still here"
        sock.close()
        assert pair[1].recv(10) == b""

    def test_what_is_no_socket_stays_the_servers(self):
        class Foreign:
            def recv(self, size): ...

            def send(self, data): ...

            def setsockopt(self, *option): ...

        assert not ServerSocket(Foreign(), lambda sock: None).detach()


class TestFindSocket:
    def test_eventlets_server_gives_it_away_and_is_told_when_the_request_is_done(self, pair):
        class Input:
            def get_socket(self):
                return GreenSocket(pair[0])

        sock = find_socket({"eventlet.input": Input()}, lambda sock: None)
        assert sock.fileno() == pair[0].fileno()
        assert not getattr(wsgi.WSGI_LOCAL, "already_handled", False)
        try:
            assert list(sock.end_request()) == []
            assert wsgi.WSGI_LOCAL.already_handled
        finally:
            del wsgi.WSGI_LOCAL.already_handled

    def test_a_server_that_is_not_known_gives_none(self):
        assert find_socket({"wsgi.input": object()}, lambda sock: None) is None
