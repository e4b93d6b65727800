"""An AsyncAPI 3 document of what is said.

Each namespace is a channel, each event a message whose payload is the array of its arguments. Acks
are AsyncAPI's own request and reply: what is answered is the ``reply`` of the operation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from sionamespace.codegen.contract import Argument, Contract, Event
from sionamespace.codegen.schemas import Schema, Schemas
from sionamespace.patterns import Pattern, is_pattern
from sionamespace.types import Path

__all__ = ["asyncapi"]

Json: TypeAlias = "dict[str, Any]"

_ERROR = {
    "type": "object",
    "properties": {"message": {"type": "string"}, "data": {}},
    "required": ["message"],
}
_FAILURE = {
    "name": "failure",
    "title": "Failure",
    "summary": "What an ack gets if the server refused the event, or its handler failed.",
    "payload": {
        "type": "array",
        "items": [{"type": "object", "properties": {"error": _ERROR}, "required": ["error"]}],
        "minItems": 1,
        "maxItems": 1,
    },
}


def asyncapi(contracts: Sequence[Contract], title: str, version: str) -> Json:
    """The document, from the server's point of view: it receives what clients send.

    Args:
        title: what the API is called.
        version: that of the API.
    """
    return _Writer(Schemas.of(contracts)).document(contracts, title, version)


class _Writer:
    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._channels: Json = {}
        self._operations: Json = {}

    def document(self, contracts: Iterable[Contract], title: str, version: str) -> Json:
        for contract in contracts:
            for path in contract.paths:
                self._channel(contract, path)
        classes = _draft_07(self._schemas.classes)
        return {
            "asyncapi": "3.0.0",
            "info": {"title": title, "version": version},
            "defaultContentType": "application/json",
            "channels": self._channels,
            "operations": self._operations,
            "components": {"schemas": classes, "messages": {"failure": _FAILURE}},
        }

    def _channel(self, contract: Contract, path: Path) -> None:
        address = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
        channel = _free(_id(address) or "main", self._channels)
        messages: Json = {}
        self._channels[channel] = {
            "address": address,
            **_said(contract.name, contract.doc),
            "messages": messages,
        }
        if is_pattern(path):
            self._channels[channel]["parameters"] = {
                name: {"description": f"a parameter of the path, of the kind {kind}"}
                for name, kind in Pattern(path).parameters.items()
            }
        if contract.auth:
            messages["connect"] = {"name": "connect", "payload": self._argument(contract.auth)}
            operation = _operation(channel, "receive", "connect", "What a client comes with.")
            self._operations[f"{channel}.receive.connect"] = operation
        for event in contract.received:
            self._operation(channel, messages, event, "receive")
        for event in contract.sent:
            self._operation(channel, messages, event, "send")

    def _operation(self, channel: str, messages: Json, event: Event, action: str) -> None:
        name = _free(_id(event.name), messages)
        messages[name] = {"name": event.name, **self._message(event.arguments)}
        operation = _operation(channel, action, name, event.doc)
        if event.answers is not None:
            answers = list(self._answers(name, messages, event.answers))
            if action == "receive":
                messages["failure"] = {"$ref": "#/components/messages/failure"}
                answers.append("failure")
            operation["reply"] = {
                "channel": {"$ref": f"#/channels/{channel}"},
                "messages": [_reference(channel, answer) for answer in answers],
            }
        key = _free(f"{channel}.{action}.{_id(event.name)}", self._operations)
        self._operations[key] = operation

    def _answers(
        self, name: str, messages: Json, answers: Iterable[tuple[Argument, ...]]
    ) -> Iterator[str]:
        for answer in answers:
            key = _free(f"{name}.ack", messages)
            messages[key] = {"name": "ack", **self._message(answer)}
            yield key

    def _message(self, arguments: Sequence[Argument]) -> Json:
        fixed = [self._argument(each) for each in arguments if not each.is_variadic]
        rest = [self._argument(each) for each in arguments if each.is_variadic]
        payload: Json = {"type": "array"}
        if fixed:
            payload["items"] = fixed
            payload["minItems"] = sum(not (e.is_optional or e.is_variadic) for e in arguments)
        if not rest:
            payload["maxItems"] = len(fixed)
        else:
            payload["additionalItems" if fixed else "items"] = rest[0]
        return {"payload": payload}

    def _argument(self, argument: Argument) -> Json:
        schema: Json = _draft_07(self._schemas[argument])
        # What stands beside a reference is not read.
        return {"title": argument.name, **({"allOf": [schema]} if "$ref" in schema else schema)}


def _operation(channel: str, action: str, message: str, doc: str) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        **_said("", doc),
        "messages": [_reference(channel, message)],
    }


def _said(title: str, doc: str) -> Json:
    summary, _, rest = doc.partition("\n")
    found = {"title": title, "summary": summary, "description": rest.strip()}
    return {key: text for key, text in found.items() if text}


def _reference(channel: str, message: str) -> Json:
    return {"$ref": f"#/channels/{channel}/messages/{message}"}


def _id(text: str) -> str:
    """What may be a key, and a part of a reference."""
    return re.sub(r"[^A-Za-z0-9_\-]+", "_", text).strip("_")


def _free(name: str, taken: Json) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}{number}"
    return free


def _draft_07(schema: Any) -> Any:
    """A schema in the older words that AsyncAPI's own schemas have."""
    if isinstance(schema, list):
        return [_draft_07(inner) for inner in schema]
    if not isinstance(schema, Mapping):
        return schema
    found: Schema = {name: _draft_07(inner) for name, inner in schema.items()}
    if "prefixItems" in found:
        found["additionalItems"] = found.pop("items", True)
        found["items"] = found.pop("prefixItems")
    if isinstance(found.get("discriminator"), dict):
        found["discriminator"] = found["discriminator"]["propertyName"]
    return found
