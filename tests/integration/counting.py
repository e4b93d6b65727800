"""A server of a cluster that emits numbers when it is told to; see test_broker_faults.py."""

from __future__ import annotations

import logging
import sys

from sionamespace import ClusterRoomManager, Namespace, Server
from sionamespace.brokers import broker_of


class Numbers(Namespace):
    def on_connect(self, sid):
        self.enter_room(sid, "everybody")

    def on_count(self, sid, count: int, per_second: float):
        self.spawn(self._count, count, per_second)

    def _count(self, count: int, per_second: float) -> None:
        for number in range(count):
            self.emit("number", number, room="everybody")
            print(f"emitted {number}", flush=True)
            self.sleep(1 / per_second)


def main(url: str) -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    server = Server({"/": Numbers}, rooms=ClusterRoomManager(broker_of(url)), async_mode="threads")
    server.run("127.0.0.1", 0)


if __name__ == "__main__":
    main(sys.argv[1])
