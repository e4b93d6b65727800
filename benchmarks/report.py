"""What is printed: tables for the terminal and for RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cases import Case, Metric
from floors import Verdict, verdicts
from results import Results

__all__ = ["markdown", "text"]

_EXPLAINED = (
    "Each cell is the median of the runs; ± is half of what lies between the lowest and the "
    "highest. The last columns say how many times better sionamespace is."
)


def text(results: Results) -> str:
    """Tables for the terminal."""
    lines: list[str] = []
    for mode in results.modes:
        peers = _peers(results, mode)
        width = max(17, *(len(peer) + 2 for peer in peers))
        heads = [*peers, *(f"/ {peer}" for peer in peers[1:])]
        lines += ["", f"{mode:<40}" + "".join(head.rjust(width) for head in heads)]
        for case in results.cases(mode):
            lines += ["", case.title]
            for metric in case.metrics:
                cells = _cells(results, mode, case, metric, peers)
                lines.append(f"  {metric.name:<38}" + "".join(cell.rjust(width) for cell in cells))
    floors = [
        f"{_floor_name(v)}{f' / {v.floor.against}' if v.floor.against else ''}: {v.floor}, "
        f"found {_found(v)}: {v.word}"
        for v in _known(results)
    ]
    return "\n".join([*lines, "", *floors, "", *_notes(results)]).strip("\n")


def markdown(results: Results, plot: str | None = None) -> str:
    """A page: what was met, every table, and where it comes from.

    Args:
        plot: where the picture is.
    """
    lines = ["# Results", "", f"    {results.command}", "", *_about(results), ""]
    if plot:
        lines += [f"![The main figures beside those of the others]({plot})", ""]
    if _known(results):
        lines += ["## Where it must come", "", *_floor_table(results), ""]
    for mode in results.modes:
        lines += [f"## {mode.capitalize()}", "", *_mode_table(results, mode), ""]
    notes = results.warnings()
    if notes:
        lines += ["## What to doubt", "", *(f"- {note}" for note in notes), ""]
    if results.failures:
        lines += ["## Failed", "", *(f"- {failure}" for failure in results.failures), ""]
    return "\n".join(lines)


def _about(results: Results) -> Iterator[str]:
    yield f"{results.machine}; {results.cores}; {results.pace}. {_EXPLAINED}"
    yield ""
    for mode, versions in results.versions.items():
        said = "; ".join(
            f"{peer}: " + ", ".join(f"{name} {version}" for name, version in by_name.items())
            for peer, by_name in versions.items()
        )
        yield f"- {mode}: {said}"


def _mode_table(results: Results, mode: str) -> Iterator[str]:
    peers = _peers(results, mode)
    heads = ["", *peers, *(f"/ {peer}" for peer in peers[1:])]
    yield _row(heads)
    yield _row(["---"] + ["---:"] * (len(heads) - 1))
    for case in results.cases(mode):
        yield _row([f"**{case.title}**", *[""] * (len(heads) - 1)])
        for metric in case.metrics:
            cells = _cells(results, mode, case, metric, peers)
            yield _row([f"{metric.name} (`{case.name}`)", *cells])


def _floor_table(results: Results) -> Iterator[str]:
    yield _row(["", "against", "floor", "found", ""])
    yield _row(["---", "---", "---", "---:", "---"])
    for verdict in _known(results):
        against = verdict.floor.against or "itself"
        yield _row(
            [_floor_name(verdict), against, str(verdict.floor), _found(verdict), verdict.word]
        )


def _known(results: Results) -> list[Verdict]:
    """The verdicts about what was measured."""
    return [verdict for verdict in verdicts(results) if verdict.found is not None]


def _floor_name(verdict: Verdict) -> str:
    floor = verdict.floor
    return f"{floor.mode}, {floor.case}, {floor.metric}"


def _found(verdict: Verdict) -> str:
    found = verdict.found or 0.0
    return f"{found:.2f} x" if verdict.floor.against else f"{found:.3g}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _peers(results: Results, mode: str) -> Sequence[str]:
    """Who was measured in a mode."""
    found = {peer for by_peer in results.runs[mode].values() for peer in by_peer}
    return [peer for peer in results.peers if peer in found]


def _cells(
    results: Results, mode: str, case: Case, metric: Metric, peers: Sequence[str]
) -> list[str]:
    summaries = [results.summary(mode, case.name, peer, metric.name) for peer in peers]
    ratios = [results.better(mode, case.name, metric, peer) for peer in peers[1:]]
    return [
        *("-" if summary is None else str(summary) for summary in summaries),
        *("" if ratio is None else f"{ratio:.2f} x" for ratio in ratios),
    ]


def _notes(results: Results) -> Iterator[str]:
    yield _EXPLAINED
    yield f"{results.machine}; {results.cores}; {results.pace}"
    yield from (f"NOTE: {warning}" for warning in results.warnings())
    yield from (f"FAILED: {failure}" for failure in results.failures)
    yield f"command: {results.command}"
