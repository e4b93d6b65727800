from __future__ import annotations

from threading import Thread

import pytest

from sionamespace.runtime.eventlet import EventletDriver, eventlet
from sionamespace.runtime.threaded import ThreadedRuntime


class Elsewhere:
    """Runs functions on real threads, while the green threads of this one go on."""

    def __init__(self):
        self._threads = []

    def start(self, function, *args):
        """A thread that runs a function; its result or error is in what is returned."""
        outcome = []

        def body():
            try:
                outcome.append((function(*args), None))
            except BaseException as error:
                outcome.append((None, error))

        thread = Thread(target=body)
        self._threads.append(thread)
        thread.start()
        return thread, outcome

    def run(self, function, *args):
        """The result of a function on another thread; green threads here run meanwhile."""
        thread, outcome = self.start(function, *args)
        with eventlet.Timeout(5):
            while thread.is_alive():
                eventlet.sleep(0.0005)
        value, error = outcome[0]
        if error is not None:
            raise error
        return value

    def join(self):
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def elsewhere():
    threads = Elsewhere()
    yield threads
    threads.join()


# A driver belongs to its thread for good, so there is one of them for all tests on this thread.


@pytest.fixture(scope="session")
def driver():
    driver = EventletDriver()
    driver.bind()
    return driver


@pytest.fixture(scope="session")
def threaded(driver):
    return ThreadedRuntime(driver)
