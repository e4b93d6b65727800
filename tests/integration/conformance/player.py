"""Plays an exchange against a server, and writes down what was said: the transcript."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from child import PATIENCE
from payloads import Binary3, Packet, Script3, Text3, Text4
from wires import (
    Answer,
    PollingWire,
    Target,
    WebSocketWire,
    shown_bytes,
    state,
)

FORMS = {
    "polling": Text4,
    "polling3": Text3,
    "binary3": Binary3,
    "jsonp3": Script3,
}
WEBSOCKET = {"websocket": "EIO=4&transport=websocket", "websocket3": "EIO=3&transport=websocket"}

QUESTION = re.compile(r"(4[25](?:\d+-)?(?:/[^,]*,)?)(\d+)(?=\[)")
"""An event that asks for an answer, whose number is any."""

SID = re.compile(r'(\\?"sid\\?":\\?"|: io=)[\w-]+')


class Player:
    """One client against one server. ``lines`` is the transcript.

    Ids are left out of it: of the connection, of clients in a namespace, of questions.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.lines: list[str] = []
        self.wires: dict[str, PollingWire | WebSocketWire] = {}
        self.connection = ""
        self.sids: dict[str, str] = {}
        self.questions: list[str] = []
        self.pool = ThreadPoolExecutor(1)
        self.poll: Future[Answer] | None = None
        self.posting: socket.socket | None = None
        self.over = False

    def note(self, text: str) -> None:
        if self.connection:
            text = text.replace(self.connection, "<sid>")
        self.lines.extend(SID.sub(r"\1<sid>", text).split("\n"))

    def note_answer(self, answer: Answer) -> None:
        for line in answer.lines():
            self.note(line)

    def note_packet(self, packet: Packet, mark: str = "<") -> None:
        if isinstance(packet, bytes):
            self.note(f"{mark} bytes {shown_bytes(packet)}")
            return
        if mark == "<" and (question := QUESTION.match(packet)):
            self.questions.append(question[2])
            packet = QUESTION.sub(r"\1<id>", packet, count=1)
        self.note(f"{mark} {packet}")

    def hear(self, name: str = "client") -> Packet:
        packet = self.wires[name].receive()
        if isinstance(packet, str) and (joined := re.match(r"40(/[^,{]*)?,?(\{.*)?$", packet)):
            path = joined[1] or "/"
            own = self.connection if path == "/" else f"{path}#{self.connection}"
            self.sids[path] = json.loads(joined[2])["sid"] if joined[2] else own
        self.note_packet(packet)
        return packet

    def say(self, *packets: Packet, name: str = "client") -> None:
        for packet in packets:
            self.note_packet(packet, ">")
        for line in self.wires[name].send(packets):
            self.note(line)

    def until(self, holds: Callable[[dict], bool], path: str = "/") -> dict:
        """Wait until the application says that something holds."""
        deadline = time.monotonic() + PATIENCE
        while not holds(now := state(self.target, self.connection, self.sids.get(path, ""))):
            assert time.monotonic() < deadline, (now, self.lines)
        return now

    def close(self) -> None:
        if self.posting is not None:
            self.posting.close()
        for wire in self.wires.values():
            wire.close()
        self.pool.shutdown(wait=False)
