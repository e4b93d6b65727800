"""Finds the handlers of a namespace class, along its method resolution order."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from sionamespace.errors import HandlerError
from sionamespace.handlers.decorators import Mark, mark_of
from sionamespace.handlers.middleware import Middleware, checked
from sionamespace.handlers.server_events import server_events
from sionamespace.handlers.signature import Arity, signature, where
from sionamespace.handlers.spec import CATCH_ALL, HandlerSpec, HandlerTable
from sionamespace.protocol.packet import RESERVED_EVENTS
from sionamespace.runtime.portal import is_async

__all__ = ["discover", "named_by_rule"]

_PREFIX = "on_"
_LIFECYCLE = {
    "on_connect": ("connect", ("sid", "environ", "auth")),
    "on_disconnect": ("disconnect", ("sid", "reason")),
}


def discover(cls: type) -> HandlerTable:
    """The handlers of a class: ``on_<event>`` methods, and those that `event` names.

    Inheritance is Python's: the method that attribute access would find is the handler, mixins
    included. An override keeps the event names that `event` gave the method it overrides, unless
    it is decorated itself; ``on_x = None`` in a subclass takes a handler away.

    Raises:
        HandlerError: for two handlers of one event, a reserved name, or a signature that cannot
            take its arguments; it names file, line and the mend.
    """
    of_servers = server_events(cls)
    events: dict[str, HandlerSpec] = {}
    lifecycle: dict[str, HandlerSpec] = {}
    for name, function, mark in _candidates(cls):
        if name in _LIFECYCLE:
            event, parameters = _LIFECYCLE[name]
            _check_unnamed(cls, name, function, mark)
            lifecycle[event] = _lifecycle_spec(cls, name, event, parameters, mark)
            continue
        for event in mark.names or (_event_name(cls, name),):
            spec = _event_spec(cls, name, event, mark)
            _check_name(cls, spec)
            if event in events:
                raise _error(
                    cls,
                    spec.source,
                    f"two handlers for the event {event!r}: {events[event].method} "
                    f"({events[event].source}) and {name}; rename one, or make them one",
                )
            events[event] = spec
    connect, disconnect = lifecycle.get("connect"), lifecycle.get("disconnect")
    return HandlerTable(events, connect, disconnect, _middleware(cls), of_servers)


def _middleware(cls: type) -> tuple[Middleware, ...]:
    """The middleware of a class and its bases, the bases' outside.

    It adds up, so that a mixin brings its own along, and no subclass drops a check unawares.
    """
    found: list[Middleware] = []
    for owner in reversed(cls.__mro__):
        given = checked(
            vars(owner).get("middleware", ()), f"{owner.__module__}.{owner.__qualname__}.middleware"
        )
        found += [one for one in given if not any(one is other for other in found)]
    return tuple(found)


def _candidates(cls: type) -> Iterator[tuple[str, Any, Mark]]:
    """Each method that is a handler: its name, what stands in the class, and its mark."""
    seen: set[str] = set()
    for owner in cls.__mro__:
        for name, value in vars(owner).items():
            if name in seen:
                continue
            mark = _inherited_mark(cls, name)
            if not name.startswith(_PREFIX) and mark is None:
                continue
            seen.add(name)
            if value is None:
                continue
            if not callable(getattr(cls, name)):
                raise _error(
                    cls, f"{owner.__module__}.{owner.__qualname__}.{name}", _not_callable(name)
                )
            yield name, value, mark or Mark()


def _inherited_mark(cls: type, name: str) -> Mark | None:
    for owner in cls.__mro__:
        mark = mark_of(vars(owner).get(name))
        if mark is not None:
            return mark
    return None


def _not_callable(name: str) -> str:
    return f"{name} looks like a handler, but cannot be called; make it a method or rename it"


def _event_name(cls: type, method: str) -> str:
    name = method[len(_PREFIX) :] if method.startswith(_PREFIX) else method
    try:
        return named_by_rule(cls, name)
    except HandlerError as error:
        raise _error(cls, where(getattr(cls, method)), str(error)) from None


def named_by_rule(cls: Any, name: str) -> str:
    """The event of a method ``on_<name>``; raises `HandlerError` if the class's rule gives none."""
    found = cls.event_name(name)
    if not isinstance(found, str) or not found:
        raise HandlerError(f"event_name({name!r}) gave {found!r}; expected a text")
    return found


def _event_spec(cls: type, method: str, event: str, mark: Mark) -> HandlerSpec:
    spec = _spec(cls, method, event, mark)
    if spec.arity.most is not None and spec.arity.most < spec.given:
        expected = "(self, sid, event, *args)" if event == CATCH_ALL else "(self, sid, ...)"
        raise _error(
            cls, spec.source, f"{method} cannot take its arguments; its signature begins {expected}"
        )
    return spec


def _lifecycle_spec(
    cls: type, method: str, event: str, parameters: tuple[str, ...], mark: Mark
) -> HandlerSpec:
    spec = _spec(cls, method, event, mark)
    if spec.arity.least > len(parameters):
        raise _error(
            cls,
            spec.source,
            f"{method} needs {spec.arity.least} arguments; it is given (self, "
            f"{', '.join(parameters)}), or as many of them as it takes",
        )
    return spec


def _spec(cls: type, method: str, event: str, mark: Mark) -> HandlerSpec:
    function = getattr(cls, method)
    raw = next(vars(owner)[method] for owner in cls.__mro__ if method in vars(owner))
    bound = 0 if isinstance(raw, (staticmethod, classmethod)) else 1
    try:
        arity = Arity.of(function, bound)
    except HandlerError as error:
        raise _error(cls, where(function), f"{method}: {error}") from None
    if bound and next(iter(signature(function).parameters), None) == "sid":
        text = f"{method} has no self; its signature begins (self, sid, ...)"
        raise _error(cls, where(function), text)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        text = f"{method} yields, but a handler answers once; return the answer, and emit the rest"
        raise _error(cls, where(function), text)
    return HandlerSpec(
        event,
        method,
        arity,
        is_async(function),
        mark.concurrent,
        mark.inline,
        where(function),
        function,
        bound,
        mark.middleware,
    )


def _check_unnamed(cls: type, name: str, function: Any, mark: Mark) -> None:
    if mark.names:
        raise _error(
            cls,
            where(getattr(cls, name)),
            f"{name} runs when a client comes or goes and cannot handle the event "
            f"{mark.names[0]!r} too; rename the method",
        )


def _check_name(cls: type, spec: HandlerSpec) -> None:
    if spec.event in RESERVED_EVENTS:
        mend = (
            f"name the method on_{spec.event}"
            if spec.event in ("connect", "disconnect")
            else "choose another name for the event"
        )
        raise _error(
            cls,
            spec.source,
            f"{spec.event!r} is reserved by the protocol and never comes as an event; {mend}",
        )


def _error(cls: type, source: str, text: str) -> HandlerError:
    return HandlerError(f"{cls.__qualname__} ({source}): {text}")
