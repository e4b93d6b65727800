"""Tests of namespaces with no server: see `Harness`."""

from sionamespace.testing.client import Event, HarnessClient, Request
from sionamespace.testing.harness import Harness

__all__ = ["Event", "Harness", "HarnessClient", "Request"]
