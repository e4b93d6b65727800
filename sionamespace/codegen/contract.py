"""What a server and its clients may say to each other, as its classes say: a `Contract`."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Union, get_args, get_origin

import attrs

from sionamespace.errors import ConfigurationError, HandlerError
from sionamespace.handlers.conversion import unsupported
from sionamespace.handlers.outgoing import OutgoingSpec, kinds_of_tuple
from sionamespace.handlers.payload import resolved, type_of
from sionamespace.handlers.response import NO_REPLY, Reply
from sionamespace.handlers.signature import signature
from sionamespace.handlers.spec import CATCH_ALL, HandlerSpec
from sionamespace.namespace import Namespace
from sionamespace.router import Router
from sionamespace.types import Path

__all__ = ["Argument", "Contract", "Event", "contracts_of"]


@attrs.frozen(eq=False)
class Argument:
    """One argument of an event or of an ack."""

    name: str
    kind: Any
    """Its type; ``Any`` if nothing is said."""
    is_optional: bool = False
    is_variadic: bool = False
    """Whether there may be any number of it, at the end."""


@attrs.frozen
class Event:
    """What one side may say, and the other may answer."""

    name: str
    arguments: tuple[Argument, ...]
    answers: tuple[tuple[Argument, ...], ...] | None
    """The arguments of the ack, or all that they may be, the longest first; None if there is no
    ack."""
    is_answered: bool
    """Whether there is something in the answer; otherwise an ack is a matter of taste."""
    doc: str


@attrs.frozen
class Contract:
    """What is said in the namespaces of one class."""

    name: str
    paths: tuple[Path, ...]
    doc: str
    auth: Argument | None
    """What clients send to be let in; None if nothing is said of it."""
    received: tuple[Event, ...]
    """The events that clients send; one that takes what no other takes is not among them."""
    sent: tuple[Event, ...]


def contracts_of(router: Router) -> list[Contract]:
    """The contracts of a server's classes, in the order of its paths, those with parameters last.

    Raises:
        ConfigurationError: for a type that cannot be written down; it names file and line.
    """
    paths: dict[type[Namespace], list[Path]] = {}
    for path, cls in router.classes:
        paths.setdefault(cls, []).append(path)
    taken: set[str] = set()
    return [_contract(cls, tuple(paths[cls]), taken) for cls in paths]


def _contract(cls: type[Namespace], paths: tuple[Path, ...], taken: set[str]) -> Contract:
    table = cls.handlers
    received = (spec for name, spec in table.events.items() if name != CATCH_ALL)
    return Contract(
        _free_name(cls.__name__, taken),
        paths,
        _doc(cls),
        _auth(table.connect),
        tuple(map(_received, received)),
        tuple(map(_sent, cls.declared)),
    )


def _free_name(name: str, taken: set[str]) -> str:
    numbered = (name, *(f"{name}{number}" for number in range(2, len(taken) + 3)))
    free = next(one for one in numbered if one not in taken)
    taken.add(free)
    return free


def _auth(spec: HandlerSpec | None) -> Argument | None:
    if spec is None:
        return None
    auth = _arguments(spec.function, spec.bound + 2, spec.source)
    return auth[0] if auth and auth[0].kind is not Any else None


def _received(spec: HandlerSpec) -> Event:
    arguments = _arguments(spec.function, spec.bound + spec.given, spec.source)
    answers = tuple(sorted(_answers(spec.function, spec.source), key=len, reverse=True))
    is_answered = any(answers) and not _is_unknown(answers)
    return Event(spec.event, arguments, answers, is_answered, _doc(spec.function))


def _sent(spec: OutgoingSpec) -> Event:
    arguments = _arguments(spec.function, 1, spec.source)
    if spec.answer is None and not spec.is_open:
        return Event(spec.event, arguments, None, False, _doc(spec.function))
    # Unlike a handler's None, which is no argument, a client's null is one.
    kind = Any if spec.answer is None else spec.answer.kind
    answer = _UNKNOWN if kind is Any else _values(kind)
    return Event(spec.event, arguments, (answer,), spec.answer is not None, _doc(spec.function))


def _arguments(function: Callable[..., Any], ours: int, source: str) -> tuple[Argument, ...]:
    """What a function takes after what the framework gives it."""
    parameters = list(signature(function).parameters.values())
    while ours and parameters and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        ours, parameters = ours - 1, parameters[1:]
    return tuple(
        Argument(
            each.name,
            _described(source, type_of, function, each),
            each.default is not each.empty,
            each.kind is inspect.Parameter.VAR_POSITIONAL,
        )
        for each in parameters
        if each.kind not in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    )


_UNKNOWN = (Argument("answer", Any, is_variadic=True),)
"""Whatever somebody answers."""


def _is_unknown(answers: Iterable[tuple[Argument, ...]]) -> bool:
    return any(answer is _UNKNOWN for answer in answers)


def _answers(function: Callable[..., Any], source: str) -> Iterator[tuple[Argument, ...]]:
    """What a handler may return: None is no argument, a tuple several."""
    annotation = signature(function).return_annotation
    if annotation is inspect.Signature.empty:
        yield _UNKNOWN
        return
    kind = _described(source, resolved, function, "return", annotation)
    alone = []
    for member in _promised(kind):
        if member in (Any, object, Reply, type(NO_REPLY)):
            yield _UNKNOWN
            return
        if reason := unsupported(member):
            raise _error(function, source, f"what it returns cannot be sent: {reason}")
        if member is type(None):
            yield ()
        elif kinds_of_tuple(member) is not None:
            yield _values(member)
        else:
            alone.append(member)
    if alone:
        yield (Argument("answer", Union[tuple(alone)]),)  # noqa: UP007 # of any number


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _promised(kind: Any) -> Iterator[Any]:
    """What a handler may answer with: `Reply` of a type is that type, only later."""
    for member in _members(kind):
        if get_origin(member) is Reply:
            yield from _members(*get_args(member))
        else:
            yield member


def _values(kind: Any) -> tuple[Argument, ...]:
    """The arguments of an ack that a type means: those of a tuple are several."""
    kinds = kinds_of_tuple(kind)
    if kinds is None:
        return (Argument("answer", kind),)
    if kinds[-1:] == (...,):
        return (Argument("answers", kinds[0], is_variadic=True),)
    names = getattr(kind, "_fields", [f"answer{number}" for number in range(1, len(kinds) + 1)])
    return tuple(map(Argument, names, kinds))


def _described(source: str, find: Callable[..., Any], function: Any, *what: Any) -> Any:
    try:
        return find(function, *what)
    except HandlerError as error:
        raise _error(function, source, str(error)) from None


def _error(function: Callable[..., Any], source: str, text: str) -> ConfigurationError:
    return ConfigurationError(f"{getattr(function, '__qualname__', function)} ({source}): {text}")


def _doc(thing: Any) -> str:
    return inspect.cleandoc(thing.__doc__ or "")
