"""What every `sionamespace.ports.Broker` must do, as tests that any of them can be run through."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from sionamespace.ports import Broker

__all__ = ["BrokerContract"]


class _Node:
    """A process of a cluster: a broker, and what it received."""

    def __init__(self, broker: Broker, patience: float) -> None:
        self.broker = broker
        self.got: list[tuple[str, bytes]] = []
        self.lost: list[Exception] = []
        self._patience = patience
        self._news = asyncio.Event()

    async def open(self, *channels: str) -> None:
        await self.broker.open(self._receive, self.lost.append)
        if channels:
            await self.broker.subscribe(channels)

    async def send(self, *batch: tuple[str, bytes]) -> None:
        await asyncio.wait_for(self.broker.publish(batch), self._patience)

    async def until(self, channel: str, message: bytes) -> None:
        """Wait until a message has come."""
        await asyncio.wait_for(self._until((channel, message)), self._patience)

    async def _until(self, wanted: tuple[str, bytes]) -> None:
        while wanted not in self.got:
            self._news.clear()
            await self._news.wait()

    def of(self, *channels: str) -> list[bytes]:
        """What came on some channels, in order."""
        return [message for channel, message in self.got if channel in channels]

    def _receive(self, channel: str, message: bytes) -> None:
        assert isinstance(message, bytes), f"expected bytes, not {type(message).__name__}"
        self.got.append((channel, message))
        self._news.set()


class BrokerContract:
    """Subclass it in your tests, with a ``make`` that gives brokers which meet.

        class TestMyBroker(BrokerContract):
            def make(self):
                return MyBroker("my://127.0.0.1:1234")

    Each test makes two or three, as the processes of a cluster would. Their channels have names of
    their own, so that tests may share an engine, and what other tests left there disturbs none.
    """

    patience = 10.0
    """How many seconds a message may take."""

    def make(self) -> Broker:
        """A new broker of the engine to test; all of them reach each other."""
        raise NotImplementedError("return the broker to test")

    def test_a_message_reaches_everybody_who_is_subscribed(self) -> None:
        async def test(one: _Node, two: _Node, three: _Node) -> None:
            await two.open(a)
            await three.open(a)
            await one.open()
            await one.send((a, b"hello"))
            await two.until(a, b"hello")
            await three.until(a, b"hello")

        a = _channel("a")
        self._run(test)

    def test_a_message_is_any_bytes(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await two.open(a)
            await one.open()
            for message in (bytes(range(256)), b"\0", b"\r\n", bytes(500_000)):
                await one.send((a, message))
                await two.until(a, message)

        a = _channel("a")
        self._run(test)

    def test_a_channel_is_any_text(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await two.open(*channels)
            await one.open()
            for number, channel in enumerate(channels):
                await one.send((channel, b"%d" % number))
                await two.until(channel, b"%d" % number)

        texts = [
            "#/chat#a room",
            "#/#a.b",
            "#/#*",
            "#/#>",
            '#/#"quoted\\',
            "#/#\xfc\u20ac\U0001f600",
        ]
        texts += [
            "#/#half a character \ud800",
            "#/#new\nline\0",
            "#/#?[a-z]{x}%$:/",
            "#/#" + "long" * 100,
            "@node",
        ]
        channels = [_channel(text) for text in texts]
        self._run(test)

    def test_no_channel_is_a_pattern(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await two.open(*(f"{a}{wild}" for wild in ("*", ".*", ".>", ".#", "?", "%")), end)
            await one.open()
            await one.send((f"{a}x", b"1"), (f"{a}.x", b"2"), (f"{a}.x.y", b"3"), (end, b"end"))
            await two.until(end, b"end")
            if two.broker.filters:
                assert two.of(f"{a}x", f"{a}.x", f"{a}.x.y") == []

        a, end = _channel("a"), _channel("end")
        self._run(test)

    def test_what_one_sends_comes_in_order(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await two.open(a, b, end)
            await one.open()
            for start in range(0, 300, 100):
                batch = [(a if n % 3 else b, b"%d" % n) for n in range(start, start + 100)]
                await one.send(*batch)
            await one.send((end, b"end"))
            await two.until(end, b"end")
            assert two.of(a, b) == [b"%d" % n for n in range(300)]

        a, b, end = map(_channel, ("a", "b", "end"))
        self._run(test)

    def test_what_several_send_at_once_comes_once_each(self) -> None:
        async def test(one: _Node, two: _Node, three: _Node) -> None:
            await three.open(a, end)
            await one.open()
            await two.open()
            batches = [
                (node, [(a, b"%d %d" % (n, k)) for k in range(50)])
                for n, node in enumerate((one, two))
            ]
            await asyncio.gather(*(node.send(*batch) for node, batch in batches))
            await one.send((end, b"1"))
            await two.send((end, b"2"))
            await three.until(end, b"1")
            await three.until(end, b"2")
            assert sorted(three.of(a)) == sorted(
                message for _, batch in batches for _, message in batch
            )

        a, end = _channel("a"), _channel("end")
        self._run(test)

    def test_only_what_is_subscribed_to_comes(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await two.open(end)
            await one.open()
            await one.send((a, b"before"), (end, b"1"))
            await two.until(end, b"1")
            await two.broker.subscribe([a])
            await one.send((a, b"between"), (end, b"2"))
            await two.until(end, b"2")
            await two.broker.unsubscribe([a])
            await one.send((a, b"after"), (end, b"3"))
            await two.until(end, b"3")
            if two.broker.filters:
                assert two.of(a) == [b"between"]
            else:
                assert b"between" in two.of(a)

        a, end = _channel("a"), _channel("end")
        self._run(test)

    def test_subscribing_twice_is_subscribing_once(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await two.open(a, end)
            await two.broker.subscribe([a])
            await two.broker.unsubscribe([_channel("never subscribed to")])
            await one.open()
            await one.send((a, b"1"), (end, b"end"))
            await two.until(end, b"end")
            assert two.of(a) == [b"1"]

        a, end = _channel("a"), _channel("end")
        self._run(test)

    def test_there_may_be_many_channels(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await two.open(*channels)
            await one.open()
            await one.send(*((channel, b"1") for channel in channels))
            for channel in channels:
                await two.until(channel, b"1")
            await two.broker.unsubscribe(channels)

        channels = [_channel(f"room {number}") for number in range(1000)]
        self._run(test)

    def test_it_sends_while_it_subscribes(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await two.open(a)
            await one.open()
            channels = [_channel(str(number)) for number in range(100)]
            for n in range(20):
                some = channels[n * 5 : n * 5 + 5]
                await asyncio.gather(one.send((a, b"%d" % n)), one.broker.subscribe(some))
            await two.until(a, b"19")
            assert two.of(a) == [b"%d" % n for n in range(20)]

        a = _channel("a")
        self._run(test)

    def test_one_that_was_closed_opens_anew_and_subscribes_anew(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await two.open(a, end)
            await one.open()
            await one.send((a, b"1"), (end, b"1"))
            await two.until(end, b"1")
            await two.broker.close()
            await two.open(end)
            await one.broker.close()
            await one.open()
            await one.send((a, b"2"), (end, b"2"))
            await two.until(end, b"2")
            assert two.of(end) == [b"1", b"2"]
            if two.broker.filters:
                assert two.of(a) == [b"1"]
            assert not one.lost, "whoever closes it knows that it is closed"

        a, end = _channel("a"), _channel("end")
        self._run(test)

    def test_what_was_sent_while_one_was_away_comes_if_the_engine_keeps_it(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await two.open(a, end)
            await one.open()
            await one.send((a, b"1"), (end, b"1"))
            await two.until(end, b"1")
            await two.broker.close()
            await one.send((a, b"2"))
            await two.open(a, end)
            await one.send((end, b"2"))
            await two.until(end, b"2")
            assert two.of(a) == ([b"1", b"2"] if two.broker.keeps else [b"1"])

        a, end = _channel("a"), _channel("end")
        self._run(test)

    def test_it_may_be_closed_at_any_time(self) -> None:
        async def test(one: _Node, two: _Node, _: _Node) -> None:
            await one.broker.close()
            await one.open(_channel("a"))
            await one.broker.close()
            await one.broker.close()

        self._run(test)

    def test_it_says_what_it_is(self) -> None:
        broker = self.make()
        assert broker.name
        assert broker.filters in (True, False)
        assert broker.keeps in (True, False)

    def _run(self, test: Callable[[_Node, _Node, _Node], Awaitable[None]]) -> None:
        async def run() -> None:
            nodes = [_Node(self.make(), self.patience) for _ in range(3)]
            try:
                await test(*nodes)
            finally:
                for node in nodes:
                    await node.broker.close()

        asyncio.run(run())


def _channel(text: str) -> str:
    """A channel of this test alone."""
    return secrets.token_hex(6) + text
