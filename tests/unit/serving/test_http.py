"""HTTP as the web server speaks it, byte for byte."""

from __future__ import annotations

import queue
import select
import socket
import threading
import time
from contextlib import suppress

import pytest

from sionamespace.runtime.pending import Pending
from sionamespace.serving import server
from tests.unit.serving.conftest import PATIENCE, hello


@pytest.fixture
def talk(site):
    """What is answered to bytes that a client sends, until the server closes the connection."""

    def talk(data, app=hello, more=b""):
        def scene(client):
            with socket.create_connection(("127.0.0.1", client.port), PATIENCE) as sock:
                sock.sendall(data)
                if not more:
                    sock.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: sock.recv(65536), b""))

        return site.run(scene, app)

    return talk


def request(*headers, line="GET / HTTP/1.1", body=b""):
    return "\r\n".join([line, "Host: x", *headers, "", ""]).encode() + body


def post(*headers, body=b"", line="POST / HTTP/1.1"):
    return request(*headers, line=line, body=body)


def parts(answer):
    """Status line, headers and body of the first answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.decode("latin-1").split("\r\n")
    return status, dict(line.split(": ", 1) for line in headers), body


def echo(environ, start_response):
    """Answers with what it was sent."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def seeing(found):
    def app(environ, start_response):
        found.update(environ)
        return hello(environ, start_response)

    return app


