"""The events that a namespace declares it sends: the methods of a class, which is never made.

A method says all about an event: its name, its arguments, and what the client answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, get_args, get_origin, get_type_hints

import attrs

from sionamespace.errors import AnswerInvalid, HandlerError, PayloadInvalid, UsageError
from sionamespace.handlers.decorators import Mark, mark_of
from sionamespace.handlers.discovery import named_by_rule
from sionamespace.handlers.payload import Payload, hint
from sionamespace.handlers.signature import Arity, positional, signature, where
from sionamespace.ports import Read
from sionamespace.protocol.packet import RESERVED_EVENTS
from sionamespace.runtime.portal import is_async
from sionamespace.types import Sid

__all__ = ["Answer", "OutgoingSpec", "OutgoingTable", "declared", "kinds_of_tuple"]


@attrs.frozen
class Answer:
    """What a client is to answer, as a return annotation says: a tuple is several arguments."""

    kind: Any
    payload: Payload
    arity: Arity
    build: Callable[[list[Any]], Any]
    """Makes the answer of its arguments."""

    @classmethod
    def of(cls, kind: Any) -> Answer:
        """What a type means."""
        kinds = kinds_of_tuple(kind)
        if kinds is None:
            return cls(kind, Payload((kind,), Any, ("answer",)), Arity(1, 1), itemgetter(0))
        if kinds[-1:] == (...,):
            return cls(kind, Payload((), kinds[0], called="answer"), Arity(0, None), tuple)
        build = getattr(kind, "_make", tuple)
        payload = Payload(kinds, Any, called="answer")
        return cls(kind, payload, Arity(len(kinds), len(kinds)), build)

    def read(self, value: Any) -> Any:
        """The answer that an `Ack` has, as the type; raises `PayloadInvalid`."""
        args = value if isinstance(value, tuple) else (value,)
        if value is None and self.arity.least == 0:
            args = ()
        self.arity.check(len(args), 0)
        return self.build(self.payload.check(args))


def kinds_of_tuple(kind: Any) -> tuple[Any, ...] | None:
    """The types in a tuple, which may end with ``...``; None if it is none."""
    if kind is tuple:
        return (Any, ...)
    if get_origin(kind) is tuple:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, tuple):  # a NamedTuple
        return tuple(get_type_hints(kind, include_extras=True).values())
    return None


@attrs.frozen
class OutgoingSpec:
    """One event that a namespace declares it sends."""

    event: str
    name: str
    """As it stands in the code: ``ChatPage.message``."""
    arity: Arity
    source: str
    function: Callable[..., Any]
    is_open: bool
    """Whether nothing is said of an answer, so that it may be emitted or called."""

    @cached_property
    def answer(self) -> Answer | None:
        """What is to be answered; None if nothing is, or nothing is said of it.

        It is found out when it is first asked for, as for a `HandlerSpec`.

        Raises:
            HandlerError: for an annotation that cannot be used.
        """
        annotation = signature(self.function).return_annotation
        try:
            kind = hint(self.function, "return", annotation)
        except HandlerError as error:
            raise _error(self.name, self.source, str(error)) from None
        return None if self.is_open or kind is type(None) else Answer.of(kind)

    def read(self, sid: Sid, value: Any) -> Any:
        """What a client answered, as it was declared; raises `AnswerInvalid`."""
        assert self.answer is not None
        try:
            return self.answer.read(value)
        except PayloadInvalid as invalid:
            text = f"client {sid!r} answered {self.event!r} wrongly: {invalid}"
            raise AnswerInvalid(text, invalid.faults) from None


@attrs.frozen
class OutgoingTable:
    """The events that a namespace class declares it sends; a `sionamespace.ports.Declared`."""

    owner: str
    interfaces: tuple[type, ...] = ()
    """The classes whose methods they are, those of bases first."""
    events: Mapping[str, OutgoingSpec] = attrs.field(factory=dict)
    functions: Mapping[Any, OutgoingSpec] = attrs.field(factory=dict)
    """By the function that declares it, and by those that this overrides."""

    def to_emit(self, event: object, args: Sequence[Any]) -> str:
        spec = self.find(event, args)
        if spec.answer is not None:
            raise UsageError(
                f"{spec.name} is declared with an answer ({spec.source}), which an emit would not "
                f"wait for; write call({spec.name}, ..., room=sid), or to(...).call_all"
            )
        return spec.event

    def to_call(self, event: object, args: Sequence[Any]) -> tuple[str, Read | None]:
        spec = self.find(event, args)
        if spec.answer is not None:
            return spec.event, None if spec.answer.kind is Any else spec.read
        if not spec.is_open:
            raise UsageError(
                f"{spec.name} is declared without an answer ({spec.source}); write emit, or say "
                "what the client answers: `-> bool`, or `-> tuple[()]` for an ack without arguments"
            )
        return spec.event, None

    def name_of(self, event: object) -> str:
        """The name of an event, named or declared; raises `UsageError`."""
        return event if isinstance(event, str) else self._spec_of(event).event

    def find(self, event: object, args: Sequence[Any]) -> OutgoingSpec:
        """The event that a function declares; raises `UsageError` if it takes other arguments."""
        spec = self._spec_of(event)
        try:
            spec.arity.check(len(args), 0)
        except PayloadInvalid as invalid:
            raise UsageError(f"{spec.name} ({spec.source}): {invalid}") from None
        return spec

    def check(self) -> None:
        """Find out now what is wrong with the answers' types.

        Raises:
            HandlerError: for an annotation that cannot be used.
        """
        for spec in self.functions.values():
            spec.answer  # noqa: B018

    def __iter__(self) -> Iterator[OutgoingSpec]:
        yield from self.events.values()

    def _spec_of(self, event: object) -> OutgoingSpec:
        spec = self.functions.get(event) if inspect.isfunction(event) else None
        if spec is None:
            raise self._unknown(event)
        return spec

    def _unknown(self, event: object) -> UsageError:
        if not inspect.isfunction(event):
            return UsageError(
                f"cannot send an event named {event!r}; expected a text, or a method of a class "
                "that is the namespace's outgoing="
            )
        interface = event.__qualname__.rpartition(".")[0].rpartition(".")[2]
        return UsageError(
            f"{self.owner} does not declare {event.__qualname__} ({where(event)}); write "
            f"`class {self.owner}(..., outgoing={interface or 'ThatClass'})`, or at a base of it"
        )


def declared(cls: type, outgoing: type | Sequence[type] = ()) -> OutgoingTable:
    """The events that a class and its bases declare.

    They add up, so that a mixin brings its own along. A method that overrides another stands for
    it: whoever names the one that was overridden sends what overrides it.

    Args:
        outgoing: the classes whose methods are the events, less those of the bases.

    Raises:
        HandlerError: for two declarations of one event, a reserved name, or a method that cannot
            stand for an event; it names file, line and the mend.
    """
    if "outgoing" in vars(cls):
        text = f"class {cls.__name__}(..., outgoing=...)"
        raise HandlerError(f"{cls.__module__}.{cls.__qualname__}.outgoing: write it as {text}")
    inherited = (vars(base).get("declared") for base in reversed(cls.__mro__[1:]))
    tables = [table for table in inherited if isinstance(table, OutgoingTable)]
    interfaces = dict.fromkeys(one for table in tables for one in table.interfaces)
    interfaces.update(dict.fromkeys(_interfaces(cls, outgoing)))
    events: dict[str, OutgoingSpec] = {}
    functions: dict[Any, OutgoingSpec] = {}
    for interface in interfaces:
        for attribute in _attributes(interface):
            versions = _versions(interface, attribute)
            if versions[0] in functions:
                continue
            for overridden in versions[1:]:
                if overridden in functions:
                    events.pop(functions[overridden].event, None)
            spec = _spec(cls, interface, attribute, versions[0])
            other = events.setdefault(spec.event, spec)
            if other is not spec:
                raise _error(
                    spec.name,
                    spec.source,
                    f"two declarations of the event {spec.event!r}: {other.name} ({other.source}) "
                    "and this one; rename one, or leave it out",
                )
            functions.update(dict.fromkeys(versions, spec))
    return OutgoingTable(cls.__name__, tuple(interfaces), events, functions)


def _interfaces(cls: type, outgoing: Any) -> Iterator[type]:
    for interface in outgoing if isinstance(outgoing, (list, tuple)) else (outgoing,):
        if not isinstance(interface, type):
            raise HandlerError(
                f"{cls.__module__}.{cls.__qualname__}: outgoing= is a class whose methods are the "
                f"events that it sends, or several, not {interface!r:.80}"
            )
        yield interface


def _attributes(interface: type) -> Iterator[str]:
    """The names of its methods, in the order in which they stand there, those of bases first."""
    found: dict[str, None] = {}
    for owner in reversed(interface.__mro__):
        for name, value in vars(owner).items():
            if name.startswith("_"):
                continue
            if inspect.isfunction(value):
                found[name] = None
            elif isinstance(value, (staticmethod, classmethod, property)):
                raise HandlerError(
                    f"{owner.__module__}.{owner.__qualname__}.{name} is a {type(value).__name__}; "
                    "an event that is sent is declared as a method, `def name(self) -> None: ...`"
                )
    yield from found


def _versions(interface: type, attribute: str) -> list[Any]:
    """A method, and those that it overrides."""
    return [vars(owner)[attribute] for owner in interface.__mro__ if attribute in vars(owner)]


def _spec(cls: type, interface: type, attribute: str, function: Callable[..., Any]) -> OutgoingSpec:
    name, source = ".".join(function.__qualname__.split(".")[-2:]), where(function)
    if is_async(function):
        raise _error(name, source, "an event is declared with `def`; the client's code runs it")
    said = signature(function)
    if not positional(said.parameters.values()):
        raise _error(name, source, "an event is declared as a method: (self, ...)")
    try:
        arity = Arity.of(function, 1)
    except HandlerError as error:
        raise _error(name, source, str(error)) from None
    mark = _mark(interface, attribute)
    if len(mark.names) > 1 or mark != Mark(mark.names):
        raise _error(name, source, "@event gives one name to an event that is sent, and no more")
    event = mark.names[0] if mark.names else named_by_rule(cls, attribute)
    if event in RESERVED_EVENTS:
        raise _error(name, source, f"{event!r} is reserved by the protocol; choose another name")
    is_open = said.return_annotation is said.empty
    return OutgoingSpec(event, name, arity, source, function, is_open)


def _mark(interface: type, attribute: str) -> Mark:
    """What `event` wrote on a method, or on the one that it overrides."""
    marks = (mark_of(version) for version in _versions(interface, attribute))
    return next((mark for mark in marks if mark is not None), Mark())


def _error(name: str, source: str, text: str) -> HandlerError:
    return HandlerError(f"{name} ({source}): {text}")
