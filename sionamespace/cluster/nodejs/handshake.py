"""What is known of a client, as servers of Node have it, and as ours have it."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sionamespace.client import Client

__all__ = ["from_node", "to_node"]


def to_node(client: list[Any]) -> dict[str, Any]:
    """A client of ours, of the values that servers tell each other of it."""
    sid, auth, environ, rooms, _, _, connected_at = client
    query = environ.get("QUERY_STRING", "")
    headers = {
        name[5:].lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    handshake = {
        "headers": headers,
        "time": formatdate(connected_at, usegmt=True),
        "address": environ.get("REMOTE_ADDR", ""),
        "xdomain": "origin" in headers,
        "secure": environ.get("wsgi.url_scheme") == "https",
        "issued": int(connected_at * 1000),
        "url": f"{environ.get('PATH_INFO', '')}?{query}",
        "query": dict(parse_qsl(query, keep_blank_values=True)),
        "auth": auth or {},
    }
    return {"id": sid, "handshake": handshake, "rooms": rooms, "data": {}}


def from_node(socket: Any) -> Client | None:
    """A client of a server of Node; None if it is not told in the way of Node."""
    if not isinstance(socket, dict) or not isinstance(socket.get("id"), str):
        return None
    handshake = _dict(socket.get("handshake"))
    query = _dict(handshake.get("query"))
    issued = handshake.get("issued")
    return Client(
        socket["id"],
        handshake.get("auth"),
        _environ(handshake, query),
        frozenset(map(str, rooms if isinstance(rooms := socket.get("rooms"), list) else ())),
        str(query.get("transport", "websocket")),
        4 if query.get("EIO") == "3" else 5,
        issued / 1000 if isinstance(issued, (int, float)) else 0.0,
    )


def _environ(handshake: Mapping[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in _dict(handshake.get("headers")).items()
        if isinstance(value, str)
    }
    url = str(handshake.get("url", "")).partition("?")[0]
    return {
        **headers,
        "REMOTE_ADDR": str(handshake.get("address", "")),
        "PATH_INFO": url,
        "QUERY_STRING": urlencode(query, doseq=True),
        "wsgi.url_scheme": "https" if handshake.get("secure") else "http",
    }


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
