"""Docstrings as they are written here, in reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

__all__ = ["translated"]

_SECTION = re.compile(r"(Args|Raises):$")
_ENTRY = re.compile(r"^    (\*{0,2}[\w.]+): (.*)")


def translated(lines: Iterable[str]) -> Iterator[str]:
    """A docstring as reStructuredText: its sections are lists, its examples are code."""
    section = ""
    in_example = False
    for line in lines:
        if line and not line.startswith(" "):
            in_example = False
            heading = _SECTION.match(line)
            section = {"Args": "param", "Raises": "raises"}[heading[1]] if heading else ""
            if not heading:
                yield line
        elif section:
            yield _ENTRY.sub(rf":{section} \1: \2", line)
        else:
            if line.startswith("    ") and not in_example:
                in_example = True
                yield from (".. code-block:: python", "")
            yield line
