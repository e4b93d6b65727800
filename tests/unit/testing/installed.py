"""A folder that stands in for the installed distribution, with the entry points of pyproject.toml.

So a test shows what pytest finds by itself, also in a checkout that is not installed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def environment(folder: Path) -> dict[str, str]:
    """The environment of a process in which sionamespace is installed."""
    metadata = folder / "sionamespace-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sionamespace\nVersion: 0\n")
    table = re.search(r"\[project\.entry-points\.pytest11\]\n(.+?)\n\n", _pyproject(), re.DOTALL)
    assert table is not None
    entries = table.group(1).replace('"', "")
    (metadata / "entry_points.txt").write_text(f"[pytest11]\n{entries}\n")
    paths = os.pathsep.join([str(folder), str(ROOT)])
    return {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}


def _pyproject() -> str:
    return (ROOT / "pyproject.toml").read_text()
