"""`People`: who is in the chat, and in which room."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator

import attrs

__all__ = ["NameTaken", "People", "Person"]


@attrs.define(eq=False)
class Person:
    """Somebody in the chat.

    ``key`` is a secret of the person's page: it proves, after a lost connection, that the one who
    asks for the name is the one who had it.
    """

    sid: str
    name: str
    key: str
    room: str


class NameTaken(Exception):
    """Somebody else has that name; ``free`` is one like it that nobody has."""

    def __init__(self, name: str, free: str) -> None:
        super().__init__(f"{name} is here already. You could be {free}.")
        self.free = free


class People:
    """Who is in the chat. No two have the same name, in whatever case it is written.

    Under asyncio the handlers of several clients run at once, on threads of their own: hence the
    lock.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, Person] = {}
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Person]:
        return iter(list(self._by_name.values()))

    def add(self, person: Person) -> Person | None:
        """Let somebody in; who that was before, if the same page comes back with a new connection.

        Raises:
            NameTaken: if somebody else has the name.
        """
        with self._lock:
            before = self.named(person.name)
            if before and before.key != person.key:
                raise NameTaken(before.name, self.free_name(person.name))
            self._by_name[person.name.casefold()] = person
            return before

    def remove(self, person: Person) -> bool:
        """Let somebody out; False if that very person is not here (any longer)."""
        with self._lock:
            if self.named(person.name) is not person:
                return False
            del self._by_name[person.name.casefold()]
            return True

    def named(self, name: str) -> Person | None:
        """The person of that name, or None."""
        return self._by_name.get(name.casefold())

    def free_name(self, name: str) -> str:
        """A name like this one that nobody has: ``Ann 2``."""
        numbered = (f"{name} {number}" for number in itertools.count(2))
        return next(free for free in numbered if not self.named(free))

    def names(self, room: str) -> list[str]:
        """Those in a room, in alphabetical order."""
        return sorted((p.name for p in self if p.room == room), key=str.casefold)

    def rooms(self) -> dict[str, int]:
        """The rooms that somebody is in, in alphabetical order, and how many are."""
        return dict(sorted(Counter(person.room for person in self).items()))
