"""How a WebSocket begins."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.extensions.base import Extension
from websockets.protocol import Protocol, Side, State
from websockets.server import ServerProtocol
from websockets.utils import accept_key

from sionamespace.engine.deflate import Deflate

__all__ = ["Accepted", "Handshake"]

_KEY = re.compile("[A-Za-z0-9+/]{22}==")

_quiet = logging.getLogger("sionamespace.engine.websocket")
"""The protocol's own log, which tells each opening and closing at INFO."""
_quiet.setLevel(logging.WARNING)


class Accepted:
    """A WebSocket whose opening handshake the web server has made itself.

    Args:
        max_bytes: the size of a message, past which the connection fails with code 1009.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes

    def answer(self) -> bytes:
        """The bytes that accept the request; none if they have been sent."""
        return b""

    def opened(self) -> Protocol:
        """The protocol from here on."""
        return Protocol(Side.SERVER, state=State.OPEN, max_size=self.max_bytes, logger=_quiet)


class Handshake(Accepted):
    """The opening handshake of a WebSocket (RFC 6455, section 4.2).

    Args:
        environ: the WSGI environment of the request.
        max_bytes: the size of a message, past which the connection fails with code 1009.
        deflate: how messages are compressed, for clients that take it; None if they are not.
    """

    def __init__(
        self, environ: Mapping[str, Any], max_bytes: int, deflate: Deflate | None = None
    ) -> None:
        super().__init__(max_bytes)
        self.fault = _fault(environ)
        """Why the request is not one for a WebSocket; None if it is."""
        self._key = str(environ.get("HTTP_SEC_WEBSOCKET_KEY"))
        offer = environ.get("HTTP_SEC_WEBSOCKET_EXTENSIONS")
        self._extensions, self._agreed = (
            _negotiate(offer, deflate) if deflate and offer else ([], None)
        )
        self.deflate = deflate if self._extensions else None

    def answer(self) -> bytes:
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_key(self._key)}",
            *([f"Sec-WebSocket-Extensions: {self._agreed}"] if self._agreed else ()),
        ]
        return "\r\n".join((*lines, "", "")).encode()

    def opened(self) -> Protocol:
        protocol = super().opened()
        protocol.extensions = self._extensions
        return protocol


def _fault(environ: Mapping[str, Any]) -> str | None:
    if "websocket" not in _tokens(environ, "HTTP_UPGRADE"):
        return "no `Upgrade: websocket`"
    if "upgrade" not in _tokens(environ, "HTTP_CONNECTION"):
        return "no `Connection: Upgrade`"
    key = str(environ.get("HTTP_SEC_WEBSOCKET_KEY", ""))
    if not _KEY.fullmatch(key):
        return f"Sec-WebSocket-Key is {key!r:.40}, expected 16 bytes in base64"
    version = environ.get("HTTP_SEC_WEBSOCKET_VERSION")
    if version != "13":
        return f"Sec-WebSocket-Version is {version!r:.40}, expected 13"
    return None


def _tokens(environ: Mapping[str, Any], name: str) -> list[str]:
    return [token.strip() for token in str(environ.get(name, "")).lower().split(",")]


def _negotiate(offer: str, deflate: Deflate) -> tuple[list[Extension], str | None]:
    """The extensions of a connection, and the header that says so."""
    server = ServerProtocol(extensions=[deflate], logger=_quiet)
    try:
        agreed, extensions = server.process_extensions(Headers({"Sec-WebSocket-Extensions": offer}))
    except InvalidHeader:  # then there are none
        return [], None
    return extensions, agreed
