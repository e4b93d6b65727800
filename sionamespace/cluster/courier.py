"""`Courier`: takes messages to servers from a process that is none of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from sionamespace.cluster.fresh import FreshRooms
from sionamespace.cluster.messages import ToClients
from sionamespace.cluster.outbox import Entry, Outbox
from sionamespace.cluster.pump import Pump
from sionamespace.cluster.wire import Wire
from sionamespace.errors import BrokerDown
from sionamespace.ids import new_node
from sionamespace.ports import Broker, Runtime
from sionamespace.runtime.originals import new_event_loop
from sionamespace.runtime.pending import Pending

__all__ = ["Courier"]

_log = logging.getLogger("sionamespace.cluster")


class Courier:
    """Has an outbox, and a real thread with an event loop that takes it to the broker.

    It never says that it is a server, so no server waits for it.

    Args:
        most: how many bytes may wait.
        runtime: the runtime of those who wait for what it returns.
        start_thread: starts a function on a real thread.
    """

    def __init__(
        self,
        broker: Broker,
        wire: Wire,
        most: int,
        runtime: Runtime,
        start_thread: Callable[[Callable[[], None]], object],
    ) -> None:
        self._broker = broker
        self._wire = wire
        self._runtime = runtime
        self._name = new_node()
        self._loop = new_event_loop()
        self._fresh = FreshRooms(self._loop.time)
        self._outbox = Outbox(most, self._full)
        self._pump = Pump(
            broker, self._outbox, self._write, _ignore, self._connected, self._lost, self._given_up
        )
        self._goes_on = True
        self._is_connected = False
        self._error: BaseException | None = None
        self._lost_before = 0
        self._ended: Pending[None] = Pending(runtime)
        start_thread(self._run)

    # From any thread.

    def put(self, message: ToClients, size: int = 0) -> None:
        """Send a message, soon.

        Args:
            size: about how many bytes it has.

        Raises:
            BrokerDown: if too many wait already.
        """
        if not self._outbox.put(message, None, size):
            raise self._too_much()

    def flush(self, timeout: float) -> Pending[None]:
        """Done when the broker has taken all so far; `BrokerDown` if it has not in time."""
        flushed: Pending[None] = Pending(self._runtime)
        lost_before, self._lost_before = self._lost_before, self._outbox.lost
        if not self._outbox.mark(partial(self._flushed, flushed, lost_before)):
            flushed.fail(self._too_much())
        self._loop.call_soon_threadsafe(self._loop.call_later, timeout, self._late, flushed)
        return flushed

    def finish(self, timeout: float) -> Pending[None]:
        """As `flush`, and then let go of the broker, however that ended."""
        finished: Pending[None] = Pending(self._runtime)
        flushed = self.flush(timeout)
        flushed.listen(self._end)
        self._ended.listen(lambda: _pass_on(flushed, finished))
        return finished

    def _end(self) -> None:
        self._goes_on = False
        self._pump.wake()

    def _full(self, is_full: bool) -> None:
        """Whoever puts something in is told."""

    def _too_much(self) -> BrokerDown:
        return BrokerDown(
            f"{self._outbox.bytes} bytes wait for {self._broker.name} already, and no more do"
            f"{self._why()}"
        )

    def _why(self) -> str:
        return f" ({type(self._error).__name__}: {self._error})" if self._error else ""

    # On the loop.

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._pump.run(lambda: self._goes_on))
            self._loop.run_until_complete(_end_tasks())
        finally:
            self._loop.close()
            self._ended.resolve(None)

    def _write(self, entry: Entry) -> tuple[str, bytes] | None:
        channel = self._fresh.channel(self._wire, entry.message, self._name)
        if channel is None:
            return None
        return channel, self._wire.write(self._name, entry.number, entry.message)

    def _flushed(self, flushed: Pending[None], lost_before: int) -> None:
        lost = self._outbox.lost - lost_before
        if lost:
            flushed.fail(BrokerDown(f"{lost} messages to servers were lost; see the log"))
        else:
            flushed.resolve(None)

    def _late(self, flushed: Pending[None]) -> None:
        flushed.fail(
            BrokerDown(
                f"what was emitted has not reached {self._broker.name} in time{self._why()}; it is "
                "sent when that is reached, if this process still runs"
            )
        )

    def _connected(self) -> None:
        _log.info("an emitter is connected to %s", self._broker.name)
        self._is_connected, self._error = True, None

    def _lost(self, error: BaseException) -> None:
        if self._is_connected or self._error is None:
            text = "an emitter cannot reach %s (%s: %s); what it emits waits, and it tries again"
            _log.error(text, self._broker.name, type(error).__name__, error)
        self._is_connected, self._error = False, error

    def _given_up(self, entry: Entry, error: BaseException) -> None:
        self._outbox.give_up(entry)
        text = "a message of about %d bytes is given up, as %s does not take it: %s"
        _log.error(text, entry.size, self._broker.name, error)


def _pass_on(done: Pending[None], to: Pending[None]) -> None:
    error = done.exception()
    if error is None:
        to.resolve(None)
    else:
        to.fail(error)


def _ignore(channel: str, data: bytes) -> None:
    """It subscribes to nothing."""


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
