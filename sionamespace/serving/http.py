"""HTTP/1.1 as a client speaks it (RFC 9112): the head of a request, and its WSGI environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from sionamespace.serving.body import Body

__all__ = ["MOST_HEAD", "Malformed", "Request"]

MOST_HEAD: Final = 65536
"""How many bytes the head of a request has at most."""

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE = re.compile(rf"({_TOKEN}) ([!-~\x80-\xff]+) HTTP/1\.([0-9])\r\n")
_HEADERS = re.compile(rf"(?:{_TOKEN}:[^\r\n\0]*\r\n)*")
_HEADER = re.compile(rf"({_TOKEN}):[ \t]*([^\r\n]*)")
_SITE = re.compile(r"https?://([^/@]+)(?=/|$)", re.IGNORECASE)
"""How a target begins that is a whole URL, a proxy's form."""
_LENGTH = re.compile(r"[0-9]{1,19}")

_OFTEN = """Host User-Agent Accept Accept-Encoding Accept-Language Connection Upgrade Origin Cookie
Cache-Control Pragma Referer Sec-WebSocket-Key Sec-WebSocket-Version Sec-WebSocket-Extensions
Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest"""


def _key(name: str) -> str:
    """What a header is called in a WSGI environment."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key


_KEYS = {name: _key(name) for name in ("Content-Type", "Content-Length", *_OFTEN.split())}
"""Those of the headers that most clients send; made once."""


class Malformed(Exception):
    """A request that cannot be answered as it is; the connection ends with it.

    Args:
        status: the status line's code and text.
        why: what is said to whoever made it.
    """

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


class Request:
    """The head of a request.

    Args:
        head: all of it, with the empty line at its end.
        base: what the WSGI environments of a connection's requests have in common.

    Raises:
        Malformed: if it is not clear what it says, or where its body ends.
    """

    __slots__ = ("body", "chunked", "environ", "expects", "is_new", "keeps", "length", "method")

    def __init__(self, head: str, base: Mapping[str, Any]) -> None:
        line = _LINE.match(head)
        if line is None:
            raise Malformed("400 Bad Request", "no request of HTTP/1.1")
        headers = _HEADERS.fullmatch(head, line.end(), len(head) - 2)
        if headers is None:
            raise Malformed("400 Bad Request", "malformed headers")
        self.method, target, minor = line.groups()
        self.is_new = minor != "0"
        """Whether it is of HTTP/1.1, and not of 1.0."""
        self.environ = environ = {**base, "REQUEST_METHOD": self.method}
        path, _, environ["QUERY_STRING"] = target.partition("?")
        site = None if path.startswith("/") else _SITE.match(path)
        if site is not None:
            path = path[site.end() :] or "/"
        elif not path.startswith("/") and path != "*":
            raise Malformed("400 Bad Request", "expected a path or a URL to be asked for")
        environ["PATH_INFO"] = unquote(path, "latin-1") if "%" in path else path
        environ["SERVER_PROTOCOL"] = "HTTP/1.1" if self.is_new else "HTTP/1.0"
        _add_headers(environ, _HEADER.findall(headers[0]))
        self._check_host()
        if site is not None:
            environ["HTTP_HOST"] = site[1]
        self.chunked, self.length = self._extent()
        environ.setdefault("CONTENT_TYPE", "")
        environ.setdefault("CONTENT_LENGTH", "")
        self.body: Body | None = None
        """What is still to be read of it when the application is called."""
        tokens = str(environ.get("HTTP_CONNECTION", "")).lower()
        self.keeps = "close" not in tokens if self.is_new else "keep-alive" in tokens
        """Whether the client may use the connection for another one."""
        self.expects = self.is_new and environ.get("HTTP_EXPECT", "").lower() == "100-continue"
        """Whether the client waits with the body until it is asked for it."""

    def _check_host(self) -> None:
        """Raise unless it names one host: of two, others may take the other (RFC 9112, 3.2)."""
        host = self.environ.get("HTTP_HOST")
        if self.is_new if host is None else "," in host:
            raise Malformed("400 Bad Request", "expected one Host header")

    def _extent(self) -> tuple[bool, int]:
        """Whether the body comes in chunks, and else how long it is (RFC 9112, section 6.3)."""
        length = self.environ.get("CONTENT_LENGTH")
        coding = self.environ.get("HTTP_TRANSFER_ENCODING")
        # Who takes it for another length than we do may take what follows for another request.
        if coding is not None and (
            length is not None or coding.lower() != "chunked" or not self.is_new
        ):
            raise Malformed(
                "400 Bad Request", "Transfer-Encoding must be chunked, without Content-Length"
            )
        if length is not None and not _LENGTH.fullmatch(length):
            raise Malformed("400 Bad Request", "malformed Content-Length")
        return coding is not None, int(length or 0)


def _add_headers(environ: dict[str, Any], headers: list[tuple[str, str]]) -> None:
    for name, value in headers:
        key = _KEYS.get(name) or _key(name)
        value = value.rstrip(" \t")
        # A name with an underscore would pass for one with a hyphen, which a proxy had set.
        if "_" not in name:
            environ[key] = f"{environ[key]},{value}" if key in environ else value
