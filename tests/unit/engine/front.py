"""What a web server of each WSGI runtime does for the engine: requests on its kind of threads."""

from __future__ import annotations

import threading
import time

from sionamespace.runtime.choice import make_driver
from sionamespace.runtime.eventlet import eventlet
from sionamespace.runtime.threaded import ThreadedRuntime

PATIENCE = 30.0
"""Seconds after which a test that waits for something fails."""


class Front:
    """A runtime, and what runs requests on it. The test is one of its (green) threads."""

    def __init__(self, mode):
        self._driver = make_driver(mode)
        self._driver.bind()
        self._spawn, self.green = _LIBRARIES[mode]()
        self.runtime = ThreadedRuntime(self._driver)

    def start(self, function, *args, **kwargs):
        """A call that is under way."""
        task = Task(self._driver.waiter())
        self._spawn(task.run, function, args, kwargs)
        return task

    def until(self, condition):
        """Wait for something to become true."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "it did not come true"
            self._driver.sleep(0.001)


class Task:
    """A call on a (green) thread of its own."""

    def __init__(self, ended):
        self._ended = ended
        self._outcome = None

    def run(self, function, args, kwargs):
        try:
            self._outcome = function(*args, **kwargs), None
        except BaseException as error:
            self._outcome = None, error
        self._ended.set()

    @property
    def done(self):
        return self._outcome is not None

    def wait(self):
        """What it returned or raised."""
        assert self._ended.wait(PATIENCE), "it did not return"
        value, error = self._outcome
        if error is not None:
            raise error
        return value


def _eventlet():
    from eventlet.greenio import GreenSocket

    return eventlet.spawn, GreenSocket


def _gevent():
    import gevent
    from gevent.socket import socket

    return gevent.spawn, lambda sock: socket(fileno=sock.detach())


def _threads():
    def spawn(function, *args):
        threading.Thread(target=function, args=args, daemon=True).start()

    return spawn, lambda sock: sock


_LIBRARIES = {"eventlet": _eventlet, "gevent": _gevent, "threads": _threads}
