"""Names for channels where an engine takes only short and plain ones."""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["short_name"]


def short_name(channel: str) -> str:
    """32 characters, of 0 to 9 and a to f, that stand for a channel and for no other."""
    return blake2b(channel.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
