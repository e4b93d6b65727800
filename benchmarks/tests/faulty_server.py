"""The server of the benchmark with one fault, named by the environment variable FAULT.

It may share its clients with others that have it too."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "servers"))

from common import announce, arguments
from sionamespace_server import Bench

from sionamespace import NO_REPLY, Server

FAULT = os.environ["FAULT"]
_NINTH = 9


class Faulty(Bench):
    """Now and then something is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def on_echo(self, sid: str, value: object) -> object:
        self.asked += 1
        if self.asked % _NINTH:
            return value
        if FAULT == "lose an answer":
            return NO_REPLY
        if FAULT == "change an answer":
            return value[:-1] + (b"?" if isinstance(value, bytes) else "?")  # type: ignore[index]
        if FAULT == "send a client away":
            self.disconnect(sid)
        return value

    def on_fan(self, sid: str, first: int, count: int, size: int) -> None:
        for number in _numbers(range(first, first + count)):
            changed = FAULT == "change a broadcast" and number % _NINTH == 0
            to = (
                self.to("everybody").local if FAULT == "not to the others" else self.to("everybody")
            )
            to.emit("fan", number, ("y" if changed else "x") * size)


def _numbers(wanted: Iterable[int]) -> Iterator[int]:
    for number in wanted:
        ninth = number % _NINTH == 0
        if FAULT == "lose a broadcast" and ninth:
            continue
        if FAULT == "reorder broadcasts" and number % 10 in (4, 5):
            yield 9 - number % 10 + number // 10 * 10
            continue
        yield number
        if FAULT == "repeat a broadcast" and ninth:
            yield number


def main() -> None:
    """Serve until terminated."""
    asked = arguments("eventlet")
    announce()
    server = Server({"/": Faulty()}, async_mode="eventlet", rooms=asked.redis)
    server.run("127.0.0.1", asked.port)


if __name__ == "__main__":
    main()
