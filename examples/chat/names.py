"""`Names`: who has which name."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import attrs
from sionamespace import Namespace, Refused, server_event

__all__ = ["Holder", "Names"]


@attrs.frozen
class Holder:
    """Who has a name: a page, by its secret, and the connection that it has now."""

    name: str
    key: str
    sid: str
    server: str
    since: float
    returns: int = 0
    """How often the page has come back with a new connection."""

    def goes_before(self, other: Holder) -> bool:
        """Whether this one keeps the name, where servers gave it to both. All decide the same."""
        return self._place < other._place

    @property
    def _place(self) -> tuple[float, int, str]:
        return self.since, -self.returns, self.sid


class Names(Namespace):
    """The names of those who are here, each had by one, in whatever case it is written.

    Each server knows all names, and gives one away at once, without asking the others. Where two
    gave the same one away, because they had not heard of each other yet, it stays with whoever had
    it first, and the other is sent away; its page comes back, and is told to choose another name.

    Handlers of several clients may run at once, on threads of their own: hence the lock.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._holders: dict[str, Holder] = {}
        self._lock = threading.Lock()

    def claim(self, sid: str, name: str, key: str) -> None:
        """Give a name to a client, until it is gone.

        If its page had the name already, it is back before its lost connection was noticed, and
        that one is ended.

        Raises:
            Refused: if somebody else has the name; ``data`` suggests one that nobody has.
        """
        with self._lock:
            before = self._holders.get(name.casefold())
            if before and before.key != key:
                free = self._free(name)
                raise Refused(
                    f"{before.name} is here already. You could be {free}.",
                    {"field": "name", "suggestion": free},
                )
            since, returns = (before.since, before.returns + 1) if before else (self.clock(), 0)
            holder = Holder(name, key, sid, self.servers.node, since, returns)
            self._holders[name.casefold()] = holder
        self.after_disconnect(sid, self._release, holder)
        self.servers.elsewhere.emit("name_taken", holder)
        if before:
            self.disconnect(before.sid)

    def holder(self, name: str) -> Holder:
        """Who has a name.

        Raises:
            Refused: if nobody has.
        """
        with self._lock:
            if found := self._holders.get(name.casefold()):
                return found
        raise Refused("There is nobody of that name here (any longer).")

    def _release(self, holder: Holder) -> None:
        self.name_freed(holder)
        self.servers.elsewhere.emit("name_freed", holder)

    def _free(self, name: str) -> str:
        numbered = (f"{name} {number}" for number in itertools.count(2))
        return next(free for free in numbered if free.casefold() not in self._holders)

    # What the servers tell each other, if there are several.

    @server_event
    def name_taken(self, holder: Holder) -> None:
        """Another server gave a name away."""
        with self._lock:
            ours = self._holders.get(holder.name.casefold())
            if ours and ours.goes_before(holder):
                return  # which that server finds as well
            self._holders[holder.name.casefold()] = holder
        if ours and ours.server == self.servers.node:
            self.disconnect(ours.sid)

    @server_event
    def name_freed(self, holder: Holder) -> None:
        """A client is gone; its name too, unless another one has it by now."""
        with self._lock:
            if self._holders.get(holder.name.casefold()) == holder:
                del self._holders[holder.name.casefold()]

    def server_joined(self, node: str) -> None:
        self.servers.to(node).emit("names_wanted", self.servers.node)

    @server_event
    def names_wanted(self, node: str) -> None:
        """Another server has come, or is back and may have missed something."""
        own = self._names_of(self.servers.node)
        self.servers.to(node).emit("names_there", self.servers.node, own)

    @server_event
    def names_there(self, node: str, holders: list[Holder]) -> None:
        """All names that another server has given away."""
        for gone in set(self._names_of(node)) - set(holders):
            self.name_freed(gone)
        for holder in holders:
            self.name_taken(holder)

    def server_left(self, node: str) -> None:
        for gone in self._names_of(node):
            self.name_freed(gone)

    def _names_of(self, node: str) -> list[Holder]:
        with self._lock:
            return [holder for holder in self._holders.values() if holder.server == node]