class TestRequests:
    @pytest.mark.parametrize("coding", ["chunked", "Chunked"])
    def test_a_body_in_chunks_is_put_together(self, talk, coding):
        chunks = b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
        data = post(f"Transfer-Encoding: {coding}", body=chunks)
        assert parts(talk(data + request(), echo))[2].startswith(b"hello world")

    @pytest.mark.parametrize(
        "chunks",
        [
            b"nonsense\r\n",
            b"-5\r\nhello\r\n",
            b"5\r\nhel",
            b"5\nhello\r\n0\r\n\r\n",
            b"5;a\nhello\r\n0\r\n\r\n",
            b"5;a\rb\r\nhello\r\n0\r\n\r\n",
            b"5;%b\r\nhello\r\n0\r\n\r\n" % (b"x" * 5000),
            b"5\r\nhello\n0\r\n\r\n",
            b"0\r\n \r\n",
            b"0\r\nX: y\r\n \r\n",
            b"0\r\nX: y\n\n",
            b"0\r\n\n",
            b"0\r\nX: y\r\n",
            b"0\r\n" + b"X: y\r\n" * 100 + b"\r\n",
        ],
    )
    def test_chunks_that_others_may_read_in_another_way_end_the_connection(
        self, talk, chunks, caplog
    ):
        answer = talk(post("Transfer-Encoding: chunked", body=chunks) + request(), echo)
        assert b"200 OK" not in answer
        assert "Traceback" not in caplog.text

    def test_after_a_body_that_is_broken_nothing_is_read_though_it_was_answered(self, talk):
        faults = []

        def app(environ, start_response):
            for _ in range(2):
                try:
                    environ["wsgi.input"].read()
                except OSError as error:
                    faults.append(str(error))
            return hello(environ, start_response)

        data = post("Transfer-Encoding: chunked", body=b"nonsense\r\n") + request()
        assert talk(data, app).count(b"200 OK") == 1
        assert faults == ["a malformed chunk: b'nonsense\\r\\n'"] * 2

    @pytest.mark.parametrize(
        "headers",
        [
            ["Content-Length: 5", "Transfer-Encoding: chunked"],
            ["Transfer-Encoding: gzip, chunked"],
            ["Transfer-Encoding: identity"],
            ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
            ["Content-Length: 5", "Content-Length: 6"],
            ["Content-Length: -1"],
            ["Content-Length: 5x"],
            ["Content-Length: +5"],
            ["Content-Length:"],
            ["Content-Length:", "Transfer-Encoding: chunked"],
        ],
        ids=" & ".join,
    )
    def test_a_body_whose_end_is_not_clear_is_refused_and_nothing_after_it_read(
        self, talk, headers
    ):
        asked = []

        def app(environ, start_response):
            asked.append(environ)
            return hello(environ, start_response)

        answer = talk(post(*headers, body=b"0\r\n\r\n" + request(line="GET /hidden HTTP/1.1")), app)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert asked == []

    def test_what_the_application_leaves_of_a_small_body_does_not_harm_the_next(self, talk):
        data = post("Content-Length: 5", body=b"12345")
        assert talk(data + data).count(b"200 OK") == 2

    def test_after_a_large_one_that_it_leaves_the_connection_ends(self, talk):
        body = b"x" * 300_000
        data = post(f"Content-Length: {len(body)}", body=body)
        assert talk(data + request()).count(b"200 OK") == 1

    def test_a_client_that_leaves_in_its_body_is_no_fault(self, talk, caplog):
        assert talk(post("Content-Length: 5", body=b"123"), echo) == b""
        assert "Traceback" not in caplog.text

    def test_the_whole_url_of_a_proxy_has_its_path(self, talk):
        found = {}
        talk(request(line="GET http://x/some%20path?a=b HTTP/1.1"), seeing(found))
        assert (found["PATH_INFO"], found["QUERY_STRING"]) == ("/some path", "a=b")

    def test_headers_come_once_and_none_may_pass_for_another(self, talk):
        found = {}
        talk(request("X-Two: 1", "X-Two: 2", "X_Real: forged"), seeing(found))
        assert found["HTTP_X_TWO"] == "1,2"
        assert "HTTP_X_REAL" not in found

    def test_any_method_is_the_applications_matter(self, talk):
        found = {}
        talk(request(line="PROPFIND / HTTP/1.1"), seeing(found))
        assert found["REQUEST_METHOD"] == "PROPFIND"

    def test_one_that_expects_to_be_asked_is_asked_to_go_on(self, talk):
        data = post("Content-Length: 2", "Expect: 100-continue", body=b"ok")
        assert talk(data, echo).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")

    @pytest.mark.parametrize("ending", [b"", b"\r\n\r\n"], ids=["endless", "ended"])
    def test_a_head_that_is_too_large_is_refused(self, talk, ending):
        answer = talk(b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + ending)
        assert answer.startswith(b"HTTP/1.1 431 ")

    def test_what_is_no_request_is_told_why(self, talk):
        status, headers, body = parts(talk(b"nonsense\r\n\r\n", more=b"waits"))
        assert (status, headers["Connection"]) == ("HTTP/1.1 400 Bad Request", "close")
        assert body == b"no request of HTTP/1.1"

    def test_empty_lines_before_a_request_are_passed_over(self, talk):
        assert talk(b"\r\n\r\n" + request()).startswith(b"HTTP/1.1 200 ")

    def test_a_head_may_come_in_pieces(self, site):
        def scene(client):
            with socket.create_connection(("127.0.0.1", client.port), PATIENCE) as sock:
                for byte in request("Connection: close"):
                    sock.sendall(bytes([byte]))
                return b"".join(iter(lambda: sock.recv(65536), b""))

        assert site.run(scene).endswith(b"\r\n\r\nhello")

    def test_a_client_that_does_not_go_on_is_let_go(self, site, monkeypatch):
        monkeypatch.setattr(server, "_PATIENCE", 0.2)

        def scene(client):
            beginnings = [b"", b"GET / HT", post("Content-Length: 5", body=b"12")]
            ends = []
            for data in beginnings:
                with socket.create_connection(("127.0.0.1", client.port), PATIENCE) as sock:
                    sock.sendall(data)
                    ends.append(sock.recv(1))
            return ends

        assert site.run(scene, echo) == [b""] * 3

    @pytest.mark.parametrize(("size", "answered"), [(100, True), (1, False)])
    def test_a_body_may_come_slowly_but_not_without_end(self, site, monkeypatch, size, answered):
        monkeypatch.setattr("sionamespace.serving.connection._SLOW_START", 0.1)

        def scene(client):
            with socket.create_connection(("127.0.0.1", client.port), PATIENCE) as sock:
                sock.sendall(post(f"Content-Length: {size * 50}", body=b""))
                with suppress(ConnectionError):
                    for _ in range(50):
                        if select.select([sock], [], [], 0.01)[0]:
                            break
                        sock.sendall(b"x" * size)
                    return sock.recv(12)
            return b""

        assert site.run(scene, echo) == (b"HTTP/1.1 200" if answered else b"")

    def test_a_body_that_has_come_is_not_cut_off_for_the_pause_before_it(self, site, monkeypatch):
        monkeypatch.setattr("sionamespace.serving.connection._SLOW_START", 0.1)

        def scene(client):
            with socket.create_connection(("127.0.0.1", client.port), PATIENCE) as sock:
                sock.sendall(post("Content-Length: 5", body=b""))
                assert not select.select([sock], [], [], 0.3)[0]
                sock.sendall(b"12345")
                return sock.recv(12)

        assert site.run(scene, echo) == b"HTTP/1.1 200"

    def test_one_that_does_not_read_keeps_nobody_waiting_and_is_let_go(self, site, monkeypatch):
        monkeypatch.setattr(server, "_PATIENCE", 0.2)
        ended = queue.SimpleQueue()

        def app(environ, start_response):
            if environ["PATH_INFO"] != "/large":
                return hello(environ, start_response)
            start_response("200 OK", [])
            return Large()

        class Large:
            def __iter__(self):
                while True:
                    yield b"x" * 65536

            def close(self):
                ended.put(True)

        def scene(client):
            with socket.create_connection(("127.0.0.1", client.port), PATIENCE) as silent:
                silent.sendall(request(line="GET /large HTTP/1.1"))
                return client.get(), ended.get(timeout=PATIENCE)

        assert site.run(scene, app) == ((200, b"hello"), True)


