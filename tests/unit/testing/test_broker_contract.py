"""The contract must find the faults that it is there to find."""

from __future__ import annotations

import inspect

import pytest

from sionamespace.brokers.memory import MemoryBroker, MemoryHub
from sionamespace.testing.broker_contract import BrokerContract


class Deaf(MemoryBroker):
    async def subscribe(self, channels):
        pass


class HearsAll(MemoryBroker):
    def _take(self, batch):
        for channel, message in batch:
            self._receive(channel, message)


class Turned(MemoryBroker):
    async def publish(self, batch):
        await super().publish(batch[::-1])


class Twice(MemoryBroker):
    async def publish(self, batch):
        await super().publish([*batch, *batch])


class Short(MemoryBroker):
    async def publish(self, batch):
        await super().publish([(channel, message[:1000]) for channel, message in batch])


class TakesTexts(MemoryBroker):
    async def publish(self, batch):
        await super().publish([(c, m.decode("latin-1").strip().encode()) for c, m in batch])


class NeverUnsubscribes(MemoryBroker):
    async def unsubscribe(self, channels):
        pass


class RemembersChannels(MemoryBroker):
    async def close(self):
        channels = set(self._channels)
        await super().close()
        self._channels = channels


class ClosesOnce(MemoryBroker):
    async def close(self):
        if self._loop is None:
            raise RuntimeError("it is not open")
        await super().close()


class SaysItKeeps(MemoryBroker):
    keeps = True


class Wild(MemoryBroker):
    def _take(self, batch):
        for channel, message in batch:
            if any(channel.startswith(mine.rstrip("*")) for mine in self._channels):
                self._receive(channel, message)


def failures(broker, seconds=0.05):
    class Contract(BrokerContract):
        patience = seconds

        def __init__(self):
            self.hub = MemoryHub()

        def make(self):
            return broker(self.hub)

    failed = []
    for name, _ in inspect.getmembers(BrokerContract, inspect.isfunction):
        if name.startswith("test_"):
            try:
                getattr(Contract(), name)()
            except Exception:
                failed.append(name)
    return failed


def test_a_broker_that_does_as_it_should_passes():
    assert failures(MemoryBroker, seconds=2) == []


@pytest.mark.parametrize(
    "broker",
    [
        Deaf,
        HearsAll,
        Turned,
        Twice,
        Short,
        TakesTexts,
        NeverUnsubscribes,
        RemembersChannels,
        ClosesOnce,
        SaysItKeeps,
        Wild,
    ],
)
def test_a_broker_with_a_fault_fails(broker):
    assert failures(broker)


def test_a_contract_without_a_broker_says_what_to_do():
    with pytest.raises(NotImplementedError, match="return the broker"):
        BrokerContract().make()
