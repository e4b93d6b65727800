"""The reference has all that users may import, and what it takes from docstrings is in order."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import runpy
import textwrap
from typing import Any

import pytest

import sionamespace.brokers
from tests.docs.pages import DOCS, PAGES, ROOT, Page

translated = runpy.run_path(str(DOCS / "site" / "docstrings.py"))["translated"]
MODULES = [
    "sionamespace",
    "sionamespace.blocks",
    "sionamespace.engine",
    "sionamespace.middleware",
    "sionamespace.testing",
]
ENTRY = re.compile(r"^\.\. auto(class|exception|function|data):: (\S+)\n((?:   :.*\n)*)", re.M)
REFERENCE = "".join(page.text for page in PAGES if page.path.startswith("reference/"))
ENTRIES = {name: (kind, options) for kind, name, options in ENTRY.findall(REFERENCE)}


def found(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("module", MODULES)
def test_no_public_name_is_missing(module: str) -> None:
    documented = {name.rpartition(".")[2]: found(name) for name in ENTRIES}
    public = {name: found(f"{module}.{name}") for name in found(f"{module}.__all__")}
    assert public.items() <= documented.items()


def test_every_broker_that_a_url_names_is_there() -> None:
    urls = set(sionamespace.brokers._SCHEMES.values())
    named = {f"sionamespace.brokers.{url.replace(':', '.')}" for url in urls if "Broker" in url}
    assert len(named) > 2
    assert named <= ENTRIES.keys()


def test_every_command_is_there() -> None:
    page = runpy.run_path(str(DOCS / "site" / "conf.py"))["_with_help"]("")
    assert re.findall("^## `sionamespace ?(.*)`$", page, re.M) == [
        "",
        "run",
        "routes",
        "typescript",
        "asyncapi",
    ]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_pages_import_what_the_reference_has(page: Page) -> None:
    documented = [(name.rpartition(".")[2], found(name)) for name in ENTRIES]
    for block in page.blocks:
        if block.language == "python":
            for name in imports(block.code):
                assert (name.rpartition(".")[2], found(name)) in documented, (page, name)


def imports(code: str) -> list[str]:
    """What is imported from the package: ``sionamespace.testing.Harness``."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in nodes if str(node.module).partition(".")[0] == "sionamespace"]
    return [f"{node.module}.{alias.name}" for node in ours for alias in node.names]


def test_every_option_of_a_server_is_explained() -> None:
    source = (ROOT / "sionamespace" / "options.py").read_text()
    (options,) = (n for n in ast.parse(source).body if getattr(n, "name", "") == "Options")
    for field, text in zip(options.body, options.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign):
            assert isinstance(text, ast.Expr), f"{ast.unparse(field.target)} has no docstring"


def test_every_reason_of_a_disconnect_is_explained() -> None:
    page = (DOCS / "connections.md").read_text()
    reasons = [text for name, text in vars(sionamespace.Reason).items() if name.isupper()]
    assert len(reasons) > 8
    assert not [reason for reason in reasons if f"`{reason}`" not in page]


@pytest.mark.parametrize("name", [n for n, (kind, _) in ENTRIES.items() if kind == "class"])
def test_a_class_says_which_of_its_members_are_shown(name: str) -> None:
    _, options = ENTRIES[name]
    is_broker = name.startswith("sionamespace.brokers.")  # whose members are those of `Broker`
    assert is_broker or re.search("^   :members:", options, re.M), f"{name}: write :members:"


@pytest.mark.parametrize("name", [n for n, (kind, _) in ENTRIES.items() if kind == "class"])
def test_every_method_that_it_shows_says_what_it_does(name: str) -> None:
    cls, (_, options) = found(name), ENTRIES[name]
    if ":members:" not in options:
        return
    left_out = re.findall(r"\w+", "".join(re.findall(r":exclude-members: (.*)", options)))
    only = re.findall(r"\w+", "".join(re.findall(r":members: (.*)", options)))
    for method, thing in inspect.getmembers(cls):
        is_own = method in vars(cls) or ":inherited-members:" in options
        is_shown = method in only if only else method not in left_out
        is_function = callable(thing) or isinstance(thing, property)
        if is_own and is_shown and is_function and not method.startswith(("_", "on_")):
            assert inspect.getdoc(thing), f"{name}.{method} has no docstring"


@pytest.mark.parametrize("name", ENTRIES)
def test_its_examples_compile(name: str) -> None:
    thing = found(name)
    members = vars(thing).values() if inspect.isclass(thing) else ()
    for one in (thing, *members):
        if inspect.isclass(one) or inspect.isfunction(one) or isinstance(one, property):
            for example in examples(inspect.getdoc(one) or ""):
                ast.parse(example)


def examples(docstring: str) -> list[str]:
    text = "\n".join(translated(docstring.splitlines())) + "\n"
    blocks = re.findall(r"^\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", text, re.M)
    return [textwrap.dedent(block) for block in blocks]
