"""The steps of which exchanges are made."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

import attrs
from child import PATIENCE
from payloads import Packet
from player import FORMS, WEBSOCKET, Player
from websocket import ABNF
from wires import Ended, PollingWire, WebSocketWire, begin_post, request, shown_bytes


@attrs.frozen
class Step:
    """What a player does."""

    play: Callable[[Player], None]


def step(function: Callable[..., None]) -> Callable[..., Step]:
    """Makes a function of a player one of rows, which is called when the row is played."""

    @wraps(function)
    def later(*args: Any, **kwargs: Any) -> Step:
        return Step(lambda player: function(player, *args, **kwargs))

    return later


def named(player: Player, headers: dict[str, str]) -> dict[str, str]:
    """Headers by their names, which the transcript has too."""
    found = {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in found.items():
        player.note(f"{name}: {value}")
    return found


# Requests by hand.


@step
def ask(player: Player, method: str, query: str, body: bytes | None = None, **headers: str) -> None:
    """One request; ``{sid}`` in the query is that of the connection. Headers: ``Content_Type=``."""
    query = query.replace("{sid}", player.connection)
    player.note(f"{method} {query}")
    names = named(player, headers)
    player.note_answer(request(player.target, method, query, body, names))


@step
def poll(player: Player) -> None:
    """One poll, and its answer as it is."""
    player.note("poll")
    player.note_answer(player.wires["client"].poll())


@step
def post(player: Player, body: bytes, content_type: str | None = None) -> None:
    """One post of anything."""
    player.note(f"post {content_type or ''} {shown_bytes(body):.60}")
    player.note_answer(player.wires["client"].post(body, content_type))


@step
def poll_begins(player: Player) -> None:
    """A poll that finds nothing waiting, and waits."""
    player.note("poll begins")
    player.poll = player.pool.submit(player.wires["client"].poll)
    player.until(lambda now: now["polling"] or player.poll.done())


@step
def poll_ends(player: Player) -> None:
    """The answer to it."""
    player.note("poll ends")
    player.note_answer(player.poll.result(PATIENCE))


@step
def post_begins(player: Player, body: bytes, length: int) -> None:
    """A post of ``length`` bytes, of which these are sent."""
    player.note("post begins")
    wire = player.wires["client"]
    player.posting = begin_post(player.target, wire.query, body, length)
    player.until(lambda now: now["posting"])


@step
def post_breaks(player: Player) -> None:
    """Its connection is cut."""
    player.note("post breaks")
    player.posting.close()


# A client.


@step
def opened(player: Player, kind: str, more: str = "", **headers: str) -> None:
    """A handshake. One of revision 3 is told by itself that it is in ``/``."""
    player.note(f"{kind} opens")
    names = named(player, headers)
    if kind in FORMS:
        wire = PollingWire(player.target, FORMS[kind]())
        wire.query += more
        answer = request(player.target, "GET", wire.query, None, names)
        packet, *rest = wire.form.decode(answer.content_type, answer.body)
        wire._waiting.extend(rest)
        player.connection = json.loads(packet[1:])["sid"]
        wire.query += f"&sid={player.connection}"
    else:
        wire = WebSocketWire(player.target, WEBSOCKET[kind] + more, names)
        packet = wire.receive()
        player.connection = json.loads(packet[1:])["sid"]
    player.note_packet(packet)
    player.wires["client"] = wire
    if kind.endswith("3"):
        player.hear()


@step
def refused(player: Player, kind: str, more: str = "", hears: int = 99, **headers: str) -> None:
    """A WebSocket, or what there is instead."""
    query = WEBSOCKET.get(kind, kind) + more.replace("{sid}", player.connection)
    player.note(f"WebSocket {query}")
    names = named(player, headers)
    try:
        wire = player.wires["other"] = WebSocketWire(player.target, query, names)
        for _ in range(hears):
            player.note_packet(wire.receive())
    except Ended as ended:
        player.note(str(ended))


@step
def say(player: Player, *packets: Packet, by: str = "client") -> None:
    """Packets, in one payload when polling."""
    player.say(*packets, name=by)


@step
def frame(player: Player, data: bytes, opcode: int = 1, fin: int = 1) -> None:
    """One frame of a WebSocket as it is."""
    player.note(f"> frame {opcode} {fin} {shown_bytes(data):.60}")
    sock = player.wires["client"].socket
    sock.send_frame(ABNF(fin, 0, 0, 0, opcode, 1, data))


@step
def raw(player: Player, data: bytes) -> None:
    """Bytes on the WebSocket's connection."""
    player.note(f"> raw {shown_bytes(data):.60}")
    player.wires["client"].socket.sock.sendall(data)


@step
def hear(player: Player, count: int = 1, by: str = "client") -> None:
    """The next packets."""
    for _ in range(count):
        player.hear(by)


@step
def answer(player: Player, values: str, path: str = "") -> None:
    """Answers the last question."""
    player.note("> an answer")
    player.wires["client"].send((f"43{path}{player.questions[-1]}{values}",))


@step
def sync(player: Player, path: str = "", by: str = "client") -> None:
    """Whatever comes until an echo is answered: the connection lives on."""
    player.say(f'42{path}99["echo"]', name=by)
    while not str(player.hear(by)).startswith(f"43{path}99"):
        pass


@step
def outcome(player: Player, by: str = "client") -> None:
    """The next packet, or the end."""
    try:
        player.hear(by)
    except Ended as end:
        player.over = True
        player.note(str(end))


@step
def fate(player: Player, path: str = "", by: str = "client") -> None:
    """Whatever comes until an echo is answered, or the end: whether the connection lives on."""
    if player.over:
        return
    try:
        player.wires[by].send((f'42{path}99["echo","alive"]',))
        while not str(player.hear(by)).startswith(f"43{path}99"):
            pass
    except Ended as end:
        player.over = True
        player.note(str(end))


@step
def ended(player: Player, by: str = "client") -> None:
    """Whatever comes until the end, and how it ended."""
    try:
        while True:
            player.hear(by)
    except Ended as end:
        player.over = True
        player.note(str(end))


@step
def left(player: Player, path: str = "/") -> None:
    """Why the client left a namespace, as the application is told."""
    reason = player.until(lambda now: now["left"] is not None, path)["left"]
    player.note(f"left {path}: {reason}")


@step
def cut(player: Player, by: str = "client") -> None:
    """The WebSocket's connection is cut."""
    player.note("cut")
    player.wires[by].close()


@step
def close_frame(player: Player, code: int | None = 1000) -> None:
    """A goodbye with a code."""
    player.note(f"> close {code}")
    wire = player.wires["client"]
    wire.socket.send(b"" if code is None else code.to_bytes(2, "big"), ABNF.OPCODE_CLOSE)
    wire.said_goodbye = True


# Upgrades.


@step
def upgrade(player: Player, more: str = "") -> None:
    """A WebSocket for the connection that polls; it is ``by="upgrade"``."""
    revision = player.wires["client"].query[:5]
    query = f"{revision}&transport=websocket&sid={player.connection}{more}"
    player.note("WebSocket for the connection")
    player.wires["upgrade"] = WebSocketWire(player.target, query)


@step
def poll_is_woken(player: Player) -> None:
    """The poll that waits returns nothing, as soon as the server likes."""
    assert player.poll.result(PATIENCE).status == 200
    player.note("the poll returns")


@step
def switch(player: Player) -> None:
    """The client goes on by the WebSocket that it upgraded to."""
    player.note("the client is the WebSocket")
    player.wires["client"] = player.wires.pop("upgrade")
