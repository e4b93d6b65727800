"""The HTTP side of Engine.IO: requests, and what is wrong with them.

The error codes and their texts are those of the JavaScript server, which its clients read.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from sionamespace.errors import PacketError
from sionamespace.protocol.values import dumps

__all__ = ["Content", "Fault", "Request", "Response"]

_NEW_LINE = re.compile(r"(\\)?\\n")


class Fault(Enum):
    """Why a request is refused, with the code, the text and the HTTP status."""

    UNKNOWN_TRANSPORT = 0, "Transport unknown", "400 Bad Request"
    UNKNOWN_SID = 1, "Session ID unknown", "400 Bad Request"
    BAD_HANDSHAKE_METHOD = 2, "Bad handshake method", "400 Bad Request"
    BAD_REQUEST = 3, "Bad request", "400 Bad Request"
    FORBIDDEN = 4, "Forbidden", "403 Forbidden"
    SHUTTING_DOWN = 3, "Server shutting down", "503 Service Unavailable"
    UNSUPPORTED_PROTOCOL = 5, "Unsupported protocol version", "400 Bad Request"


class Content(Enum):
    """What the body of a request is."""

    TEXT = "text"
    BINARY = "binary"
    FORM = "form"
    """A form with the text in it, which clients send that poll by scripts (JSONP)."""

    def most_bytes(self, limit: int) -> int:
        """The size of a body with a payload of ``limit`` bytes, at most."""
        return 3 * limit + len("d=") if self is Content.FORM else limit

    def payload(self, body: bytes, limit: int) -> str | bytes | None:
        """The payload in a body; None if it is larger than ``limit`` bytes.

        Raises:
            PacketError: if it is not what it should be.
        """
        if self is Content.BINARY:
            return body
        try:
            text = body.decode()
            if self is Content.TEXT:
                return text
            payload = _form_payload(text)
            return payload if len(payload.encode()) <= limit else None
        except (KeyError, ValueError) as error:  # UnicodeDecodeError among them
            raise PacketError(f"the body is not {self.value}: {error}") from None


def _form_payload(form: str) -> str:
    """The payload in a form; the client escapes new lines, since browsers change them in forms."""
    data = dict(urllib.parse.parse_qsl(form, strict_parsing=True, errors="strict"))["d"]
    data = _NEW_LINE.sub(lambda found: found[0] if found[1] else "\n", data)
    return data.replace("\\\\n", "\\n")


class RequestRefused(Exception):
    """A request that is answered with a fault.

    Args:
        why: for the log, what was found and what to do.
    """

    def __init__(self, fault: Fault, why: str) -> None:
        super().__init__(why)
        self.fault = fault


@attrs.frozen
class Request:
    """An Engine.IO request, out of its WSGI environment."""

    environ: Mapping[str, Any]
    method: str
    query: Mapping[str, str]

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> Request:
        """The request of a WSGI environment."""
        query = urllib.parse.parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        return cls(environ, environ["REQUEST_METHOD"], dict(query))

    @property
    def sid(self) -> str | None:
        """The session that it is for; None for a handshake."""
        return self.query.get("sid") or None

    @property
    def script(self) -> str | None:
        """The number of the function that a client which polls by scripts (JSONP) wants called."""
        return self.query.get("j")

    @property
    def content(self) -> Content:
        """What its body is."""
        if self.script is not None:
            return Content.FORM
        kind = str(self.environ.get("CONTENT_TYPE") or "").partition(";")[0]
        return Content.BINARY if kind == _BINARY else Content.TEXT

    @property
    def is_upgrade(self) -> bool:
        """Whether it asks for a WebSocket."""
        return str(self.environ.get("HTTP_UPGRADE", "")).lower() == "websocket"

    @property
    def origin(self) -> str | None:
        """The origin of the page that it comes from, if a browser sent it; ``null`` if it hides it.

        With a script (JSONP) browsers send no ``Origin``, but say in other headers whose it is.
        """
        origin: str | None = self.environ.get("HTTP_ORIGIN")
        if origin is not None or self.script is None:
            return origin
        scheme, mark, rest = self.environ.get("HTTP_REFERER", "").partition("://")
        if mark:
            return f"{scheme}://{rest.partition('/')[0]}"
        is_foreign = self.environ.get("HTTP_SEC_FETCH_SITE") in ("cross-site", "same-site")
        return "null" if is_foreign else None

    def read_body(self, limit: int) -> bytes | None:
        """The body; None if it is larger than ``limit`` bytes.

        Raises:
            EOFError: if the client left before it had sent all of it.
        """
        chunked = self.environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        length = str(limit + 1) if chunked else self.environ.get("CONTENT_LENGTH") or "0"
        is_number = length.isascii() and length.isdigit() and len(length) < 20
        if not is_number or int(length) > limit + 1:
            return None
        try:
            body: bytes = self.environ["wsgi.input"].read(int(length))
        except (OSError, ValueError) as error:  # as the web servers tell it, in chunks
            raise EOFError(str(error)) from None
        if not chunked and len(body) < int(length):
            raise EOFError(f"{len(body)} of {length} bytes")
        return body if len(body) <= limit else None


_TEXT = "text/plain; charset=UTF-8"
_BINARY = "application/octet-stream"
_SCRIPT = "text/javascript; charset=UTF-8"


@attrs.frozen
class Response:
    """An HTTP response."""

    status: str
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    vary: tuple[str, ...] = ()
    """The headers of the request on which it depends."""
    is_payload: bool = False
    """Whether it answers a poll."""
    is_forbidden: bool = False
    """Whether the page that asked may not connect, and hence not read it."""

    @classmethod
    def payload(cls, payload: str | bytes, headers: tuple[tuple[str, str], ...] = ()) -> Response:
        """The answer to a poll."""
        if isinstance(payload, bytes):
            return cls("200 OK", _BINARY, payload, headers, is_payload=True)
        return cls("200 OK", _TEXT, payload.encode(), headers, is_payload=True)

    def for_script(self, number: str) -> Response:
        """The answer to a poll as a call of a client's function of that number (JSONP)."""
        if self.content_type != _TEXT:
            return self
        # JSON is JavaScript but for these two, which were ends of lines there.
        text = dumps(self.body.decode()).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        return attrs.evolve(self, content_type=_SCRIPT, body=f"___eio[{number}]({text});".encode())

    @classmethod
    def ok(cls) -> Response:
        """The answer to what a client posted."""
        return cls("200 OK", "text/html", b"ok")

    @classmethod
    def refusal(cls, fault: Fault) -> Response:
        """The answer to a request with a fault."""
        code, message, status = fault.value
        body = dumps({"code": code, "message": message}).encode()
        return cls(status, "application/json", body, is_forbidden=fault is Fault.FORBIDDEN)
