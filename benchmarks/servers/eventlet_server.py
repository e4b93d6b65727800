"""Bare WebSocket on eventlet: what is left when a framework costs nothing.

Echo: one green thread for each client, which reads, unmasks and sends back. Fan-out: nothing but
``socket.send`` in a loop over the sockets.
"""

from __future__ import annotations

import base64
import hashlib
import json
import resource
import socket
from typing import Any

import eventlet
from common import announce, arguments, version
from websockets.speedups import apply_mask

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_READ = 65536
_members: list[socket.socket] = []


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


def _take(client: Any, payload: bytes) -> None:
    if b'["join"]' in payload:
        _members.append(client.fd)
    elif b'["fan",' in payload:
        _, first, count, size = json.loads(payload[payload.index(b"[") :])
        text = "x" * size
        for number in range(first, first + count):
            data = _frame(f'42["fan",{number},"{text}"]'.encode())
            for member in _members:
                member.send(data)


def _serve(client: Any) -> None:
    try:
        data = _handshake(client)
        send = client.fd.send
        while True:
            while len(data) >= 6:
                size, at = data[1] & 0x7F, 2
                if size == 126:  # the benchmark sends nothing that needs a longer length
                    size, at = int.from_bytes(data[2:4], "big"), 4
                end = at + 4 + size
                if len(data) < end:
                    break
                payload = apply_mask(data[at + 4 : end], data[at : at + 4])
                _take(client, payload)
                send(_frame(payload))
                data = data[end:]
            got = client.recv(_READ)
            if not got:
                break
            data += got
    except OSError:
        pass
    if client.fd in _members:
        _members.remove(client.fd)
    client.close()


def main() -> None:
    """Serve until terminated."""
    asked = arguments("eventlet")
    announce(eventlet=version("eventlet"))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listener = eventlet.listen(("127.0.0.1", asked.port), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        client, _ = listener.accept()
        eventlet.spawn(_serve, client)


if __name__ == "__main__":
    main()
