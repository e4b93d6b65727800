"""Clients of both revisions over HTTP and WebSocket, which tell all that they see."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections import deque
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode

import attrs
import websocket
from child import PATIENCE
from payloads import Packet, Text3, Text4
from websocket import ABNF

HEADERS = re.compile(r"(?i)content-type|content-encoding|cache-control|set-cookie|vary|access-.*")
"""The headers of an answer that are looked at; the others are the web server's. Here all answers
are kept out of caches, there those that succeed."""

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


@attrs.frozen
class Target:
    """One server of an application."""

    port: int
    name: str

    def url(self, query: str) -> str:
        return f"/{self.name}/?{query}"


class Ended(Exception):
    """The connection is over; how that was seen."""


@attrs.frozen
class Answer:
    """An HTTP response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def content_type(self) -> str:
        return dict(self.headers).get("content-type", "")

    def lines(self) -> list[str]:
        """The answer for a transcript; headers in the order of the alphabet."""
        shown = [f"{self.status}"]
        shown += [f"  {name}: {value}" for name, value in self.headers]
        return [*shown, f"  {shown_bytes(self.body)}"]


CUT = Answer(0, (), b"no answer: the connection is cut")


def request(
    target: Target,
    method: str,
    query: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request on a connection of its own, and its answer or `CUT`."""
    connection = HTTPConnection("127.0.0.1", target.port, timeout=PATIENCE)
    try:
        connection.request(method, target.url(query), body, headers or {})
        response = connection.getresponse()
        seen = sorted(
            (name.lower(), value)
            for name, value in response.getheaders()
            if HEADERS.fullmatch(name)
            and (response.status == 200 or name.lower() != "cache-control")
        )
        body = response.read()
        if response.getheader("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return Answer(response.status, tuple(seen), body)
    except (ConnectionError, HTTPException):
        return CUT
    finally:
        connection.close()


def state(target: Target, connection: str, sid: str) -> dict:
    """What the application tells of a connection."""
    query = urlencode({"server": target.name, "connection": connection, "sid": sid})
    return json.loads(request(attrs.evolve(target, name="state"), "GET", query).body)


class PollingWire:
    """A client that polls."""

    def __init__(self, target: Target, form: Text4 | Text3) -> None:
        self.form = form
        self.query = form.query
        self._target = target
        self._waiting: deque[Packet] = deque()
        self._said: Answer | None = None

    def post(self, body: bytes, content_type: str | None = None) -> Answer:
        headers = {"Content-Type": content_type or self.form.content_type}
        return request(self._target, "POST", self.query, body, headers)

    def send(self, packets: tuple[Packet, ...]) -> list[str]:
        return self.post(self.form.encode(packets)).lines()

    def poll(self) -> Answer:
        return request(self._target, "GET", self.query)

    def receive(self) -> Packet:
        while not self._waiting:
            answer = self.poll()
            if answer.status != 200:
                raise Ended(f"ended: {answer.status} {shown_bytes(answer.body)}")
            packets = self.form.decode(answer.content_type, answer.body)
            self._waiting.extend(packet for packet in packets if packet != "6")
        return self._waiting.popleft()

    def close(self) -> None:
        pass


class WebSocketWire:
    """A client with a WebSocket. Raises `Ended` with the answer if it is refused."""

    def __init__(self, target: Target, query: str, headers: dict[str, str] | None = None) -> None:
        self.query = query
        self.said_goodbye = False
        self._revision = 3 if "EIO=3" in query else 4
        try:
            self.socket = websocket.create_connection(
                f"ws://127.0.0.1:{target.port}{target.url(query)}",
                timeout=PATIENCE,
                suppress_origin=True,
                header=headers or {},
            )
        except websocket.WebSocketBadStatusException:
            # The library does not read all of an answer that refuses.
            answer = request(target, "GET", query, None, {**HANDSHAKE, **(headers or {})})
            raise Ended("\n".join(answer.lines())) from None

    def send(self, packets: tuple[Packet, ...]) -> list[str]:
        # In one write: what comes along with another packet must not come after its answer.
        with suppress(ConnectionError):  # how it ended is read
            self.socket.sock.sendall(b"".join(map(self._frame, packets)))
        return []

    def _frame(self, packet: Packet) -> bytes:
        if isinstance(packet, str):
            return ABNF.create_frame(packet, ABNF.OPCODE_TEXT).format()
        kind = b"\x04" if self._revision == 3 else b""
        return ABNF.create_frame(kind + packet, ABNF.OPCODE_BINARY).format()

    def receive(self) -> Packet:
        try:
            frame = self.socket.recv_frame()
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            raise Ended("ended: cut") from None
        except websocket.WebSocketProtocolException:
            raise Ended("ended: no frame") from None
        if frame.opcode == ABNF.OPCODE_CLOSE:
            if not self.said_goodbye:
                self.socket.send(frame.data, ABNF.OPCODE_CLOSE)
            self.close()
            code = int.from_bytes(frame.data[:2], "big") if frame.data else "no code"
            raise Ended(f"ended: {code}")
        if frame.opcode == ABNF.OPCODE_PONG:
            return f"pong: {frame.data.decode()}"
        if frame.opcode == ABNF.OPCODE_TEXT:
            return frame.data.decode()
        data = frame.data
        return data[1:] if self._revision == 3 and data[:1] == b"\x04" else data

    def close(self) -> None:
        self.socket.shutdown()


def begin_post(target: Target, query: str, body: bytes, length: int) -> socket.socket:
    """A post that has sent ``body`` of ``length`` bytes so far."""
    connection = socket.create_connection(("127.0.0.1", target.port), timeout=PATIENCE)
    head = f"POST {target.url(query)} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def shown_bytes(data: bytes) -> str:
    """Bytes as text where they are."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return repr(data)
    return text if text.isprintable() else repr(data)
