from __future__ import annotations

import pytest

from sionamespace.runtime.eventlet import EventletDriver
from sionamespace.runtime.threaded import ThreadedRuntime

# A driver belongs to its thread for good, so there is one of them for all tests on this thread.


@pytest.fixture(scope="session")
def threaded():
    runtime = ThreadedRuntime(EventletDriver())
    runtime.bind()
    return runtime
