"""`Response`: what a WSGI application answers (PEP 3333), as it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http.client import responses
from typing import Any

from sionamespace.serving.http import Request

__all__ = ["Clock", "Response"]

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Callable[[bytes], None]]

_CONNECTION = {True: "Connection: keep-alive", False: "Connection: close"}


class Response:
    """One response: what WSGI's ``start_response`` and ``write`` do.

    Args:
        write: sends some bytes; waits until they are sent.
        keeps: whether the connection may be used for another request, if this goes well.
    """

    def __init__(
        self, request: Request, write: Callable[[bytes], object], clock: Clock, keeps: bool
    ) -> None:
        self.keeps = keeps
        """Whether the connection may be used for another request."""
        self._clock = clock
        self._request = request
        self._send = write
        self._head: tuple[str, Headers] | None = None
        self._chunked = False
        self._bodiless = False
        self._left: int | None = None
        """How many bytes are still to come of a body whose length was said."""
        self._sent = False

    @property
    def started(self) -> bool:
        """Whether the application has begun one."""
        return self._head is not None

    def run(self, app: Callable[[dict[str, Any], StartResponse], Iterable[bytes]]) -> None:
        """Have an application answer the request."""
        body = app(self._request.environ, self._start)
        try:
            for data in body:
                if data:
                    self._write(data)
            if self.started and not self._sent:
                self._write(b"")
            if self._left:
                raise ValueError(f"the body is {self._left} bytes shorter than its Content-Length")
            if self._chunked:
                self._send(b"0\r\n\r\n")
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()

    def fail(self) -> None:
        """Answer that the application failed, if nothing was said yet."""
        self.keeps = False
        if not self._sent:
            text = b"Internal Server Error"
            headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))]
            self._head = "500 Internal Server Error", headers
            self._write(text)

    def _start(self, status: str, headers: Headers, error: Any = None) -> Callable[[bytes], None]:
        if error is not None and self._sent:
            raise error[1].with_traceback(error[2])
        self._head = status, headers
        return self._write

    def _write(self, data: bytes) -> None:
        head = b"" if self._sent else self._headers()
        self._sent = True
        size = len(data)
        if self._bodiless:
            data = b""
        elif self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        elif self._chunked and data:
            data = b"%x\r\n%b\r\n" % (size, data)
        # In one write, else the body could wait for the head's acknowledgement.
        self._send(head + data)
        if self._left is not None and len(data) < size:
            raise ValueError("the body is longer than its Content-Length")

    def _headers(self) -> bytes:
        assert self._head is not None, "the application wrote before start_response"
        status, headers = self._head
        lines = [f"HTTP/1.1 {status}"]
        values = {}
        for name, value in headers:
            values[name.lower()] = value
            lines.append(f"{name}: {value}")
        self._bodiless = self._request.method == "HEAD" or status[:3] in ("204", "304")
        length = None if self._bodiless else values.get("content-length")
        self._left = None if length is None else int(length)
        ends_by_itself = self._bodiless or length is not None
        self._chunked = self._request.is_new and not ends_by_itself
        if self._chunked:
            lines.append("Transfer-Encoding: chunked")
        elif not ends_by_itself:
            self.keeps = False
        if "date" not in values:
            lines.append(self._clock.date())
        if " " not in status:
            lines[0] += f" {responses.get(int(status), '')}"
        lines += _CONNECTION[self.keeps], "", ""
        head = "\r\n".join(lines)
        if head.count("\n") >= len(lines) or head.count("\r") >= len(lines):
            raise ValueError(f"a new line in the status or a header: {lines!r:.200}")
        return head.encode("latin-1")


class Clock:
    """The time as responses say it; made once a second."""

    def __init__(self) -> None:
        self._now = 0
        self._line = ""

    def date(self) -> str:
        """The header ``Date``."""
        now = int(time.time())
        if now != self._now:
            self._now, self._line = now, f"Date: {formatdate(now, usegmt=True)}"
        return self._line
