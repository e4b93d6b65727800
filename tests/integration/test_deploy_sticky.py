"""docs/deploy/sticky.md: its configurations as they stand there, but for ports and files."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from getpass import getuser
from pathlib import Path

import pytest
from child import HERE, Child, Node
from engines import RedisServer
from ports import free_port
from test_deploy import DOCS, blocks
from test_deploy_nginx import AROUND, CONFIGURATION, wait_for
from workers import Workers

SERVERS, CLIENTS = 2, 12

Ports = list[int]
StartProxy = Callable[[Ports], str]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    engine = RedisServer()
    try:
        engine.start()
        yield engine
    finally:
        engine.end()


@pytest.fixture
def servers(redis: RedisServer) -> Iterator[Ports]:
    """The ports of servers with two workers each, that have a broker in common."""
    with ExitStack() as ending:
        started = [
            Workers(2, async_mode=mode, rooms=redis.url, trusted_proxies=["127.0.0.1"])
            for mode in ("eventlet", "asyncio")
        ]
        for server in started:
            ending.callback(server.stop)
        yield [server.port for server in started]


@pytest.fixture
def run(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable]:
    """Runs a proxy with a configuration; its URL."""
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(certificate / "authority.pem"))
    started: list[Child] = []

    def run(program: str, configuration: str, *options: str) -> str:
        found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
        assert found, f"{program} is missing: run scripts/need nginx"
        port = free_port()
        file = tmp_path / "proxy.conf"
        file.write_text(configuration.replace("PORT", str(port)))
        started.append(Child(found, *options, str(file), cwd=tmp_path))
        wait_for(("127.0.0.1", port), started[-1])
        return f"https://127.0.0.1:{port}"

    yield run
    for child in started:
        child.end()


def with_ports(configuration: str, ports: Ports) -> str:
    for number, port in enumerate(ports, 1):
        configuration = configuration.replace(f"127.0.0.1:{5000 + number}", f"127.0.0.1:{port}")
    return configuration


def check(node: Node, url: str) -> None:
    found = json.loads(node.run("js/sticky.js", url, str(CLIENTS)))
    assert sum(found.values()) == CLIENTS
    assert len(found) >= SERVERS, "a worker of each server has some"


def test_nginx_is_sticky(
    servers: Ports, run: Callable, node: Node, tmp_path: Path, certificate: Path
) -> None:
    (upstream,) = blocks("sticky.md", "nginx")
    before, _, rest = CONFIGURATION.partition("upstream chat {")
    configuration = (
        (before + with_ports(upstream, servers) + rest.partition("}\n")[2])
        .replace("listen 443", "listen 127.0.0.1:PORT")
        .replace("/etc/ssl/example.com.pem", str(certificate / "certificate.pem"))
        .replace("/etc/ssl/example.com.key", str(certificate / "key.pem"))
    )
    text = AROUND.format(folder=tmp_path, user=getuser(), configuration=configuration)
    check(node, run("nginx", text, "-p", str(tmp_path), "-e", "stderr", "-c"))


def test_haproxy_is_sticky(
    servers: Ports, run: Callable, node: Node, tmp_path: Path, certificate: Path
) -> None:
    (configuration,) = blocks("sticky.md", "haproxy")
    both = tmp_path / "both.pem"
    both.write_text(
        "".join((certificate / name).read_text() for name in ("certificate.pem", "key.pem"))
    )
    text = (
        with_ports(configuration, servers)
        .replace("bind :443", "bind 127.0.0.1:PORT")
        .replace("/etc/ssl/example.com.pem", str(both))
    )
    check(node, run("haproxy", text, "-q", "-db", "-f"))


class Commands:
    """Commands of the page that serve, each on a port that is free."""

    def __init__(self, folder: Path, app: str) -> None:
        (folder / "app.py").write_text(app)
        self._folder = folder
        self._started: list[Child] = []

    def start(self, line: str) -> str:
        """Run one; its URL."""
        program, *words = shlex.split(line.replace("5001", "0").replace("5002", "0"))
        path = os.pathsep.join([str(self._folder), str(HERE.parents[1]), *sys.path])
        command = [sys.executable, "-m", program, *words]
        child = Child(*command, cwd=self._folder, PYTHONPATH=path)
        self._started.append(child)
        if program == "uvicorn":  # it says where before anybody listens there
            child.wait_for("Application startup complete")
        return child.wait_for(r"(?:serving on|Listening at:|running on) (http://[\d.:]+)").group(1)

    def end(self) -> None:
        """End all of them; fails if one does not end well."""
        assert {child.end(seconds=20) for child in self._started} == {0}


@pytest.fixture
def commands(tmp_path: Path, redis: RedisServer) -> Iterator[Callable[[str], Commands]]:
    with ExitStack() as ending:

        def commands(app: str) -> Commands:
            commands = Commands(tmp_path, app.replace("redis://127.0.0.1", redis.url))
            ending.callback(commands.end)
            return commands

        yield commands


def test_the_servers_of_the_recipe_have_their_clients_in_common(
    commands: Callable[[str], Commands], node: Node
) -> None:
    app, _ = blocks("sticky.md", "python")
    recipe = commands(app)
    urls = [recipe.start(line) for line in "".join(blocks("sticky.md", "sh")).splitlines()]
    assert len(urls) == SERVERS
    node.run("js/between.js", *urls)


@pytest.mark.parametrize(
    ("program", "port", "app"),
    [
        ("gunicorn", "-b 127.0.0.1:0", "app = server.wsgi()"),
        ("uvicorn", "--port 0", "app = server.asgi()"),
    ],
)
def test_workers_of_others_do_without_by_websockets_alone(
    program: str,
    port: str,
    app: str,
    commands: Callable[[str], Commands],
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = (DOCS / "sticky.md").read_text()
    names, websockets = blocks("sticky.md", "python")
    if program == "uvicorn":
        assert 'with `async_mode="asyncio"` uvicorn' in page
        websockets = websockets.replace('transports=["', 'async_mode="asyncio", transports=["')
    command = re.search(rf"`({program} .+?)`", page).group(1)
    url = commands(f"{names}\n{websockets}\n{app}\n").start(f"{command} {port}")
    monkeypatch.setenv("TRANSPORTS", "websocket")
    node.run("js/between.js", *[url] * 12)
