"""`Pump`: the connection to the broker, and what goes over it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

from sionamespace.cluster.outbox import Entry, Outbox
from sionamespace.ports import Broker
from sionamespace.runtime.calls import being_cancelled
from sionamespace.runtime.originals import get_ident

__all__ = ["Pump", "Reunion"]

T = TypeVar("T")

PATIENCE = 5.0
"""How many seconds the broker may take for a step; past it the connection counts as broken."""

_FIRST_DELAY, _LAST_DELAY = 0.1, 5.0
"""After how many seconds a connection is tried anew: at first, and after many failures."""

_GREET_EVERY, _SLACK = 1.0, 1.0
"""How often others are greeted while they are waited for, and for how many seconds more than they
may pause between their attempts."""

_BATCH, _BATCH_BYTES = 500, 1024 * 1024
"""How much is published at once."""

_CHANNELS = 1000
"""How many channels are subscribed to at once."""

_ATTEMPTS = 3
"""How often a message is sent on a connection that breaks at it, before it is given up."""


class Reunion(Protocol):
    """Who was there when the connection broke."""

    def greeting(self) -> Entry:
        """What tells them that this server is there, and asks them to say so too."""

    def is_complete(self) -> bool:
        """Whether all of them are back. When that changes, the pump is to be woken."""


class Pump:
    """Takes what waits in an outbox to the broker, and comes back when the connection breaks.

    A message is published after the channels were subscribed to that were wanted before it, and
    after those before it. If that fails it is sent again, so that the broker may have it twice,
    under the same number.

    Args:
        write: the channel and the bytes of an entry; None if it need not be sent.
        receive: called on the loop with the channel and bytes of each message that comes.
        connected: called on the loop when everything is subscribed to.
        lost: called on the loop with what broke the connection, or kept it from coming about.
        given_up: called with messages that the broker does not take, and why.
        reunion: who was there when the connection broke; see `Reunion`.
    """

    def __init__(
        self,
        broker: Broker,
        outbox: Outbox,
        write: Callable[[Entry], tuple[str, bytes] | None],
        receive: Callable[[str, bytes], object],
        connected: Callable[[], object],
        lost: Callable[[BaseException], object],
        given_up: Callable[[Entry, BaseException], object],
        reunion: Reunion | None = None,
    ) -> None:
        self._broker = broker
        self._outbox = outbox
        outbox.wake = self.wake
        self._write = write
        self._receive = receive
        self._tell_connected = connected
        self._tell_lost = lost
        self._tell_given_up = given_up
        self._reunion = reunion
        self._lost_at: float | None = None
        self.holds = False
        """Whether what waits is held until others are back."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ident = 0
        self._news = asyncio.Event()
        self._fault: BaseException | None = None
        self._batch: list[Entry] = []
        self._number = 0
        self._failures = 0

    # From any thread.

    def wake(self) -> None:
        """There is something in the outbox, or it is time to end."""
        loop = self._loop
        if loop is not None and get_ident() == self._ident:
            self._news.set()
        elif loop is not None:
            with suppress(RuntimeError):  # the loop was closed, and the pump ended with it
                loop.call_soon_threadsafe(self._news.set)

    # On the loop.

    def break_off(self, error: BaseException) -> None:
        """Take the connection for broken."""
        self._fault = self._fault or error
        self._news.set()

    async def run(self, goes_on: Callable[[], bool]) -> None:
        """Connect, and come back, as long as this is to go on; then send what can be sent."""
        self._ident, self._news = get_ident(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY
        try:
            while goes_on():
                begun = self._loop.time()
                try:
                    await self._open()
                    await self._carry(goes_on)
                except Exception as error:
                    self._outbox.flows = False
                    self._lost_at = self._lost_at or self._loop.time()
                    self._tell_lost(error)
                    await self._close()
                    held = self._loop.time() - begun > _LAST_DELAY
                    delay = _FIRST_DELAY if held else delay
                    await self._pause(delay * random.uniform(0.5, 1), goes_on)
                    delay = min(delay * 2, _LAST_DELAY)
        finally:
            self._outbox.flows = False
            await self._close()

    async def _close(self) -> None:
        with suppress(TimeoutError):
            await _soon(self._broker.close())

    async def _pause(self, seconds: float, goes_on: Callable[[], bool]) -> None:
        now = asyncio.get_running_loop().time
        end = now() + seconds
        while goes_on() and (left := end - now()) > 0:
            self._news.clear()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)

    async def _open(self) -> None:
        self._fault = None
        await _soon(self._broker.open(self._receive, self.break_off))
        await self._subscribe(self._outbox.anew())
        self._tell_connected()

    async def _carry(self, goes_on: Callable[[], bool]) -> None:
        """Take over what comes, until the connection breaks or it is time to end."""
        if self._reunion is not None:
            self.holds = True
            try:
                await self._reunite(self._reunion, goes_on)
            finally:
                self.holds = False
        self._outbox.flows, self._lost_at = True, None
        await self._publish()  # what failed before
        while True:
            changes, self._batch = self._outbox.take(_BATCH, _BATCH_BYTES)
            await self._change_channels(changes)
            await self._publish()
            self._news.clear()
            if self._fault is not None:
                raise self._fault
            if self._outbox.sleep():
                if not goes_on():
                    return
                await self._news.wait()

    async def _reunite(self, reunion: Reunion, goes_on: Callable[[], bool]) -> None:
        """Greet the others, and hold what waits until those are back who were there: of a broker
        that was away, some come back before others, and what is published then is not kept."""
        now = asyncio.get_running_loop().time
        until = now()
        if self._lost_at is not None and not self._broker.keeps:
            until += min(2 * (until - self._lost_at), _LAST_DELAY) + _SLACK

        def waits() -> bool:
            return not reunion.is_complete() and self._fault is None and goes_on()

        await self._send([reunion.greeting()])
        while waits() and (left := until - now()) > 0:
            await self._pause(min(_GREET_EVERY, left), waits)
            await self._send([reunion.greeting()])

    async def _change_channels(self, changes: dict[str, bool]) -> None:
        await self._subscribe([channel for channel, wanted in changes.items() if wanted])
        unwanted = [channel for channel, wanted in changes.items() if not wanted]
        if unwanted:
            await _soon(self._broker.unsubscribe(unwanted))

    async def _subscribe(self, channels: Sequence[str]) -> None:
        for start in range(0, len(channels), _CHANNELS):
            await _soon(self._broker.subscribe(channels[start : start + _CHANNELS]))

    async def _publish(self) -> None:
        """Publish what was taken, all at once; or, if that has failed, one by one."""
        while self._batch:
            some = self._batch[: 1 if self._failures else None]
            try:
                await self._send([entry for entry in some if entry.done is None])
            except Exception as error:
                self._failed(some, error)
                raise
            self._done(some)

    async def _send(self, entries: list[Entry]) -> None:
        for entry in entries:
            if not entry.number:
                self._number += 1
                entry.number = self._number
        messages = list(filter(None, map(self._written, entries)))
        if messages:
            await _soon(self._broker.publish(messages))

    def _written(self, entry: Entry) -> tuple[str, bytes] | None:
        try:
            return self._write(entry)
        except Exception as error:  # such as a room whose name cannot be written as UTF-8
            self._tell_given_up(entry, error)
            return None

    def _done(self, entries: list[Entry]) -> None:
        del self._batch[: len(entries)]
        self._outbox.settled(entries)
        self._failures = 1 if self._failures and self._batch else 0
        for entry in entries:
            if entry.done is not None:
                entry.done()

    def _failed(self, entries: list[Entry], error: Exception) -> None:
        """One that the broker never takes must not keep all others waiting for ever."""
        self._failures += 1
        if len(entries) == 1 and self._failures > _ATTEMPTS:
            self._failures = 1
            self._tell_given_up(entries[0], error)
            del self._batch[0]
            self._outbox.settled(entries)


async def _soon(step: Awaitable[T]) -> T:
    try:
        return await asyncio.wait_for(step, PATIENCE)
    except asyncio.TimeoutError:
        raise TimeoutError(f"the broker did not answer within {PATIENCE:g} s") from None
    except asyncio.CancelledError:
        if being_cancelled():
            raise
        raise ConnectionError("what the broker's library waited for was cancelled") from None
