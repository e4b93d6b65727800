"""Measures sionamespace side by side with its peers, on the same machine and in the same run.

python benchmarks/run.py                        # every case, about six minutes
python benchmarks/run.py --quick                # a minute, to try it
python benchmarks/run.py --cases echo-50x4 --peers sionamespace,node
python benchmarks/run.py --tree before=../old   # this package against another copy of it
python benchmarks/run.py --self-test            # what the load generator itself can do
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from cases import CASES, Case, Pace
from peers import PEERS, Peer, of_tree
from process import Failed, Load, ServerProcess, compile_c, cores
from report import Report

_DEFAULT_PEERS = "sionamespace,python-socketio,eventlet,node"
_DEFAULT_CASES = ",".join(CASES)
_SELF_TEST_PER_SECOND = 300_000

T = TypeVar("T")


def main() -> int:
    """Run what the command line asks for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not sys.platform.startswith("linux"):
        print("the load generator needs Linux (epoll)", file=sys.stderr)
        return 2
    options = _arguments()
    try:
        return _run(options)
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace) -> int:
    peers, cases = _chosen_peers(options), _choose(options.cases, CASES, "case")
    pace = Pace.quick() if options.quick else Pace(seconds=options.seconds, runs=options.runs)
    names = [peer.name for peer in peers]
    report = Report(shlex.join(["python", *sys.argv]), options.mode, _describe_cores(), names)
    with tempfile.TemporaryDirectory() as folder:
        compile_c(Path(folder))
        if options.self_test:
            return _self_test(Path(folder), pace)
        for case in cases:
            for run in range(pace.runs):
                for peer in peers:
                    print(f"{case.name}, run {run + 1}, {peer.name}", file=sys.stderr)
                    _measure(report, case, peer, pace, Path(folder))
    print(report.table())
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    return 1 if report.failures else 0


def _measure(report: Report, case: Case, peer: Peer, pace: Pace, compiled: Path) -> None:
    """One case with one peer, once. Each run gets a new server, so that none ages in another."""
    try:
        with ServerProcess.start(peer, report.mode, compiled) as server:
            report.versions[peer.name] = server.versions
            load = Load(compiled / "load", server.port, peer.bare)
            report.add(case, peer.name, case.measure(server, load, pace))
    except Failed as failed:
        print(failed, file=sys.stderr)
        report.failures.append(f"{case.name} with {peer.name}: {failed}")


def _self_test(compiled: Path, pace: Pace) -> int:
    """Whether the generator is faster than anything that it is to measure.

    What counts is the rate in its own processor time: the server or others may keep it waiting.
    """
    enough = True
    for name in ("echo-50x4", "fanout-500-burst"):
        with ServerProcess.start(PEERS["c"], "none", compiled) as server:
            load = Load(compiled / "load", server.port, bare=True)
            figures = CASES[name].measure(server, load, pace)
        rate, busy = figures["per second"], figures["generator busy"]
        able = rate / busy
        enough = enough and able > _SELF_TEST_PER_SECOND
        print(
            f"{name} with a server in C: {rate:,.0f} a second with the generator busy to "
            f"{busy:.0%}; it can do {able:,.0f}"
        )
    print("ok" if enough else f"too slow: at least {_SELF_TEST_PER_SECOND:,} are needed")
    return 0 if enough else 1


def _describe_cores() -> str:
    server, load = cores()
    if server == load:
        return f"server and load generator share core {server}, so the figures mean little"
    return f"server on core {server}, load generator on core {load}"


def _chosen_peers(options: argparse.Namespace) -> list[Peer]:
    """The peers to measure; those of the default that cannot be are left out, with a word."""
    chosen = _choose(options.peers, PEERS, "peer")
    measurable = []
    for peer in [chosen[0], *options.tree, *chosen[1:]]:
        reason = f"it needs {peer.missing}" if peer.missing else None
        if not peer.serves(options.mode):
            reason = f"it has no mode {options.mode}"
        if reason is None:
            measurable.append(peer)
        elif options.peers == _DEFAULT_PEERS:
            print(f"leaving {peer.name} out: {reason}", file=sys.stderr)
        else:
            raise Failed(f"{peer.name} cannot be measured: {reason}")
    return measurable


def _choose(names: str, known: Mapping[str, T], what: str) -> list[T]:
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        raise Failed(f"there is no {what} {unknown[0]!r}; there are: {', '.join(known)}")
    return [known[name] for name in names.split(",")]


def _tree(text: str) -> Peer:
    name, _, folder = text.partition("=")
    try:
        return of_tree(name, Path(folder))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _arguments(command: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mode", default="eventlet", help="the async mode (%(default)s)")
    parser.add_argument("--cases", default=_DEFAULT_CASES, help="which (%(default)s)")
    parser.add_argument(
        "--peers", default=_DEFAULT_PEERS, help=f"which, of {', '.join(PEERS)} (%(default)s)"
    )
    parser.add_argument(
        "--tree",
        action="append",
        default=[],
        type=_tree,
        metavar="NAME=FOLDER",
        help="also sionamespace as it is in another folder, compared with the first peer",
    )
    parser.add_argument("--runs", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=3.0, help="per run (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one short run each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument(
        "--self-test", action="store_true", help="measure the load generator itself"
    )
    return parser.parse_args(command)


if __name__ == "__main__":
    sys.exit(main())
