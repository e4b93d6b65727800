"""Middleware: what stands around handlers, and how it is put around them, once.

A chain is built from the handler outwards when a namespace is mounted, so a call costs what its
layers do and no more. A layer and what it stands around are of one kind mostly, both ``def`` or
both ``async def``, and then one simply calls the other. Where the kind changes, the runtime leads
from the one to the other (`Runtime.run_async`, `Runtime.run_plain`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import CoroutineType
from typing import Any, TypeAlias

import attrs

from sionamespace.errors import HandlerError
from sionamespace.handlers.call import Call
from sionamespace.handlers.signature import signature, where
from sionamespace.ports import Runtime
from sionamespace.runtime.portal import is_async

__all__ = ["Around", "Chain", "Middleware", "Next", "around", "checked", "compose"]

Next: TypeAlias = Callable[[Call], Any]
"""Goes on with a call: the result in a ``def``, to be awaited in an ``async def``."""


class Around:
    """Middleware that looks, times or refuses, and neither changes anything nor blocks.

    It runs wherever what it stands around runs, a ``def`` or an ``async def``, so it costs nothing
    to go there. Write one with `around`, or subclass it.
    """

    def enter(self, call: Call) -> AbstractContextManager[object]:
        """What holds during the call; raise here to refuse."""
        raise NotImplementedError


Middleware: TypeAlias = Callable[[Call, Next], Any] | Around
"""``def m(call, next)`` or ``async def m(call, next)``, or what `around` makes."""


class _Generated(Around):
    """What `around` makes of a function."""

    def __init__(self, function: Callable[[Call], Iterator[None]]) -> None:
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__wrapped__ = function
        self._enter = contextmanager(function)

    def enter(self, call: Call) -> AbstractContextManager[object]:
        return self._enter(call)


def around(function: Callable[[Call], Iterator[None]]) -> Around:
    """Middleware of a function with one ``yield``, at which the call happens.

        @around
        def timing(call):
            start = call.clock()
            yield
            print(call.event, call.clock() - start)

    What the call raises is raised at the ``yield``. It runs in the place of what it stands around,
    an event loop perhaps, so it must not block.

    Raises:
        HandlerError: if it is not such a function.
    """
    if not inspect.isgeneratorfunction(function):
        raise HandlerError(
            f"@around takes a def with one yield, at which the call happens, not {function!r} "
            f"({where(function)}); without a yield, write (call, next) and no decorator"
        )
    _check_signature(function, "(call)", 1)
    return _Generated(function)


def checked(middleware: Any, place: str) -> tuple[Middleware, ...]:
    """A list of middleware as a tuple.

    Args:
        place: where it was given, for messages.

    Raises:
        HandlerError: if it is not a list, or something in it is not middleware.
    """
    if callable(middleware) or isinstance(middleware, (str, bytes)):
        raise HandlerError(f"{place} is a list, such as [{_name(middleware)}], not the thing alone")
    if not isinstance(middleware, Iterable):
        raise HandlerError(f"{place} is a list of middleware, not {middleware!r:.80}")
    found = tuple(middleware)
    for one in found:
        try:
            _check(one)
        except HandlerError as error:
            raise HandlerError(f"{place}: {error}") from None
    return found


def _check(middleware: Any) -> None:
    if isinstance(middleware, type):
        name = middleware.__name__
        raise HandlerError(f"{name} is a class; make an instance of it, {name}(...)")
    if isinstance(middleware, Around):
        return
    if not callable(middleware):
        raise HandlerError(f"middleware is a def or async def of (call, next), not {middleware!r}")
    if inspect.isgeneratorfunction(middleware) or inspect.isasyncgenfunction(middleware):
        raise HandlerError(
            f"{_name(middleware)} ({where(middleware)}) has a yield; decorate it with @around, as "
            "a def of (call), or call next in its place"
        )
    _check_signature(middleware, "(call, next)", 2)


def _check_signature(function: Callable[..., Any], expected: str, number: int) -> None:
    found = signature(function)
    try:
        found.bind(*range(number))
    except TypeError:
        raise HandlerError(
            f"{_name(function)}{found} ({where(function)}) cannot be called with {expected}, "
            "as middleware is"
        ) from None


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


@attrs.frozen
class Chain:
    """A handler with the middleware around it."""

    run: Next
    is_async: bool
    inline: bool
    """Whether it may run on an event loop though it is no coroutine, as nothing in it blocks."""


def compose(layers: Sequence[Middleware], handler: Chain, runtime: Runtime) -> Chain:
    """A handler with layers around it, the first one outermost."""
    for layer in reversed(layers):
        handler = _wrap(layer, handler, runtime)
    return handler


def _wrap(layer: Middleware, inner: Chain, runtime: Runtime) -> Chain:
    if isinstance(layer, Around):
        around = _around_async if inner.is_async else _around_plain
        return attrs.evolve(inner, run=around(layer, inner.run))
    asynchronous = is_async(layer)
    next = inner.run if asynchronous == inner.is_async else _cross(inner, runtime)
    stand = _layer_async if asynchronous else _layer_plain
    return Chain(stand(layer, next), asynchronous, False)


def _cross(inner: Chain, runtime: Runtime) -> Next:
    """What leads from a ``def`` to a coroutine, or the other way."""
    if inner.is_async:
        return functools.partial(runtime.run_async, inner.run)
    return functools.partial(runtime.run_plain, inner.run, inner.inline)


def _layer_plain(layer: Callable[[Call, Next], Any], next: Next) -> Next:
    def plain(call: Call) -> Any:
        result = layer(call, next)
        if type(result) is CoroutineType:
            raise _not_awaited(result, layer)
        return result

    return plain


def _layer_async(layer: Callable[[Call, Next], Any], next: Next) -> Next:
    async def asynchronous(call: Call) -> Any:
        result = await layer(call, next)
        if type(result) is CoroutineType:
            raise _not_awaited(result, layer)
        return result

    return asynchronous


def _not_awaited(result: CoroutineType[Any, Any, Any], layer: Callable[..., Any]) -> HandlerError:
    result.close()
    return HandlerError(
        f"{_name(layer)} ({where(layer)}) returned a coroutine; let it be an `async def`, and "
        "write `await next(call)`"
    )


def _around_plain(layer: Around, run: Next) -> Next:
    enter = layer.enter

    def plain(call: Call) -> Any:
        with enter(call):
            return run(call)
        raise _swallowed(layer)

    return plain


def _around_async(layer: Around, run: Next) -> Next:
    enter = layer.enter

    async def asynchronous(call: Call) -> Any:
        with enter(call):
            return await run(call)
        raise _swallowed(layer)

    return asynchronous


def _swallowed(layer: Around) -> HandlerError:
    return HandlerError(
        f"{_name(layer)} ({where(layer)}) swallowed what its call raised, and has no other result; "
        "let it through, or write (call, next) and return something else"
    )
