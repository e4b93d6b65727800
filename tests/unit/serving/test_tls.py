"""``https`` on each web server."""

from __future__ import annotations

import gc
import socket
import ssl
import weakref
from contextlib import suppress
from pathlib import Path

import pytest

from sionamespace.errors import ConfigurationError
from sionamespace.serving.tls import Certificate
from tests.unit.serving.conftest import PATIENCE

BIG = bytes(range(256)) * 4096


def echo(environ, start_response):
    """An application that answers with what it was sent, and by which scheme."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
    scheme = environ["wsgi.url_scheme"]
    start_response("200 OK", [("X-Scheme", scheme), ("Content-Length", str(len(body)))])
    return [body]


class TestServing:
    def test_much_goes_both_ways_and_the_application_knows_that_it_is_https(self, site):
        def scene(client):
            connection = client.connect()
            answers = []
            for _ in range(2):
                connection.request("POST", "/", BIG)
                response = connection.getresponse()
                answers.append((response.headers["X-Scheme"], response.read() == BIG))
            connection.close()
            return answers

        assert site.run(scene, echo, tls=True) == [("https", True)] * 2

    def test_as_much_is_sent_at_once_as_the_kernel_takes(self, site):
        def app(environ, start_response):
            stream = environ["sionamespace.stream"]
            stream.taken = True
            sizes.append(stream.send(BIG))
            data = BIG[sizes[0] :]
            while data:
                stream.wait_writable()
                with suppress(BlockingIOError):
                    data = data[stream.send(data) :]
            stream.finish()
            stream.close()
            return ()

        def scene(client):
            context = client.context()
            plain = socket.create_connection(("127.0.0.1", client.port), PATIENCE)
            with context.wrap_socket(plain, server_hostname="localhost") as sock:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return b"".join(iter(lambda: sock.recv(65536), b""))

        sizes = []
        assert site.run(scene, app, tls=True) == BIG
        assert sizes[0] > 65536

    @pytest.mark.parametrize("tls", [True, False])
    def test_a_connection_is_freed_without_the_garbage_collector(self, site, tls):
        def app(environ, start_response):
            streams.append(weakref.ref(environ["sionamespace.stream"]))
            return echo(environ, start_response)

        def scene(client):
            connection = client.connect()
            connection.request("POST", "/", b"x", {"Connection": "close"})
            connection.getresponse().read()
            connection.close()

        streams = []
        gc.collect()
        gc.disable()
        try:
            site.run(scene, app, stopped=lambda: streams[0]() is None, tls=tls)
            assert streams[0]() is None
        finally:
            gc.enable()

    def test_plain_http_and_broken_handshakes_disturb_nobody(self, site, caplog, capfd):
        def scene(client):
            hello_of_tls = client_hello(client.context())
            for data in (b"", b"GET / HTTP/1.1\r\n\r\n", hello_of_tls[:7], hello_of_tls):
                with socket.create_connection(("127.0.0.1", client.port), PATIENCE) as broken:
                    broken.sendall(data)
            distrusting = socket.create_connection(("127.0.0.1", client.port), PATIENCE)
            with pytest.raises(ssl.SSLCertVerificationError):
                ssl.create_default_context().wrap_socket(distrusting, server_hostname="localhost")
            return client.get()

        assert site.run(scene, tls=True) == (200, b"hello")
        assert [r for r in caplog.records if r.levelname in ("WARNING", "ERROR")] == []
        assert "Traceback" not in capfd.readouterr().err

    def test_a_client_that_does_not_speak_keeps_nobody_waiting_and_is_let_go(
        self, site, monkeypatch
    ):
        monkeypatch.setattr("sionamespace.serving.server.HANDSHAKE_SECONDS", 0.2)

        def scene(client):
            with socket.create_connection(("127.0.0.1", client.port), PATIENCE) as silent:
                answer = client.get()
                return answer, silent.recv(1)

        assert site.run(scene, tls=True) == ((200, b"hello"), b"")


def client_hello(context: ssl.SSLContext) -> bytes:
    """What a client says first."""
    sent = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost").do_handshake()
    return sent.read()


class TestCertificate:
    def test_without_one_there_is_plain_http(self, site):
        assert Certificate.parse(None, None) is None
        assert site.make().scheme == "http"
        assert site.make(tls=True).scheme == "https"

    def test_the_key_may_stand_in_the_same_file(self, certificate, tmp_path):
        both = tmp_path / "both.pem"
        texts = [Path(name).read_text() for name in (certificate.certfile, certificate.keyfile)]
        both.write_text("".join(texts))
        assert Certificate.parse(str(both), None) == Certificate(str(both), None)

    def test_a_key_alone_is_an_error(self, certificate):
        with pytest.raises(ConfigurationError, match="certfile= too"):
            Certificate.parse(None, certificate.keyfile)

    @pytest.mark.parametrize("wrong", ["absent", "nonsense", "another's key"])
    def test_files_that_cannot_be_used_are_an_error_that_names_them(
        self, certificate, authority, tmp_path, wrong
    ):
        key = tmp_path / "wrong.pem"
        if wrong == "nonsense":
            key.write_text("nonsense")
        if wrong == "another's key":
            authority.issue_cert("localhost").private_key_pem.write_to_path(key)
        with pytest.raises(ConfigurationError, match=r"certificate\.pem.*wrong\.pem.*PEM form"):
            Certificate.parse(certificate.certfile, str(key))
