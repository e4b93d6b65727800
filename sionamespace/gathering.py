"""`Gathering`: a value of which each of several servers has a part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain
from typing import Any, TypeVar, overload

import attrs

from sionamespace.client import Client
from sionamespace.errors import WouldBlock
from sionamespace.ports import Runtime
from sionamespace.runtime.originals import new_lock
from sionamespace.runtime.pending import Pending
from sionamespace.types import Sid

__all__ = ["Clients", "Gathering", "Members", "ServerAnswers", "ServerReport"]

T = TypeVar("T")


class Gathering(Pending[T]):
    """A value of which each server has a part. It is done when all have said theirs.

    A server that did not say in time, or ended before, is no error; it is named in `silent`. Who
    makes one says whom it waits for, and then `close`.
    """

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._parts: dict[str, Any] = {}
        self._still_asked = object()
        self._awaited: set[object] = {self._still_asked}
        self._silent: set[str] = set()
        self._is_known = True
        self._gathering = new_lock()

    @property
    def silent(self) -> frozenset[str]:
        """The servers that did not say what they know, once it is done."""
        return frozenset(self._silent)

    @property
    def complete(self) -> bool:
        """Whether, once it is done, every server has said what it knows."""
        return self._is_known and not self._silent

    # What this package uses. From any thread.

    def expect(self, *things: object) -> None:
        """Wait for these too: names of servers, or whatever is given to `drop` later."""
        with self._gathering:
            self._awaited.update(things)

    def give(self, server: str, part: Any) -> None:
        """A server has said its part."""
        with self._gathering:
            self._parts[server] = part
        self.drop(server)

    def lose(self, thing: object) -> None:
        """A server will not say anything any more; or of what else is awaited nothing is known."""
        with self._gathering:
            if thing in self._awaited:
                self._miss(thing)
        self.drop(thing)

    def give_up(self) -> None:
        """The time is over."""
        with self._gathering:
            if self.done():
                return
            for thing in self._awaited:
                self._miss(thing)
            self._awaited = {self._still_asked}
        self.close()

    def close(self) -> None:
        """There are no more to wait for than those that were named."""
        self.drop(self._still_asked)

    def drop(self, thing: object) -> None:
        """Wait for something no longer."""
        with self._gathering:
            self._awaited.discard(thing)
            parts = None if self._awaited else dict(self._parts)
        if parts is not None and not self.done():
            self.resolve(self._joined(parts))

    def _miss(self, thing: object) -> None:
        if isinstance(thing, str):
            self._silent.add(thing)
        else:
            self._is_known = False

    def _joined(self, parts: Mapping[str, Any]) -> T:
        """The value that the parts of servers make."""
        raise NotImplementedError

    def _now(self) -> T:
        """The value, for who uses this as if it were known."""
        try:
            return self.result()
        except WouldBlock:
            raise WouldBlock(
                "who is connected to the other servers is asked of them, and waiting for that here "
                "would stop the event loop; in an `async def`, write `await` before it, or ask "
                "only for those of this server, self.to(room).local"
            ) from None


class Members(Gathering[frozenset[Sid]], Set[Sid]):
    """The sids of some clients: a set, and something to wait for.

    Where a server shares its clients with no other it is known at once. Otherwise the others are
    asked, and using it as a set, ``sid in self.members("lobby")``, waits for them; in an ``async
    def``: ``await self.members("lobby")``.
    """

    def _joined(self, parts: Mapping[str, frozenset[Sid]]) -> frozenset[Sid]:
        return frozenset(chain.from_iterable(parts.values()))

    @classmethod
    def _from_iterable(cls, iterable: Iterable[Any]) -> Any:
        return frozenset(iterable)

    def __contains__(self, sid: object) -> bool:
        return sid in self._now()

    def __iter__(self) -> Iterator[Sid]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    __hash__ = object.__hash__


class Clients(Gathering[tuple[Client, ...]], Sequence[Client]):
    """What is known of some clients: a sequence, and something to wait for, as `Members` is.

    Of the ``environ`` of a client of another server only what is plain comes along: headers,
    address, query, but none of the web server's own objects.
    """

    def _joined(self, parts: Mapping[str, Sequence[Client]]) -> tuple[Client, ...]:
        return tuple(chain.from_iterable(parts.values()))

    @overload
    def __getitem__(self, index: int) -> Client: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Client, ...]: ...
    def __getitem__(self, index: int | slice) -> Client | tuple[Client, ...]:
        return self._now()[index]

    def __len__(self) -> int:
        return len(self._now())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (list, tuple, Clients)):
            return list(self._now()) == list(other)
        return NotImplemented

    __hash__ = object.__hash__


@attrs.frozen
class ServerReport:
    """What the servers answered to `Servers.call`.

    ``values`` maps the name of each server that answered to what its handler returned; ``missing``
    are those that failed, did not answer in time, or have gone.
    """

    values: Mapping[str, Any]
    missing: frozenset[str]

    @property
    def complete(self) -> bool:
        """Whether every server answered that has the namespace."""
        return not self.missing


class ServerAnswers(Gathering[ServerReport]):
    """The answers of servers, to wait for as for an `Ack`. A server that does not answer is no
    error."""

    def _joined(self, parts: Mapping[str, list[Any] | None]) -> ServerReport:
        values = {server: part[0] for server, part in parts.items() if part is not None}
        failed = frozenset(server for server, part in parts.items() if part is None)
        return ServerReport(values, failed | self.silent)
