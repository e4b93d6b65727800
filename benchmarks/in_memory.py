"""Measures the codec, the rooms and broadcasts alone, in this process: no socket.

python benchmarks/in_memory.py codec --of python-socketio
python benchmarks/in_memory.py rooms --of sionamespace --members 1000
python benchmarks/in_memory.py broadcasts --others 1 10 100

It prints one JSON object: figures in microseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

SMALL = ["message", {"from": "Ann", "text": "hello, how are you?", "at": 1764000000}]
LARGE = [
    "orders",
    [{"id": n, "name": f"order {n}", "price": n * 1.25, "open": n % 2 == 0} for n in range(200)],
]
TEXTS = {
    "small": "2" + "17" + json.dumps(SMALL, separators=(",", ":")),
    "large": "2" + "17" + json.dumps(LARGE, separators=(",", ":")),
}
"""The same events as a client sends them."""

PATH = "/"
_AT_LEAST = 0.05
"""For how many seconds a thing is repeated."""
_SAMPLE = 500
"""How many clients enter, leave and disconnect."""
_PATIENCE = 1.0
"""After how many seconds fewer clients must do."""
_GROUP = 10
"""How many clients share a room, beside the one that everybody is in."""


class Codec(Protocol):
    """Encodes and decodes an event with an id."""

    def encode(self, data: list[Any]) -> object: ...

    def decode(self, text: str) -> list[Any]: ...


class Rooms(Protocol):
    """Clients in rooms of one namespace."""

    def connect(self, number: int) -> str: ...

    def enter(self, sid: str, room: str) -> None: ...

    def leave(self, sid: str, room: str) -> None: ...

    def disconnect(self, sid: str) -> None: ...

    def recipients(self, room: str) -> Iterable[object]: ...


def ours() -> tuple[Codec, Rooms]:
    """Those of sionamespace."""
    from sionamespace.protocol.json import Decoder, encode
    from sionamespace.protocol.packet import Packet, PacketType
    from sionamespace.rooms import MemoryRoomManager
    from sionamespace.types import Selection

    decoder, manager = Decoder(), MemoryRoomManager()

    class OurCodec:
        def encode(self, data: list[Any]) -> object:
            return encode(Packet(PacketType.EVENT, PATH, data, 17))

        def decode(self, text: str) -> list[Any]:
            packet = decoder.feed(text)
            assert packet is not None
            data: list[Any] = packet.data
            return data

    class OurRooms:
        def connect(self, number: int) -> str:
            sid = f"client-{number:012}"
            manager.add(PATH, sid)
            return sid

        def enter(self, sid: str, room: str) -> None:
            manager.enter(PATH, sid, room)

        def leave(self, sid: str, room: str) -> None:
            manager.leave(PATH, sid, room)

        def disconnect(self, sid: str) -> None:
            manager.remove(PATH, sid)

        def recipients(self, room: str) -> Iterable[object]:
            return manager.recipients(PATH, Selection((room,)))

    return OurCodec(), OurRooms()


def theirs() -> tuple[Codec, Rooms]:
    """Those of python-socketio."""
    from socketio import Manager, Server
    from socketio.packet import EVENT, Packet

    manager = Manager()
    Server(client_manager=manager, async_mode="threading")

    class TheirCodec:
        def encode(self, data: list[Any]) -> object:
            return Packet(EVENT, data=data, namespace=PATH, id=17).encode()

        def decode(self, text: str) -> list[Any]:
            data: list[Any] = Packet(encoded_packet=text).data
            return data

    class TheirRooms:
        def connect(self, number: int) -> str:
            sid: str = manager.connect(f"engine-{number:012}", PATH)
            return sid

        def enter(self, sid: str, room: str) -> None:
            manager.enter_room(sid, PATH, room)

        def leave(self, sid: str, room: str) -> None:
            manager.leave_room(sid, PATH, room)

        def disconnect(self, sid: str) -> None:
            manager.disconnect(sid, PATH)

        def recipients(self, room: str) -> Iterable[object]:
            participants: Iterator[object] = manager.get_participants(PATH, room)
            return participants

    return TheirCodec(), TheirRooms()


LIBRARIES = {"sionamespace": ours, "python-socketio": theirs}


def codec(measured: Codec) -> dict[str, float]:
    """What it takes to encode and to decode an event."""
    figures = {}
    for size, data in (("small", SMALL), ("large", LARGE)):
        if measured.decode(TEXTS[size]) != data:
            raise SystemExit(f"a {size} event was decoded wrongly")
        figures[f"encode a {size} event, us"] = _repeated(lambda d=data: measured.encode(d))
        figures[f"decode a {size} event, us"] = _repeated(lambda s=size: measured.decode(TEXTS[s]))
    return figures


def rooms(measured: Rooms, members: int) -> dict[str, float]:
    """What things take among so many clients, in so many tenths as many rooms."""
    sids = [measured.connect(number) for number in range(members)]
    for number, sid in enumerate(sids):
        measured.enter(sid, "everybody")
        measured.enter(sid, f"group {number // _GROUP}")
    sample = sids[:: max(1, members // _SAMPLE)][:_SAMPLE]
    figures = {
        "enter, us": _each(sample, lambda sid: measured.enter(sid, "another")),
        "leave, us": _each(sample, lambda sid: measured.leave(sid, "another")),
        "recipients of 10, us": _repeated(lambda: list(measured.recipients("group 7"))),
        "recipients of everybody, each, us": (
            _repeated(lambda: list(measured.recipients("everybody"))) / members
        ),
    }
    if len(list(measured.recipients("everybody"))) != members:
        raise SystemExit("somebody is missing in the room")
    gone = set(sample)
    figures["disconnect, us"] = _each(sample, measured.disconnect, gone.remove)
    if len(list(measured.recipients("everybody"))) != members - len(sample) + len(gone):
        raise SystemExit("somebody who left is still in the room")
    return figures


def _repeated(work: Callable[[], object]) -> float:
    """Microseconds for one time, of the best of a few rounds."""
    times = 1
    while (took := _round(work, times)) < _AT_LEAST:
        times = max(times * 2, int(times * _AT_LEAST / max(took, 1e-6)))
    return min(took, *(_round(work, times) for _ in range(4))) / times * 1e6


def _round(work: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        work()
    return time.perf_counter() - start


def _each(
    sids: list[str], work: Callable[[str], None], done: Callable[[str], None] = lambda sid: None
) -> float:
    """Microseconds for one client: the median, since what the machine and Python's garbage
    collector do meanwhile, now and then, is not about rooms."""
    took, end = [], time.perf_counter() + _PATIENCE
    for sid in sids:
        start = time.perf_counter()
        work(sid)
        now = time.perf_counter()
        took.append(now - start)
        done(sid)
        if now > end:
            break
    return statistics.median(took) * 1e6


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("codec", "rooms", "broadcasts"))
    parser.add_argument("--of", choices=LIBRARIES, default="sionamespace")
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--others", type=int, nargs="+", default=[1, 10, 100])
    asked = parser.parse_args()
    print(json.dumps(_figures(asked)))


def _figures(asked: argparse.Namespace) -> dict[str, float]:
    if asked.what == "broadcasts":  # which only sionamespace can be asked for
        from broadcasts import broadcasts

        return asyncio.run(broadcasts(asked.others))
    its_codec, its_rooms = LIBRARIES[asked.of]()
    return codec(its_codec) if asked.what == "codec" else rooms(its_rooms, asked.members)


if __name__ == "__main__":
    main()
