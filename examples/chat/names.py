"""`Names`: who has which name."""

from __future__ import annotations

import itertools
import threading

import attrs
from sionamespace import Refused

__all__ = ["Names"]


@attrs.frozen
class Holder:
    """Who has a name: a page, by its secret, and the connection that it has now."""

    name: str
    key: str
    sid: str


class Names:
    """The names of those who are here, each had by one, in whatever case it is written.

    In the memory of this process. Handlers of several clients may run at once, on threads of their
    own: hence the lock.
    """

    def __init__(self) -> None:
        self._holders: dict[str, Holder] = {}
        self._lock = threading.Lock()

    def claim(self, name: str, key: str, sid: str) -> str | None:
        """Give a name to a client; who had it before, if its page comes back, else None.

        Raises:
            Refused: if somebody else has it; ``data`` suggests one that nobody has.
        """
        with self._lock:
            before = self._holders.get(name.casefold())
            if before and before.key != key:
                free = self._free(name)
                raise Refused(
                    f"{before.name} is here already. You could be {free}.",
                    {"field": "name", "suggestion": free},
                )
            self._holders[name.casefold()] = Holder(name, key, sid)
            return before.sid if before else None

    def release(self, name: str, sid: str) -> None:
        """Free a name, unless another connection of its page has it by now."""
        with self._lock:
            holder = self._holders.get(name.casefold())
            if holder and holder.sid == sid:
                del self._holders[name.casefold()]

    def _free(self, name: str) -> str:
        numbered = (f"{name} {number}" for number in itertools.count(2))
        return next(free for free in numbered if free.casefold() not in self._holders)
