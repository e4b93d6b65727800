"""Plain values: dicts, lists and what a codec writes as it is.

What applications send may be more: attrs classes, dataclasses, enums, dates, sets, ... A codec
has them made plain, and says itself what becomes of a few kinds, such as bytes in JSON.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Mapping, Set
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

import attrs
import msgspec

from sionamespace.errors import UsageError
from sionamespace.protocol.values import MAX_DEPTH

__all__ = ["BINARY", "LEAVES", "Form", "check_room"]

LEAVES: frozenset[type] = frozenset({str, int, float, bool, type(None)})
BINARY = (bytes, bytearray, memoryview)
_WRITTEN_OTHERWISE = (str, dict, list, tuple, set, frozenset, Enum, datetime.datetime, *BINARY)
"""What `Form.make_plain` knows better than an encoder, if it is also an attrs class or such."""


@attrs.frozen
class Form:
    """What a codec takes for plain."""

    leaves: frozenset[type] = LEAVES
    """The types that it writes as they are; not those made from them."""
    special: tuple[type, ...] = BINARY
    """The types that the caller of `make_plain` turns into something by itself."""
    text_keys: bool = False
    """Whether keys of dicts that are no texts have to become such."""

    def is_plain(self, value: Any, depth: int = 0) -> bool:
        """Whether a value can be written as it is, in which attrs classes, dataclasses and structs
        may be: the encoder writes those faster than they become dicts.

        Raises:
            UsageError: if it is nested too deep.
        """
        leaves, kind = self.leaves, type(value)
        if kind in leaves:
            return True
        if kind is dict:
            if self.text_keys and not all(type(key) is str for key in value):
                return False
            parts = value.values()
        elif kind is list or kind is tuple:
            parts = value
        elif (parts := _parts(value)) is None:
            return False
        if depth >= MAX_DEPTH:
            check_room(depth)
        for part in parts:
            if type(part) not in leaves and not self.is_plain(part, depth + 1):
                return False
        return True

    def make_plain(self, value: Any, convert: Callable[[Any, int], Any], depth: int = 0) -> Any:
        """A value that can be written.

        Args:
            convert: what becomes of a value of a special type, at a depth.

        Raises:
            UsageError: if it is nested too deep, or holds something that cannot be sent.
        """
        if type(value) in self.leaves:
            return value
        if isinstance(value, str) and not isinstance(value, Enum):
            return str.__str__(value)  # a subclass, such as a template engine's markup
        if isinstance(value, self.special):
            return convert(value, depth)
        if isinstance(value, dict):
            check_room(depth)
            return {
                self._key(key): self.make_plain(inner, convert, depth + 1)
                for key, inner in value.items()
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            check_room(depth)
            return [self.make_plain(inner, convert, depth + 1) for inner in value]
        built = self._to_builtins(value)
        return built if self.is_plain(built, depth) else self.make_plain(built, convert, depth)

    def _key(self, key: Any) -> Any:
        if type(key) is str or not self.text_keys:
            return key
        return next(iter(self._to_builtins({key: None})))

    def _to_builtins(self, value: Any) -> Any:
        try:
            return msgspec.to_builtins(
                value, builtin_types=self.special, str_keys=self.text_keys, enc_hook=_dump
            )
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError(
                f"cannot send {type(value).__name__} {value!r:.60}: expected JSON values, bytes, "
                "attrs classes, dataclasses, Pydantic models, dates or UUIDs, alone or nested "
                f"({error})"
            ) from None


def _parts(value: object) -> Iterable[Any] | None:
    """All that an encoder writes of an object by itself, and perhaps more; None if it does not, or
    if that is not known of every object of the class."""
    read = _reader(type(value))  # type: ignore[arg-type]  # a class is hashable
    try:
        return None if read is None else read(value)
    except AttributeError:  # a field was never set
        return None


@lru_cache(1024)
def _reader(kind: type) -> Callable[[Any], Iterable[Any]] | None:
    """What reads the fields of the objects of a class."""
    if issubclass(kind, _WRITTEN_OTHERWISE):
        return None
    if hasattr(kind, "__getattr__"):  # reading what was never set, a cached property, makes it
        return None
    if issubclass(kind, msgspec.Struct):
        names = list(kind.__struct_fields__)
    elif dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
    elif attrs.has(kind) and not kind.__dictoffset__:  # else whatever was set is written
        names = [name for base in kind.__mro__ for name in vars(base).get("__slots__", ())]
        names = [name for name in names if name != "__weakref__"]
    else:
        return None
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: [getattr(value, name) for name in names]


def _dump(value: Any) -> Any:
    """A model of Pydantic as a dict, by its aliases, its bytes as they are; other sets as lists,
    other mappings, such as `Namespace.params`, as dicts."""
    if isinstance(value, Set):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    dump = getattr(value, "model_dump", None)
    if hasattr(value, "__await__"):  # an Ack that a handler returns, a coroutine
        raise TypeError("it is still to come: send its result(), or in an async def await it")
    if dump is None or isinstance(value, type):
        raise TypeError(f"objects of type {type(value).__name__} are not supported")
    return dump(by_alias=True)


def check_room(depth: int) -> None:
    """Raise `UsageError` unless one more level fits below ``depth`` others."""
    if depth >= MAX_DEPTH:
        raise UsageError(f"cannot send a value that is nested deeper than {MAX_DEPTH} levels")
