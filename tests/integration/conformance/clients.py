"""Clients of each kind, and the exchanges that all of them have."""

from __future__ import annotations

from typing import Any

from exchanges import Exchange, exchange
from steps import Step, hear, opened, say

CURRENT, OLD = "EIO=4&transport=polling", "EIO=3&transport=polling&b64=1"
JOIN = (say("40"), hear())

KINDS = ("polling", "websocket", "polling3", "binary3", "websocket3")
NEW, OLDER = KINDS[:2], KINDS[2:]
POLLS, SOCKETS = ("polling", "polling3", "binary3"), ("websocket", "websocket3")


def joined(kind: str, path: str = "/") -> tuple[Step, ...]:
    """A client in a namespace; one of revision 3 is in ``/`` without asking."""
    if path == "/":
        return (opened(kind), *(() if kind.endswith("3") else JOIN))
    return (opened(kind), say(f"40{path}" + ("" if kind.endswith("3") else ",")), hear())


def each(
    name: str, *steps: Step, path: str = "/", kinds: tuple[str, ...] = KINDS, **more: Any
) -> list[Exchange]:
    """The exchange, by clients of each kind that are in a namespace."""
    return [exchange(f"{name} ({kind})", *joined(kind, path), *steps, **more) for kind in kinds]
