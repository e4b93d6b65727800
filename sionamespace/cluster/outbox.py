"""`Outbox`: what waits for the broker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from sionamespace.runtime.originals import new_lock

__all__ = ["Entry", "Outbox"]

_ENTRY_BYTES = 300
"""What a message costs in memory beside its packet."""


@attrs.define(eq=False)
class Entry:
    """A message on its way; or a mark in the line, where ``done`` is called."""

    message: Any
    channel: str | None
    """None if the message itself tells to whom it goes."""
    size: int
    volatile: bool = False
    done: Callable[[], object] | None = None
    number: int = 0
    """Given when it is sent for the first time."""


class Outbox:
    """Messages that wait to be published, and channels that wait to be subscribed to.

    Whoever puts something in never waits: past the bound the oldest volatile messages make room
    for it, or it is refused. From any thread; only the pump takes out.

    Args:
        most: how many bytes may wait.
        full: called with True when a message is refused, and with False when there is room again.
    """

    def __init__(self, most: int, full: Callable[[bool], object]) -> None:
        self.wake: Callable[[], object] = _nobody
        """Called when there is something after there was nothing; the pump's, once there is one."""
        self.bytes = 0
        """How much waits, or is being sent."""
        self.refused = 0
        """How many messages were not taken, or had to make room for others."""
        self.lost = 0
        """How many of those were not volatile."""
        self.flows = False
        """Whether the broker takes messages now; while it does not, no volatile one waits. See
        `interrupt`."""
        self.wanted: set[str] = set()
        """The channels to be subscribed to."""
        self._most = most
        self._tell_full = full
        self._is_full = False
        self._lock = new_lock()
        self._entries: deque[Entry] = deque()
        self._volatile_bytes = self._mark_bytes = 0
        self._changes: dict[str, bool] = {}
        self._is_subscribed = False
        self._asleep = True

    # What the application's threads do.

    def put(
        self, message: Any, channel: str | None = None, size: int = 0, volatile: bool = False
    ) -> bool:
        """Let a message wait; False if it was refused.

        Args:
            size: about how many bytes it has.
        """
        size += _ENTRY_BYTES
        asleep = False
        with self._lock:
            taken = self.bytes + size <= self._most and (self.flows or not volatile)
            if taken or self._make_room(size, volatile):
                self._entries.append(Entry(message, channel, size, volatile))
                self.bytes += size
                if volatile:
                    self._volatile_bytes += size
                asleep, self._asleep, taken = self._asleep, False, True
        if asleep:
            self.wake()
        if not taken and not volatile:
            self._set_full(True)
        return taken

    def mark(self, done: Callable[[], object]) -> bool:
        """Have a function called, on the pump's loop, when all before it was published and
        subscribed to; False if too much waits already."""
        with self._lock:
            if self._mark_bytes + _ENTRY_BYTES > self._most:
                return False
            self._mark_bytes += _ENTRY_BYTES
        self._add(lambda: self._entries.append(Entry(None, None, _ENTRY_BYTES, done=done)))
        return True

    def want(self, channel: str) -> None:
        """Have a channel subscribed to, before what is put in from here on is published."""
        self._add(lambda: self._change(channel, True))

    def unwant(self, channel: str) -> None:
        """Have it unsubscribed from."""
        self._add(lambda: self._change(channel, False))

    # What the pump does.

    def take(self, most: int, most_bytes: int) -> tuple[dict[str, bool], list[Entry]]:
        """The next entries, at most so many and about so many bytes; and before, the channels to
        subscribe to (True) and to unsubscribe from before they are published."""
        taken: list[Entry] = []
        with self._lock:
            changes, self._changes = self._changes, {}
            while self._entries and len(taken) < most and most_bytes > 0:
                entry = self._entries.popleft()
                taken.append(entry)
                most_bytes -= entry.size
                if entry.volatile:
                    self._volatile_bytes -= entry.size
        return changes, taken

    def settled(self, entries: list[Entry]) -> None:
        """What was taken has been published, or given up: it takes no room any more."""
        with self._lock:
            self.bytes -= sum(entry.size for entry in entries if entry.done is None)
            self._mark_bytes -= sum(entry.size for entry in entries if entry.done is not None)
        if self._is_full and self.bytes < self._most // 2:
            self._set_full(False)

    def give_up(self, entry: Entry) -> None:
        """A message cannot be sent."""
        with self._lock:
            self.refused += 1
            self.lost += not entry.volatile

    def anew(self) -> list[str]:
        """All channels to subscribe to, where nothing is subscribed to yet."""
        with self._lock:
            self._is_subscribed = True
            self._changes.clear()
            return list(self.wanted)

    def interrupt(self, taken: Iterable[Entry] = ()) -> list[Entry]:
        """The connection is broken: nothing is subscribed to, and what is volatile is dropped.

        Args:
            taken: what was taken, and is not published.

        Returns:
            What of that is to be published when there is a connection again.
        """
        with self._lock:
            self.flows = self._is_subscribed = False
            self._changes.clear()
            self._entries = deque(self._without_volatile(self._entries))
            self._volatile_bytes = 0
            return self._without_volatile(taken)

    def sleep(self) -> bool:
        """Have ``wake`` called for what comes next; False if there is something already."""
        with self._lock:
            self._asleep = not self._entries and not self._changes
            return self._asleep

    # Inside.

    def _set_full(self, is_full: bool) -> None:
        if self._is_full != is_full:
            self._is_full = is_full
            self._tell_full(is_full)

    def _add(self, add: Callable[[], object]) -> None:
        with self._lock:
            add()
            asleep, self._asleep = self._asleep, False
        if asleep:
            self.wake()

    def _change(self, channel: str, wanted: bool) -> None:
        if self._is_subscribed:  # otherwise all that is wanted will be subscribed to
            self._changes[channel] = wanted
        if wanted:
            self.wanted.add(channel)
        else:
            self.wanted.discard(channel)

    def _without_volatile(self, entries: Iterable[Entry]) -> list[Entry]:
        kept = []
        for entry in entries:
            if entry.volatile:
                self.bytes -= entry.size
                self.refused += 1
            else:
                kept.append(entry)
        return kept

    def _make_room(self, size: int, volatile: bool) -> bool:
        """Let the oldest volatile messages go for one; False if that is not enough."""
        missing = self.bytes + size - self._most
        if (volatile and not self.flows) or missing > self._volatile_bytes:
            self.refused += 1
            self.lost += not volatile
            return False
        # More than needed, so that a full outbox is not gone through for each message.
        missing = max(missing, min(self._volatile_bytes, self._most // 8))
        kept: deque[Entry] = deque()
        for entry in self._entries:
            if entry.volatile and missing > 0:
                missing -= entry.size
                self.bytes -= entry.size
                self._volatile_bytes -= entry.size
                self.refused += 1
            else:
                kept.append(entry)
        self._entries = kept
        return True


def _nobody() -> None:
    """As long as there is no pump, nobody need be woken."""
