"""What a handler's signature can take, found out once."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from sionamespace.errors import HandlerError, PayloadInvalid

__all__ = ["Arity", "positional", "signature", "takes", "where"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@attrs.frozen
class Arity:
    """How many positional arguments a handler takes; ``most`` None is any number."""

    least: int
    most: int | None

    @classmethod
    def of(cls, function: Callable[..., Any], bound: int) -> Arity:
        """The arity of a function, of whose parameters the first ``bound`` are already given.

        Raises:
            HandlerError: if it has a keyword-only parameter without a default.
        """
        parameters = list(signature(function).parameters.values())
        for parameter in parameters:
            if (
                parameter.kind is inspect.Parameter.KEYWORD_ONLY
                and parameter.default is parameter.empty
            ):
                raise HandlerError(
                    f"parameter {parameter.name!r} is keyword-only, and clients send arguments "
                    "by position; move it before the '*' or give it a default"
                )
        takes_any = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
        by_position = positional(parameters)
        required = sum(p.default is p.empty for p in by_position)
        most = None if takes_any else max(0, len(by_position) - bound)
        return cls(max(0, required - bound), most)

    def prefix(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """As many of the arguments as the handler takes."""
        return arguments if self.most is None else arguments[: self.most]

    def check(self, sent: int, given: int) -> None:
        """Raise `PayloadInvalid` unless the handler takes what a client sent.

        Args:
            sent: how many arguments the client sent.
            given: how many the framework puts before them, such as the sid.
        """
        total = sent + given
        if total < self.least or (self.most is not None and total > self.most):
            raise PayloadInvalid(f"got {_count(sent)}, expected {self._expected(given)}")

    def _expected(self, given: int) -> str:
        least = max(0, self.least - given)
        if self.most is None:
            return f"at least {least}"
        most = self.most - given
        return str(least) if least == most else f"{least} to {most}"


def signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function, whose annotations may name what is not there (yet)."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return inspect.signature(function, annotation_format=Format.FORWARDREF)
    return inspect.signature(function)


def takes(function: Any, number: int) -> bool:
    """Whether something may be called with so many arguments by position, as far as is known."""
    if not callable(function):
        return False
    try:
        signature(function).bind(*range(number))
    except TypeError:
        return False
    except ValueError:  # of some that are written in C
        return True
    return True


def positional(parameters: Iterable[inspect.Parameter]) -> list[inspect.Parameter]:
    """Those parameters that take one argument by position."""
    return [parameter for parameter in parameters if parameter.kind in _POSITIONAL]


def _count(number: int) -> str:
    return "1 argument" if number == 1 else f"{number} arguments"


def where(function: Any) -> str:
    """The file and line of a function, ``chat.py:12``, for messages."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)
