"""What an exchange is, and the servers that it may be played against."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from deviations import EVERYWHERE, Deviation
from steps import Step

__all__ = ["SERVERS", "Exchange", "exchange"]

SERVERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "small": {"max_message_bytes": 10_000},
    "pinging": {"ping_interval": 2, "ping_timeout": 3},
    "unjoined": {"connect_timeout": 2},
    "probed": {"upgrade_timeout": 3},
    "listed": {"cors_allowed_origins": ["http://a.example", "http://b.example"]},
    "one": {"cors_allowed_origins": "http://a.example"},
    "anybody": {"cors_allowed_origins": "*"},
    "bare": {"cors_allowed_origins": ["http://a.example"], "cors_credentials": False},
    "polling": {"transports": ["polling"]},
    "websocket": {"transports": ["websocket"]},
    "staying": {"allow_upgrades": False},
    "current": {"legacy_clients": False},
    "cookie": {"cookie": "io"},
}
"""The servers of an application by their paths, with their options."""


@attrs.frozen(eq=False)
class Exchange:
    """What a client does, on which server, and what of the answer is other than in JavaScript."""

    name: str
    steps: tuple[Step, ...] = attrs.field(repr=False)
    server: str
    wanted: tuple[Deviation, ...] = attrs.field(repr=False)

    @property
    def title(self) -> str:
        """Its name without the kind of its client."""
        return self.name.partition(" (")[0]

    def expected(self, reference: str) -> tuple[str, set[Deviation]]:
        """What is wanted here, by what the JavaScript server said; and the deviations in it."""
        met: set[Deviation] = set()
        for deviation in (*EVERYWHERE, *self.wanted):
            reference, count = deviation.apply(reference)
            if count:
                met.add(deviation)
        return reference, met


def exchange(
    name: str, *steps: Step, server: str = "plain", wanted: Iterable[Deviation] | Deviation = ()
) -> Exchange:
    """An exchange, as rows are written."""
    wanted = (wanted,) if isinstance(wanted, Deviation) else tuple(wanted)
    return Exchange(name, steps, server, wanted)
