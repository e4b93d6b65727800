"""`HandlerSpec`, what is known of one handler, and `HandlerTable`, what is known of a class."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from sionamespace.handlers.signature import Arity

__all__ = ["CATCH_ALL", "HandlerSpec", "HandlerTable"]

CATCH_ALL = "*"
"""The event name of the handler that takes what no other takes."""


@attrs.frozen
class HandlerSpec:
    """One handler of a namespace class, found out once, when the class was defined."""

    event: str
    method: str
    arity: Arity
    is_async: bool
    concurrent: bool
    inline: bool
    source: str

    @property
    def given(self) -> int:
        """How many arguments the framework puts before the client's: the sid, and the event."""
        return 2 if self.event == CATCH_ALL else 1


@attrs.frozen
class HandlerTable:
    """The handlers of a namespace class. Only what stands here can ever be called by a client."""

    events: Mapping[str, HandlerSpec]
    connect: HandlerSpec | None = None
    disconnect: HandlerSpec | None = None

    def find(self, event: str) -> HandlerSpec | None:
        """The handler of an event, the catch-all if no other takes it, or None."""
        return self.events.get(event) or self.events.get(CATCH_ALL)
