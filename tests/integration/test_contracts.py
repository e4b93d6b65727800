"""What is written for the front end compiles with socket.io-client, is AsyncAPI, and is true."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from child import HERE, Node

from sionamespace.testing import Harness
from tests.docs.pages import PAGES
from tests.unit.codegen import shop
from tests.unit.codegen.shop import Circle, Line, Order, Picture, Point, ShopPage, Sparse

ROOT = HERE.parents[1]
TSC = "node_modules/typescript/bin/tsc"
STRICT = ["--noEmit", "--strict", "--noUnusedLocals", "--target", "es2022", "--module", "node16"]


def written(
    command: str, file: Path, server: str = "tests.unit.codegen.shop:server", cwd: Path = ROOT
) -> str:
    """What a command writes, which is put into a file too."""
    done = subprocess.run(
        [sys.executable, "-m", "sionamespace", command, server],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    file.write_text(done.stdout)
    return str(file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    shutil.copy(HERE / "ts" / "client.ts", tmp_path)
    return tmp_path


def test_a_client_compiles_if_it_is_right_and_only_then(folder: Path, node: Node) -> None:
    # What must not compile stands after @ts-expect-error, which is an error where there is none.
    written("typescript", folder / "events.ts")
    node.run(TSC, *STRICT, str(folder / "client.ts"))


def test_the_client_of_the_page_compiles(folder: Path, node: Node) -> None:
    (page,) = (page for page in PAGES if page.path == "contracts.md")
    page.write(folder)
    written("typescript", folder / "events.ts", "chat:server", folder)
    node.run(TSC, *STRICT, str(folder / "client.ts"))


@pytest.mark.parametrize("example", ["chat", "support_desk"])
def test_those_of_the_examples_are_right(example: str, folder: Path, node: Node) -> None:
    where = ("app:make_server", ROOT / "examples" / example)
    node.run(TSC, *STRICT, written("typescript", folder / "events.ts", *where))
    node.run("js/asyncapi.js", written("asyncapi", folder / "asyncapi.json", *where))


def test_the_types_need_neither_a_browser_nor_node(folder: Path, node: Node) -> None:
    written("typescript", folder / "events.d.ts")
    node.run(TSC, *STRICT, "--lib", "es2022", str(folder / "events.d.ts"))


def test_the_document_is_asyncapi_and_what_is_said_is_as_it_says(
    tmp_path: Path, node: Node
) -> None:
    seen = json.dumps(examples(), default=lambda data: f"{len(data)} bytes")
    (tmp_path / "examples.json").write_text(seen)
    document = written("asyncapi", tmp_path / "asyncapi.json")
    said = node.run("js/asyncapi.js", document, str(tmp_path / "examples.json"))
    assert said.splitlines()[-1] == f"{sum(map(len, json.loads(seen).values()))} payloads"


def examples() -> dict[str, list[Any]]:
    """What goes over the wire, by the names of the document's messages."""
    seen: dict[str, list[Any]] = {}
    with Harness(shop.ROUTES) as harness:
        client = harness.connect("/shop", auth={"user": "ann"})
        for name, *args in ASKED:
            answer = client.call(name, *args)
            seen.setdefault(f"shop/{name}", []).append(args)
            failed = isinstance(answer, dict) and "error" in answer
            key = "shop/failure" if failed else f"shop/{name}.ack"
            key += "2" * (name == "upload" and answer is None)
            seen.setdefault(key, []).append(_arguments(answer))
        namespace = harness.namespace("/shop")
        for event, args in SENT:
            namespace.emit(event, *args)
        for event, args, answer in ANSWERED:
            client.answers(event, *answer)
            namespace.call(event, *args, room=client.sid).result()
            seen[f"shop/{event.__name__}.ack"] = [list(answer)]
        for received in client.received():
            name = OURS.get(received.name, received.name)
            seen.setdefault(f"shop/{name}", []).append(list(received.args))
    return seen


def _arguments(answer: Any) -> list[Any]:
    if answer is None:
        return []
    return list(answer) if isinstance(answer, tuple) else [answer]


OURS = {"order": "order2", "any name": "any_name"}
"""Keys of messages that are not called as their events: both sides have an ``order``."""

ORDER = {"lines": [{"article": "tea"}, {"article": "milk", "amount": 2}], "color": "red"}
PICTURE = {"name": "cat", "data": b"\xff"}

ASKED: list[tuple[Any, ...]] = [
    ("order", ORDER),
    ("order", {**ORDER, "due": "2030-01-01T00:00:00"}, "a note"),
    ("order", ORDER, "free"),
    ("typing",),
    ("upload", PICTURE),
    ("upload", {**PICTURE, "name": ""}),
    ("pair",),
    ("spot",),
    ("numbers",),
    ("numbers", 1, 2),
    ("all",),
    ("anything", {"a": [None]}),
    ("later",),
    ("invoice",),
    ("save", {"darkMode": True}, {"name": "Ann"}),
    ("save", {}, {"name": "Ann", "mail": "a@example.com"}),
    ("pick", "a"),
    ("pick", "b", 2),
]
SENT: list[tuple[Any, tuple[Any, ...]]] = [
    (ShopPage.order, (Order([Line("tea")]),)),
    (ShopPage.joined, ("Ann",)),
    (ShopPage.joined, ("Ann", "lobby")),
    (ShopPage.picture, (Picture("cat", b"\xff"),)),
    (ShopPage.shapes, (Point(1.5), Circle(Point(1)))),
    (ShopPage.named, ({"a": [1]}, Sparse())),
]
ANSWERED: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (ShopPage.confirm, ("sure?",), (True,)),
    (ShopPage.rate, ("tea",), (5,)),
    (ShopPage.place, (), (7, "High Street")),
    (ShopPage.spot, (), (1, "here")),
    (ShopPage.receipt, ("tea",), ()),
    (ShopPage.settings, (), ({"tags": ["a"]},)),
    (ShopPage.several, (), (1, 2)),
    (ShopPage.whatever, (), (1, [2])),
    (ShopPage.open, (1,), ("any", "thing")),
]
