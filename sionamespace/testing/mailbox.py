"""`Mailbox`: what came, in order, and what assertions have taken out of it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Generic, Protocol, TypeVar

import attrs

from sionamespace.testing.matching import differences, short

__all__ = ["Mailbox", "Wanted"]

__tracebackhide__ = True  # pytest shows the line of the test instead

_MOST_LINES = 20


class Item(Protocol):
    """An event, with whatever else is known of it."""

    @property
    def name(self) -> str: ...
    @property
    def args(self) -> tuple[Any, ...]: ...


I = TypeVar("I", bound=Item)  # noqa: E741


@attrs.frozen
class Wanted:
    """The event that a test looks for.

    Args:
        args: its arguments, all of them; an empty tuple is any.
        fields: more that it has, such as ``{"rooms": ("lobby",)}``.
    """

    name: str
    args: tuple[Any, ...] = ()
    fields: Mapping[str, Any] = {}

    def differences(self, item: Item) -> list[str]:
        """How an event differs from it, in words."""
        lines = []
        if self.name != item.name:
            lines.append(f"event: expected {self.name!r}, got {item.name!r}")
        if self.args:
            lines += differences(self.args, item.args, "args")
        for field, value in self.fields.items():
            lines += differences(value, getattr(item, field), field)
        return lines

    def __str__(self) -> str:
        args = ", ".join(map(repr, self.args)) if self.args else "..."
        return f"{self.name}({args})" + "".join(f" {k}={short(v)}" for k, v in self.fields.items())


class Mailbox(Generic[I]):
    """What came, oldest first.

    `take` takes an event out, as Phoenix's ``assert_push`` does, so that to take it twice it must
    have come twice; `items` has all that came, taken or not.
    """

    def __init__(self) -> None:
        self.items: list[I] = []
        self._taken: set[int] = set()

    def add(self, item: I) -> None:
        """Something came."""
        self.items.append(item)

    def named(self, name: str | None) -> list[I]:
        """All that came of a name, or of any."""
        return [item for item in self.items if name is None or item.name == name]

    def clear(self) -> None:
        """Forget all of it."""
        self.items.clear()
        self._taken.clear()

    def take(self, wanted: Wanted, who: str) -> I:
        """The first such event that was not taken yet.

        Raises:
            AssertionError: if there is none; it tells what came instead.
        """
        found = self._find(wanted)
        if found is None:
            raise AssertionError(f"{who} no {wanted}\n{self._instead(wanted)}{self._all()}")
        self._taken.add(found)
        return self.items[found]

    def refute(self, wanted: Wanted, who: str) -> None:
        """Nothing, if there is no such event that was not taken yet.

        Raises:
            AssertionError: if there is one.
        """
        found = self._find(wanted)
        if found is not None:
            raise AssertionError(f"{who} {short(self.items[found])}\n{self._all()}")

    def _find(self, wanted: Wanted) -> int | None:
        for number, item in enumerate(self.items):
            if number not in self._taken and not wanted.differences(item):
                return number
        return None

    def _instead(self, wanted: Wanted) -> str:
        if any(not wanted.differences(self.items[number]) for number in self._taken):
            return "  such a one came, but another assertion took it: each is for one assertion\n"
        nearest = self._nearest(wanted)
        if nearest is None:
            return ""
        lines = "".join(f"    {line}\n" for line in wanted.differences(nearest))
        return f"  nearest: {short(nearest)}\n{lines}"

    def _nearest(self, wanted: Wanted) -> I | None:
        left = [item for n, item in enumerate(self.items) if n not in self._taken]
        names = {item.name for item in left}
        alike = {wanted.name} & names or set(get_close_matches(wanted.name, names, 1))
        there = [item for item in left if item.name in alike]
        return min(there, key=lambda item: len(wanted.differences(item)), default=None)

    def _all(self) -> str:
        if not self.items:
            return "  nothing came at all"
        first = max(0, len(self.items) - _MOST_LINES)
        lines = [f"  ... {first} before"] if first else []
        for number in range(first, len(self.items)):
            mark = "*" if number in self._taken else "-"
            lines.append(f"  {mark} {short(self.items[number])}")
        return "  all that came (* = taken by an assertion):\n" + "\n".join(lines)
