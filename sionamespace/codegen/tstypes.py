"""TypeScript's types of JSON Schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from sionamespace.codegen.schemas import REF, Schema

__all__ = ["array", "comment", "declaration", "identifier", "key", "type_of", "union"]

_WORDS = """
any boolean break case catch class const continue debugger default delete do else enum export
extends false finally for function if implements import in instanceof interface let new null number
package private protected public return static string super switch symbol this throw true try
typeof var void while with yield
"""
_TAKEN = {*_WORDS.split(), "Binary", "Failure"}

_IDENTIFIER = re.compile(r"[^\W\d]\w*", re.ASCII)


def declaration(name: str, schema: Schema) -> str:
    """The type of a class, with its description."""
    doc = "".join(f"{line}\n" for line in comment(schema.get("description", "")))
    if schema.get("type") == "object" and "properties" in schema:
        return f"{doc}export interface {identifier(name)} {{\n{_fields(schema)}\n}}\n"
    return f"{doc}export type {identifier(name)} = {type_of(schema)};\n"


def type_of(schema: Schema) -> str:
    """The type that a schema describes."""
    if "$ref" in schema:
        return identifier(schema["$ref"].removeprefix(REF))
    if "const" in schema or "enum" in schema:
        return union(map(_literal, schema["enum"] if "enum" in schema else [schema["const"]]))
    if "allOf" in schema:
        return " & ".join(f"({type_of(one)})" for one in schema["allOf"])
    kind = schema.get("type")
    several = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(kind, list):
        several = [{**schema, "type": one} for one in kind]
    return union(map(type_of, several)) if several else _KINDS.get(kind, _unknown)(schema)


def array(kind: str) -> str:
    """An array of a type."""
    return f"{kind}[]" if _IDENTIFIER.fullmatch(kind) else f"({kind})[]"


def union(kinds: Iterable[str]) -> str:
    """Any of some types."""
    return " | ".join(dict.fromkeys(kinds)) or "never"


def identifier(name: str) -> str:
    """A name as one that TypeScript takes, and that stands for nothing else here."""
    plain = re.sub(r"\W", "_", name)
    return f"{plain}_" if plain in _TAKEN else plain


def key(name: str) -> str:
    """The name of a member, in quotes if it needs them."""
    return name if _IDENTIFIER.fullmatch(name) else _literal(name)


def comment(text: str, indent: str = "") -> list[str]:
    """The lines of a comment for editors; none if there is nothing to say."""
    lines = text.replace("*/", "*\\/").splitlines()
    if len(lines) < 2:
        return [f"{indent}/** {line} */" for line in lines]
    body = [f"{indent} * {line}".rstrip() for line in lines]
    return [f"{indent}/**", *body, f"{indent} */"]


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _fields(schema: Schema, indent: str = "  ") -> str:
    lines = []
    for name, inner in schema["properties"].items():
        lines += comment(inner.get("description", ""), indent)
        mark = "" if name in schema.get("required", ()) else "?"
        lines.append(f"{indent}{key(name)}{mark}: {type_of(inner)};")
    return "\n".join(lines)


def _array_of(schema: Schema) -> str:
    items = schema.get("prefixItems")
    if items is None:
        return array(type_of(_inner(schema, "items")))
    least = schema.get("minItems", 0)
    kinds = map(type_of, items)
    return f"[{', '.join(k if at < least else f'({k})?' for at, k in enumerate(kinds))}]"


def _object_of(schema: Schema) -> str:
    if schema.get("properties"):
        return f"{{ {' '.join(_fields(schema, '').splitlines())} }}"
    return f"Record<string, {type_of(_inner(schema, 'additionalProperties'))}>"


def _string_of(schema: Schema) -> str:
    return "Binary" if schema.get("format") == "binary" else "string"


def _unknown(schema: Schema) -> str:
    return "unknown"


_KINDS: dict[Any, Callable[[Schema], str]] = {
    "array": _array_of,
    "object": _object_of,
    "string": _string_of,
    "integer": lambda schema: "number",
    "number": lambda schema: "number",
    "boolean": lambda schema: "boolean",
    "null": lambda schema: "null",
}


def _inner(schema: Schema, name: str) -> Schema:
    found = schema.get(name)
    return found if isinstance(found, dict) else {}
