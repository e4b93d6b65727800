"""The README's code is run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.testing.installed import environment

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```(\w+)\n(?:# |// )(\S+)\n(.*?)```", re.DOTALL)


def files_of_readme() -> dict[str, str]:
    """Every block that begins with its file's name."""
    text = (ROOT / "README.md").read_text()
    return {name: code for _, name, code in BLOCK.findall(text)}


@pytest.fixture
def folder(tmp_path):
    for name, code in files_of_readme().items():
        (tmp_path / name).write_text(code)
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(folder / "site"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_python_block_is_a_file_that_is_tested_here():
    blocks = re.findall(r"```python\n", (ROOT / "README.md").read_text())
    python = [name for name in files_of_readme() if name.endswith(".py")]
    assert sorted(python) == ["app.py", "chat.py", "test_chat.py"]
    assert len(blocks) == len(python)


def test_its_tests_pass(folder):
    done = run(folder, "-m", "pytest", "-q", "test_chat.py", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_its_application_answers(folder):
    done = run(
        folder,
        "-W",
        "error",
        "-c",
        "from app import flask_app; print(flask_app.test_client().get('/hello').text)",
    )
    assert done.stdout == "said hello\n", done.stderr


def test_what_it_links_to_is_there():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target
