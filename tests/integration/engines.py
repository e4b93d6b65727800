"""The servers that brokers are tested against: from Debian, on free ports, in temp folders."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from child import PATIENCE, Child


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def program(name: str, *folders: str) -> str:
    """Where a server's program is."""
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", *folders]))
    return found or pytest.fail(f"{name} is missing: run scripts/need brokers", pytrace=False)


class Engine:
    """A server that can be stopped, killed, paused, and started again with what it keeps."""

    ready: str
    """The pattern of a line that it says when it serves."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="engine-"))
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """For ``broker_of``."""
        raise NotImplementedError

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self._child = Child(*self.command(), cwd=self.folder)
        self._child.wait_for(self.ready)

    def kill(self) -> None:
        """End it as a crash does."""
        self._signal(signal.SIGKILL)
        self._child.process.wait(PATIENCE)

    def pause(self) -> None:
        """Let it do nothing, with its connections as they are."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """Stop it, and leave nothing behind."""
        if self._child is not None:
            self.resume()
            self._child.end(seconds=PATIENCE)
        shutil.rmtree(self.folder)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._child.process.pid, number)


class RedisServer(Engine):
    ready = "Ready to accept connections"

    def __init__(self, *options: str) -> None:
        super().__init__()
        self._options = options

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        quiet = ("--save", "", "--bind", "127.0.0.1", "--dir", str(self.folder))
        return (program("redis-server"), "--port", str(self.port), *quiet, *self._options)
