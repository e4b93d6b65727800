"""The table: all exchanges that are played against both servers."""

from __future__ import annotations

from rows import (
    bodies,
    events,
    frames,
    handshakes,
    namespaces,
    origins,
    packets,
    sessions,
    times,
    upgrades,
)

# What has to wait comes first, so that the others are played meanwhile.
ROWS = [
    *times.ROWS,
    *upgrades.ROWS,
    *handshakes.ROWS,
    *sessions.ROWS,
    *bodies.ROWS,
    *origins.ROWS,
    *packets.ROWS,
    *frames.ROWS,
    *events.ROWS,
    *namespaces.ROWS,
]
