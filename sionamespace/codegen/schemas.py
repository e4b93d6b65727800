"""JSON Schemas of what is said, and of the classes in it: once for each direction.

A field with a default may be left out by who sends it, and is always there when we send it. So a
class that goes both ways may have two schemas; then what clients send is called ``<name>Input``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import msgspec
from msgspec import inspect

from sionamespace.codegen.contract import Argument, Contract, Event
from sionamespace.errors import ConfigurationError
from sionamespace.handlers.conversion import is_pydantic

__all__ = ["REF", "Schema", "Schemas"]

Schema: TypeAlias = "dict[str, Any]"

REF = "#/components/schemas/"
"""What is before the name of a class where a schema refers to it."""

_ANYTHING: Schema = {"description": "anything"}
"""An empty schema, which msgspec does not take from us."""


@attrs.frozen
class Schemas:
    """The schemas of contracts.

    Raises:
        ConfigurationError: for a type that has none.
    """

    classes: Mapping[str, Schema]
    """Those that others refer to, by their names."""
    _arguments: Mapping[Argument, Schema]

    @classmethod
    def of(cls, contracts: Iterable[Contract]) -> Schemas:
        """The schemas of all that is said."""
        received, sent = _by_direction(contracts)
        inputs, input_classes = _schemas(received, "validation")
        outputs, output_classes = _schemas(sent, "serialization")
        names = _renamed(input_classes, output_classes)
        inputs, input_classes = _with_names(inputs, names), _with_names(input_classes, names)
        classes = {names.get(name, name): schema for name, schema in input_classes.items()}
        classes = dict(sorted({**classes, **output_classes}.items()))
        arguments = dict(zip([*received, *sent], [*inputs, *outputs], strict=True))
        return cls(classes, arguments)

    def __getitem__(self, argument: Argument) -> Schema:
        """The schema of an argument."""
        return self._arguments[argument]


def _by_direction(contracts: Iterable[Contract]) -> tuple[list[Argument], list[Argument]]:
    """All that clients send, and all that they are sent."""
    received: list[Argument] = []
    sent: list[Argument] = []
    for contract in contracts:
        received += [contract.auth] if contract.auth else []
        for events, there, back in (
            (contract.received, received, sent),
            (contract.sent, sent, received),
        ):
            for event in events:
                there += event.arguments
                back += _answers(event)
    return received, sent


def _answers(event: Event) -> Iterator[Argument]:
    for answer in event.answers or ():
        yield from answer


def _schemas(arguments: Sequence[Argument], mode: str) -> tuple[list[Schema], dict[str, Schema]]:
    """The schemas of arguments and of the classes in them.

    Args:
        mode: as Pydantic calls it: ``validation`` of what comes, ``serialization`` of what goes.
    """
    kinds = [argument.kind for argument in arguments]
    nodes = list(_nodes(inspect.multi_type_info(kinds)))
    models, model_classes = _pydantic({n.cls for n in nodes if _is_model(n)}, mode)
    records = list({node.cls: node for node in nodes if _is_record(node)}.values())
    try:
        found, classes = msgspec.json.schema_components(
            [*kinds, *(node.cls for node in records)],
            schema_hook=lambda cls: models.get(cls, _ANYTHING),
            ref_template=f"{REF}{{name}}",
        )
    except TypeError as error:
        raise ConfigurationError(f"a type has no JSON Schema: {error}") from None
    if mode == "serialization":
        for node, schema in zip(records, found[len(kinds) :], strict=True):
            _say_what_is_there(node, classes[schema["$ref"].removeprefix(REF)])
    twice = classes.keys() & model_classes.keys()
    if twice:
        raise ConfigurationError(
            f"two types are called {', '.join(sorted(twice))}, one of them a model of Pydantic; "
            "rename one"
        )
    classes = {**classes, **model_classes}
    return _plain(list(found[: len(kinds)])), _plain(classes)


def _nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    """All descriptions by `msgspec.inspect` within some, each class once."""
    seen: set[Any] = set()
    left = list(nodes)
    while left:
        node = left.pop()
        if isinstance(node, (list, tuple)):
            left += node
        elif isinstance(node, (inspect.Type, inspect.Field)):
            cls = getattr(node, "cls", None)
            if cls is None or cls not in seen:
                seen.add(cls)
                yield node
                left += [getattr(node, name) for name in node.__struct_fields__ if name != "cls"]


def _is_model(node: Any) -> bool:
    return isinstance(node, inspect.CustomType) and is_pydantic(node.cls)


def _is_record(node: Any) -> bool:
    return isinstance(node, (inspect.StructType, inspect.DataclassType))


def _say_what_is_there(node: Any, schema: Schema) -> None:
    """Say of a class whose objects we send that its fields are there, with a default too."""
    config = getattr(node.cls, "__struct_config__", None)
    if "properties" in schema and not (config and config.omit_defaults):
        may_lack = {f.encode_name for f in node.fields if f.default is msgspec.UNSET}
        schema["required"] = [name for name in schema["properties"] if name not in may_lack]


def _pydantic(models: set[Any], mode: str) -> tuple[dict[Any, Schema], dict[str, Schema]]:
    """What models of Pydantic say of themselves."""
    if not models:
        return {}, {}
    from pydantic.json_schema import GenerateJsonSchema, models_json_schema

    class Generator(GenerateJsonSchema):
        def field_is_required(self, field: Any, total: bool) -> bool:
            # We send them all; whoever sends them to us may leave out those with a default.
            sends = self.mode == "serialization" and field["type"] != "typed-dict-field"
            return sends or super().field_is_required(field, total)

    wanted: Any = [(model, mode) for model in sorted(models, key=lambda model: model.__name__)]
    found, definitions = models_json_schema(
        wanted, ref_template=f"{REF}{{model}}", schema_generator=Generator
    )
    schemas: dict[Any, Schema] = {model: schema for (model, _), schema in found.items()}
    return schemas, definitions.get("$defs", {})


def _plain(schema: Any) -> Any:
    """A schema with bytes as Pydantic says it: they are not base64, but attachments."""
    if isinstance(schema, list):
        return [_plain(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if schema == _ANYTHING:
        return {}
    if schema.get("contentEncoding") == "base64":
        kept = {name: schema[name] for name in ("title", "description") if name in schema}
        return {"type": "string", "format": "binary", **kept}
    return {name: _plain(inner) for name, inner in schema.items()}


def _renamed(inputs: Mapping[str, Schema], outputs: Mapping[str, Schema]) -> dict[str, str]:
    """New names for the classes that clients send otherwise than we do."""
    other = {name for name in inputs.keys() & outputs.keys() if inputs[name] != outputs[name]}
    while more := {
        name
        for name in (inputs.keys() & outputs.keys()) - other
        if any(f"{REF}{each}" in _references(inputs[name]) for each in other)
    }:
        other |= more
    return {name: f"{name}Input" for name in other}


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {found for inner in schema for found in _references(inner)}
    if isinstance(schema, dict):
        own = {schema["$ref"]} if "$ref" in schema else set()
        return own.union(*map(_references, schema.values()))
    return set()


def _with_names(schema: Any, names: Mapping[str, str]) -> Any:
    """The same, with what it refers to by new names."""
    if isinstance(schema, list):
        return [_with_names(inner, names) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _with_names(inner, names) for key, inner in schema.items()}
    if "$ref" in found:
        name = found["$ref"].removeprefix(REF)
        found["$ref"] = f"{REF}{names.get(name, name)}"
    return found
