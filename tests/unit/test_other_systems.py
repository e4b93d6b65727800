"""What works where a system has less than Linux, such as Windows."""

from __future__ import annotations

import subprocess
import sys

LESS = """
import asyncio, os, signal, socket, sys

for module in "resource", "fcntl", "pwd", "grp":
    sys.modules[module] = None
for module, names in {
    os: ["fork", "register_at_fork", "set_blocking"],
    signal: ["SIGHUP", "SIGCHLD", "SIGUSR1", "SIGUSR2", "pthread_sigmask"],
    socket: ["send_fds", "recv_fds"],
}.items():
    for name in names:
        delattr(module, name)

from sionamespace import ConfigurationError, Namespace, Server
from sionamespace.serving.listening import raise_file_limit
from sionamespace.testing import Harness

class Chat(Namespace):
    async def on_echo(self, sid, value):
        return value

    def on_plain(self, sid, value):
        return value

client = Harness(Chat()).connect()
assert (client.call("echo", 1), client.call("plain", 2)) == (1, 2)
Server({"/": Chat()}, async_mode="asyncio").asgi()
raise_file_limit()
try:
    Server({"/": Chat()}, async_mode="asyncio").run(workers=2)
except ConfigurationError as error:
    print(error)
"""


def test_the_test_kit_and_asgi_need_nothing_that_windows_lacks():
    done = subprocess.run(
        [sys.executable, "-c", LESS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.startswith("workers=2: "), done.stderr
    assert "in Windows, serve in WSL or in a container" in done.stdout
