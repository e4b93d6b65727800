"""Files that type-check under ``mypy --strict``, but for the lines that say what is wrong there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "typed"


def test_types_are_as_the_files_say():
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-pretty", *map(str, files())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert not done.stderr, done.stderr
    told = {(name, int(line)): text for name, line, text in ERROR.findall(done.stdout)}
    wanted = {place: text for file in files() for place, text in marks(file).items()}
    assert told.keys() == wanted.keys(), done.stdout
    assert {place: text for place, text in wanted.items() if text not in told[place]} == {}, told


ERROR = re.compile(r"(\w+\.py):(\d+): error: (.*)")


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.py"))


def marks(file: Path) -> dict[tuple[str, int], str]:
    """What is wrong on which line."""
    lines = enumerate(file.read_text().splitlines(), 1)
    return {
        (file.name, number): line.partition("# error: ")[2]
        for number, line in lines
        if "# error: " in line
    }
