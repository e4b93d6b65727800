"""`Ids`: names for connections and clients that nobody can guess."""

from __future__ import annotations

import secrets

from sionamespace.types import Sid

__all__ = ["Ids", "new_node"]

_BYTES = 15
"""120 bits, as in python-engineio."""
_MARK = "~"
"""Stands before the node in an id. It is in no token, and needs no escape in a URL or a cookie."""


def new_node() -> str:
    """A name for this process among all that serve the same clients; make it after a fork."""
    return secrets.token_hex(4)


class Ids:
    """Makes ids; those of a process that is one of several say whose they are.

    ``node`` is the process, None while there are no others. It is set before the first client
    comes.
    """

    def __init__(self, node: str | None = None) -> None:
        self.node = node

    def new(self) -> Sid:
        """An id that nobody had before and nobody can guess."""
        token = secrets.token_urlsafe(_BYTES)
        return token if self.node is None else f"{token}{_MARK}{self.node}"

    @staticmethod
    def node_of(name: str) -> str | None:
        """The process that an id says it is of; None if it says nothing."""
        _, mark, node = name.rpartition(_MARK)
        return node if mark else None
