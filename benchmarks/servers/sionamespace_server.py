"""sionamespace, as an application would use it."""

from __future__ import annotations

from common import announce, arguments, version

import sionamespace
from sionamespace import Namespace, Server


class Bench(Namespace):
    """The events of the benchmark."""

    def on_echo(self, sid: str, value: str) -> str:
        return value

    def on_join(self, sid: str) -> None:
        self.enter_room(sid, "everybody")

    def on_fan(self, sid: str, first: int, count: int, size: int) -> None:
        text = "x" * size
        for number in range(first, first + count):
            self.emit("fan", number, text, room="everybody")


def main() -> None:
    """Serve until terminated."""
    asked = arguments("eventlet", "gevent", "threads")
    announce(sionamespace=sionamespace.__version__, **{asked.mode: version(asked.mode)})
    Server({"/": Bench()}, async_mode=asked.mode).run("127.0.0.1", asked.port)


if __name__ == "__main__":
    main()
