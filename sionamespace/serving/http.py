"""HTTP/1.1 for one connection of the threaded web server."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http.client import responses
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["Body", "Handler"]

_log = logging.getLogger("sionamespace.run")

_DRAIN = 65536
"""How many bytes of a body that the application left are read, to use the connection again."""


class Handler(BaseHTTPRequestHandler):
    """Runs a WSGI application for each request of a connection.

    The application may take ``environ["sionamespace.socket"]`` over; a request that then ends
    with no response has ended.
    """

    protocol_version = "HTTP/1.1"
    timeout = 65
    """Seconds that a connection may be idle."""
    rbufsize = 65536
    server: Any

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any method is the application's matter
            return self._run
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        _log.debug("%s " + format, self.client_address[0], *args)

    def parse_request(self) -> bool:
        """Read the head of a request; False if it is bad, or for another worker's client."""
        if self.server.send_home(self.raw_requestline, self.rfile, self.connection):
            self.close_connection = True
            return False
        return super().parse_request()

    def _run(self) -> None:
        fault = _fault_of(self.headers)
        if fault is not None:  # else what follows it could be taken for another request
            self.send_error(400, fault)
            return
        with self.server.request():
            body = Body(self.rfile, self.headers)
            response = _Response(self, self.wfile.write)
            try:
                response.run(self.server.app, self._environ(body))
            except (ConnectionError, TimeoutError):
                self.close_connection = True
            except Exception:
                _log.exception("a request failed: %s", self.requestline)
                self.close_connection = True
                response.fail()
            if not (response.started and body.drained()) or self.server.stopping:
                self.close_connection = True

    def _environ(self, body: Body) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        if not path.startswith("/"):  # a proxy's form: the whole URL
            path = urlsplit(path).path or "/"
        host, port = self.server.address
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_PORT": str(self.client_address[1]),
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.server.scheme,
            "wsgi.input": io.BufferedReader(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "sionamespace.socket": self.connection,
        }
        for name, value in self.headers.items():
            key = "HTTP_" + name.upper().replace("-", "_")
            # A name with an underscore would pass for one with a hyphen, which a proxy had set.
            if "_" not in name and key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
                environ[key] = f"{environ[key]},{value}" if key in environ else value.strip()
        return environ


def _fault_of(headers: Any) -> str | None:
    """Why it cannot be told where the body of a request ends (RFC 9112, section 6.3)."""
    lengths = set(headers.get_all("Content-Length", ()))
    codings = [coding.lower() for coding in headers.get_all("Transfer-Encoding", ())]
    if codings and (lengths or codings != ["chunked"]):
        return "Transfer-Encoding must be chunked, without Content-Length"
    if len(lengths) > 1 or not all(n.isascii() and n.isdigit() for n in lengths):
        return "malformed Content-Length"
    return None


class Body(io.RawIOBase):
    """The body of a request, by its length or in chunks; it ends where the body does."""

    def __init__(self, stream: Any, headers: Any) -> None:
        self._stream = stream
        self._chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
        self._left = int(headers.get("Content-Length", 0))
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left and self._chunked and not self._ended:
            self._next_chunk()
        data = self._stream.read1(min(len(buffer), self._left)) if self._left else b""
        if self._left and not data:
            self._left, self._ended = 0, True
            raise ConnectionResetError("the client left while it sent a body")
        self._left -= len(data)
        if self._chunked and not self._left and not self._ended:
            self._stream.readline(3)  # the end of the chunk
        buffer[: len(data)] = data
        return len(data)

    def _next_chunk(self) -> None:
        line = self._stream.readline(100).partition(b";")[0].strip()
        try:
            self._left = int(line, 16)
        except ValueError:
            self._ended = True
            raise ConnectionAbortedError(f"a malformed chunk: {line!r:.20}") from None
        if not self._left:
            self._ended = True
            while self._stream.readline(65536).strip():  # trailers
                pass

    def drained(self) -> bool:
        """Read what the application left; whether the next request can be read after it."""
        try:
            for _ in range(_DRAIN // 4096):
                if not self.readinto(bytearray(4096)):
                    return True
        except OSError:
            return False
        return False


class _Response:
    """One response: what WSGI's ``start_response`` and ``write`` do."""

    def __init__(self, handler: Handler, write: Callable[[bytes], object]) -> None:
        self._handler = handler
        self._send = write
        self._head: tuple[str, list[tuple[str, str]]] | None = None
        self._chunked = False
        self._sent = False

    @property
    def started(self) -> bool:
        """Whether the application has begun one."""
        return self._head is not None

    def run(self, app: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> None:
        """Have an application answer a request."""
        body = app(environ, self._start)
        try:
            for data in body:
                if data:
                    self._write(data)
            if self.started and not self._sent:
                self._write(b"")
            if self._chunked:
                self._send(b"0\r\n\r\n")
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()

    def fail(self) -> None:
        """Say that something failed, if nothing was said yet."""
        if not self._sent:
            self._head, self._chunked = (
                ("500 Internal Server Error", [("Content-Length", "0")]),
                False,
            )
            self._write(b"")

    def _start(
        self, status: str, headers: list[tuple[str, str]], error: Any = None
    ) -> Callable[[bytes], None]:
        if error is not None and self._sent:
            raise error[1].with_traceback(error[2])
        self._head = status, list(headers)
        return self._write

    def _write(self, data: bytes) -> None:
        head = b"" if self._sent else self._headers()
        self._sent = True
        if self._chunked and data:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        # In one write, else the body could wait for the head's acknowledgement.
        self._send(head + data)

    def _headers(self) -> bytes:
        assert self._head is not None, "the application wrote before start_response"
        status, headers = self._head
        names = {name.lower() for name, _ in headers}
        bodiless = self._handler.command == "HEAD" or status[:3] in ("204", "304")
        if "content-length" not in names and not bodiless:
            self._chunked = self._handler.request_version == "HTTP/1.1"
            if self._chunked:
                headers = [*headers, ("Transfer-Encoding", "chunked")]
            else:
                self._handler.close_connection = True
        if "date" not in names:
            headers = [*headers, ("Date", formatdate(usegmt=True))]
        closing = self._handler.close_connection or self._handler.server.stopping
        headers = [*headers, ("Connection", "close" if closing else "keep-alive")]
        if " " not in status:
            status = f"{status} {responses.get(int(status), '')}"
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")
