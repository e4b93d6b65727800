"""``https`` and ``wss`` on each web server, with the newest JavaScript client."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from child import MODES, PATIENCE, Child, Node, ServerProcess


@pytest.mark.parametrize("mode", [*MODES, "asyncio"])
def test_every_transport_goes_over_tls_and_the_stop_is_clean(
    mode: str, certificate: Path, start_server: Callable[..., ServerProcess], node: Node
) -> None:
    files = {name: str(certificate / f"{name}.pem") for name in ("certificate", "key")}
    settings = {"certfile": files["certificate"], "keyfile": files["key"]}
    server = start_server(settings=settings, async_mode=mode)
    assert server.url.startswith("https://")
    silent = [
        break_off(server.port, data) for data in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n")
    ]
    client: Child = node.start(
        "js/secure.js", server.url, NODE_EXTRA_CA_CERTS=str(certificate / "authority.pem")
    )
    try:
        client.wait_for("^ok$")
        for rude in silent:
            rude.close()
        assert server.end() == 0
        client.wait_for("^left$")
    finally:
        client.end(signal.SIGKILL)
    assert "Traceback" not in server.text()


def break_off(port: int, data: bytes) -> socket.socket:
    """A client that speaks no TLS, or stops in the middle of the handshake, and stays."""
    client = socket.create_connection(("127.0.0.1", port), PATIENCE)
    client.sendall(data)
    return client
