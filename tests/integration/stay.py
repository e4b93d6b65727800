"""A python-socketio client that stays, and tells each time that it has come.

    python stay.py URL sync|async TRANSPORT...

A process of its own: the clients leave sockets of lost connections behind.
"""

from __future__ import annotations

import asyncio
import sys

import socketio

AGAIN = {"reconnection_delay": 0.05, "reconnection_delay_max": 0.2, "randomization_factor": 0}
PATIENCE = 30


def stay(url: str, transports: list[str]) -> None:
    client = socketio.Client(**AGAIN)

    def came() -> None:
        client.emit("whoami", namespace="/chat", callback=told)

    def told(me: dict) -> None:
        print("here", me["sid"] == client.get_sid("/chat"), flush=True)

    client.on("connect", came, namespace="/chat")
    client.connect(url, transports=transports, namespaces=["/chat"], wait_timeout=PATIENCE)
    client.wait()


async def stay_async(url: str, transports: list[str]) -> None:
    client = socketio.AsyncClient(**AGAIN)

    async def came() -> None:
        await client.emit("whoami", namespace="/chat", callback=told)

    def told(me: dict) -> None:
        print("here", me["sid"] == client.get_sid("/chat"), flush=True)

    client.on("connect", came, namespace="/chat")
    await client.connect(url, transports=transports, namespaces=["/chat"], wait_timeout=PATIENCE)
    await client.wait()


if __name__ == "__main__":
    url, kind, *transports = sys.argv[1:]
    if kind == "sync":
        stay(url, transports)
    else:
        asyncio.run(stay_async(url, transports))
