"""`server_event`: methods that other servers call, and no client ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, overload

from sionamespace.errors import HandlerError
from sionamespace.handlers.signature import Arity, where
from sionamespace.handlers.spec import HandlerSpec
from sionamespace.runtime.portal import is_async

__all__ = ["server_event", "server_events"]

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "__sionamespace_server_event__"


@overload
def server_event(function: F, /) -> F: ...
@overload
def server_event(name: str, /) -> Callable[[F], F]: ...
def server_event(given: Any, /) -> Any:
    """Make a method one that ``self.servers`` calls, on each server that shares the clients.

        class Shop(Namespace):
            @server_event
            def price_changed(self, item): ...

            def on_price(self, sid, item):
                self.servers.emit("price_changed", item)

    It is called with what was sent, and no sid. Its annotations say what the arguments are, as
    those of other handlers do. A client can never call it.

    Args:
        given: the method, whose name is the event; or another name for the event.

    Raises:
        HandlerError: for a name that is not a text.
    """
    if callable(given):
        return _mark(given, getattr(given, "__name__", ""))
    if not isinstance(given, str) or not given:
        raise HandlerError(
            f"@server_event takes the name of an event, such as @server_event('price changed'), "
            f"or nothing, not {given!r:.80}"
        )
    return lambda function: _mark(function, given)


def _mark(function: Any, name: str) -> Any:
    setattr(function, _ATTRIBUTE, name)
    return function


def server_events(cls: type) -> dict[str, HandlerSpec]:
    """The methods of a class that servers call, by their events.

    A method that overrides one stays one, under the same name.

    Raises:
        HandlerError: for two of one event, or a method that looks like a client's event.
    """
    found: dict[str, HandlerSpec] = {}
    for method, event in _marked(cls):
        function = getattr(cls, method)
        if method.startswith("on_"):
            raise _error(
                cls, function, f"{method} reads as an event of clients; name it {method[3:]}"
            )
        if event in found:
            raise _error(
                cls,
                function,
                f"two handlers for the servers' event {event!r}: {found[event].method} "
                f"({found[event].source}) and {method}; rename one",
            )
        found[event] = _spec(cls, method, event)
    return found


def _marked(cls: type) -> Iterator[tuple[str, str]]:
    """Each method that is marked, or overrides one that is: its name, and the event."""
    seen: set[str] = set()
    for owner in cls.__mro__:
        for method, value in vars(owner).items():
            event = getattr(value, _ATTRIBUTE, None)
            if isinstance(event, str) and method not in seen:
                seen.add(method)
                if callable(getattr(cls, method)):
                    yield method, event


def _spec(cls: type, method: str, event: str) -> HandlerSpec:
    function = getattr(cls, method)
    try:
        arity = Arity.of(function, 1)
    except HandlerError as error:
        raise _error(cls, function, f"{method}: {error}") from None
    return HandlerSpec(
        event,
        method,
        arity,
        is_async(function),
        concurrent=True,
        inline=False,
        source=where(function),
        function=function,
        bound=1,
        of_servers=True,
    )


def _error(cls: type, function: Any, text: str) -> HandlerError:
    return HandlerError(f"{cls.__qualname__} ({where(function)}): {text}")
