"""What a client sent, as the type that an annotation asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect

__all__ = ["Converter", "converter", "is_pydantic", "unsupported"]

Converter: TypeAlias = Callable[[Any], Any]

_BINARY = (bytes, bytearray, memoryview)
"""What comes as it is: a text is no bytes in base64."""


def converter(kind: Any) -> Converter:
    """What makes a value of a type; it raises a ``ValueError``, msgspec's or Pydantic's own."""
    if (validator := _pydantic_validator(kind)) is not None:
        convert: Converter = validator.validate_python
        return convert
    return partial(
        msgspec.convert,
        type=kind,
        strict=True,
        builtin_types=_BINARY,
        str_keys=True,  # JSON has no others
        dec_hook=_decode,
    )


def unsupported(kind: Any) -> str | None:
    """Why nothing that a client sends can be of a type; None if it can be checked."""
    if is_pydantic(kind):
        return None
    try:
        nodes = inspect.multi_type_info([kind])
    except (TypeError, NameError, AttributeError) as error:
        return str(error)
    return _strange(nodes, set())


def is_pydantic(kind: Any) -> bool:
    """Whether a type is a model of Pydantic."""
    return _pydantic_validator(kind) is not None


def _pydantic_validator(kind: Any) -> Any:
    # Asked for by its attribute, so that nothing is imported for those who do not use it.
    return getattr(kind, "__pydantic_validator__", None)


def _decode(kind: type, value: Any) -> Any:
    """What msgspec asks for a type inside of others that it does not know."""
    return value if kind is object else _pydantic_validator(kind).validate_python(value)


def _strange(node: Any, seen: set[Any]) -> str | None:
    """The first type within a description by `msgspec.inspect` that nothing can be made of."""
    if isinstance(node, inspect.CustomType):
        known = node.cls is object or is_pydantic(node.cls)
        return None if known else f"nothing that a client sends is a {node.cls!r}"
    if isinstance(node, (list, tuple)):
        return next(filter(None, (_strange(inner, seen) for inner in node)), None)
    cls = getattr(node, "cls", None)
    if not isinstance(node, (inspect.Type, inspect.Field)) or (cls is not None and cls in seen):
        return None
    seen.add(cls)
    inner = [getattr(node, name) for name in node.__struct_fields__ if name != "cls"]
    return _strange(inner, seen)
