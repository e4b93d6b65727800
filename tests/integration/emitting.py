"""Uses of an `Emitter` in processes of each kind; see test_emitter.py."""

import asyncio
import os
import sys

KIND, URL = sys.argv[1:]

if KIND == "eventlet":
    import eventlet

    eventlet.monkey_patch()
elif KIND == "gevent":
    from gevent import monkey

    monkey.patch_all()

import threading  # noqa: E402
import time  # noqa: E402

from sionamespace import Emitter  # noqa: E402

emitter = Emitter(URL)


def emit(number: int) -> None:
    emitter.to("everybody").emit("number", number)


def script() -> None:
    """It ends at once; what it said goes out all the same."""
    emit(1)
    emit(2)


def view() -> None:
    """Others go on while one waits, each on a thread, green or not."""
    ticks = []

    def tick() -> None:
        while True:
            ticks.append(1)
            time.sleep(0.001)

    threading.Thread(target=tick, daemon=True).start()
    emit(1)
    emitter.flush().result()
    before = len(ticks)
    for _ in range(20):
        emitter.flush().result()
        time.sleep(0.001)
    assert len(ticks) > before
    emit(2)
    emitter.close().result()


def fork() -> None:
    """The children have connections of their own, whatever the parent has done."""
    emit(1)
    emitter.flush().result()
    if os.fork() == 0:
        emit(2)
        emitter.flush().result()
        os._exit(0)
    _, status = os.wait()
    assert status == 0


async def loop() -> None:
    async with emitter:
        emit(1)
        await emitter.flush()
        emit(2)


if KIND == "asyncio":
    asyncio.run(loop())
else:
    {"script": script, "fork": fork}.get(KIND, view)()
