"""The processes of a benchmark: each on a core of its own, and none left behind."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peers import Peer

__all__ = [
    "Failed",
    "Load",
    "Process",
    "Processes",
    "Run",
    "ServerProcess",
    "compile_c",
    "cores",
    "free_port",
    "measure_in_memory",
    "running",
]

_HERE = Path(__file__).resolve().parent
_START_TIMEOUT = 20.0
_STOP_TIMEOUT = 5.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Failed(Exception):
    """A server did not start, or the load generator found something wrong.

    Args:
        figures: what was measured before that.
    """

    def __init__(self, *why: str, figures: Mapping[str, float] | None = None) -> None:
        super().__init__(*why)
        self.figures = figures or {}


def cores() -> tuple[int, int]:
    """The core for the server and that for the load generator; the same if there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], allowed[0]


def compile_c(target: Path) -> None:
    """Compile the C programs into a folder.

    Raises:
        Failed: if there is no C compiler.
    """
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise Failed(
            "the load generator is written in C, and there is no C compiler "
            f"({os.environ.get('CC', 'cc')}): install gcc or clang, or name one with CC="
        )
    programs = {
        "load": sorted((_HERE / "load").glob("*.c")),
        "bare_server": [_HERE / "servers" / "bare_server.c"],
    }
    for name, sources in programs.items():
        flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra"]
        command = [compiler, *flags, "-o", str(target / name), *map(str, sources)]
        if subprocess.run(command, check=False).returncode != 0:
            raise Failed(f"{compiler} could not compile {name}; the load generator needs it")


def _prepare(core: int) -> Callable[[], None]:
    """What a new process does before it becomes a program."""

    def prepare() -> None:
        # Should this process be killed, no server or generator may go on without it.
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, {core})
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    return prepare


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(command: list[str], core: int, **settings: Any) -> Iterator[subprocess.Popen[str]]:
    """A program on a core, which ends with the block."""
    # A session of its own: Ctrl-C goes to this process only, which then ends the others.
    process = subprocess.Popen(
        command,
        preexec_fn=_prepare(core),
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **settings,
    )
    with process:
        try:
            yield process
        finally:
            _end(process)


class Process:
    """A process that is measured."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def cpu_seconds(self) -> float:
        """The processor time that it has used so far, also by threads that have ended."""
        clock = ~self._process.pid << 3 | 2  # as clock_getcpuclockid(3) makes it
        return time.clock_gettime(clock)

    def memory_bytes(self) -> int:
        """Its resident memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024


class Processes:
    """Several that are measured as one."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._processes = list(processes)

    def cpu_seconds(self) -> float:
        """The processor time that they have used so far."""
        return sum(process.cpu_seconds() for process in self._processes)


class ServerProcess(Process):
    """A server that runs; see `start`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        super().__init__(process)
        self.port = port
        self.ports = [port]
        self.versions: Mapping[str, str] = {}

    @classmethod
    @contextmanager
    def start(
        cls, peer: Peer, mode: str, compiled: Path, more: Sequence[str] = ()
    ) -> Iterator[ServerProcess]:
        """A server that was just started, and ends with the block.

        Args:
            more: what the program is told beside.

        Raises:
            Failed: if it does not start; and, with what it said, if the load failed.
        """
        with tempfile.TemporaryFile("w+", errors="replace") as log:
            port = free_port()
            command = [*peer.command(port, mode, compiled), *more]
            settings = {"stderr": log, "env": peer.environ()}
            with running(command, cores()[0], **settings) as process:
                server = cls(process, port)
                try:
                    server._await_start()
                    yield server
                except Failed as failed:
                    log.seek(0)
                    said = f"{failed}\n{log.read()[-2000:]}".rstrip()
                    raise Failed(said, figures=failed.figures) from None

    def _await_start(self) -> None:
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said:
            raise Failed("the server did not start")
        self.versions = json.loads(said)
        end = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failed(f"the server does not listen on port {self.port}")


class Load:
    """The load generator, pointed at a server, or at several, who take its clients in turn.

    Args:
        program: the compiled generator.
        peer: what serves, which says what can be asked of it.
    """

    def __init__(self, program: Path, ports: Iterable[int], peer: Peer) -> None:
        given = ",".join(map(str, ports))
        self._command = [str(program), "--port", given, *(["--bare"] if peer.bare else [])]
        self._program = program
        self.peer = peer

    def at(self, ports: Iterable[int]) -> Load:
        """The same, pointed at others."""
        return Load(self._program, ports, self.peer)

    @contextmanager
    def run(self, test: str, **settings: float | bool) -> Iterator[Run]:
        """A run of it, which ends with the block; the settings are its options.

        Raises:
            Failed: with what it found wrong.
        """
        with tempfile.TemporaryFile("w+", errors="replace") as log:
            command = [*self._command, *_options(settings), test]
            with running(command, cores()[1], stderr=log) as process:
                try:
                    yield Run(process)
                except Failed:
                    process.wait(_STOP_TIMEOUT)
                    log.seek(0)
                    raise Failed(log.read().strip() or "the load generator failed") from None


class Run:
    """A run of the load generator."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def await_event(self, name: str) -> Mapping[str, Any]:
        """What it measured, as soon as it says so; `Failed` if it does not, or found errors."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event: Mapping[str, Any] = json.loads(line)
            if event["event"] == name and not event.get("errors"):
                return event
        raise Failed

    def end_idle(self) -> None:
        """End a run of idle clients, which goes on until then."""
        assert self._process.stdin is not None
        self._process.stdin.close()


def _options(settings: Mapping[str, float | bool]) -> Iterator[str]:
    for name, value in settings.items():
        if value is not False and value != 0:
            yield "--" + name.replace("_", "-")
            if value is not True:
                yield str(value)


def measure_in_memory(command: list[str], environ: Mapping[str, str]) -> Mapping[str, float]:
    """What a program says that measures itself, on the server's core.

    Raises:
        Failed: if it fails.
    """
    with (
        tempfile.TemporaryFile("w+", errors="replace") as log,
        running(command, cores()[0], stderr=log, env=environ) as process,
    ):
        assert process.stdout is not None
        said = process.stdout.read()
        if process.wait() != 0:
            log.seek(0)
            raise Failed(log.read()[-2000:].strip())
        measured: Mapping[str, float] = json.loads(said)
        return measured


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
