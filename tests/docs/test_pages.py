"""The code of the pages is run as it stands there: each block of each page, whatever it is.

What a block may be is `RULES`, by its language. A page with anything else needs a test of its own,
which is named in `pages.OWN_TEST`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sionamespace
from tests.docs.pages import DOCS, OWN_TEST, PAGES, ROOT, Page, matches
from tests.unit.testing.installed import environment

RULES = {
    "python": "a file, whose name is in its first line, or a statement about a class `Chat`",
    "text": "what the page's tests print and log, or its server does while its clients run",
    "console": "commands after `$ `, and what they print",
    "sh": "`pip install` of this package, or a command that serves (run as integration test)",
    "js": "a file, whose name is in its first line (run as integration test)",
    "{eval-rst}": "of the reference, which `make docs` checks",
}

SERVES = re.compile(r"(python \w+\.py|sionamespace run .+)$")

TEST = re.compile(r"^ *(?:async )?def test_", re.M)

IMPORTS = """
import importlib
import pytest

@pytest.mark.parametrize("name", {names!r})
def test_it_can_be_imported(name):
    importlib.import_module(name)
"""

each_page = pytest.mark.parametrize("page", PAGES, ids=str)


def having(*languages: str) -> pytest.MarkDecorator:
    pages = [page for page in PAGES if page.of(*languages)]
    return pytest.mark.parametrize("page", pages, ids=str)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell in which the package is installed."""
    found = environment(tmp_path / "site")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**found, "PATH": path, "COLUMNS": "80"}


def run(folder: Path, environ: dict[str, str], *command: str, fails: bool = False) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode != 0) is fails, done.stdout
    return done.stdout


@each_page
def test_somebody_runs_every_block(page: Page) -> None:
    fences = re.findall(r"^ *(?:```|~~~)", page.text, re.M)
    assert len(fences) == 2 * len(page.blocks), "a block stands at the left, between two ```"
    assert not re.search(r"\n\n {4,}[^ \-*\d]", _outside(page)), "a block stands between ```"
    names = [block.name for block in page.blocks if block.name]
    assert len(names) == len(set(names)), f"{page}: two blocks with the name of one file"
    _, own = OWN_TEST.get(page.path, ("", set()))
    for block in page.blocks:
        at = f"{page}:{block.line}"
        assert block.language in {*RULES, *own}, f"{at}: who runs {block.language!r}? See OWN_TEST"
        assert block.language != "js" or block.name, f"{at}: name its file, // client.js"
        assert block.language != "{eval-rst}" or page.path.startswith("reference/"), at
    assert page.python or page.clients or not page.of("text"), f"{page}: who prints its texts?"


def _outside(page: Page) -> str:
    text = page.text
    for block in page.blocks:
        text = text.replace(block.code, "")
    return text


@pytest.mark.parametrize("path", OWN_TEST)
def test_a_test_of_its_own_knows_its_page(path: str) -> None:
    assert path in [page.path for page in PAGES]
    test, _ = OWN_TEST[path]
    assert Path(path).name in (ROOT / test).read_text()


@pytest.mark.parametrize("page", [page for page in PAGES if page.python], ids=str)
def test_its_modules_and_tests_run(page: Page, tmp_path: Path, environ: dict[str, str]) -> None:
    page.write(tmp_path)
    modules = [name.removesuffix(".py") for name in page.python if not name.startswith("test_")]
    (tmp_path / "test_imports.py").write_text(IMPORTS.format(names=modules))
    logged = ["-s", "-o", "log_cli=true", "-o", "log_cli_level=INFO"]
    logged += ["-o", "log_cli_format=%(levelname)s %(name)s: %(message)s"]
    # Only the plugin that is needed: to look for others takes as long again.
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-W", "error", "-p", "no:cacheprovider", "-p", "pytest_sionamespace", *logged]
    printed = run(tmp_path, environ, sys.executable, "-m", "pytest", *options, ".")
    tests = sum(len(TEST.findall(code)) for code in page.python.values())
    assert f"{tests + len(modules)} passed" in printed, printed
    for block in page.of("text") if not page.clients else []:
        assert matches(block.code, printed), (
            f"{page}:{block.line} is not what is printed:\n{printed}"
        )


@having("python")
def test_its_statements_run(page: Page) -> None:
    for block in page.of("python"):
        if not block.name:
            names = {name: getattr(sionamespace, name) for name in sionamespace.__all__}
            names["Chat"] = type("Chat", (sionamespace.Namespace,), {})
            exec(compile(block.code, f"{page}:{block.line}", "exec"), names)


@having("console")
def test_its_commands_print_what_it_shows(
    page: Page, tmp_path: Path, environ: dict[str, str]
) -> None:
    page.write(tmp_path)
    for block in page.of("console"):
        commands = re.split(r"^\$ ", block.code, flags=re.M)[1:]
        assert commands, f"{page}:{block.line}: a command begins with '$ '"
        for each in commands:
            command, _, shown = each.partition("\n")
            printed = run(tmp_path, environ, "sh", "-c", command, fails=": error: " in shown)
            assert matches(shown, printed), f"{command} printed:\n{printed}"


@having("sh")
def test_its_commands_are_of_a_known_kind(page: Page) -> None:
    table = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]\n")[2]
    extras = re.findall(r"^(\w+) = \[", table.partition("\n[")[0], re.M)
    for block in page.of("sh"):
        for line in block.code.splitlines():
            installs = re.fullmatch(r"pip install '?sionamespace(?:\[([\w,]+)\])?'?", line)
            assert installs or SERVES.match(line), f"{page}:{block.line}: who runs {line!r}?"
            if installs and installs[1]:
                assert set(installs[1].split(",")) <= set(extras), f"{page}:{block.line}: {line}"


@each_page
def test_what_it_links_to_is_there(page: Page) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.text):
        assert ((DOCS / page.path).parent / target).exists(), f"{page} links to {target}"
