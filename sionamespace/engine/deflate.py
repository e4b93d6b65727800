"""`Deflate`: compressed WebSocket messages (permessage-deflate, RFC 7692)."""

from __future__ import annotations

from collections.abc import Sequence

from websockets.exceptions import NegotiationError
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.typing import ExtensionParameter

from sionamespace.protocol.websocket import WINDOW_BITS, deflated_frame

__all__ = ["Deflate"]


class Deflate(ServerPerMessageDeflateFactory):
    """Compression for all connections of a server.

    No context is kept from message to message. So a frame is compressed once for all its
    recipients, and a connection holds no memory for it, which else is 300 kB.

    Args:
        threshold: from how many bytes on a message is compressed.
    """

    def __init__(self, threshold: int) -> None:
        super().__init__(server_no_context_takeover=True, client_no_context_takeover=True)
        self._threshold = threshold

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """The parameters to answer a client's offer with, and what decodes its messages."""
        answer, extension = super().process_request_params(params, accepted_extensions)
        if extension.local_max_window_bits < WINDOW_BITS:
            # It could not read the frames of the others; it gets messages as they are.
            raise NegotiationError("a client wants a smaller window than the others")
        return answer, extension

    def frames(self, packets: tuple[str | bytes, ...]) -> bytes:
        """The WebSocket frames of some packets."""
        return b"".join([deflated_frame(packet, self._threshold) for packet in packets])
