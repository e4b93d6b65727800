"""What is made of a broker's library."""

from __future__ import annotations

import asyncio
import gc

import pytest

from sionamespace.cluster.soon import soon


def test_a_cancellation_that_nobody_asked_for_is_a_broken_connection():
    async def library():
        task = asyncio.ensure_future(asyncio.sleep(100))
        task.cancel()
        await task

    async def main():
        with pytest.raises(ConnectionError, match="cancelled"):
            await soon(library())

    asyncio.run(main())


def test_one_that_somebody_asked_for_is_passed_on():
    async def main():
        waiting = asyncio.ensure_future(soon(asyncio.sleep(100)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())


def test_how_a_step_ends_that_was_abandoned_is_nobodys_concern(caplog):
    async def library():
        try:
            await asyncio.sleep(100)
        finally:
            raise ConnectionError("in the end")

    async def main():
        waiting = asyncio.ensure_future(soon(library()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        broken = asyncio.get_running_loop().create_future()
        waiting = asyncio.ensure_future(soon(library(), broken))
        await asyncio.sleep(0)
        broken.set_result(ConnectionError("it broke"))
        with pytest.raises(ConnectionError, match="it broke"):
            await waiting

    asyncio.run(main())
    gc.collect()
    assert not caplog.records
