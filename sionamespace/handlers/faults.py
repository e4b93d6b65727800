"""Each fault in what a client sent, where msgspec tells the first one only.

This runs for what was refused, so it may take its time, but not any time: a client chooses what.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints, is_typeddict

import attrs
import msgspec
from msgspec import inspect

from sionamespace.handlers.conversion import converter, is_pydantic

__all__ = ["Fault", "faults_of"]

_LONGEST = 200
"""How many characters of a path, or of a reason, are told."""
_DEPTH = 4
"""How deep they are looked for one by one; what is deeper is told with its first."""
_PLACED = re.compile(r"(.*) - at (`key` in )?`\$(.*)`", re.DOTALL)
"""What msgspec says: a reason, and where."""


Fault: TypeAlias = dict[str, str]
"""Where and why: ``{"path": ..., "reason": ...}``."""


def faults_of(value: Any, kind: Any, path: str) -> Iterator[Fault]:
    """Each fault that makes a value not of a type, as far as somebody wants to know.

    Args:
        path: what the value is called.
    """
    for fault in _faults(value, kind, path, _DEPTH):
        yield {name: text[:_LONGEST] for name, text in fault.items()}


def _faults(value: Any, kind: Any, path: str, depth: int) -> Iterator[Fault]:
    if kind is Any:
        return
    try:
        converter(kind)(value)
    except ValueError as error:
        inner = _within(value, kind, path, depth - 1) if depth else iter(())
        first = next(inner, None)
        yield from _told(error, path) if first is None else itertools.chain((first,), inner)


def _within(value: Any, kind: Any, path: str, depth: int) -> Iterator[Fault]:
    """The faults of a value's parts, if it has parts of which the type says something."""
    kind = _bare(kind)
    if isinstance(value, dict) and (fields := _fields(kind)):
        for name, inner, required in fields:
            if name in value:
                yield from _faults(value[name], inner, f"{path}.{name}", depth)
            elif required:
                yield {"path": f"{path}.{name}", "reason": "Missing"}
    elif isinstance(value, list) and get_origin(kind) is list:
        (inner,) = get_args(kind)
        for at, item in enumerate(value):
            yield from _faults(item, inner, f"{path}[{at}]", depth)
    elif isinstance(value, dict) and get_origin(kind) is dict:
        _, inner = get_args(kind)
        for key, item in value.items():
            yield from _faults(item, inner, f"{path}.{key}", depth)


def _bare(kind: Any) -> Any:
    """A type without its constraints, and without None."""
    while hasattr(kind, "__metadata__"):
        kind = kind.__origin__
    others = [one for one in get_args(kind) if one is not type(None)]
    return others[0] if type(None) in get_args(kind) and len(others) == 1 else kind


def _fields(kind: Any) -> list[tuple[str, Any, bool]]:
    """The fields of a class of values: the name on the wire, the type, whether it must be there."""
    known = is_typeddict(kind) or attrs.has(kind) if isinstance(kind, type) else False
    if not (known or hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__struct_fields__")):
        return []
    if is_pydantic(kind):
        return []
    hints = get_type_hints(kind, include_extras=True)
    node: Any = inspect.type_info(kind)
    return [(f.encode_name, _item(hints.get(f.name, Any)), f.required) for f in node.fields]


def _item(kind: Any) -> Any:
    """The type of a `TypedDict`'s item, which may be marked ``Required`` or ``NotRequired``."""
    return get_args(kind)[0] if str(get_origin(kind)).endswith("equired") else kind


def _told(error: ValueError, path: str) -> Iterator[Fault]:
    """The faults that an error tells by itself."""
    if isinstance(error, msgspec.ValidationError):
        found = _PLACED.fullmatch(str(error))
        reason, key, place = found.groups() if found else (str(error), None, "")
        path += place
        cause = error.__cause__
        if cause is None or not hasattr(cause, "errors"):
            if cause is not None and len(cause.args) > 1:  # attrs' validators add whole objects
                reason = str(cause.args[0])
            yield {"path": path, "reason": ("a key: " if key else "") + reason.replace("`", "")}
            return
        error = cause  # type: ignore[assignment]
    if hasattr(error, "errors"):  # Pydantic tells all of them
        for one in error.errors(include_url=False, include_context=False, include_input=False):
            yield {"path": path + _location(one["loc"]), "reason": one["msg"]}
    else:
        yield {"path": path, "reason": str(error)}


def _location(parts: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
