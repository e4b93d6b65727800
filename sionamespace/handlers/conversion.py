"""What a client sent, as the type that an annotation asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

__all__ = ["Converter", "converter", "is_pydantic", "unsupported"]

Converter: TypeAlias = Callable[[Any], Any]

_BINARY = (bytes, bytearray, memoryview)
"""What comes as it is: a text is no bytes in base64."""
_ASK_FOR_MORE = (
    inspect.AnyType,
    inspect.BytesType,
    inspect.ByteArrayType,
    inspect.MemoryViewType,
    inspect.DictType,
    inspect.CustomType,
    inspect.RawType,
)
"""The types whose values msgspec makes by an option."""


def converter(kind: Any) -> Converter:
    """What makes a value of a type; it raises a ``ValueError``, msgspec's or Pydantic's own."""
    if (validator := _pydantic_validator(kind)) is not None:
        convert: Converter = validator.validate_python
        return convert
    if not any(map(_asks_for_more, _types_in(inspect.type_info(kind), set()))):
        return partial(msgspec.convert, type=kind)  # each option costs a tenth of a microsecond
    return partial(
        msgspec.convert,
        type=kind,
        builtin_types=_BINARY,
        str_keys=True,  # JSON has no others
        dec_hook=_decode,
    )


def unsupported(kind: Any) -> str | None:
    """Why nothing that a client sends can be of a type; None if it can be checked."""
    if is_pydantic(kind):
        return None
    try:
        nodes = list(_types_in(inspect.type_info(kind), set()))
        unseen = next(_unseen_constraints(kind, nodes), None)
    except (TypeError, NameError, AttributeError) as error:
        return str(error)
    if unseen is not None:
        return f"nobody would see to {unseen!r}; write msgspec.Meta(...), or make a model of it"
    return next(filter(None, map(_strange, nodes)), None)


def is_pydantic(kind: Any) -> bool:
    """Whether a type is a model of Pydantic."""
    return _pydantic_validator(kind) is not None


def _pydantic_validator(kind: Any) -> Any:
    # Asked for by its attribute, so that nothing is imported for those who do not use it.
    return getattr(kind, "__pydantic_validator__", None)


def _decode(kind: type, value: Any) -> Any:
    """What msgspec asks for a type inside of others that it does not know."""
    return value if kind is object else _pydantic_validator(kind).validate_python(value)


def _types_in(node: Any, seen: set[Any]) -> Iterator[inspect.Type]:
    """Every type within a description by `msgspec.inspect`, classes once."""
    if isinstance(node, (list, tuple)):
        for inner in node:
            yield from _types_in(inner, seen)
        return
    cls = getattr(node, "cls", None)
    if not isinstance(node, (inspect.Type, inspect.Field)) or (cls is not None and cls in seen):
        return
    seen.add(cls)
    if isinstance(node, inspect.Type):
        yield node
    for name in node.__struct_fields__:
        if name != "cls":
            yield from _types_in(getattr(node, name), seen)


def _strange(node: inspect.Type) -> str | None:
    """Why nothing can be made of a type; None if it can."""
    if isinstance(node, inspect.DataclassType) and is_pydantic(node.cls):
        return f"{node.cls!r} checks itself only where it stands alone; make it a BaseModel"
    if not isinstance(node, inspect.CustomType) or node.cls is object or is_pydantic(node.cls):
        return None
    return f"nothing that a client sends is a {node.cls!r}"


def _unseen_constraints(kind: Any, nodes: Iterable[inspect.Type]) -> Iterator[object]:
    """What Pydantic would check in a type, or in the fields of classes in it, and msgspec skips."""
    yield from _marks_of_pydantic(kind)
    for node in nodes:
        if hasattr(node, "fields"):
            cls = getattr(node, "cls", None)
            for hint in get_type_hints(get_origin(cls) or cls, include_extras=True).values():
                yield from _marks_of_pydantic(hint)


def _marks_of_pydantic(hint: Any) -> Iterator[object]:
    for mark in getattr(hint, "__metadata__", ()):
        if type(mark).__module__.partition(".")[0] in ("pydantic", "annotated_types"):
            yield mark
    for inner in get_args(hint):
        yield from _marks_of_pydantic(inner)


def _asks_for_more(node: inspect.Type) -> bool:
    """Whether msgspec must be told how to make a value of a type."""
    return isinstance(node, _ASK_FOR_MORE)
