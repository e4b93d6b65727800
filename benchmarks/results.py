"""`Results`: every figure of every run, and where it comes from."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from cases import CASES, Case, Metric
from measures import Figures

__all__ = ["Results", "Summary"]

_BUSY = 0.9
"""From which part of its core on the load generator may be what limits a peer."""
_IDLE = 0.8
"""Below which part of its core a server that is never without work was kept from working."""


@attrs.frozen
class Summary:
    """The median of some runs, and how far they are from each other."""

    median: float
    spread: float
    """Half of what lies between the lowest and the highest, as a part of the median."""
    runs: int

    def __str__(self) -> str:
        number = f"{self.median:,.0f}" if self.median >= 1000 else f"{self.median:.3g}"
        return number if self.runs < 2 else f"{number} ±{self.spread:.0%}"


@attrs.define
class Results:
    """Every figure of every run, and where it comes from."""

    command: str
    cores: str
    peers: Sequence[str]
    pace: str
    machine: str = attrs.Factory(lambda: _machine())
    versions: dict[str, dict[str, Mapping[str, str]]] = attrs.Factory(dict)
    """By mode and peer."""
    runs: dict[str, dict[str, dict[str, list[Figures]]]] = attrs.Factory(dict)
    """By mode, case and peer."""
    failures: list[str] = attrs.Factory(list)
    failed_peers: list[str] = attrs.Factory(list)

    def add(self, mode: str, case: Case, peer: str, figures: Figures) -> None:
        """Remember what one run measured."""
        of_case = self.runs.setdefault(mode, {}).setdefault(case.name, {})
        of_case.setdefault(peer, []).append(figures)

    def fail(self, mode: str, case: Case, peer: str, why: str) -> None:
        """Remember that one run failed, which is worse than any figure."""
        self.failures.append(f"{mode}, {case.name}, {peer}: {why}")
        self.failed_peers.append(peer)

    def failed(self, peer: str) -> bool:
        """Whether a run of a peer failed."""
        return peer in self.failed_peers

    def has(self, case: Case, peer: str) -> bool:
        """Whether a peer was measured in a case, in whichever mode."""
        return any(peer in cases.get(case.name, {}) for cases in self.runs.values())

    @property
    def modes(self) -> Sequence[str]:
        """The modes in which something was measured."""
        return list(self.runs)

    def cases(self, mode: str) -> Sequence[Case]:
        """What was measured in a mode."""
        return [CASES[name] for name in self.runs.get(mode, {})]

    def summary(self, mode: str, case: str, peer: str, metric: str) -> Summary | None:
        """What a peer does; None if that was not measured."""
        runs = self.runs.get(mode, {}).get(case, {}).get(peer, [])
        values = [run[metric] for run in runs if metric in run]
        if not values:
            return None
        median = statistics.median(values)
        spread = (max(values) - min(values)) / 2 / median if median else 0.0
        return Summary(median, spread, len(values))

    def ratio(self, mode: str, case: str, metric: str, first: str, second: str) -> float | None:
        """How many times as much one peer does as another."""
        over, under = (self.summary(mode, case, peer, metric) for peer in (first, second))
        if over is None or under is None or not under.median:
            return None
        return over.median / under.median

    def better(self, mode: str, case: str, metric: Metric, against: str) -> float | None:
        """How many times better the first peer is than another."""
        ratio = self.ratio(mode, case, metric.name, self.peers[0], against)
        if not ratio or metric.more_is_better:
            return ratio
        return 1 / ratio

    def warnings(self) -> list[str]:
        """What makes single figures doubtful."""
        busy = list(self._parts("generator busy", lambda part: part > _BUSY))
        idle = list(self._parts("server busy", lambda part: part < _IDLE))
        found = []
        if busy:
            found.append(
                "The load generator may be what limits these figures, it was busy to: "
                + "; ".join(busy)
            )
        if idle:
            found.append(
                "These servers did not get, or did not use, all of their core. If the machine "
                "did other things, trust the CPU time: " + "; ".join(idle)
            )
        return found

    def _parts(self, metric: str, doubtful: Callable[[float], bool]) -> Iterator[str]:
        for mode, cases in self.runs.items():
            for case, by_peer in cases.items():
                for peer in by_peer:
                    part = self.summary(mode, case, peer, metric)
                    if part and doubtful(part.median):
                        yield f"{mode}, {case}, {peer}: {part.median:.0%}"

    def as_json(self) -> Mapping[str, Any]:
        """All of it."""
        return attrs.asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Results:
        """What `as_json` gave."""
        return cls(**kept)


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    processor = f"{len(models)} x {models[0]}" if models else platform.machine()
    return f"{processor}; {platform.system()} {platform.release()}"
