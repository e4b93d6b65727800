"""What is written for TypeScript. That it compiles, tests/integration/test_contracts.py shows."""

from __future__ import annotations

import re

import attrs
import pytest

from sionamespace import ConfigurationError, Namespace, Router
from sionamespace.codegen.contract import contracts_of
from sionamespace.codegen.typescript import typescript
from tests.unit.codegen import shop


def written(routes):
    return typescript(contracts_of(Router(routes)))


@pytest.fixture(scope="module")
def text():
    return written(shop.ROUTES)


def block(text, head):
    """What stands between the braces after a line."""
    indent = re.search(rf"^( *){re.escape(head)} {{$", text, re.M)
    assert indent, f"no {head!r} in\n{text}"
    rest = text[indent.end() + 1 :]
    return rest[: rest.index(f"\n{indent[1]}}}")]


def interface(text, space, name):
    found = block(block(text, f"export namespace {space}"), f"export interface {name}")
    joined = re.sub(r"\n {6,}(\| )?", lambda m: " | " if m[1] else " ", found)
    joined = re.sub(r"\( \.\.\.args: \| ", "(...args: ", re.sub(r"\n {4}\)", ")", joined))
    lines = (line.strip() for line in joined.splitlines() if line.startswith("    "))
    return dict(
        line.rstrip(";").split(": ", 1) for line in lines if not line.startswith(("/", "*"))
    )


FAILED = "[ack: (failure?: Failure) => void]"


def test_what_clients_send(text):
    assert interface(text, "Shop", "ClientToServerEvents") == {
        "order": "(...args: [order: OrderInput, ack: (answer: Order | Failure) => void]"
        " | [order: OrderInput, note: string, ack: (answer: Order | Failure) => void]) => void",
        "typing": f"(...args: [] | {FAILED}) => void",
        "upload": "(picture: PictureInput, ack: (answer?: string | Failure) => void) => void",
        "pair": "(ack: (...answer: [answer1: number, answer2: string]"
        " | [failure: Failure, answer2: undefined]) => void) => void",
        "spot": "(ack: (...answer: [x: number, name: string]"
        " | [failure: Failure, name: undefined]) => void) => void",
        "pair_or_nothing": "(ack: (...answer: [answer1: number, answer2: string]"
        " | [answer1: undefined, answer2: undefined]"
        " | [failure: Failure, answer2: undefined]) => void) => void",
        "numbers": "(...args: [...numbers: number[], ack: (answer: number | Failure) => void])"
        " => void",
        "all": "(ack: (...answers: (number | Failure)[]) => void) => void",
        "anything": "(...args: [data: unknown] | [data: unknown, ack: (...answers: any[]) => void])"
        " => void",
        "invoice": "(ack: (answer?: string | Failure) => void) => void",
        "later": "(...args: [] | [ack: (...answers: any[]) => void]) => void",
        "save": "(settings: SettingsInput, profile: Profile,"
        " ack: (answer: Settings | Failure) => void) => void",
        "pick": '(...args: [choice: "a" | "b"]'
        ' | [choice: "a" | "b", ack: (...answers: any[]) => void]'
        ' | [choice: "a" | "b", n: 1 | 2 | null]'
        ' | [choice: "a" | "b", n: 1 | 2 | null, ack: (...answers: any[]) => void]) => void',
    }


def test_what_they_are_sent(text):
    assert interface(text, "Shop", "ServerToClientEvents") == {
        "order": "(order: Order) => void",
        "joined": "(name: string, room?: string) => void",
        "picture": "(picture: Picture) => void",
        "shapes": "(...shapes: (Point | Circle)[]) => void",
        '"any name"': "(data: Record<string, number[]>, sparse: Sparse) => void",
        "confirm": "(question: string, ack: (answer: boolean) => void) => void",
        "rate": "(...args: [article: string, ack: (answer: number) => void]"
        " | [article: string, most: number, ack: (answer: number) => void]) => void",
        "place": "(ack: (answer1: number, answer2: string) => void) => void",
        "receipt": "(function_: string, ack: () => void) => void",
        "settings": "(ack: (answer: SettingsInput | null) => void) => void",
        "spot": "(ack: (x: number, name: string) => void) => void",
        "several": "(ack: (...answers: number[]) => void) => void",
        "whatever": "(ack: (...answers: any[]) => void) => void",
        "open": "(x: unknown, ack?: (...answers: any[]) => void) => void",
    }


