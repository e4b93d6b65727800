"""Bare WebSocket: what is left of a mode when a framework costs nothing.

Echo: one green thread, or thread, for each client, which reads, unmasks and sends back; under
asyncio an ASGI application that does. Fan-out: nothing but ``send`` in a loop over the clients.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from common import UVICORN, announce, arguments, raise_file_limit, version
from websockets.speedups import apply_mask

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_READ = 65536


def _broadcast(payload: bytes | str) -> Iterator[str]:
    """The messages that a "fan" asks for."""
    _, first, count, size = json.loads(payload[2:].lstrip("0123456789"))
    text = "x" * size
    for number in range(first, first + count):
        yield f'42["fan",{number},"{text}"]'


# Over sockets.

_members: list[Callable[[bytes], int]] = []


def _frame(payload: bytes) -> bytes:
    size = len(payload)
    head = bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")
    return head + payload


def _handshake(client: Any) -> bytes:
    """Open the WebSocket; what was read beyond the request."""
    data = b""
    while b"\r\n\r\n" not in data:
        got = client.recv(_READ)
        if not got:
            raise ConnectionError
        data += got
    head, _, rest = data.partition(b"\r\n\r\n")
    headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    key = hashlib.sha1(headers[b"Sec-WebSocket-Key"] + _GUID).digest()
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(key) + b"\r\n\r\n"
    )
    return rest


def _take(send: Callable[[bytes], int], payload: bytes) -> None:
    if b'["join"]' in payload:
        _members.append(send)
    elif b'["fan",' in payload:
        for message in _broadcast(payload.decode()):
            data = _frame(message.encode())
            for member in _members:
                member(data)


def _serve(client: Any, send: Callable[[bytes], int]) -> None:
    try:
        data = _handshake(client)
        while True:
            while len(data) >= 6:
                size, at = data[1] & 0x7F, 2
                if size == 126:  # the benchmark sends nothing that needs a longer length
                    size, at = int.from_bytes(data[2:4], "big"), 4
                end = at + 4 + size
                if len(data) < end:
                    break
                payload = apply_mask(data[at + 4 : end], data[at : at + 4])
                _take(send, payload)
                send(_frame(payload))
                data = data[end:]
            got = client.recv(_READ)
            if not got:
                break
            data += got
    except OSError:
        pass
    if send in _members:
        _members.remove(send)
    client.close()


def _prepared(listener: Any) -> Any:
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _serve_eventlet(port: int) -> None:
    import eventlet

    listener = _prepared(eventlet.listen(("127.0.0.1", port), backlog=1024))
    while True:
        client, _ = listener.accept()
        eventlet.spawn(_serve, client, client.fd.send)


def _serve_gevent(port: int) -> None:
    import gevent
    from gevent.socket import socket as gevent_socket

    listener = _prepared(gevent_socket(socket.AF_INET, socket.SOCK_STREAM))
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    while True:
        client, _ = listener.accept()
        gevent.spawn(_serve, client, client.send)


def _serve_threads(port: int) -> None:
    listener = _prepared(socket.create_server(("127.0.0.1", port), backlog=1024))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_serve, args=(client, client.send), daemon=True).start()


# Over ASGI.

_asgi_members: list[Any] = []


async def _application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message["text"]
        if '["join"]' in text:
            _asgi_members.append(send)
        elif '["fan",' in text:
            for broadcast in _broadcast(text):
                event = {"type": "websocket.send", "text": broadcast}
                for member in _asgi_members:
                    await member(event)
        await send({"type": "websocket.send", "text": text})
    if send in _asgi_members:
        _asgi_members.remove(send)


def _serve_asyncio(port: int) -> None:
    import uvicorn

    settings = {**UVICORN, "lifespan": "off"}
    uvicorn.run(_application, host="127.0.0.1", port=port, **settings)


_SERVE: dict[str, tuple[Callable[[int], None], tuple[str, ...]]] = {
    "eventlet": (_serve_eventlet, ("eventlet",)),
    "gevent": (_serve_gevent, ("gevent",)),
    "threads": (_serve_threads, ()),
    "asyncio": (_serve_asyncio, ("uvicorn", "uvloop")),
}


def main() -> None:
    """Serve until terminated."""
    asked = arguments(*_SERVE)
    serve, distributions = _SERVE[asked.mode]
    announce(**{name: version(name) for name in distributions})
    raise_file_limit()
    serve(asked.port)


if __name__ == "__main__":
    main()
