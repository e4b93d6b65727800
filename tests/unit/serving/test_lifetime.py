"""How each web server begins, answers and ends."""

from __future__ import annotations

import errno
import os
import queue
import signal
import socket
import threading

import pytest

from sionamespace.errors import ConfigurationError
from sionamespace.runtime.choice import make_driver
from sionamespace.runtime.pending import Pending
from sionamespace.runtime.threaded import ThreadedRuntime
from sionamespace.serving import door, lifetime
from sionamespace.serving.door import FrontDoor
from sionamespace.serving.lifetime import serve
from tests.unit.serving.conftest import PATIENCE, hello


def fail(environ, start_response):
    if environ["PATH_INFO"] == "/fail":
        raise LookupError("the application failed")
    return hello(environ, start_response)


def received_until_the_end(port, data):
    """What a server says to a client that sends some bytes and nothing more."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


class TestAnswering:
    def test_requests_are_answered_several_on_a_connection(self, site):
        def scene(client):
            connection = client.connect()
            answers = []
            for _ in range(3):
                connection.request("GET", "/")
                answers.append(connection.getresponse().read())
            connection.close()
            return answers

        assert site.run(scene) == [b"hello"] * 3

    def test_the_application_is_told_who_asks_for_what(self, site):
        found = {}

        def app(environ, start_response):
            found.update(environ, body=environ["wsgi.input"].read(4))
            return hello(environ, start_response)

        def scene(client):
            connection = client.connect()
            headers = {"Cookie": "a=1; b=2", "X-Custom": "ü".encode().decode("latin-1")}
            connection.request("POST", "/some%20path?a=%20b", b"body", headers)
            connection.getresponse().read()
            address = connection.sock.getsockname()
            connection.close()
            return address, client.port

        (host, port), server_port = site.run(scene, app)
        expected = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/some path",
            "QUERY_STRING": "a=%20b",
            "REMOTE_ADDR": host,
            "REMOTE_PORT": str(port),
            "SERVER_PORT": str(server_port),
            "CONTENT_LENGTH": "4",
            "HTTP_COOKIE": "a=1; b=2",
            "HTTP_X_CUSTOM": "ü".encode().decode("latin-1"),
            "HTTP_HOST": f"127.0.0.1:{server_port}",
            "wsgi.url_scheme": "http",
            "body": b"body",
        }
        assert {key: found[key] for key in expected} == expected

    def test_an_application_that_fails_is_an_error_of_its_own_request_only(self, site, caplog):
        status, _ = site.run(lambda client: (client.get("/fail")[0], None), fail)
        assert status == 500
        assert "LookupError: the application failed" in caplog.text
        assert site.run(lambda client: client.get(), fail) == (200, b"hello")

    def test_clients_that_speak_no_http_or_break_off_disturb_nobody(self, site, caplog):
        def scene(client):
            for data in (b"", b"\x16\x03\x01\x02\x00\x01", b"GET", b"GET / HTTP/1.1\r\nHo"):
                received_until_the_end(client.port, data)
            return client.get()

        assert site.run(scene) == (200, b"hello")
        assert "Traceback" not in caplog.text

    def test_small_packets_are_not_held_back(self, site, mocker):
        listen = mocker.spy(door, "listen")

        def scene(client):
            return listen.spy_return.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

        assert site.run(scene)

    def test_what_is_there_before_it_serves_is_answered_and_disturbs_nobody(self, site, mocker):
        listener = socket.create_server(("127.0.0.1", 0))
        mocker.patch.object(door, "listen", return_value=listener)
        with socket.create_connection(listener.getsockname(), PATIENCE) as early:
            early.sendall(b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\nGET http://[")

            def scene(client):
                return early.recv(100).partition(b"\r\n")[0], client.get()

            assert site.run(scene) == (b"HTTP/1.1 200 OK", (200, b"hello"))

    def test_a_connection_that_cannot_be_used_keeps_nobody_from_being_accepted(self, site, mocker):
        class Listener(socket.socket):
            """Has nothing behind the first connection."""

            broken = True

            def _accept(self):
                descriptor, address = super()._accept()
                if self.broken:
                    self.broken = False
                    os.close(descriptor)
                return descriptor, address

        listener = Listener()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        mocker.patch.object(door, "listen", return_value=listener)

        def scene(client):
            received_until_the_end(client.port, b"")
            return client.get()

        assert site.run(scene) == (200, b"hello")

    def test_a_lack_of_files_passes(self, site, mocker, caplog):
        refused = queue.SimpleQueue()

        class Listener(socket.socket):
            """Cannot accept the first client at first, several times."""

            def accept(self):
                self.check()
                return super().accept()

            def _accept(self):
                self.check()
                return super()._accept()

            def check(self):
                if refused.qsize() < 5:
                    refused.put(True)
                    raise OSError(errno.EMFILE, "Too many open files")

        listener = Listener()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        mocker.patch.object(door, "listen", return_value=listener)
        assert site.run(lambda client: client.get()) == (200, b"hello")
        assert refused.qsize() == 5
        assert caplog.text.count("cannot accept a connection") == 1


class TestSettings:
    def test_one_that_the_web_server_does_not_have_is_an_error(self, site):
        with pytest.raises((ConfigurationError, TypeError), match="no_such"):
            serve(
                site.make(no_such=1),
                FrontDoor("127.0.0.1", 0),
                site.runtime,
                lambda: None,
                lambda: True,
            )

    def test_as_many_files_may_be_open_as_can_be(self, site, limits):
        site.run(lambda client: None)
        ((_, limit),) = [call.args for call in limits.call_args_list]
        assert limit == (4096, 4096)

    def test_it_does_not_matter_if_that_is_forbidden(self, site, limits):
        limits.side_effect = ValueError("not allowed")
        assert site.run(lambda client: client.get()) == (200, b"hello")


class TestStopping:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_after_the_clients_were_sent_away(self, site, number):
        steps, before = [], signal.getsignal(number)
        site.run(
            lambda client: steps.append("served"),
            stop=lambda: steps.append("stopped"),
            number=number,
        )
        assert steps == ["served", "stopped"]
        assert signal.getsignal(number) is before

    def test_nobody_is_accepted_any_more_when_the_clients_are_sent_away(self, site):
        ports, refused = [], []

        def stop():
            try:
                socket.create_connection(("127.0.0.1", ports[0]), PATIENCE).close()
            except ConnectionRefusedError:
                refused.append(True)

        site.run(lambda client: ports.append(client.port), stop=stop)
        assert refused == [True]

    def test_requests_that_are_under_way_are_answered(self, site):
        waiters, answers = queue.SimpleQueue(), queue.SimpleQueue()

        def app(environ, start_response):
            waiter = site.runtime.waiter()
            waiters.put(waiter)
            waiter.wait(PATIENCE)
            return hello(environ, start_response)

        def scene(client):
            asking = threading.Thread(target=lambda: answers.put(client.get()))
            asking.start()
            stopping.append(waiters.get(timeout=PATIENCE))
            return asking

        stopping = []
        asking = site.run(scene, app, stop=lambda: stopping[0].set())
        asking.join(PATIENCE)
        assert answers.get_nowait() == (200, b"hello")

    def test_it_waits_until_the_clients_are_gone(self, site):
        looks = []

        def stopped():
            looks.append(1)
            return len(looks) == 3

        site.run(lambda client: None, stopped=stopped)
        assert len(looks) == 3

    def test_requests_that_do_not_end_are_not_waited_for_without_end(self, site, monkeypatch):
        monkeypatch.setattr(lifetime, "_PATIENCE", 0.05)
        waiters = queue.SimpleQueue()

        def app(environ, start_response):
            waiter = site.runtime.waiter()
            waiters.put(waiter)
            waiter.wait(PATIENCE)
            return hello(environ, start_response)

        def scene(client):
            connection = client.connect()
            connection.request("GET", "/")
            return connection, waiters.get(timeout=PATIENCE)

        connection, waiter = site.run(scene, app)  # and this returns
        waiter.set()
        connection.close()

    def test_a_connection_that_is_idle_is_not_waited_for(self, site):
        def scene(client):
            connection = client.connect()
            connection.request("GET", "/")
            connection.getresponse().read()
            return connection

        begin = site.runtime.now()
        site.run(scene).close()
        assert site.runtime.now() - begin < lifetime._PATIENCE

    def test_a_handler_that_runs_when_the_signal_comes_is_not_hit_by_it(self, site):
        steps = []

        def app(environ, start_response):
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("handled")
            return hello(environ, start_response)

        # The end of the scene must not be a second signal, which would end the process.
        assert site.run(lambda client: client.get(), app, number=0) == (200, b"hello")
        assert steps == ["handled"]

    def test_async_handlers_and_posts_still_get_through_while_it_stops(self, site):
        found = []

        async def say_goodbye():
            return "goodbye"

        def stop():
            found.append(site.runtime.spawn(say_goodbye).result(timeout=PATIENCE))
            arrived = Pending(site.runtime)
            posting = threading.Thread(target=site.runtime.post, args=(arrived.resolve, "posted"))
            posting.start()
            found.append(arrived.result(timeout=PATIENCE))

        site.run(lambda client: None, stop=stop)
        assert found == ["goodbye", "posted"]

    def test_it_can_be_run_on_a_thread_that_gets_no_signals(self, site):
        class Started(Exception):
            pass

        class Server:
            def start(self, listener, siblings):
                listener.close()
                raise Started

        outcome = queue.SimpleQueue()

        def body():
            runtime = ThreadedRuntime(make_driver(site.mode))
            try:
                serve(Server(), FrontDoor("127.0.0.1", 0), runtime, lambda: None, lambda: True)
            except BaseException as error:
                outcome.put(error)

        threading.Thread(target=body).start()
        assert isinstance(outcome.get(timeout=PATIENCE), Started)