def test_a_class_that_goes_both_ways_has_two_types_if_a_default_may_be_left_out(text):
    fields = "lines: LineInput[]; color?: Color | null; due?: string | null; id?: string; price?"
    assert " ".join(block(text, "export interface OrderInput").split()) == f"{fields}: string;"
    fields = "lines: Line[]; color: Color | null; due: string | null; id: string; price"
    assert " ".join(block(text, "export interface Order").split()) == f"{fields}: string;"
    assert block(text, "export interface Settings") == "  darkMode: boolean;\n  tags: string[];"
    assert "darkMode?: boolean" in block(text, "export interface SettingsInput")
    assert "ProfileInput" not in text
    assert "TokenInput" not in text


def test_what_may_not_be_there_is_optional(text):
    assert "mail?: string;" in block(text, "export interface Profile")
    assert block(text, "export interface Sparse") == "  text?: string;"


def test_classes_and_helpers(text):
    assert 'export type Color = "blue" | "red";' in text
    assert "data: Binary;" in block(text, "export interface Picture")
    assert "size: [number, number];" in block(text, "export interface Picture")
    assert 'type: "Circle";' in block(text, "export interface Circle")
    assert "export type Binary = " in text
    assert "export interface Failure {" in text


def test_what_docstrings_say_is_there_and_breaks_nothing(text):
    assert "/** People order things. */\nexport namespace Shop {" in text
    assert "/** Order something. */" in text
    assert "     * Show it *\\/ at once.\n     */\n    order: " in text
    assert "  /** how many */\n  amount: number;" in text


def test_paths_and_auth(text):
    assert '  export type Path = "/shop" | "/other";\n\n  export type Auth = Token;' in text
    assert "  export type Path = `/jobs/${number}/log` | `/rooms/${string}`;" in text
    assert "export type Path = \"/\";" in text  # fmt: skip


def test_no_events_are_none_and_not_any(text):
    space = block(text, "export namespace Empty")
    assert "export type ClientToServerEvents = Record<never, never>;" in space
    assert "export type ServerToClientEvents = Record<never, never>;" in space


def test_what_the_blocks_send_is_there(text):
    sent = interface(text, "Room", "ServerToClientEvents")
    assert sent["presence_diff"] == "(room: string, diff: PresenceDiff) => void"


def test_what_nobody_uses_is_not_written():
    class Plain(Namespace): ...

    text = written({"/": Plain})
    assert "Failure" not in text
    assert "Binary" not in text


def test_names_that_are_taken_get_another_one():
    @attrs.frozen
    class Failure:
        new: int

    def make():
        class Chat(Namespace):
            def on_fail(self, sid, ack: Failure, new: int) -> bool: ...

        Chat.on_fail.__annotations__["ack"] = Failure
        return Chat

    text = written({"/a": make(), "/b": make()})
    assert "export interface Failure_ {\n  new: number;\n}" in text
    assert "export namespace Chat {" in text
    assert "export namespace Chat2 {" in text
    assert "(ack_: Failure_, new_: number, ack: (answer: boolean | Failure) => void)" in text


def test_two_classes_of_one_name_are_two_types():
    def make(kind):
        return attrs.make_class("Data", {"x": attrs.field(type=kind)}, frozen=True)

    one, other = make(int), make(str)
    one.__module__, other.__module__ = "a.b", "a.c"

    class Chat(Namespace):
        def on_one(self, sid, data: int) -> None: ...
        def on_other(self, sid, data: int) -> None: ...

    Chat.on_one.__annotations__["data"], Chat.on_other.__annotations__["data"] = one, other
    text = written({"/": Chat})
    assert "export interface a_b_Data {\n  x: number;\n}" in text
    assert "export interface a_c_Data {\n  x: string;\n}" in text


def test_an_annotation_that_cannot_be_found_is_an_error_with_its_place():
    class Chat(Namespace):
        def on_x(self, sid) -> Nowhere: ...  # noqa: F821

    with pytest.raises(
        ConfigurationError, match=r"on_x \(.*test_typescript\.py:\d+\): .*'Nowhere' of 'return'"
    ):
        written({"/": Chat})


def test_a_type_that_does_not_go_over_the_wire_is_an_error_with_its_place():
    class Chat(Namespace):
        def on_x(self, sid) -> re.Pattern[str]: ...

    with pytest.raises(ConfigurationError, match=r"on_x \(.*test_typescript\.py:\d+\): .*Pattern"):
        written({"/": Chat})
