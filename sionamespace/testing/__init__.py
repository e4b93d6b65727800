"""Tests of namespaces with no server: see `Harness`, and `stub` for a single method."""

from sionamespace.testing.broker_contract import BrokerContract
from sionamespace.testing.client import HarnessClient
from sionamespace.testing.cluster import Cluster, ClusterNode
from sionamespace.testing.contract import RoomManagerContract
from sionamespace.testing.events import Emitted, Event, Request
from sionamespace.testing.harness import Harness
from sionamespace.testing.leftovers import LeftBehind
from sionamespace.testing.matching import including, matching
from sionamespace.testing.stub import mocks_of, stub

__all__ = [
    "BrokerContract",
    "Cluster",
    "ClusterNode",
    "Emitted",
    "Event",
    "Harness",
    "HarnessClient",
    "LeftBehind",
    "Request",
    "RoomManagerContract",
    "including",
    "matching",
    "mocks_of",
    "stub",
]
