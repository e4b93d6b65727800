"""`HandlerSpec`, what is known of one handler, and `HandlerTable`, what is known of a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import attrs

from sionamespace.errors import HandlerError
from sionamespace.handlers.middleware import Middleware
from sionamespace.handlers.payload import Payload
from sionamespace.handlers.signature import Arity

__all__ = ["CATCH_ALL", "HandlerSpec", "HandlerTable"]

CATCH_ALL = "*"
"""The event name of the handler that takes what no other takes."""


@attrs.frozen(slots=False)  # with slots, a cached property makes all attributes slow
class HandlerSpec:
    """One handler of a namespace class, found out once, when the class was defined."""

    event: str
    method: str
    arity: Arity
    is_async: bool
    concurrent: bool
    inline: bool
    source: str
    function: Callable[..., Any]
    bound: int
    """How many of the function's parameters are given before all others: 1 for ``self``."""
    middleware: tuple[Middleware, ...] = ()
    of_servers: bool = False
    """Whether servers call it, and no client."""

    @cached_property
    def given(self) -> int:
        """How many arguments the framework puts before the client's: the sid, and the event."""
        if self.of_servers:
            return 0
        return 2 if self.event == CATCH_ALL else 1

    @cached_property
    def payload(self) -> Payload | None:
        """What the annotations say of an event's arguments, or of ``auth``; None if nothing.

        It is found out when it is first asked for, when the namespace is mounted: what annotations
        name may come after the class.

        Raises:
            HandlerError: for an annotation that cannot be used.
        """
        kind = "" if self.of_servers else self.event
        if kind == "disconnect":
            return None
        given, names = (2, ("auth",)) if kind == "connect" else (self.given, ())
        try:
            return Payload.of(self.function, self.bound + given, names)
        except HandlerError as error:
            raise HandlerError(f"{self.method} ({self.source}): {error}") from None


@attrs.frozen
class HandlerTable:
    """The handlers of a namespace class. Only what stands here can ever be called by a client."""

    events: Mapping[str, HandlerSpec]
    connect: HandlerSpec | None = None
    disconnect: HandlerSpec | None = None
    middleware: tuple[Middleware, ...] = ()
    """What stands around all of them, that of base classes outside."""
    server: Mapping[str, HandlerSpec] = attrs.field(factory=dict)
    """What servers call, and clients never can; see `server_event`."""

    def find(self, event: str) -> HandlerSpec | None:
        """The handler of an event, the catch-all if no other takes it, or None."""
        return self.events.get(event) or self.events.get(CATCH_ALL)

    def check(self) -> None:
        """Find out now what is wrong with the annotations, and not when a client comes.

        Raises:
            HandlerError: for an annotation that cannot be used.
        """
        for spec in (*self, *self.server.values()):
            spec.payload  # noqa: B018

    def __iter__(self) -> Iterator[HandlerSpec]:
        """All that clients can call."""
        yield from self.events.values()
        yield from filter(None, (self.connect, self.disconnect))
