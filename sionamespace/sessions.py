"""`Session`: one client in one namespace, from its connect request to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from typing import Any, TypeAlias, TypeVar

from sionamespace.acks import AckTable
from sionamespace.client import Client
from sionamespace.errors import NotConnected
from sionamespace.ports import Link, Runtime
from sionamespace.protocol.engineio import Parcel
from sionamespace.runtime.line import Line
from sionamespace.types import Path, Reason, Room, Sid

__all__ = ["Session", "Sessions", "outside"]

T = TypeVar("T")

Farewell: TypeAlias = "tuple[Callable[..., Any], tuple[Any, ...]]"


_joining: ContextVar[Session | None] = ContextVar("sionamespace.joining", default=None)
"""The client in whose ``on_connect`` this code runs."""


class Session:
    """One client in one namespace.

    Until it is admitted, what is sent to it is held back, so that emits made inside ``on_connect``
    follow the CONNECT packet. ``dismiss`` ends it from the server's side; its connection sets it.
    Its methods are called on the engine's thread only.
    """

    __slots__ = (
        "_farewells",
        "_gone",
        "_held",
        "_held_bytes",
        "_link",
        "_max_held_bytes",
        "acks",
        "admitted",
        "auth",
        "connected_at",
        "data",
        "dismiss",
        "environ",
        "leaving",
        "let_in",
        "line",
        "path",
        "sid",
    )

    def __init__(
        self,
        runtime: Runtime,
        link: Link,
        path: Path,
        sid: Sid,
        auth: Any,
        environ: Mapping[str, Any],
        max_held_bytes: int,
    ) -> None:
        self.path = path
        self.sid = sid
        self.auth = auth
        self.environ = environ
        self.data: dict[str, Any] = {}
        self.connected_at = time.time()
        self.acks = AckTable()
        self.line = Line(runtime)
        self.admitted = False
        self.let_in = False
        """Whether ``on_connect`` has let it in. Only jobs of its line may ask."""
        self.leaving: str | None = None
        self.dismiss: Callable[[bool], object] = _nothing
        self._farewells: list[Farewell] = []
        self._gone = False
        self._link = link
        self._held: list[Parcel] | None = []
        self._held_bytes = 0
        self._max_held_bytes = max_held_bytes

    def send(self, parcel: Parcel, volatile: bool = False) -> None:
        """Send a packet, or hold it back until the client is admitted; nothing once it leaves."""
        if self.leaving is not None:
            return
        if self._held is None:
            self._link.send(parcel, volatile)
            return
        if self._held_bytes > self._max_held_bytes:
            self._link.close(Reason.SLOW_CONSUMER)
            return
        self._held.append(parcel)
        self._held_bytes += parcel.size

    def admit(self, connect: Parcel) -> None:
        """Send the CONNECT packet and all that was held back."""
        self.admitted = True
        held, self._held = self._held or [], None
        self._link.send(connect)
        for parcel in held:
            self._link.send(parcel)

    def refuse(self, connect_error: Parcel) -> None:
        """Send the CONNECT_ERROR packet and nothing of what was held back."""
        self._held = []
        self._link.send(connect_error)
        self.leaving = self.leaving or "refused"
        self.acks.close()

    def leave(self, reason: str) -> None:
        """Send nothing more, and let those who wait for an answer know at once."""
        self.leaving = reason
        self.acks.close()

    def forgotten(self) -> None:
        """Nobody can reach the client by it any more."""
        self.dismiss = _nothing

    def add_farewell(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Have a function called after the client has gone. From any thread.

        Raises:
            NotConnected: if it has.
        """
        farewell = function, args
        self._farewells.append(farewell)
        if self._gone:
            with suppress(ValueError):  # it is being called just now
                self._farewells.remove(farewell)
                raise NotConnected(f"client {self.sid!r} has left {self.path}")

    def farewells(self) -> Iterator[Farewell]:
        """What is to be called now that the client has gone, each once, the last one first."""
        self._gone = True
        while self._farewells:
            with suppress(IndexError):
                yield self._farewells.pop()

    @contextmanager
    def joining(self) -> Iterator[None]:
        """Held while the client's own ``on_connect`` runs."""
        token = _joining.set(self)
        try:
            yield
        finally:
            _joining.reset(token)

    def may_answer(self) -> bool:
        """Whether the client can answer whoever asks: not its own ``on_connect``, which it awaits.

        Everybody else may wait for that.
        """
        return _joining.get() is not self or self.admitted or self.leaving is not None

    def client(self, rooms: frozenset[Room]) -> Client:
        """What the application sees of it."""
        return Client(
            self.sid,
            self.auth,
            self.environ,
            rooms,
            self._link.transport,
            self._link.protocol,
            self.connected_at,
        )


def outside(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """What a function returns that is called as if from outside of any ``on_connect``."""
    context = copy_context()
    context.run(_joining.set, None)
    return context.run(function, *args, **kwargs)


def _nothing(close: bool) -> None:
    """A session that no connection holds has nothing to end."""


class Sessions:
    """The sessions of one namespace by their sid. Single steps on a dict, so from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sessions: dict[Sid, Session] = {}
        self.get = self._sessions.get

    def __len__(self) -> int:
        return len(self._sessions)

    def __getitem__(self, sid: Sid) -> Session:
        """The session of a sid; raises `NotConnected` if there is none."""
        try:
            return self._sessions[sid]
        except KeyError:
            raise NotConnected(
                f"client {sid!r} is not connected to {self._path} (it left, or never was there)"
            ) from None

    def add(self, session: Session) -> None:
        """Remember a session by its sid."""
        self._sessions[session.sid] = session

    def remove(self, sid: Sid) -> None:
        """Forget a session; nothing if it is not there."""
        self._sessions.pop(sid, None)
