"""How a WebSocket begins, over the sans-I/O protocol of ``websockets``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.protocol import Protocol, Side, State
from websockets.server import ServerProtocol

from sionamespace.engine.deflate import Deflate

__all__ = ["Accepted", "Handshake"]

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
        self._protocol = ServerProtocol(
            extensions=None if deflate is None else [deflate], logger=_quiet
        )
        self._response = self._protocol.accept(_request(environ))
        self.deflate = deflate if self._protocol.extensions else None

    @property
    def refused(self) -> Response | None:
        """The HTTP response to give if the request is not one for a WebSocket."""
        return None if self._response.status_code == 101 else self._response

    def answer(self) -> bytes:
        self._protocol.send_response(self._response)
        return b"".join(self._protocol.data_to_send())

    def opened(self) -> Protocol:
        protocol = super().opened()  # the one that accepted would still wait for the request
        protocol.extensions = self._protocol.extensions
        return protocol


def _request(environ: Mapping[str, Any]) -> Request:
    headers = Headers()
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            headers[name[5:].replace("_", "-").title()] = str(value)
    return Request(str(environ.get("PATH_INFO", "/")), headers)
