"""`Pump`: the connection to the broker, and what goes over it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Protocol, TypeVar

from sionamespace.cluster.outbox import Entry, Outbox
from sionamespace.cluster.soon import soon
from sionamespace.ports import Broker
from sionamespace.runtime.originals import get_ident

__all__ = ["Presence", "Pump"]

T = TypeVar("T")

_FIRST_DELAY, _LAST_DELAY = 0.1, 5.0
"""After how many seconds a connection is tried anew: at first, and after many failures."""

_GREET_EVERY, _SLACK = 1.0, 1.0
"""How often others are greeted while they are waited for, and for how many seconds more than they
may pause between their attempts."""

_BATCH, _BATCH_BYTES = 500, 1024 * 1024
"""How much is published at once."""

_BRISK, _HALVED = 1.0, 2
"""If that takes the broker longer than so many seconds it is halved, so often at most: what tells
that this server is there has to wait for it."""

_CHANNELS = 100
"""How many channels are subscribed to in one step: some engines take a round trip for each."""

_ATTEMPTS = 3
"""How often a message is sent on a connection that breaks at it, before it is given up."""


class Presence(Protocol):
    """What a server tells the others of itself, and who of them was there before a break."""

    every: float
    """After how many seconds it says again that it is there."""

    def opening(self) -> None:
        """A connection is about to be opened."""

    def beat(self, late: float, ready: bool) -> Entry:
        """What tells them that this server is there still.

        Args:
            late: by how many seconds this is later than it was to be.
            ready: whether everything is subscribed to.
        """

    def beaten(self) -> None:
        """It was published."""

    def greeting(self) -> Entry:
        """What tells them that this server is there, and asks them to say so too."""

    def farewell(self) -> Entry:
        """What tells them that it goes."""

    def is_complete(self) -> bool:
        """Whether all are back who were there. When that changes, the pump is to be woken."""


class Pump:
    """Takes what waits in an outbox to the broker, and comes back when the connection breaks.

    A message is published after the channels were subscribed to that were wanted before it, and
    after those before it. If that fails it is sent again, so that the broker may have it twice,
    under the same number. What tells that this server is there does not wait for the others.

    Args:
        write: the channel and the bytes of an entry; None if it need not be sent.
        receive: called on the loop with the channel and bytes of each message that comes.
        connected: called on the loop when everything is subscribed to, and the broker takes what
            is sent.
        lost: called on the loop with what broke the connection, or kept it from coming about.
        given_up: called with messages that the broker does not take, and why.
        presence: what is told of this server; None for who is none.
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
        presence: Presence | None = None,
    ) -> None:
        self._broker = broker
        self._outbox = outbox
        outbox.wake = self.wake
        self._write = write
        self._receive = receive
        self._tell_connected = connected
        self._tell_lost = lost
        self._tell_given_up = given_up
        self._presence = presence
        self._lost_at: float | None = None
        self._connected_at: float | None = None
        self.holds = False
        """Whether what waits is held until others are back."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ident = 0
        self._news = asyncio.Event()
        self._broken: asyncio.Future[BaseException] | None = None
        self._publishing = asyncio.Lock()
        self._unwanted: dict[str, None] = {}
        self._batch: list[Entry] = []
        self._number = 0
        self._failures = 0
        self._slow = 0

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
        """Take the connection for broken: the step under way ends with an error."""
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(error)
        self._news.set()

    async def run(self, goes_on: Callable[[], bool]) -> None:
        """Connect, and come back, as long as this is to go on; then send what can be sent."""
        self._ident, self._news, self._publishing = get_ident(), asyncio.Event(), asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY
        try:
            while goes_on():
                self._connected_at = None
                try:
                    await self._live(goes_on)
                except Exception as error:
                    self._batch = self._outbox.interrupt(self._batch)
                    self._failures = self._failures if self._batch else 0
                    self._lost_at = self._lost_at or self._loop.time()
                    delay = _FIRST_DELAY if self._has_held() else delay
                    self._tell_lost(error)
                    await self._close()
                    await self._pause(delay * random.uniform(0.5, 1), goes_on)
                    delay = min(delay * 2, _LAST_DELAY)
        finally:
            self._batch = self._outbox.interrupt(self._batch)
            await self._close()

    def _has_held(self) -> bool:
        """Whether the connection was there for a while."""
        assert self._loop is not None
        since = self._connected_at
        return since is not None and self._loop.time() - since > _LAST_DELAY

    async def _close(self) -> None:
        self._broken = None
        with suppress(Exception):
            await self._step(self._broker.close())

    async def _pause(self, seconds: float, goes_on: Callable[[], bool]) -> None:
        over = False

        def end() -> None:
            nonlocal over
            over = True
            self._news.set()

        timer = asyncio.get_running_loop().call_later(seconds, end)
        try:
            while goes_on() and not over:
                self._news.clear()
                await self._news.wait()
        finally:
            timer.cancel()

    async def _live(self, goes_on: Callable[[], bool]) -> None:
        """Connect, and take over what comes, until the connection breaks or it is time to end."""
        presence = self._presence
        self._broken = asyncio.get_running_loop().create_future()
        self._unwanted.clear()
        if presence is not None:
            presence.opening()
        await self._step(self._broker.open(self._receive, self.break_off))
        if presence is None:
            await self._subscribe(self._outbox.anew())
            self._connected()
            await self._flow(goes_on)
            return
        beating = asyncio.ensure_future(self._beat(presence))
        try:
            # First those on which servers talk to each other; there is no "#" in them.
            await self._subscribe(sorted(self._outbox.anew(), key=lambda name: name.count("#")))
            await self._send([presence.greeting()])
            self._connected()
            await self._reunite(presence, goes_on)
            await self._flow(goes_on)
            await self._send([presence.farewell()])
        finally:
            self.holds = False
            beating.cancel()

    def _connected(self) -> None:
        self._connected_at = asyncio.get_running_loop().time()
        self._tell_connected()

    async def _reunite(self, presence: Presence, goes_on: Callable[[], bool]) -> None:
        """Greet the others, and hold what waits until those are back who were there: of a broker
        that was away, some come back before others, and what is published then is not kept."""
        left = 0.0
        if self._lost_at is not None and not self._broker.keeps:
            away = asyncio.get_running_loop().time() - self._lost_at
            left = min(2 * away, _LAST_DELAY) + _SLACK

        def waits() -> bool:
            return not presence.is_complete() and not self._is_broken() and goes_on()

        self.holds = True
        while waits() and left > 0:
            pause = min(_GREET_EVERY, left)
            await self._pause(pause, waits)
            left -= pause
            changes, _ = self._outbox.take(0, 0)
            await self._change_channels(changes)
            await self._send([presence.greeting()])
        self.holds = False

    async def _beat(self, presence: Presence) -> None:
        """Tell the others in time that this server is there, whatever else waits."""
        now = asyncio.get_running_loop().time
        try:
            while True:
                due = now() + presence.every
                await asyncio.sleep(presence.every)
                ready = self._connected_at is not None
                await self._send([presence.beat(now() - due, ready)])
                presence.beaten()
        except Exception as error:
            self.break_off(error)

    async def _flow(self, goes_on: Callable[[], bool]) -> None:
        self._outbox.flows, self._lost_at = True, None
        await self._publish()  # what failed before
        while True:
            share = 2**self._slow
            changes, self._batch = self._outbox.take(_BATCH // share, _BATCH_BYTES // share)
            await self._change_channels(changes)
            await self._publish()
            await self._unsubscribe(max(_CHANNELS, sum(changes.values())))
            self._news.clear()
            if self._broken is not None and self._broken.done():
                raise self._broken.result()
            if not goes_on() and self._outbox.sleep():
                return
            if not self._unwanted and self._outbox.sleep():
                await self._news.wait()

    async def _change_channels(self, changes: dict[str, bool]) -> None:
        """Subscribe to what is wanted. There is time for what is wanted no longer."""
        for channel, wanted in changes.items():
            if wanted:
                self._unwanted.pop(channel, None)
            else:
                self._unwanted[channel] = None
        await self._subscribe([channel for channel, wanted in changes.items() if wanted])

    async def _subscribe(self, channels: Sequence[str]) -> None:
        for some in _some(channels):
            await self._step(self._broker.subscribe(some))

    async def _unsubscribe(self, most: int) -> None:
        unwanted = list(islice(self._unwanted, most))
        for some in _some(unwanted):
            await self._step(self._broker.unsubscribe(some))
            for channel in some:
                del self._unwanted[channel]

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
            now = asyncio.get_running_loop().time
            async with self._publishing:
                begun = now()
                await self._step(self._broker.publish(messages))
            if len(messages) > 1:
                self._slow = min(self._slow + 1, _HALVED) if now() - begun > _BRISK else 0

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

    def _is_broken(self) -> bool:
        return self._broken is not None and self._broken.done()

    async def _step(self, step: Coroutine[Any, Any, T]) -> T:
        return await soon(step, self._broken)


def _some(channels: Sequence[str]) -> Iterator[Sequence[str]]:
    """Channels, as many at once as go into one step."""
    for start in range(0, len(channels), _CHANNELS):
        yield channels[start : start + _CHANNELS]
