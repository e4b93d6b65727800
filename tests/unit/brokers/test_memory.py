"""The broker in memory does what every broker must, also across threads."""

from __future__ import annotations

import pytest

from sionamespace.brokers import broker_of
from sionamespace.brokers.memory import MemoryBroker, MemoryHub
from sionamespace.errors import ConfigurationError
from sionamespace.testing.broker_contract import BrokerContract


class TestContract(BrokerContract):
    def setup_method(self):
        self.hub = MemoryHub()

    def make(self):
        return MemoryBroker(self.hub)


class TestContractByUrl(BrokerContract):
    def make(self):
        return broker_of("memory://contract")


def test_brokers_of_other_names_do_not_meet():
    one, two = broker_of("memory://one"), broker_of("memory://two")
    assert one._hub is not two._hub
    assert broker_of("memory://one")._hub is one._hub


def test_a_scheme_that_is_not_known_is_an_error_that_names_those_that_are():
    with pytest.raises(ConfigurationError, match=r"no broker for 'ftp'.*memory://"):
        broker_of("ftp://somewhere")
