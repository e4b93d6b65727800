"""`Event`, `Emitted` and `Request`: what went between a server and its clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

from sionamespace.errors import Refused
from sionamespace.types import Path, Room

__all__ = ["Emitted", "Event", "EventName", "Request"]

__tracebackhide__ = True  # pytest shows the line of the test instead

_NOTHING = object()

EventName: TypeAlias = "str | Callable[..., Any]"
"""An event's name, or the method that declares it, of a class in ``outgoing=``."""


@attrs.frozen
class Event:
    """An event that a client received."""

    name: str
    args: tuple[Any, ...] = ()
    _respond: Callable[..., None] | None = attrs.field(default=None, eq=False, repr=False)

    def __repr__(self) -> str:
        return _call(self.name, self.args)

    @property
    def wants_answer(self) -> bool:
        """Whether the server sent it with `Namespace.call` or `Audience.call_all`."""
        return self._respond is not None

    def answer(self, *values: Any) -> None:
        """Answer the server's call."""
        assert self._respond is not None, f"the server does not wait for an answer to {self}"
        self._respond(*values)


@attrs.frozen
class Emitted:
    """An event that a namespace sent, to whomever, with its arguments as clients see them.

    ``rooms`` are the rooms and sids that it was sent to; None is everybody in the namespace.
    """

    path: Path
    name: str
    args: tuple[Any, ...]
    rooms: frozenset[Room] | None
    skip: frozenset[Room]

    def __repr__(self) -> str:
        to = "everybody" if self.rooms is None else ", ".join(sorted(self.rooms)) or "nobody"
        but = f", but not {', '.join(sorted(self.skip))}" if self.skip else ""
        return f"{self.path} {_call(self.name, self.args)} to {to}{but}"


class Request:
    """An event that a client sent with an ack, and the handler's answer to it.

    Args:
        explain: why there is no answer, in words.
    """

    def __init__(self, event: str, explain: Callable[[], str | None]) -> None:
        self.event = event
        self._explain = explain
        self._values: Any = _NOTHING
        self._told = False

    @property
    def answered(self) -> bool:
        """Whether the answer has come."""
        return self._values is not _NOTHING

    @property
    def answer(self) -> Any:
        """The answer: one argument is itself, several are a tuple, none is None."""
        if not self.answered:
            self._told = True
            why = self._explain() or "its handler returned NO_REPLY"
            raise AssertionError(f"the server has not answered {self.event!r}: {why}")
        values = self._values
        return None if not values else values[0] if len(values) == 1 else tuple(values)

    @property
    def refused(self) -> Refused | None:
        """The error in the answer, as a handler's `Refused` puts it there; None if it has none."""
        answer = self.answer
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict):
            return None
        return Refused(error["message"], error.get("data"))

    def settle(self, values: list[Any]) -> None:
        """Take the answer."""
        assert not self.answered, f"the server answered {self.event!r} twice"
        self._values = values

    def complaint(self) -> str | None:
        """Why there is no answer; None if there is one, none is meant, or the test knows it."""
        return None if self.answered or self._told else self._explain()


def _call(name: str, args: tuple[Any, ...]) -> str:
    return f"{name}({', '.join(map(repr, args))})"
