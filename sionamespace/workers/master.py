"""`supervise`: starts the workers of a server, and others for those that die."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial

from sionamespace.errors import ConfigurationError
from sionamespace.serving.listening import announce, raise_file_limit, say_where
from sionamespace.workers.hearing import Hearing
from sionamespace.workers.process import Process
from sionamespace.workers.siblings import Inboxes
from sionamespace.workers.worker import Worker

__all__ = ["supervise"]

_log = logging.getLogger("sionamespace.run")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds before another worker is started for one that died: doubled each time in a row."""
_STEADY = 10.0
"""How many seconds a worker has to live for its death not to be one of a row."""

_ENDS = {signal.SIGTERM, signal.SIGINT}
_HEARD = (*_ENDS, signal.SIGHUP, signal.SIGCHLD)


def supervise(
    count: int, listener: socket.socket, work: Callable[[Worker], object], patience: float
) -> None:
    """Run workers, in processes of their own, until SIGTERM or Ctrl-C.

    A worker that dies is replaced, after a pause that grows if that happens again and again.
    SIGHUP replaces all, one after another. A second SIGTERM or Ctrl-C ends all of them at once.

    Args:
        work: called in each worker's process; when it returns, the process ends.
        patience: how many seconds the workers may take to end.

    Raises:
        ConfigurationError: if a worker ends while it starts, the first time.
    """
    others = [thread.name for thread in threading.enumerate()[1:]]
    if others:
        _log.warning("workers are forked, and have none of this process's threads: %s", others)
    raise_file_limit()
    hearing = Hearing()
    master = _Master(count, listener, work, hearing)
    with hearing.on(_HEARD):
        try:
            master.run()
        finally:
            master.end(patience)
    hearing.close()
    announce("stopped")


class _Slot:
    """The place of one worker, which several may have one after another."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: Process | None = None
        self.serves = False
        self.leaves = False
        """Whether it was told to end, for another one to come."""
        self.begun = 0.0
        self.deaths = 0
        """How many in a row, each soon after its beginning."""
        self.next = 0.0
        """When another one is started."""

    def __str__(self) -> str:
        return f"worker {self.number + 1}"

    def has_ended(self) -> bool:
        return self.process is not None and self.process.look()


class _Master:
    """The process that starts the workers."""

    def __init__(
        self,
        count: int,
        listener: socket.socket,
        work: Callable[[Worker], object],
        hearing: Hearing,
    ) -> None:
        self._slots = [_Slot(number) for number in range(count)]
        self._listener = listener
        self._work = work
        self._hearing = hearing
        self._inboxes = Inboxes(count)
        self._pid = os.getpid()
        self._serving = ("", "")
        self._to_replace: list[_Slot] = []
        self._is_ending = False

    def run(self) -> None:
        """Start the workers and see to them, until told to end."""
        # One before the others, so that what ails them all is said once.
        for slots in (self._slots[:1], self._slots[1:]):
            self._begin(slots)
        if not self._is_ending:
            say_where(self._listener, *self._serving, f", {len(self._slots)} workers")
        while not self._is_ending:
            self._see_to_all()
            self._wait(self._seconds_to_next())

    def _begin(self, slots: list[_Slot]) -> None:
        for slot in slots:
            self._start(slot)
        while not self._is_ending and not all(slot.serves for slot in slots):
            for slot in slots:
                if slot.has_ended():
                    raise ConfigurationError(f"{slot} {_end_of(slot)} while it started")
            self._wait(None)

    def _see_to_all(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.has_ended():
                self._bury(slot, now)
            if slot.process is None and slot.next <= now:
                self._start(slot)
        if self._to_replace and all(slot.serves for slot in self._slots):
            slot = self._to_replace.pop(0)
            slot.leaves, slot.serves = True, False
            if slot.process is not None:
                slot.process.signal(signal.SIGHUP)

    def _bury(self, slot: _Slot, now: float) -> None:
        """Say how a worker has ended, and when there will be another one."""
        if slot.leaves:
            slot.next = now
        else:
            slot.deaths = slot.deaths + 1 if now - slot.begun < _STEADY else 1
            pause = min(_FIRST_PAUSE * 2 ** (slot.deaths - 1), _LONGEST_PAUSE)
            slot.next = now + pause
            _log.error("%s %s; there will be another one in %g s", slot, _end_of(slot), pause)
        slot.process, slot.serves = None, False

    def _seconds_to_next(self) -> float | None:
        times = [slot.next for slot in self._slots if slot.process is None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _wait(self, seconds: float | None) -> None:
        """Wait until there is something to see to."""
        signals, lines = self._hearing.wait(seconds)
        if _ENDS & set(signals):
            self._is_ending = True
        if signal.SIGHUP in signals:
            self._to_replace = list(self._slots)
        for line in lines:
            pid, scheme, web_server = line.split()
            self._serving = scheme, web_server
            for slot in self._slots:
                if slot.process is not None and slot.process.pid == int(pid):
                    slot.serves = True
                    _log.info("%s (process %s) serves", slot, pid)

    def _start(self, slot: _Slot) -> None:
        slot.begun = time.monotonic()
        slot.leaves = False
        # A signal for the worker must not be heard by what it still has of the master.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        slot.process = Process(partial(self._become, slot.number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)

    def _become(self, number: int) -> None:
        """Be a worker, in its process."""
        signal.set_wakeup_fd(-1)
        for heard in _HEARD:
            signal.signal(heard, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        siblings = self._inboxes.of_worker(number)
        self._work(Worker(self._listener, siblings, self._pid, self._hearing.teller))

    def end(self, patience: float) -> None:
        """End all workers: those at once that stay too long, and all at a second signal."""
        self._listener.close()
        self._inboxes.close()
        self._signal_all(signal.SIGTERM)
        last = time.monotonic() + patience
        self._is_ending = False
        while not all([slot.process is None or slot.has_ended() for slot in self._slots]):
            if self._is_ending or time.monotonic() > last:
                self._signal_all(signal.SIGKILL)
            self._wait(0.5)

    def _signal_all(self, number: int) -> None:
        for slot in self._slots:
            if slot.process is not None:
                slot.process.signal(number)


def _end_of(slot: _Slot) -> str | None:
    return None if slot.process is None else slot.process.end
