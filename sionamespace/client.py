"""`Client`: what is known of one client, as it was when it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sionamespace.types import Room, Sid

__all__ = ["Client"]


@attrs.frozen
class Client:
    """What is known of one client of a namespace, at one moment.

    ``auth`` is what the client sent with its connect request, or None. ``environ`` is the WSGI
    environment of the handshake request, with its headers (``HTTP_COOKIE``, ...) and client
    address (``REMOTE_ADDR``). ``transport`` is ``polling`` or ``websocket``, ``protocol`` the
    revision of Socket.IO's protocol (5 for clients 3.x and 4.x, 4 for older ones),
    ``connected_at`` the time in seconds since 1970.

    A client 1.x or 2.x has for ``auth`` the query that it gave for the namespace or, without one,
    for the connection: a dict of texts.
    """

    sid: Sid
    auth: Any
    environ: Mapping[str, Any] = attrs.field(repr=False)
    rooms: frozenset[Room]
    transport: str
    protocol: int
    connected_at: float
