"""Processes that the tests start, and the lines that they print."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

HERE = Path(__file__).parent
PATIENCE = 30.0
"""Seconds within which anything happens; only a failure takes as long."""

MODES = ("eventlet", "gevent", "threads")
"""The modes of a server that runs on WSGI."""

NOT_SET_UP = "the integration tests need Node and the clients' npm packages: run `make setup`"


T = TypeVar("T")


def begun(begin: Callable[[], T]) -> T:
    """Begin a process; once more if the kernel could not read what it needed for that (EFAULT), as
    a virtual machine's was seen to, once in many thousand times."""
    try:
        return begin()
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise
        return begin()


class Child:
    """A process and the lines that it has printed so far."""

    def __init__(self, *command: str, cwd: Path = HERE, **environ: str) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        # A session of its own, so that whatever it leaves behind can be found.
        begin = partial(
            subprocess.Popen,
            command,
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            encoding="utf-8",
            errors="backslashreplace",
        )
        self.process = begun(begin)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self.process.stdout:
            for line in self.process.stdout:
                with self._news:
                    self.lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def mark(self) -> int:
        """Where the next line will stand, to look at what is printed from here on."""
        with self._news:
            return len(self.lines)

    def wait_for(self, pattern: str, since: int = 0, seconds: float = PATIENCE) -> re.Match[str]:
        """The first line from ``since`` on that has the pattern in it."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                for line in self.lines[since:]:
                    if found := re.search(pattern, line):
                        return found
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the process ended" if self._ended else f"{seconds:g} s passed"
                    pytest.fail(f"{why} without a line {pattern!r}:\n{self.text(since)}")
                self._news.wait(left)

    def facts(self, since: int = 0) -> list[dict]:
        """The lines of JSON."""
        with self._news:
            return [json.loads(line) for line in self.lines[since:] if line.startswith("{")]

    def text(self, since: int = 0) -> str:
        """What was printed from ``since`` on, for messages."""
        return "\n".join(self.lines[since:][-200:])

    def end(self, number: int = signal.SIGTERM, seconds: float = 10) -> int:
        """Send a signal; the exit code. Fails if the process stays, or leaves another behind."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._kill_all()
            pytest.fail(f"it did not end within {seconds:g} s of {number!r}:\n{self.text()}")
        if not self._is_alone() and self._kill_all():
            pytest.fail(f"it left a process behind:\n{self.text()}")
        self._reader.join(seconds)
        return code

    def _is_alone(self) -> bool:
        """Whether all others of the session end by themselves a moment after the process, as those
        do that `multiprocessing` starts to clean up after it."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.02)
        return False

    def _kill_all(self) -> bool:
        """Kill what is left of the session; whether there was anything."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.process.wait()
        return True


class ServerProcess(Child):
    """The test application, serving."""

    def __init__(
        self, port: int = 0, settings: Mapping[str, object] | None = None, **options: object
    ) -> None:
        self.mode = options.get("async_mode")
        arguments = {"port": port, "options": options, "settings": settings or {}}
        words = [word for name in arguments for word in (f"--{name}", json.dumps(arguments[name]))]
        self._serve("server.py", *words)

    def _serve(self, *command: str) -> None:
        super().__init__(sys.executable, *command)
        try:
            said = self.wait_for(r"serving on (https?://127\.0\.0\.1:(\d+))")
        except BaseException:
            self._kill_all()
            raise
        self.url, self.port = said.group(1), int(said.group(2))

    def reason(self, sid: str) -> str:
        """Why a client left; waits until it has."""
        return json.loads(self.wait_for(rf'^{{"left": "{sid}".*').group(0))["reason"]

    def runs(self, sid: str) -> tuple[int, int]:
        """How often ``on_connect`` and ``on_disconnect`` ran for a client."""
        facts = self.facts()
        joined = sum(fact.get("joined") == sid for fact in facts)
        left = sum(fact.get("left") == sid for fact in facts)
        return joined, left

    def unexpected(self, since: int = 0) -> list[str]:
        """The tracebacks in the log, other than those that the application means to be there."""
        found: list[str] = []
        lines = iter(self.lines[since:])
        for line in lines:
            if not line.startswith("Traceback"):
                continue
            block = [line]
            for following in lines:
                block.append(following)
                if not following.startswith(" "):
                    break
            if not re.match(
                r"(__main__\.)?Deliberate: |sionamespace\.errors\.UsageError: ", block[-1]
            ):
                found.append("\n".join(block))
        return found

    def faults(self) -> list[str]:
        """What the log says that it never should."""
        said = [line for line in self.lines if "fault of sionamespace" in line]
        return said + self.unexpected()

    def stop(self) -> None:
        """End it with SIGTERM; fails if that, or the log, is not as it should be.

        One that the test has ended already is only looked through.
        """
        if self.process.returncode is None:
            code = self.end()
            assert code == 0, f"exit code {code}:\n{self.text()}"
        assert not self.faults(), "\n".join(self.faults())


class Node:
    """Runs the scenarios in ``js/``."""

    def __init__(self) -> None:
        self._program = shutil.which("node")
        if self._program is None or not (HERE / "node_modules" / "socket.io-client").is_dir():
            pytest.fail(NOT_SET_UP, pytrace=False)

    def start(self, script: str, *arguments: str, **environ: str) -> Child:
        """A scenario that runs while the test does something else."""
        return Child(self._program, script, *arguments, **environ)

    def run(self, script: str, *arguments: str, seconds: float = 300) -> str:
        """What a scenario wrote to its standard output; fails with what it says when it fails."""
        run = partial(
            subprocess.run,
            [self._program, script, *arguments],
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            encoding="utf-8",
            check=False,
        )
        try:
            done = begun(run)
        except subprocess.TimeoutExpired:
            pytest.fail(f"node {script} {' '.join(arguments)} did not end within {seconds:g} s")
        if done.returncode != 0:
            said = done.stderr or done.stdout
            pytest.fail(f"node {script} {' '.join(arguments)} failed:\n{said[-5000:]}")
        return done.stdout
