"""`event`: names for handlers that are not ``on_<event>``, and options for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

from sionamespace.errors import HandlerError
from sionamespace.handlers.middleware import Middleware, checked

__all__ = ["Mark", "event"]

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "__sionamespace_event__"


@attrs.frozen
class Mark:
    """What `event` wrote on a function. No names: the method's own name decides."""

    names: tuple[str, ...] = ()
    concurrent: bool = False
    inline: bool = False
    middleware: tuple[Middleware, ...] = ()


def event(
    *names: str,
    concurrent: bool = False,
    inline: bool = False,
    middleware: Sequence[Middleware] = (),
) -> Callable[[F], F]:
    """Make a method the handler of the named events, whatever it is called.

        @event("my message")
        def spaced(self, sid, data): ...

        @event("*")                         # what no other handler takes
        def rest(self, sid, event, *args): ...

    Args:
        names: the events; without any, the method's name decides, as without the decorator.
        concurrent: let it run beside the client's other events instead of after them.
        inline: under asyncio, run a ``def`` on the event loop instead of on a worker thread; it
            must not block then. The sync modes take no notice.
        middleware: what stands around this handler, the first one outermost; inside of that of
            its class and of the server. ``on_connect`` and ``on_disconnect`` may have some too.

    Raises:
        HandlerError: if a name is not a text, or something is not middleware.
    """
    for name in names:
        if not isinstance(name, str):
            raise HandlerError(
                f"@event takes the names of events, such as @event('my message'), not {name!r}; "
                "without a name, write @event()"
            )

    layers = checked(middleware, "@event(middleware=)")

    def mark(function: F) -> F:
        setattr(_unwrapped(function), _ATTRIBUTE, Mark(names, concurrent, inline, layers))
        return function

    return mark


def mark_of(function: Any) -> Mark | None:
    """What `event` wrote on a method, if it did."""
    mark = getattr(_unwrapped(function), _ATTRIBUTE, None)
    return mark if isinstance(mark, Mark) else None


def _unwrapped(function: Any) -> Any:
    return function.__func__ if isinstance(function, (staticmethod, classmethod)) else function
