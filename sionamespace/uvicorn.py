"""`WebSocketProtocol`: WebSockets under uvicorn, without ASGI's messages between.

    uvicorn.run(
        "app:app", ws="sionamespace.uvicorn:WebSocketProtocol", ws_per_message_deflate=False
    )

`Server.run` chooses it by itself. Other applications behind the same uvicorn notice nothing: their
WebSockets are uvicorn's own "websockets-sansio"; and so are those that it compresses.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from sionamespace.engine.transport import HAND_OVER, AtEnd, TransportWebSocket

__all__ = ["WebSocketProtocol"]


_NEEDED_NO_MORE = {"conn", "frames", "queue", "request", "response", "writable"}
"""What uvicorn has to speak WebSocket itself, several KB for each client."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which the engine may take over once it has accepted it."""

    transport: asyncio.Transport
    _taken: TransportWebSocket | None = None

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # else the request was refused
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[HAND_OVER] = self._hand_over

    def _hand_over(self, max_bytes: int, at_end: AtEnd) -> TransportWebSocket | None:
        open_ = self.handshake_complete and not self.transport.is_closing()
        came_early = self.conn.reader.buffer or not self.queue.empty()
        if not open_ or came_early or self.conn.extensions:
            return None
        self.stop_keepalive()
        self._taken = TransportWebSocket(self.transport, max_bytes, at_end, self._lost)
        self.transport.set_protocol(self._taken)  # type: ignore[arg-type]  # it is one
        for name in _NEEDED_NO_MORE & vars(self).keys():
            delattr(self, name)
        del self.scope["extensions"][HAND_OVER]
        return self._taken

    def _lost(self, error: Exception | None) -> None:
        self.connections.discard(self)

    def shutdown(self) -> None:
        if self._taken is None:
            super().shutdown()
        else:
            self._taken.shut_down()
