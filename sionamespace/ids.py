"""`Ids`: names for connections and clients that nobody can guess."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sionamespace.types import Sid

__all__ = ["Ids", "new_node"]

_BYTES = 15
"""120 bits, as in python-engineio."""
_HEX = frozenset("0123456789abcdef")
_MARK = "~"
"""Stands before the node in an id. It is in no token, and needs no escape in a URL or a cookie."""


_NODE_BYTES = 4
_TOKEN = 4 * _BYTES // 3
"""How long such a token is in base64."""
_TAIL = 1 + 2 * _NODE_BYTES
"""How long the end of an id is that says whose it is."""


def new_node() -> str:
    """A name for this process among all that serve the same clients; make it after a fork."""
    return secrets.token_hex(_NODE_BYTES)


class Ids:
    """Makes ids; those of a process that is one of several say whose they are.

    ``node`` is the process, None while there are no others. It is set before the first client
    comes, or then, by ``name_process``.
    """

    def __init__(self, node: str | None = None) -> None:
        self.node = node
        self.name_process: Callable[[], str] | None = None
        """Gives the process its name, where it must have one but has none yet."""

    def new(self) -> Sid:
        """An id that nobody had before and nobody can guess."""
        if self.node is None and self.name_process is not None:
            self.node = self.name_process()
        token = secrets.token_urlsafe(_BYTES)
        return token if self.node is None else f"{token}{_MARK}{self.node}"

    @staticmethod
    def node_of(name: str) -> str | None:
        """The process that an id says it is of; None if it says nothing, or is no id."""
        if len(name) <= _TAIL or name[-_TAIL] != _MARK:
            return None
        token = name[:-_TAIL].rpartition("#")[2]  # clients 1.x and 2.x put the namespace before it
        node = name[1 - _TAIL :]
        return node if len(token) == _TOKEN and _HEX.issuperset(node) else None
