"""A server that shares its clients with servers of Node; it does what a client of /control says."""

from __future__ import annotations

import logging
import sys

from sionamespace import Namespace, Server, server_event

SAID: list[list[object]] = []


class Shared(Namespace):
    def on_enter(self, sid, room):
        self.enter_room(sid, room)

    @server_event
    def tell(self, *args):
        SAID.append(list(args))

    @server_event
    def sum(self, a: int, b: int):
        return a + b


class Control(Namespace):
    def on_run(self, sid, code):
        """The value of a Python expression, in which ``ns`` is the namespace."""
        return eval(code, {"ns": self.server.namespace("/"), "said": SAID})


def main(url: str, mode: str) -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    server = Server({"/": Shared, "/control": Control}, rooms=url, async_mode=mode)
    server.run("127.0.0.1", 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
