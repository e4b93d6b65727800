"""Measures sionamespace side by side with its peers, on the same machine and in the same run.

python benchmarks/run.py                        # all cases that matter on eventlet
python benchmarks/run.py --mode all             # everything in every mode, as `make bench`
python benchmarks/run.py --quick                # short runs, to try it
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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import attrs
from cases import CASES, Case
from measures import Pace
from peers import IN_MEMORY, MODES, PEERS, Peer, of_tree
from plot import svg
from process import Failed, Load, ServerProcess, compile_c, cores
from report import markdown, text
from results import Results

_DEFAULT_PEERS = "sionamespace,python-socketio,ordered,checked,node,bare"
_ALL = "all"
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
        with tempfile.TemporaryDirectory() as folder:
            compile_c(Path(folder))
            return (_self_test if options.self_test else _run)(options, Path(folder))
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace, compiled: Path) -> int:
    peers = _chosen_peers(options)
    pace = _pace(options)
    results = Results(
        command=shlex.join(["python", *sys.argv]),
        cores=_describe_cores(),
        peers=[peer.name for peer in peers],
        pace=f"{pace.runs} runs of {pace.seconds:g} s each, the peers in turn",
    )
    for mode in _chosen_modes(options):
        for case in _chosen_cases(options, mode):
            measured = [peer for peer in peers if _measurable(case, peer, mode, results)]
            for run in range(1 if case.once or mode in case.short else pace.runs):
                for peer in measured:
                    print(f"{mode}, {case.name}, run {run + 1}, {peer.name}", file=sys.stderr)
                    _measure(results, mode, case, peer, pace, compiled)
        if options.write:
            _write(results, options.write)
    print(text(results))
    if options.json:
        options.json.write_text(json.dumps(results.as_json(), indent=2) + "\n")
    return 1 if results.failed(peers[0].name) else 0


def _write(results: Results, folder: Path) -> None:
    """The page, the picture, and every figure; after each mode, so that nothing is lost."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results.as_json(), indent=2) + "\n")
    (folder / "results.svg").write_text(svg(results))
    (folder / "RESULTS.md").write_text(markdown(results, "results.svg"))
    print(f"wrote {folder}/RESULTS.md, results.svg and results.json", file=sys.stderr)


def _pace(options: argparse.Namespace) -> Pace:
    pace = Pace.quick() if options.quick else Pace()
    given = {
        name: getattr(options, name)
        for name in ("runs", "seconds")
        if getattr(options, name) is not None
    }
    return attrs.evolve(pace, **given)


def _measurable(case: Case, peer: Peer, mode: str, results: Results) -> bool:
    """Whether there is something to find out. What has no modes and was measured in a long case
    in one need not be in another."""
    able = peer.serves(mode) and (case.bare or not peer.bare) and (peer.is_ours or not case.ours)
    known = case.once and not peer.modes and results.has(case, peer.name)
    return able and not known and (peer.cases is None or case.name in peer.cases)


def _measure(
    results: Results, mode: str, case: Case, peer: Peer, pace: Pace, compiled: Path
) -> None:
    """One case with one peer, once. Each run gets a new server, so that none ages in another."""
    try:
        if mode == IN_MEMORY:
            results.add(mode, case, peer.name, case.measure(peer))
            return
        with case.serve(peer, mode, compiled) as server:
            versions = results.versions.setdefault(mode, {})
            versions[peer.name] = {**versions.get(peer.name, {}), **server.versions}
            load = Load(compiled / "load", server.ports, peer)
            results.add(mode, case, peer.name, case.measure(server, load, pace))
    except Failed as failed:
        print(failed, file=sys.stderr)
        if failed.figures:
            results.add(mode, case, peer.name, failed.figures)
        results.fail(mode, case, peer.name, str(failed).partition("\n")[0])


def _self_test(options: argparse.Namespace, compiled: Path) -> int:
    """Whether the generator is faster than anything that it is to measure.

    What counts is the rate in its own processor time: the server or others may keep it waiting.
    """
    enough = True
    for name in ("echo-50x4", "fanout-500-burst"):
        with ServerProcess.start(PEERS["c"], "none", compiled) as server:
            load = Load(compiled / "load", server.ports, PEERS["c"])
            figures = CASES[name].measure(server, load, _pace(options))
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


def _chosen_modes(options: argparse.Namespace) -> Sequence[str]:
    known = (IN_MEMORY, *MODES)
    if options.mode == _ALL:
        return known
    return _choose(options.mode, dict(zip(known, known, strict=True)), "mode")


def _chosen_cases(options: argparse.Namespace, mode: str) -> Iterator[Case]:
    """Those that were asked for, or those that are measured in this mode by default."""
    if options.cases is None:
        yield from (case for case in CASES.values() if mode in case.modes)
        return
    for case in _choose(options.cases, CASES, "case"):
        if (mode == IN_MEMORY) == (IN_MEMORY in case.modes):
            yield case


def _chosen_peers(options: argparse.Namespace) -> list[Peer]:
    """The peers to measure; those of the default that cannot be are left out, with a word."""
    chosen = _choose(options.peers, PEERS, "peer")
    measurable = []
    for peer in [chosen[0], *options.tree, *chosen[1:]]:
        if peer.missing is None:
            measurable.append(peer)
        elif options.peers == _DEFAULT_PEERS:
            print(f"leaving {peer.name} out: it needs {peer.missing}", file=sys.stderr)
        else:
            raise Failed(f"{peer.name} cannot be measured: it needs {peer.missing}")
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
    parser.add_argument(
        "--mode",
        default="eventlet",
        help=f"which, of {IN_MEMORY}, {', '.join(MODES)}; or {_ALL} (%(default)s)",
    )
    parser.add_argument(
        "--cases", help=f"which, of {', '.join(CASES)} (those that are for the mode)"
    )
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
    parser.add_argument("--runs", type=int, help="of each case with each peer (3)")
    parser.add_argument("--seconds", type=float, help="for each run (2)")
    parser.add_argument("--quick", action="store_true", help="one short run each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FOLDER",
        help="write RESULTS.md, results.svg and results.json there",
    )
    parser.add_argument(
        "--self-test", action="store_true", help="measure the load generator itself"
    )
    return parser.parse_args(command)


if __name__ == "__main__":
    sys.exit(main())
