"""TypeScript's types of what is said, as socket.io-client's generics take them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from sionamespace.codegen.contract import Argument, Contract, Event
from sionamespace.codegen.schemas import Schemas
from sionamespace.codegen.tstypes import (
    array,
    comment,
    declaration,
    identifier,
    key,
    type_of,
    union,
)
from sionamespace.patterns import Pattern, is_pattern
from sionamespace.types import Path

__all__ = ["typescript"]

_HEAD = """\
// Written by `sionamespace typescript`, from the server's handlers and declared events.
"""

_HELPERS = {
    "Failure": """\
/** What an ack gets instead of an answer, if the server refused the event or its handler failed. */
export interface Failure {
  error: { message: string; data?: unknown };
}
""",
    "Binary": """\
/** Bytes: in browsers they come as an ArrayBuffer, in Node.js as a Buffer. Either can be sent. */
export type Binary = ArrayBuffer | Uint8Array;
""",
}


def typescript(contracts: Sequence[Contract]) -> str:
    """A module of types: for each class a namespace with its two interfaces of events."""
    schemas = Schemas.of(contracts)
    classes = [declaration(name, schema) for name, schema in schemas.classes.items()]
    body = "\n".join([*classes, *(_Space(contract, schemas).text() for contract in contracts)])
    helpers = [text for name, text in _HELPERS.items() if re.search(rf"\b{name}\b", body)]
    return "\n".join([_HEAD, *helpers, body])


class _Space:
    """The TypeScript namespace of a class."""

    def __init__(self, contract: Contract, schemas: Schemas) -> None:
        self._contract = contract
        self._schemas = schemas

    def text(self) -> str:
        contract = self._contract
        lines = [*comment(contract.doc), f"export namespace {identifier(contract.name)} {{"]
        lines += [f"  export type Path = {union(map(_path, contract.paths))};", ""]
        if contract.auth:
            lines += [f"  export type Auth = {self._type(contract.auth)};", ""]
        lines += [*self._interface("ClientToServerEvents", contract.received, True), ""]
        lines += [*self._interface("ServerToClientEvents", contract.sent, False), "}", ""]
        return "\n".join(lines)

    def _interface(self, name: str, events: Sequence[Event], is_ours: bool) -> Iterator[str]:
        if not events:  # an empty interface would allow all
            yield f"  export type {name} = Record<never, never>;"
            return
        yield f"  export interface {name} {{"
        for event in events:
            yield from comment(event.doc, "    ")
            yield f"    {key(event.name)}: {self._listener(event, is_ours)};"
        yield "  }"

    def _listener(self, event: Event, is_ours: bool) -> str:
        """An event as a function of its arguments and its ack, which comes last.

        Each case ends with the ack if something is answered: only so ``emitWithAck`` knows what.

        Args:
            is_ours: whether the server handles it, and not a listener of the client's.
        """
        variadic = any(each.is_variadic for each in event.arguments)
        marked = [self._parameter(each, "?" * each.is_optional) for each in event.arguments]
        if event.answers is None:
            return f"({', '.join(marked)}) => void"
        callback = self._ack(event.answers, is_ours)
        if not (is_ours or event.is_answered or variadic):  # who listens takes what comes
            return f"({', '.join([*marked, f'ack?: {callback}'])}) => void"
        ack = [f"ack: {callback}"]
        endings = [ack] if event.is_answered else [[], ack]
        cases = [case + ending for case in self._cases(event.arguments) for ending in endings]
        if len(cases) > 1:
            lines = "".join(f"\n        | {_tuple(case)}" for case in cases)
            return f"(\n      ...args:{lines}\n    ) => void"
        return f"({f'...args: {_tuple(cases[0])}' if variadic else ', '.join(cases[0])}) => void"

    def _cases(self, arguments: Sequence[Argument]) -> Iterator[list[str]]:
        """What arguments there may be: all, and fewer where the last ones are optional."""
        least = sum(not (each.is_optional or each.is_variadic) for each in arguments)
        fixed = sum(not each.is_variadic for each in arguments)
        for count in (*range(least, fixed), len(arguments)):
            yield [self._parameter(each) for each in arguments[:count]]

    def _ack(self, answers: Sequence[tuple[Argument, ...]], may_fail: bool) -> str:
        """The type of the callback, which gets a `Failure` in place of the first argument."""
        failure = ["Failure"] * may_fail
        longest = answers[0]
        if any(each.is_variadic for answer in answers for each in answer):
            kinds = {self._type(each) for answer in answers for each in answer}
            kind = "any" if "unknown" in kinds else union([*sorted(kinds), *failure])
            return f"(...answers: {array(kind)}) => void"
        if not longest:
            return "(failure?: Failure) => void" if may_fail else "() => void"
        if len(longest) == 1:
            mark = "?" if () in answers else ""
            return f"(answer{mark}: {union([self._type(longest[0]), *failure])}) => void"
        cases = [[self._parameter(each) for each in answer] for answer in answers]
        cases += [["failure: Failure"]] * may_fail
        # The rest are undefined then, so that a callback may be (first, second) => ...
        for case in cases:
            case += [f"{each.name}: undefined" for each in longest[len(case) :]]
        if len(cases) == 1:
            return f"({', '.join(cases[0])}) => void"
        return f"(...answer: {union(map(_tuple, cases))}) => void"

    def _parameter(self, argument: Argument, mark: str = "") -> str:
        name, kind = identifier(argument.name), self._type(argument)
        name = f"{name}_" if name == "ack" else name
        return f"...{name}: {array(kind)}" if argument.is_variadic else f"{name}{mark}: {kind}"

    def _type(self, argument: Argument) -> str:
        return type_of(self._schemas[argument])


def _path(path: Path) -> str:
    """The type of a path: a literal, with its parameters as far as TypeScript can say."""
    if not is_pattern(path):
        return json.dumps(path, ensure_ascii=False)
    kinds = iter(Pattern(path).parameters.values())
    return "`" + re.sub(r"\{[^}]*\}", lambda _: _hole(next(kinds)), path) + "`"


def _hole(kind: str) -> str:
    return "${number}" if kind == "int" else "${string}"


def _tuple(items: Sequence[str]) -> str:
    return f"[{', '.join(items)}]"
