"""`Payload`: what a handler's annotations say of its arguments, found out once.

msgspec makes attrs classes, dataclasses, ``TypedDict``, ``msgspec.Struct`` and plain types of what
a client sent, strictly: ``"1"`` is no ``int``. A Pydantic model validates itself, by its own rules.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count, islice, repeat
from typing import Any, Optional, get_type_hints

import attrs

from sionamespace.errors import HandlerError, PayloadInvalid
from sionamespace.handlers.conversion import Converter, converter, unsupported
from sionamespace.handlers.faults import faults_of
from sionamespace.handlers.signature import positional, signature

__all__ = ["Payload", "hint", "resolved", "type_of"]

_MOST = 20
"""How many faults a client is told."""
_IN_TEXT = 3
"""How many of them the message says in words."""


def _converter(kind: Any) -> Converter | None:
    return None if kind is Any else converter(kind)


def _converters(kinds: Iterable[Any]) -> Iterator[tuple[int, Converter]]:
    for at, kind in enumerate(kinds):
        if (convert := _converter(kind)) is not None:
            yield at, convert


@attrs.frozen
class Payload:
    """The types of a handler's arguments, those before the client's left out."""

    types: tuple[Any, ...]
    """Of each argument that has a place of its own; ``Any`` is not checked."""
    rest: Any
    """Of all that follow, ``*args``."""
    names: tuple[str, ...] = ()
    """What the arguments are called in messages; without one, ``args[0]``."""
    called: str = "args"
    """What all of them are called."""
    _converters: tuple[tuple[int, Converter], ...] = attrs.field(
        init=False,
        eq=False,
        repr=False,
        default=attrs.Factory(lambda self: tuple(_converters(self.types)), takes_self=True),
    )
    """With the places of the arguments that they are for."""
    _rest_converter: Converter | None = attrs.field(
        init=False,
        eq=False,
        repr=False,
        default=attrs.Factory(lambda self: _converter(self.rest), takes_self=True),
    )

    @classmethod
    def of(
        cls, function: Callable[..., Any], given: int, names: tuple[str, ...] = ()
    ) -> Payload | None:
        """What a function's annotations say; None if they say nothing.

        Args:
            given: how many of its parameters are ours, such as ``self`` and ``sid``.

        Raises:
            HandlerError: for an annotation that cannot be found, or that nothing can fit which a
                client sends.
        """
        parameters = list(signature(function).parameters.values())
        checked = positional(parameters)[given:]
        checked += [p for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL]
        hints = {p.name: type_of(function, p) for p in checked}
        by_position = [hints[p.name] for p in positional(checked)]
        rest = hints[checked[-1].name] if len(checked) > len(by_position) else Any
        if all(kind is Any for kind in hints.values()):
            return None
        return cls(tuple(by_position), rest, names)

    def check(self, args: Sequence[Any]) -> list[Any]:
        """The arguments as the handler's annotations want them.

        Raises:
            PayloadInvalid: with the path and the reason of each fault.
        """
        checked = list(args)
        try:
            for at, convert in self._converters:
                if at < len(checked):
                    checked[at] = convert(checked[at])
            if self._rest_converter is not None:
                for at in range(len(self.types), len(checked)):
                    checked[at] = self._rest_converter(checked[at])
        except ValueError:  # msgspec's and Pydantic's are
            raise self._invalid(args) from None
        return checked

    def _invalid(self, args: Sequence[Any]) -> PayloadInvalid:
        names = chain(self.names, (f"{self.called}[{at}]" for at in count(len(self.names))))
        kinds = chain(self.types, repeat(self.rest))
        each = chain.from_iterable(map(faults_of, args, kinds, names))
        found = list(islice(each, _MOST))
        text = "; ".join(f"{fault['path']}: {fault['reason']}" for fault in found[:_IN_TEXT])
        if not text.isprintable():  # a client chooses keys, and this goes to the log
            text = repr(text)[1:-1]
        more = len(found) - _IN_TEXT
        return PayloadInvalid(f"{text}; and more" if more > 0 else text, found)


def hint(function: Callable[..., Any], name: str, annotation: Any) -> Any:
    """The type that an annotation of a function says; ``Any`` if it says nothing.

    Raises:
        HandlerError: if it cannot be found, or nothing of that type goes over the wire.
    """
    if annotation is inspect.Parameter.empty:
        return Any
    kind = resolved(function, name, annotation)
    if kind is object or kind is Any:
        return Any
    if reason := unsupported(kind):
        raise HandlerError(
            f"the annotation of {name!r} cannot be checked: {reason}; expected JSON "
            "values, bytes, attrs classes, dataclasses, TypedDict, msgspec.Struct or Pydantic "
            "models, alone or nested, or no annotation"
        )
    return kind


def type_of(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """The type of a parameter, as `hint` finds it."""
    kind = hint(function, parameter.name, parameter.annotation)
    may_be_none = parameter.default is None and kind is not Any
    return Optional[kind] if may_be_none else kind  # noqa: UP045 # of any kind


def resolved(function: Callable[..., Any], name: str, annotation: Any) -> Any:
    """An annotation that may be a text, as under ``from __future__ import annotations``.

    Raises:
        HandlerError: if it cannot be found.
    """
    # Only this one: that of the sid, say, may name what is there for type checkers alone.
    holder = _Annotated({name: annotation})
    names = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        return get_type_hints(holder, names, include_extras=True)[name]
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        text = annotation
        raise HandlerError(
            f"the annotation {getattr(text, '__forward_arg__', text)!r} of {name!r} "
            f"cannot be found ({error}); define or import it at the top level of the module, "
            "neither in a function nor under TYPE_CHECKING, or leave it out"
        ) from None


@attrs.frozen
class _Annotated:
    """Something with one annotation, to be resolved alone."""

    __annotations__: dict[str, Any]
