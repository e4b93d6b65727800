"""Where it must come: the least that a version may do, as ratios in one run or plain figures."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import cluster
from measures import CPU, OTHERS
from peers import IN_MEMORY
from results import Results

__all__ = ["FLOORS", "Floor", "Verdict", "verdicts"]

_US = "sionamespace"
_THEM = "python-socketio"


@attrs.frozen
class Floor:
    """A bound for one figure.

    Args:
        against: the figure is divided by this peer's; None for the figure itself.
        least: what it must be at least; or
        most: what it may be at most.
    """

    mode: str
    case: str
    metric: str
    against: str | None
    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        bound = f"at least {self.least}" if self.least is not None else f"at most {self.most:.3g}"
        return f"{bound} x" if self.against else bound


@attrs.frozen
class Verdict:
    """What became of a floor; ``found`` is None if it was not measured."""

    floor: Floor
    found: float | None

    @property
    def holds(self) -> bool:
        """Whether it is kept. What was not measured is not."""
        if self.found is None:
            return False
        if self.floor.least is not None:
            return self.found >= self.floor.least
        assert self.floor.most is not None
        return self.found <= self.floor.most

    @property
    def word(self) -> str:
        """``ok``, ``not met``, or that it was not measured."""
        if self.found is None:
            return "not measured"
        return "ok" if self.holds else "**not met**"


def verdicts(results: Results, floors: tuple[Floor, ...] | None = None) -> Iterator[Verdict]:
    """What became of the floors of the modes that were measured."""
    for floor in FLOORS if floors is None else floors:
        if floor.mode not in results.modes:
            continue
        if floor.against is None:
            summary = results.summary(floor.mode, floor.case, _US, floor.metric)
            found = summary.median if summary else None
        else:
            found = results.ratio(floor.mode, floor.case, floor.metric, _US, floor.against)
        yield Verdict(floor, found)


def _rates(mode: str, against: str, least: float, *cases: str) -> list[Floor]:
    return [Floor(mode, case, "per second", against, least=least) for case in cases]


_ECHOS = ("echo-50x4", "echo-200x1")

FLOORS: tuple[Floor, ...] = (
    *_rates("eventlet", _THEM, 4, *_ECHOS),
    *_rates("eventlet", "node", 0.8, "echo-50x4"),
    *_rates("eventlet", "node", 0.5, "echo-200x1"),
    *_rates("eventlet", _THEM, 5, "fanout-500"),
    *_rates("eventlet", "node", 1.4, "fanout-500"),
    *_rates("eventlet", "bare", 0.75, "fanout-500"),
    Floor("eventlet", "memory", "KB each", _THEM, most=0.4),
    Floor("eventlet", "memory", "KB each", "node", most=1.3),
    *_rates("eventlet", _THEM, 2, "connect"),
    *_rates("eventlet", "node", 1, "connect"),
    *_rates("asyncio", _THEM, 4, *_ECHOS),
    *_rates("asyncio", "node", 0.5, *_ECHOS),
    *_rates("asyncio", _THEM, 4, "fanout-500"),
    *_rates("asyncio", "node", 0.9, "fanout-500"),
    *_rates("gevent", _THEM, 3, *_ECHOS, "fanout-500"),
    *_rates("threads", _THEM, 3, *_ECHOS, "fanout-500"),
    # Of the cost among 100 times as many others. What is above 1 is the processor's caches, which
    # a hundred thousand clients do not fit into; a search among them would be far above 10.
    *(
        Floor(IN_MEMORY, "rooms", f"{work}, growth", None, most=5)
        for work in ("enter", "leave", "disconnect", "recipients of 10")
    ),
    *(
        Floor(IN_MEMORY, "codec", f"{work} a small event, us", _THEM, most=1 / 3)
        for work in ("encode", "decode")
    ),
    *(
        Floor(mode, "latency", f"p99, times, {how}beside a flood", None, most=3)
        for mode in ("eventlet", "asyncio", "gevent", "threads")
        for how in ("", "saturated, ")
    ),
    *(
        floor
        for mode in ("eventlet", "asyncio", "gevent", "threads")
        for floor in (
            Floor(mode, "stalled", "rate of the others, times", None, least=0.8),
            Floor(mode, "stalled", "MB more", None, most=16),
            Floor(mode, "stalled", "closed as slow consumers", None, least=2),
        )
    ),
    *(
        floor
        for mode in ("eventlet", "asyncio")
        for floor in (
            Floor(mode, "memory", "CPU %", None, most=1),
            Floor(mode, "churn", "bytes kept for each", None, most=50),
        )
    ),
    # What one middleware and a checked payload of five fields may cost: 0.7 of the rate is left.
    *(
        Floor(mode, "echo-object", "per second", "checked", most=1 / 0.7)
        for mode in ("eventlet", "asyncio")
    ),
    # What servers that share their clients cost. Whoever emits is kept little longer than with
    # rooms in memory, and whoever has nobody in a room hears nothing of it.
    *(
        Floor(IN_MEMORY, "broadcasts", f"{emits}, shared, times", None, most=1.5)
        for emits in ("one to 10 here", "10 at once to 10 here", "10 at once to nobody here")
    ),
    *(Floor(IN_MEMORY, "broadcasts", f"came to {n} others", None, most=0) for n in OTHERS),
    Floor(IN_MEMORY, "broadcasts", "emit and publish, growth", None, most=1.5),
    *(
        floor
        for mode in ("eventlet", "asyncio")
        for case in ("cluster-2", "cluster-4")
        for floor in (
            Floor(mode, case, CPU, _THEM, most=0.75),
            Floor(mode, case, CPU, "node", most=1.25),
            Floor(mode, case, "p50 ms", _THEM, most=1),
            *_rates(mode, _THEM, 2, case),
            *_rates(mode, "node", 1, case),
        )
    ),
    *(Floor(mode, "cluster-away", cluster.AWAY, None, most=15) for mode in ("eventlet", "asyncio")),
)
"""The floors of issues 4 and 6, and what must hold meanwhile."""
