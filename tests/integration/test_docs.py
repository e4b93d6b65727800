"""The pages' clients in JavaScript, and their commands that serve, as they stand there.

What a client prints is what its comments behind ``console.log`` say. Pages with recipes of their
own kind have tests of their own; tests/docs holds both to have all blocks of all pages.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from child import HERE, Child, Node
from ports import free_port

from tests.docs.pages import PAGES, Page, matches

PRINTS = re.compile(r"console\.log\(.*// (.+)$", re.M)
SERVES = re.compile(r"^(?:python \w+\.py|sionamespace run .+)$", re.M)
COMMANDS = [
    (page, line) for page in PAGES for b in page.of("sh") for line in SERVES.findall(b.code)
]


@contextmanager
def served(page: Page, command: str, folder: Path) -> Iterator[Child]:
    """A command of a page, on a port that is free."""
    port = str(free_port())
    for name, code in page.files.items():
        (folder / name).write_text(code.replace("5000", port))
    program, *rest = shlex.split(command.replace("5000", port))
    start = [] if program == "python" else ["-m", "sionamespace"]
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    server = Child(sys.executable, *start, *rest, cwd=folder, PYTHONPATH=path)
    try:
        server.wait_for("serving on")
        yield server
    finally:
        code = server.end()
    assert code == 0, server.text()
    shown = any("Traceback" in block.code for block in page.of("text"))
    assert shown or "Traceback" not in server.text(), server.text()


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=str)
def test_a_command_serves(page: Page, command: str, tmp_path: Path) -> None:
    with served(page, command, tmp_path):
        pass


@pytest.mark.parametrize("page", [page for page in PAGES if page.clients], ids=str)
def test_its_clients_print_what_it_says(page: Page, tmp_path: Path, node: Node) -> None:
    (program,) = (name for name, code in page.python.items() if "server.run(" in code)
    with served(page, f"python {program}", tmp_path) as server:
        (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
        for block in page.clients:
            expected = PRINTS.findall(block.code)
            assert expected, f"{page}:{block.line} prints nothing that it tells of"
            client = node.start(str(tmp_path / str(block.name)))
            try:
                for text in expected:
                    client.wait_for(f"^{re.escape(text)}$")
            finally:
                client.end()
            assert len(client.lines) == len(expected), client.text()
    for block in page.of("text"):
        assert matches(block.code, server.text()), f"{page}:{block.line}: {server.text()}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.of("js")], ids=str)
def test_its_javascript_is_in_order(page: Page, tmp_path: Path, node: Node) -> None:
    for block in page.of("js"):
        script = tmp_path / str(block.name)
        script.write_text(block.code)
        node.run("--check", str(script))