class TestResponses:
    def test_a_length_that_is_not_known_goes_in_chunks(self, talk):
        def app(environ, start_response):
            write = start_response("200 OK", [])
            write(b"first")
            return [b"", b"second"]

        status, headers, body = parts(talk(request(), app))
        assert (status, headers["Transfer-Encoding"]) == ("HTTP/1.1 200 OK", "chunked")
        assert body == b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"

    def test_to_an_old_client_it_ends_with_the_connection(self, talk):
        def app(environ, start_response):
            start_response("200 OK", [])
            return [b"body"]

        _, headers, body = parts(talk(request(line="GET / HTTP/1.0"), app, more=b"waits"))
        assert (headers["Connection"], body) == ("close", b"body")

    @pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified", "200 OK"])
    def test_some_have_no_body(self, talk, status):
        def app(environ, start_response):
            start_response(status, [])
            return []

        line = "HEAD / HTTP/1.1" if status == "200 OK" else "GET / HTTP/1.1"
        said, headers, body = parts(talk(request(line=line), app))
        assert (said, body) == (f"HTTP/1.1 {status}", b"")
        assert "Transfer-Encoding" not in headers

    def test_a_status_may_have_no_words_and_a_date_is_the_applications(self, talk):
        def app(environ, start_response):
            start_response("404", [("Content-Length", "0"), ("Date", "today")])
            return []

        status, headers, _ = parts(talk(request(), app))
        assert (status, headers["Date"]) == ("HTTP/1.1 404 Not Found", "today")

    @pytest.mark.parametrize("line", ["HEAD / HTTP/1.1", "GET /204 HTTP/1.1"])
    def test_a_body_where_there_is_none_is_not_sent(self, talk, line):
        def app(environ, start_response):
            start_response("204 No Content" if environ["PATH_INFO"] == "/204" else "200 OK", [])
            return [b"body"]

        answer = talk(request(line=line) * 2, app)
        assert answer.count(b"HTTP/1.1 20") == 2
        assert b"body" not in answer

    @pytest.mark.parametrize(("length", "sent"), [(100, b"a body"), (4, b"a bo")])
    def test_after_a_body_of_another_length_than_it_said_the_connection_ends(
        self, talk, caplog, length, sent
    ):
        def app(environ, start_response):
            start_response("200 OK", [("Content-Length", str(length))])
            return [b"a bo", b"dy"]

        answer = talk(request() * 2, app)
        assert (parts(answer)[2], answer.count(b"HTTP/1.1")) == (sent, 1)
        assert "than its Content-Length" in caplog.text

    @pytest.mark.parametrize(
        ("status", "headers"),
        [
            ("200 OK", [("X-Name", "value\r\nX-Other: value")]),
            ("200 OK", [("X-Name", "value\nX-Other: value")]),
            ("200 OK\r", []),
            ("200 OK", [("X-Name", "\N{SNOWMAN}")]),
        ],
    )
    def test_a_head_that_cannot_be_sent_is_an_error_500(self, talk, caplog, status, headers):
        def app(environ, start_response):
            start_response(status, headers)
            return [b"body"]

        said, headers, body = parts(talk(request(), app))
        assert (said, body) == ("HTTP/1.1 500 Internal Server Error", b"Internal Server Error")
        assert "X-Name" not in headers
        assert "Error: " in caplog.text

    @pytest.mark.parametrize("error", [LookupError, ConnectionRefusedError, TimeoutError])
    def test_what_fails_before_it_said_anything_is_an_error_500(self, talk, caplog, error):
        def app(environ, start_response):
            start_response("200 OK", [])
            raise error("secret")

        answer = talk(request() + request(), app)
        assert answer.startswith(b"HTTP/1.1 500 ")
        assert answer.count(b"HTTP/1.1") == 1
        assert b"secret" not in answer
        assert f"{error.__name__}: secret" in caplog.text

    def test_what_fails_later_ends_the_connection_and_its_body_is_closed(self, talk):
        closed = queue.SimpleQueue()

        class Breaking:
            def __iter__(self):
                yield b"begun"
                raise LookupError

            def close(self):
                closed.put(True)

        def app(environ, start_response):
            start_response("200 OK", [("Content-Length", "100")])
            return Breaking()

        assert talk(request() + request(), app).endswith(b"begun")
        assert closed.get_nowait()

    def test_an_error_may_still_change_what_was_not_sent(self, talk):
        def app(environ, start_response):
            start_response("200 OK", [])
            try:
                raise LookupError
            except LookupError as error:
                start_response("503 Later", [("Content-Length", "0")], (None, error, None))
            return []

        assert parts(talk(request(), app))[0] == "HTTP/1.1 503 Later"

    def test_a_socket_that_the_application_takes_is_not_answered_on(self, talk):
        def app(environ, start_response):
            stream = environ["sionamespace.stream"]
            stream.taken = True
            stream.send(b"mine")
            stream.close()
            return ()

        assert talk(request(), app) == b"mine"


