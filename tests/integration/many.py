"""Many python-socketio clients at once: prints as JSON how many clients each worker has.

    python many.py URL COUNT TRANSPORT...

A process of its own: the clients leave sockets behind. Those of asyncio, as the other ones take
attachments out of order where much is going on.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter

import socketio

PATIENCE = 30


async def talk(url: str, transports: list[str]) -> str:
    """What its id ends with, of a client for which all went well."""
    client = socketio.AsyncSimpleClient()
    await client.connect(url, transports=transports, namespace="/chat", wait_timeout=PATIENCE)
    assert client.client.transport() == transports[-1]
    for number in range(5):
        sent = [number, b"\x00\xff" * number, {"text": "größe 😀"}]
        assert list(await client.call("echo", tuple(sent), timeout=PATIENCE)) == sent
    worker = client.sid.partition("~")[2]
    await client.disconnect()
    return worker


async def main(url: str, count: str, *transports: str) -> None:
    talks = (talk(url, list(transports)) for _ in range(int(count)))
    print(json.dumps(Counter(await asyncio.gather(*talks))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
