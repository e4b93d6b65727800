"""The option ``per_message_deflate`` with real clients, and with one that sends a bomb."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from child import PATIENCE, Node, ServerProcess
from matrix import MODES
from playwright.sync_api import Browser
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

ServerIn = Callable[..., ServerProcess]


def wire(node: Node, server: ServerProcess) -> dict:
    said = node.run("js/compression.js", server.url, "socket.io-client", "websocket")
    return json.loads(said)


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_takes_it_gets_less(mode: str, server_in: ServerIn, node: Node) -> None:
    plain = wire(node, server_in(mode))
    compressed = wire(node, server_in(mode, per_message_deflate=1))

    assert plain["extensions"] == ""
    assert plain["read"] > 100_000
    assert compressed["extensions"] == "permessage-deflate"
    assert compressed["read"] < plain["read"] / 5
    assert compressed["written"] < plain["written"] / 5


@pytest.mark.parametrize("mode", MODES)
def test_every_feature_works_with_it(mode: str, server_in: ServerIn, node: Node) -> None:
    server = server_in(mode, per_message_deflate=1)

    ran = json.loads(node.run("js/features.js", server.url, "socket.io-client", "websocket"))

    assert {name: outcome for name, outcome in ran.items() if outcome != "ok"} == {}
    assert server.faults() == []


def peak_memory(server: ServerProcess) -> int:
    """The most that the process ever had, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A frame that is small enough, and 300 MB when inflated."""
    compressor = zlib.compressobj(wbits=-15)
    chunk = bytes(10_000_000)
    data = b"".join(compressor.compress(chunk) for _ in range(30))
    data += compressor.flush(zlib.Z_SYNC_FLUSH)[:-4]
    assert len(data) < 1_000_000
    first, *rest = Frame(Opcode.BINARY, data).serialize(mask=True)
    return bytes([first | 0x40, *rest])


@pytest.mark.parametrize("mode", MODES)
def test_a_bomb_closes_its_sender_alone_and_takes_no_memory(
    mode: str, server_in: ServerIn, bomb: bytes
) -> None:
    server = server_in(mode, per_message_deflate=1)
    url = f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket"
    with connect(url) as client, connect(url, compression=None) as witness:
        for one in (client, witness):
            one.recv(PATIENCE)
            one.send("40/chat,")
        sid = json.loads(client.recv(PATIENCE).removeprefix("40/chat,"))["sid"]
        witness.recv(PATIENCE)
        before = peak_memory(server)

        client.socket.sendall(bomb)

        with pytest.raises(ConnectionClosedError) as closed:
            client.recv(PATIENCE)
        assert closed.value.rcvd.code == 1009
        assert server.reason(sid) == "message too large"
        assert peak_memory(server) - before < 50_000_000
        witness.send('42/chat,1["same",2]')
        assert witness.recv(PATIENCE) == "43/chat,1[2]"


IN_PAGE = """async ([url, text]) => {
    const socket = new WebSocket(url);
    const next = () => new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(data)));
    await next();
    socket.send("40/chat,");
    await next();
    socket.send("42/chat,1" + JSON.stringify(["same", text]));
    const answer = await next();
    socket.close();
    return [socket.extensions, answer === "43/chat,1" + JSON.stringify([text])];
}"""


def test_chromium_takes_it(server_in: ServerIn, browser: Browser) -> None:
    for mode in MODES:
        server = server_in(mode, per_message_deflate=1)
        page = browser.new_page()
        page.goto(f"{server.url}/socket.io/")
        url = f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket"
        extensions, same = page.evaluate(IN_PAGE, [url, "grüße 😀 " * 5000])
        page.close()
        assert "permessage-deflate" in extensions
        assert same
