"""`Health`: how a server stands with the others."""

from __future__ import annotations

import attrs

__all__ = ["Health"]


@attrs.frozen
class Health:
    """How a server stands with the others, at one moment.

    A server that shares its clients with no other is always connected, to nothing.
    """

    node: str | None = None
    """The name of this server among the others; None before it came to them."""
    broker: str | None = None
    """What carries messages between them, without a password; None if nothing does."""
    connected: bool = True
    """Whether it does so now."""
    since: float = 0.0
    """Since when, in seconds since 1970."""
    nodes: frozenset[str] = frozenset()
    """The other servers that are there."""
    waiting: int = 0
    """How many bytes wait to be sent to them."""
    dropped: int = 0
    """How many messages, to them or of them, were dropped so far because too much waited."""
