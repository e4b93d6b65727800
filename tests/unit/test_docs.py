"""The code of the guide's pages is run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"```(\w+)\n(?:# |// )(\S+)\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", ["blocks", "events", "middleware", "namespaces", "payloads"])
def test_the_tests_that_a_page_shows_pass(page, tmp_path):
    text = (DOCS / f"{page}.md").read_text()
    files = {name: code for _, name, code in BLOCK.findall(text)}
    python = [name for name in files if name.endswith(".py")]
    assert len(python) == text.count("```python"), "each block begins with the name of its file"
    for name, code in files.items():
        (tmp_path / name).write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(DOCS.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tests = sum(code.count("\ndef test_") for code in files.values())
    assert f"{tests} passed" in done.stdout


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
