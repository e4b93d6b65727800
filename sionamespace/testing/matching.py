"""What a test expects of a value, also in part, and where a value differs from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["differences", "including", "matching", "short"]

_LONGEST = 200


class including:
    """Equal to a value that has at least these parts.

    Of a dict, the fields that are named: ``including(text="hi")`` equals ``{"id": 7, "text":
    "hi"}``, and ``including({"from": {"name": "Ann"}})`` looks into nested dicts in the same way.
    Of a list or a text, what is in it: ``including("Ann", "Bob")``, ``including({"name": "Ann"})``
    for a list with such a dict. It may stand wherever a value may, also inside other values and
    in a plain ``==``.
    """

    def __init__(self, *parts: Any, **fields: Any) -> None:
        self._parts = (*parts, fields) if fields or not parts else parts

    def __eq__(self, other: object) -> bool:
        return not self.differences(other, "")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"including({', '.join(map(repr, self._parts))})"

    def differences(self, actual: Any, at: str) -> list[str]:
        """Each part that a value lacks, in words."""
        return [line for part in self._parts for line in _lacks(part, actual, at)]


class matching:
    """Equal to a value that passes a check: ``matching(lambda at: at > 0)``.

    The check is a function, which is called with the value, a type, or a compiled regular
    expression, which is searched for in a text.
    """

    def __init__(self, check: Callable[[Any], object] | type | re.Pattern[str]) -> None:
        self._check = check

    def __eq__(self, other: object) -> bool:
        if isinstance(self._check, re.Pattern):
            return isinstance(other, str) and self._check.search(other) is not None
        if isinstance(self._check, type):
            return isinstance(other, self._check)
        return bool(self._check(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"matching({getattr(self._check, '__qualname__', self._check)})"


def differences(expected: Any, actual: Any, at: str) -> list[str]:
    """Each place at which a value is not as expected, in words; none if it is.

    Args:
        at: how the value itself is called, such as ``args``.
    """
    if isinstance(expected, including):
        return expected.differences(actual, at)
    if expected == actual:
        return []
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        more = [f"{_item(at, key)}: not expected" for key in actual.keys() - expected.keys()]
        return _fields(expected, actual, at, differences) + sorted(more)
    if isinstance(expected, (list, tuple)) and isinstance(actual, type(expected)):
        return _elements(expected, actual, at, differences)
    return [f"{at}: expected {short(expected)}, got {short(actual)}"]


def short(value: object) -> str:
    """A value in a line of bearable length."""
    text = repr(set(value)) if isinstance(value, frozenset) and value else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


_Compare = Callable[[Any, Any, str], "list[str]"]


def _lacks(part: Any, actual: Any, at: str) -> list[str]:
    if isinstance(part, Mapping) and isinstance(actual, Mapping):
        return _fields(part, actual, at, _partly)
    if isinstance(actual, (list, tuple)):
        found = any(not _partly(part, element, at) for element in actual)
    else:
        found = isinstance(actual, (str, bytes)) and isinstance(part, type(actual))
        found = found and part in actual
    return [] if found else [f"{at}: expected {short(part)} to be in it, got {short(actual)}"]


def _partly(expected: Any, actual: Any, at: str) -> list[str]:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return _fields(expected, actual, at, _partly)
    if isinstance(expected, (list, tuple)) and isinstance(actual, type(expected)):
        return _elements(expected, actual, at, _partly)
    return differences(expected, actual, at)


def _fields(
    expected: Mapping[Any, Any], actual: Mapping[Any, Any], at: str, compare: _Compare
) -> list[str]:
    lines = []
    for key, value in expected.items():
        if key in actual:
            lines += compare(value, actual[key], _item(at, key))
        else:
            lines.append(f"{_item(at, key)}: expected {short(value)}, but it is not there")
    return lines


def _elements(expected: Any, actual: Any, at: str, compare: _Compare) -> list[str]:
    lines = []
    if len(expected) != len(actual):
        lines.append(f"{at}: expected {len(expected)} of them, got {len(actual)}")
    for number, (one, other) in enumerate(zip(expected, actual, strict=False)):
        lines += compare(one, other, _item(at, number))
    return lines


def _item(at: str, key: object) -> str:
    return f"{at}[{key!r}]"
