"""Sockets of which somebody has read the beginning."""

from __future__ import annotations

from typing import Any

__all__ = ["Early"]


class Early:
    """Comes before the class of a socket, so that what was read of it is read once more."""

    early = b""

    def recv_into(self, buffer: Any, *args: Any) -> int:
        """Read as files do that are made of sockets."""
        if not self.early:
            return int(super().recv_into(buffer, *args))  # type: ignore[misc]
        size = min(len(buffer), len(self.early))
        buffer[:size], self.early = self.early[:size], self.early[size:]
        return size
