"""sionamespace, as an application would use it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
from common import announce, arguments, version

import sionamespace
from sionamespace import Namespace, Server, event
from sionamespace.middleware import Call


class Bench(Namespace):
    """The events of the benchmark."""

    def __init__(self) -> None:
        super().__init__()
        self.left: Counter[str] = Counter()

    def on_echo(self, sid: str, value: object) -> object:
        return value

    def on_join(self, sid: str) -> None:
        self.enter_room(sid, "everybody")

    def on_fan(self, sid: str, first: int, count: int, size: int) -> None:
        text = "x" * size
        for number in range(first, first + count):
            self.emit("fan", number, text, room="everybody")

    def on_flood(self, sid: str, text: str) -> None:
        pass

    def on_reasons(self, sid: str) -> dict[str, int]:
        return dict(self.left)

    def on_disconnect(self, sid: str, reason: str) -> None:
        self.left[reason] += 1


class AsyncBench(Bench):
    """The same as an application for asyncio has them: a ``def`` would run on a thread."""

    async def on_echo(self, sid: str, value: object) -> object:
        return value

    async def on_join(self, sid: str) -> None:
        super().on_join(sid)

    async def on_fan(self, sid: str, first: int, count: int, size: int) -> None:
        super().on_fan(sid, first, count, size)

    async def on_flood(self, sid: str, text: str) -> None:
        pass

    async def on_reasons(self, sid: str) -> dict[str, int]:
        return super().on_reasons(sid)

    async def on_disconnect(self, sid: str, reason: str) -> None:
        super().on_disconnect(sid, reason)


@attrs.frozen
class Order:
    """What the load generator sends with ``--object``."""

    count: int
    kind: str
    name: str
    price: float
    urgent: bool


def plain_layer(call: Call, next: Callable[[Call], Any]) -> Any:
    """Middleware around a ``def``."""
    return next(call)


async def async_layer(call: Call, next: Callable[[Call], Any]) -> Any:
    """Middleware around an ``async def``."""
    return await next(call)


class CheckedBench(Bench):
    """The same with middleware and a checked payload of five fields, which is answered again."""

    @event(middleware=[plain_layer])
    def on_echo(self, sid: str, value: Order) -> Order:  # type: ignore[override]
        return value


class AsyncCheckedBench(AsyncBench):
    """The same as an application for asyncio has it."""

    @event(middleware=[async_layer])
    async def on_echo(self, sid: str, value: Order) -> Order:  # type: ignore[override]
        return value


_KINDS = {
    (False, False): Bench,
    (False, True): CheckedBench,
    (True, False): AsyncBench,
    (True, True): AsyncCheckedBench,
}
"""By whether it is for asyncio, and whether payloads are checked."""

_DISTRIBUTIONS = {"eventlet": ["eventlet"], "gevent": ["gevent"], "asyncio": ["uvicorn", "uvloop"]}


def main() -> None:
    """Serve until terminated."""
    asked = arguments("eventlet", "gevent", "threads", "asyncio", flags=("--checked",))
    used = {name: version(name) for name in _DISTRIBUTIONS.get(asked.mode, ())}
    announce(sionamespace=sionamespace.__version__, **used)
    namespace = _KINDS[asked.mode == "asyncio", asked.checked]()
    server = Server({"/": namespace}, async_mode=asked.mode, rooms=asked.redis)
    server.run("127.0.0.1", asked.port)


if __name__ == "__main__":
    main()
