"""The workers' own broker: a process that passes on what they send to each other."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from urllib.parse import quote

from sionamespace.brokers.unix_hub import UnixHub
from sionamespace.runtime.originals import new_event_loop

__all__ = ["HubSocket"]

_LOOK_AGAIN = 1.0
"""After how many seconds the hub looks again whether it is still needed."""


class HubSocket:
    """Where the hub is connected to: a Unix socket in a folder that nobody else may enter.

    It listens from the beginning, so that workers need not care when the hub is there.
    """

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="sionamespace-")
        path = Path(self._folder, "hub")
        self.url = f"unix://{quote(str(path))}"
        """What a broker is made of that connects to it."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()

    def fileno(self) -> int:
        """What can be read when somebody waits for the hub."""
        return self._listener.fileno()

    def close(self) -> None:
        """Remove it."""
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run_hub(self, master: int) -> None:
        """Be the hub, until killed; or until the workers are gone, if their master is."""
        # All processes may get them, and the workers still have something to say in the end.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        new_event_loop().run_until_complete(self._run(master))

    async def _run(self, master: int) -> None:
        hub = UnixHub()
        await hub.serve(self._listener)
        while os.getppid() == master or hub.members:
            await asyncio.sleep(_LOOK_AGAIN)
        self.close()
