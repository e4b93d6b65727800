"""`supervise`: starts the workers of a server, and others for those that die."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial

from sionamespace.errors import ConfigurationError
from sionamespace.serving.listening import announce, listen, raise_file_limit, say_where
from sionamespace.workers.balance import Balance, Loads
from sionamespace.workers.hearing import Hearing
from sionamespace.workers.hub import HubSocket
from sionamespace.workers.siblings import MOST_WORKERS, Inboxes, Siblings
from sionamespace.workers.slot import Slot
from sionamespace.workers.worker import Worker

__all__ = ["supervise"]

_log = logging.getLogger("sionamespace.run")

_ENDS = {signal.SIGTERM, signal.SIGINT}
_HEARD = (*_ENDS, signal.SIGHUP, signal.SIGCHLD)

_DRAIN = 3.0
"""Over how many seconds clients are sent away, unless it is said."""
_PATIENCE = 10.0
"""How many seconds more a worker has to end, before it is killed."""
_LOOK_AGAIN = 0.5
"""After how many seconds processes that are to end are looked at again."""


def supervise(
    count: int,
    host: str,
    port: int,
    work: Callable[[Worker], object],
    drain: float | None = None,
) -> None:
    """Run workers, in processes of their own, until SIGTERM or Ctrl-C.

    A worker that dies is replaced, after a pause that grows if that happens again and again.
    SIGHUP replaces all, one after another. A second SIGTERM or Ctrl-C ends all of them at once.

    Args:
        work: called in each worker's process; when it returns, the process ends.
        drain: over how many seconds the workers send their clients away in the end.

    Raises:
        ConfigurationError: if there cannot be so many, the address cannot be listened on, or a
            worker ends while it starts, the first time.
    """
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_WORKERS:
        raise ConfigurationError(
            f"workers={count!r:.40}: expected how many processes serve, 1 to {MOST_WORKERS}"
        )
    seconds = _DRAIN if drain is None else drain
    others = [thread.name for thread in threading.enumerate()[1:]]
    if others:
        _log.warning("workers are forked, and have none of this process's threads: %s", others)
    raise_file_limit()
    hearing = Hearing()
    with listen(host, port) as listener, hearing.on(_HEARD):
        master = _Master(count, listener, work, seconds, hearing)
        try:
            master.run()
        finally:
            master.end()
    hearing.close()
    announce("stopped")


class _Master:
    """The process that starts the workers."""

    def __init__(
        self,
        count: int,
        listener: socket.socket,
        work: Callable[[Worker], object],
        drain: float,
        hearing: Hearing,
    ) -> None:
        self._workers = [Slot(f"worker {n + 1}", partial(self._be, n)) for n in range(count)]
        self._listener = listener
        self._work = work
        self._drain = drain
        self._hearing = hearing
        self._inboxes = Inboxes(count)
        self._loads = Loads(count)
        self._hub_socket = HubSocket()
        self._hub = Slot("the workers' hub", self._be_hub)
        self._pid = os.getpid()
        self._serving = ("", "")
        self._to_replace: list[Slot] = []
        self._is_ending = False

    # Its life.

    def run(self) -> None:
        """Start the workers and see to them, until told to end."""
        # One before the others, so that what ails them all is said once.
        for workers in (self._workers[:1], self._workers[1:]):
            self._begin(workers)
        if not self._is_ending:
            say_where(self._listener, *self._serving, f", {len(self._workers)} workers")
        while not self._is_ending:
            self._see_to_workers()
            pauses = [worker.seconds_to_next() for worker in self._workers]
            self._wait(min((pause for pause in pauses if pause is not None), default=None))

    def _begin(self, workers: list[Slot]) -> None:
        for worker in workers:
            self._start(worker)
        while not self._is_ending and not all(worker.serves for worker in workers):
            for end in filter(None, (worker.look() for worker in workers)):
                raise ConfigurationError(f"{end} while it started")
            self._wait(None)

    def _see_to_workers(self) -> None:
        for number, worker in enumerate(self._workers):
            if end := worker.look():
                self._loads.forget(number)
                worker.restart(end)
            if worker.seconds_to_next() == 0:
                if worker.pid is None:
                    self._start_again(worker)
                else:
                    worker.kill()
        if self._to_replace and all(worker.serves for worker in self._workers):
            self._to_replace.pop(0).replace(signal.SIGHUP, self._drain + _PATIENCE)

    def _wait(self, seconds: float | None) -> None:
        """Wait until there is something to see to."""
        if end := self._hub.look():
            self._hub.restart(end)
        pause = self._hub.seconds_to_next()
        # Nobody may ever need the hub: the first one that connects to it has it started.
        awaited = [self._hub_socket] if pause == 0 else []
        if pause:
            seconds = pause if seconds is None else min(seconds, pause)
        heard = self._hearing.wait(seconds, *awaited)
        if heard.readable:
            self._start_again(self._hub)
        self._is_ending = self._is_ending or not _ENDS.isdisjoint(heard.signals)
        if signal.SIGHUP in heard.signals:
            self._to_replace = list(self._workers)
        for line in heard.lines:
            self._welcome(*line.split())

    def _welcome(self, pid: str, scheme: str, web_server: str) -> None:
        self._serving = scheme, web_server
        for worker in self._workers:
            if worker.pid == int(pid):
                worker.serves = True
                _log.info("%s (process %s) serves", worker.name, pid)

    # Its end.

    def end(self) -> None:
        """End all workers: at once if they stay too long, or if told so again."""
        self._listener.close()
        self._inboxes.close()
        self._is_ending = False
        self._signal(self._workers, signal.SIGTERM)
        last = time.monotonic() + self._drain + _PATIENCE
        while any([self._is_there(worker) for worker in self._workers]):
            if self._is_ending or time.monotonic() > last:
                self._signal(self._workers, signal.SIGKILL)
            self._wait(_LOOK_AGAIN)
        self._signal([self._hub], signal.SIGKILL)
        while self._is_there(self._hub):
            self._hearing.wait(_LOOK_AGAIN)
        self._hub_socket.close()

    def _is_there(self, slot: Slot) -> bool:
        slot.look()
        return slot.pid is not None

    def _signal(self, slots: Iterable[Slot], number: int) -> None:
        for slot in slots:
            slot.signal(number)

    # Processes.

    def _start(self, slot: Slot) -> None:
        # A signal for a new process must not be heard by what it still has of this one.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        try:
            slot.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)

    def _start_again(self, slot: Slot) -> None:
        try:
            self._start(slot)
        except OSError as error:  # no memory, or too many processes: the others serve on
            slot.restart(f"{slot.name} could not be started: {error}")

    def _be(self, number: int) -> None:
        """Be a worker, in its process."""
        self._forget_signals()
        balance = Balance(self._loads, number)
        siblings = Siblings(number, *self._inboxes.of_worker(number), balance)
        broker, teller = self._hub_socket.url, self._hearing.teller
        worker = Worker(self._listener, siblings, broker, self._drain, self._pid, teller)
        self._work(worker)

    def _be_hub(self) -> None:
        self._forget_signals()
        self._listener.close()
        self._inboxes.close()
        self._hub_socket.run_hub(self._pid)

    def _forget_signals(self) -> None:
        signal.set_wakeup_fd(-1)
        for heard in _HEARD:
            signal.signal(heard, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