class TestAnswersThatComeLater:
    """What the engine does with polls."""

    def test_the_connection_goes_on_with_what_came_meanwhile(self, site):
        waiting = queue.SimpleQueue()

        def app(environ, start_response):
            if environ["PATH_INFO"] == "/poll":
                waits = Pending(site.runtime)
                environ["sionamespace.later"](waits.listen, hello)
                waiting.put(waits)
                return ()
            return echo(environ, start_response)

        def scene(client):
            with socket.create_connection(("127.0.0.1", client.port), PATIENCE) as sock:
                poll = post("Content-Length: 4", body=b"poll", line="POST /poll HTTP/1.1")
                sock.sendall(poll + post("Content-Length: 4", "Connection: close", body=b"next"))
                first = waiting.get(timeout=PATIENCE)
                asked = client.get()
                site.runtime.post(first.resolve, None)
                return asked, b"".join(iter(lambda: sock.recv(65536), b""))

        asked, answers = site.run(scene, app)
        assert asked == (200, b"")
        first, _, second = answers.partition(b"hello")
        assert first.startswith(b"HTTP/1.1 200 OK")
        assert second.endswith(b"\r\n\r\nnext")

    def test_many_that_wait_keep_no_threads(self, site):
        waiting = []

        def app(environ, start_response):
            waits = Pending(site.runtime)
            environ["sionamespace.later"](waits.listen, hello)
            waiting.append(waits)
            return ()

        def scene(client):
            connections = [client.connect() for _ in range(50)]
            before = threading.active_count()
            for connection in connections:
                connection.request("GET", "/")
            while len(waiting) < 50:
                time.sleep(0.001)
            more = threading.active_count() - before
            for waits in waiting:
                site.runtime.post(waits.resolve, None)
            answers = [connection.getresponse().read() for connection in connections]
            for connection in connections:
                connection.close()
            return more, answers

        more, answers = site.run(scene, app)
        assert answers == [b"hello"] * 50
        assert more < 10

    def test_one_that_fails_is_an_error_500(self, site, caplog):
        def fail(environ, start_response):
            raise LookupError

        def app(environ, start_response):
            environ["sionamespace.later"](lambda call: call(), fail)
            return ()

        assert site.run(lambda client: client.get()[0], app) == 500
        assert "LookupError" in caplog.text
