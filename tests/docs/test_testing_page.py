"""The page about testing: what it shows is run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import DOCS
from tests.unit.testing.installed import environment

PAGE = (DOCS / "testing.md").read_text()
FILES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))


def pytest_in(folder: Path, *arguments: str) -> str:
    for name, code in FILES.items():
        (folder / name).write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=environment(folder / "site"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def test_every_block_of_python_is_a_file():
    assert len(FILES) == PAGE.count("```python\n")


def test_all_its_tests_pass(tmp_path):
    tests = sum(code.count("\ndef test_") for code in FILES.values())
    assert tests > 15
    shown = pytest_in(tmp_path)
    assert f"{tests} passed" in shown, shown


def test_the_message_that_it_shows_is_that_of_a_failure(tmp_path):
    (message,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    wrong = "bob.assert_received('message', {'from': 'Eve', 'text': 'hello'})"
    code = f"{FILES['test_parts.py']}\n\ndef test_wrong(bob):\n    {wrong}\n"
    (tmp_path / "test_wrong.py").write_text(code)
    shown = pytest_in(tmp_path, "test_wrong.py::test_wrong")
    said = [line[1:].strip() for line in shown.splitlines() if line.startswith("E  ")]
    first, *rest = (line.strip() for line in message.splitlines())
    assert said == [f"AssertionError: {first}", *rest]
