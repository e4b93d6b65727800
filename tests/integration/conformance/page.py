"""Writes docs/compatibility.md out of the table: ``python page.py``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from deviations import EVERYWHERE, Deviation  # noqa: E402
from rows import ROWS  # noqa: E402

PAGE = HERE.parents[2] / "docs" / "compatibility.md"

INTRODUCTION = """\
# Compatibility with the JavaScript server

{count} exchanges of requests and frames, good and bad, are played against `socket.io` 4.8 (with
`allowEIO3`) and against sionamespace in each mode: handshakes, methods, origins, bodies, packets
of every kind, upgrades, heartbeats and closes, for Engine.IO 4 and 3. What the clients see is the
same, packet for packet, aside from ids, dates, and what is on this page, which is made out of that
table (`tests/integration/conformance`).

## Everywhere

{everywhere}
All answers forbid caches to keep them; those of the JavaScript server do when they succeed.

## Elsewhere

{elsewhere}"""

HEAD = "| what | the JavaScript server | here |\n|---|---|---|\n"


def page() -> str:
    """The page, in Markdown."""
    wanted = dict.fromkeys(deviation for row in ROWS for deviation in row.wanted)
    return INTRODUCTION.format(
        count=len(ROWS),
        everywhere=HEAD + "".join(map(entry, EVERYWHERE)),
        elsewhere=HEAD + "".join(map(entry, wanted)),
    )


def entry(deviation: Deviation) -> str:
    """The row of a deviation."""
    return f"| {deviation.title} | {deviation.there} | {deviation.here} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
