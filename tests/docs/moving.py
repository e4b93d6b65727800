"""The tables of the pages about moving: the calls that they name, old and new."""

from __future__ import annotations

import re

from tests.docs.pages import DOCS

__all__ = ["NEW", "OLD_FLASK_SOCKETIO", "OLD_NODE", "OLD_PYTHON_SOCKETIO"]

CALL = re.compile(r"`(\w[\w.]*\(.*?\)(?:\.\w+\(.*?\))*)`")


def rows(page: str) -> list[tuple[list[str], list[str]]]:
    """The calls in both columns of the tables of a page."""
    found = re.findall(r"^\| (.+?) \| (.+) \|$", (DOCS / page).read_text(), re.M)
    cells = [tuple(CALL.findall(cell) for cell in row) for row in found if row[0][:3] != "old"]
    assert len(cells) > 20
    return cells


SIO, FSIO = rows("moving-from-python-socketio.md"), rows("moving-from-flask-socketio.md")
NODE = rows("moving-from-node.md")
NEW = sorted({call for row in (*SIO, *FSIO, *NODE) for call in row[1]})
OLD_NODE = sorted({call for old, _ in NODE for call in old})
OLD_PYTHON_SOCKETIO = sorted({call for old, _ in SIO for call in old})
OLD_FLASK_SOCKETIO = sorted({call for old, _ in FSIO for call in old})
