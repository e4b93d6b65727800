"""What is printed, and what is written as JSON."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from cases import Case, Figures, Metric

__all__ = ["Report"]

_BUSY = 0.9
"""From which part of its core on the load generator may be what limits a peer."""
_IDLE = 0.8
"""Below which part of its core a server that is never without work was kept from working."""


@attrs.define
class Report:
    """All results so far, and where they come from."""

    command: str
    mode: str
    cores: str
    peers: Sequence[str]
    versions: dict[str, Mapping[str, str]] = attrs.Factory(dict)
    results: dict[Case, dict[str, list[Figures]]] = attrs.Factory(dict)
    failures: list[str] = attrs.Factory(list)

    def add(self, case: Case, peer: str, figures: Figures) -> None:
        """Remember what one run measured."""
        self.results.setdefault(case, {}).setdefault(peer, []).append(figures)

    def table(self) -> str:
        """The table: the median of each metric, its spread, and how the first two peers compare."""
        lines = [self._row("", *self.peers, self._ratio_title())]
        for case, by_peer in self.results.items():
            lines += ["", case.title]
            for metric in case.metrics:
                cells = [_cell(by_peer.get(peer, []), metric) for peer in self.peers]
                lines.append(self._row("  " + metric.name, *cells, self._ratio(by_peer, metric)))
        return "\n".join([*lines, "", *self._notes()])

    def as_json(self) -> Mapping[str, Any]:
        """Every figure of every run."""
        return {
            "command": self.command,
            "mode": self.mode,
            "machine": _machine(),
            "cores": self.cores,
            "versions": self.versions,
            "results": {case.name: by_peer for case, by_peer in self.results.items()},
            "failures": self.failures,
        }

    def _row(self, *cells: str) -> str:
        first, *others = cells
        width = max(17, *(len(peer) + 2 for peer in self.peers))
        return (first.ljust(22) + "".join(cell.rjust(width) for cell in others)).rstrip()

    def _ratio_title(self) -> str:
        return "ratio" if len(self.peers) > 1 else ""

    def _ratio(self, by_peer: Mapping[str, Sequence[Figures]], metric: Metric) -> str:
        """How many times better the first peer is than the second."""
        if len(self.peers) < 2 or not all(by_peer.get(peer) for peer in self.peers[:2]):
            return ""
        first, second = (_median(by_peer[peer], metric.name) for peer in self.peers[:2])
        over, under = (first, second) if metric.more_is_better else (second, first)
        return f"{over / under:.2f} x" if under > 0 else ""

    def _notes(self) -> list[str]:
        runs = max((len(f) for r in self.results.values() for f in r.values()), default=0)
        notes = [
            f"Median of {runs} run{'s' * (runs != 1)}, taken in turn; ± is half of what lies "
            "between the lowest and the highest.",
            f"The ratio says how many times better {self.peers[0]} is than {self.peers[1]}."
            if len(self.peers) > 1
            else "",
            f"mode: {self.mode}; {self.cores}; {_machine()}",
            *(f"{peer}: {_named(self.versions[peer])}" for peer in self.versions),
            f"command: {self.command}",
            *self._warnings(),
        ]
        return [note for note in notes if note]

    def _warnings(self) -> list[str]:
        busy = [
            f"NOTE: the load generator was busy to {_median(runs, 'generator busy'):.0%} in "
            f"{case.name} with {peer}; it may be what limits the figure."
            for case, by_peer in self.results.items()
            for peer, runs in by_peer.items()
            if _median(runs, "generator busy") > _BUSY
        ]
        idle = [
            f"NOTE: {peer} got only {_median(runs, 'server busy'):.0%} of its core in {case.name}: "
            "the machine does other things too. Trust the CPU time, not the messages per second."
            for case, by_peer in self.results.items()
            for peer, runs in by_peer.items()
            if "server busy" in runs[0] and _median(runs, "server busy") < _IDLE
        ]
        return [*busy, *idle, *(f"FAILED: {failure}" for failure in self.failures)]


def _median(runs: Sequence[Figures], name: str) -> float:
    return statistics.median(run.get(name, 0.0) for run in runs)


def _cell(runs: Sequence[Figures], metric: Metric) -> str:
    if not runs:
        return "-"
    values = [run[metric.name] for run in runs]
    median = statistics.median(values)
    spread = (max(values) - min(values)) / 2 / median if median else 0.0
    return f"{_number(median)} ±{spread:3.0%}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _named(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    processor = f"{len(models)} x {models[0]}" if models else platform.machine()
    return f"{processor}; {platform.system()} {platform.release()}"
