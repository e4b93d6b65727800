"""What a handler's signature can take, found out once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import attrs

from sionamespace.errors import HandlerError, PayloadInvalid

__all__ = ["Arity", "where"]

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
        parameters = list(inspect.signature(function).parameters.values())
        for parameter in parameters:
            if (
                parameter.kind is inspect.Parameter.KEYWORD_ONLY
                and parameter.default is parameter.empty
            ):
                raise HandlerError(
                    f"parameter {parameter.name!r} is keyword-only, and clients send arguments "
                    "by position; move it before the '*' or give it a default"
                )
        positional = [p for p in parameters if p.kind in _POSITIONAL]
        takes_any = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
        required = sum(p.default is p.empty for p in positional)
        most = None if takes_any else max(0, len(positional) - bound)
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


def _count(number: int) -> str:
    return "1 argument" if number == 1 else f"{number} arguments"


def where(function: Any) -> str:
    """The file and line of a function, ``chat.py:12``, for messages."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)
