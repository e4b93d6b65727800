"""Each broker against its real server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import pytest
from engines import Engine, RedisServer

from sionamespace.brokers import broker_of
from sionamespace.ports import Broker
from sionamespace.testing.broker_contract import BrokerContract

SOON = 15.0
"""Seconds within which a broker notices that its server is gone: `SILENCE`, and some."""


class RealServer(BrokerContract):
    """The contract, and what comes of a server that goes away."""

    engine: Engine
    patience = 30.0

    def make(self) -> Broker:
        return broker_of(self.engine.url)

    @classmethod
    def new_engine(cls) -> Engine:
        raise NotImplementedError

    @classmethod
    def setup_class(cls) -> None:
        cls.engine = cls.new_engine()
        cls.engine.start()

    @classmethod
    def teardown_class(cls) -> None:
        cls.engine.end()

    def test_a_message_may_be_large(self) -> None:
        async def test(one: Side, two: Side) -> None:
            message = secrets.token_bytes(2**20 + 1)
            await two.broker.subscribe(["large"])
            for _ in range(3):
                await one.broker.publish([("large", message), ("large", b"small")])
                assert await two.next() == ("large", message)
                assert await two.next() == ("large", b"small")

        self.between(test)

    def test_whoever_uses_it_is_told_once_that_the_server_is_gone(self) -> None:
        async def test(one: Side, two: Side) -> None:
            await one.broker.subscribe(["a"])
            self.engine.kill()
            await asyncio.gather(one.lost.wait(), two.lost.wait())
            for side in (one, two):
                with pytest.raises(Exception):  # noqa: B017, PT011 # the library's own
                    await side.broker.publish([("a", b"1")])
                with pytest.raises(Exception):  # noqa: B017, PT011
                    await side.broker.open(side.take, side.lose)
                await side.broker.close()
                assert len(side.errors) == 1

        try:
            self.between(test)
        finally:
            self.engine.start()

    def test_the_same_broker_opens_anew_when_the_server_is_back(self) -> None:
        async def test(one: Side, two: Side) -> None:
            await two.broker.subscribe(["a"])
            self.engine.kill()
            await asyncio.gather(one.lost.wait(), two.lost.wait())
            self.engine.start()
            for side in (two, one):
                await side.broker.close()
                await side.broker.open(side.take, side.lose)
            await two.broker.subscribe(["a"])
            await one.broker.publish([("a", b"again")])
            assert await two.next() == ("a", b"again")

        self.between(test)

    def test_a_server_that_hangs_is_noticed(self) -> None:
        async def test(one: Side, two: Side) -> None:
            await two.broker.subscribe(["a"])
            self.engine.pause()
            publishing = asyncio.ensure_future(one.broker.publish([("a", b"1")]))
            with pytest.raises(TimeoutError, match="did not answer"):
                await broker_of(self.engine.url).open(one.take, one.lose)
            with pytest.raises(Exception):  # noqa: B017, PT011
                await asyncio.wait_for(publishing, SOON)
            await asyncio.wait_for(two.lost.wait(), SOON)

        try:
            self.between(test)
        finally:
            self.engine.resume()

    def between(self, test: Callable[[Side, Side], Awaitable[None]]) -> None:
        """Run a test with two open brokers."""

        async def run() -> None:
            sides = [Side(self.make()) for _ in range(2)]
            try:
                for side in sides:
                    await side.broker.open(side.take, side.lose)
                await asyncio.wait_for(test(*sides), 3 * SOON)
            finally:
                for side in sides:
                    await side.broker.close()

        asyncio.run(run())


class Side:
    """A broker, and what it said."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.lost = asyncio.Event()
        self.errors: list[Exception] = []
        self._came: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    def take(self, channel: str, message: bytes) -> None:
        self._came.put_nowait((channel, message))

    def lose(self, error: Exception) -> None:
        self.errors.append(error)
        self.lost.set()

    async def next(self) -> tuple[str, bytes]:
        return await asyncio.wait_for(self._came.get(), SOON)


class TestRedis(RealServer):
    @classmethod
    def new_engine(cls) -> Engine:
        return RedisServer()
