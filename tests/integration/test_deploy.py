"""Each recipe of docs/deploy, run as it is written there, with the newest JavaScript client."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from child import HERE, PATIENCE, Child, Node
from ports import free_port

DOCS = HERE.parents[1] / "docs" / "deploy"
GUNICORN_WORKERS = ["sionamespace.gunicorn.EventletWorker", "gevent", "gthread --threads 100"]
PROGRAMS = Path(sys.executable).parent
PAGES = ("eventlet.md", "gevent.md", "threads.md", "gunicorn.md", "workers.md")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.M)


def files(page: str) -> dict[str, str]:
    return {re.match(r"# (\w+\.py)\n", text).group(1): text for text in blocks(page, "python")}


def commands(page: str) -> list[str]:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if not line.startswith("pip ")]


RECIPES = [(page, line) for page in PAGES for line in commands(page)]


class Recipe:
    """A recipe that is being followed, on a port that is free.

    Args:
        files: programs by their names; like the command, with port 5000.
    """

    def __init__(self, files: dict[str, str], command: str, folder: Path, **environ: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        for name, text in files.items():
            (folder / name).write_text(text.replace("5000", str(self.port)))
        program, *rest = shlex.split(command.replace("5000", str(self.port)))
        start = [sys.executable] if program == "python" else [str(PROGRAMS / program)]
        path = os.pathsep.join([str(folder), str(HERE.parents[1]), environ.pop("PYTHONPATH", "")])
        environ = {key: text.replace("5000", str(self.port)) for key, text in environ.items()}
        self.child = Child(*start, *rest, cwd=folder, PYTHONPATH=path, **environ)

    def ended(self) -> int:
        """The exit code of one that ends by itself."""
        code = self.child.process.wait(PATIENCE)
        self.child.end()
        return code

    def until_it_listens(self) -> None:
        while self.child.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except ConnectionRefusedError:
                os.sched_yield()
        pytest.fail(self.child.text())


@pytest.fixture
def clients() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for client in started:
        client.end(signal.SIGKILL)


@pytest.mark.parametrize(("page", "command"), RECIPES, ids=[line for _, line in RECIPES])
def test_a_recipe_works_as_written(
    page: str, command: str, tmp_path: Path, node: Node, clients: list[Child]
) -> None:
    recipe = Recipe(files(page), command, tmp_path)
    try:
        recipe.until_it_listens()
        client = node.start("js/deploy.js", recipe.url)
        clients.append(client)
        client.wait_for("^ok$")
    finally:
        code = recipe.child.end()

    client.wait_for("^left: (transport (close|error)(, )?){3}$")
    if "web.py" not in command and "serve.py" not in command:  # they set up no signals
        assert code == 0, recipe.child.text()
    assert "fault of" not in recipe.child.text()
    assert "Traceback" not in recipe.child.text(), recipe.child.text()


def test_preloading_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    command = "gunicorn --preload -k gthread --threads 4 -w 1 -b 127.0.0.1:5000 app:app"
    recipe = Recipe(files("gunicorn.md"), command, tmp_path)
    try:
        recipe.until_it_listens()
        with pytest.raises(urllib.error.HTTPError, match="500"):
            urllib.request.urlopen(f"{recipe.url}/socket.io/?EIO=4&transport=polling")
        recipe.child.wait_for("ConfigurationError: gunicorn loaded.*without --preload")
    finally:
        recipe.child.end()


@pytest.mark.parametrize("worker", GUNICORN_WORKERS)
def test_clients_come_back_when_gunicorn_starts_its_worker_anew(
    worker: str, tmp_path: Path, node: Node, clients: list[Child]
) -> None:
    command = f"gunicorn -k {worker} -w 1 -b 127.0.0.1:5000 app:app"
    recipe = Recipe(files("gunicorn.md"), command, tmp_path)
    try:
        recipe.until_it_listens()
        staying = [
            node.start("js/rejoin.js", recipe.url, name) for name in ("polling", "websocket")
        ]
        clients += staying
        for client in staying:
            client.wait_for("^connected$")
        recipe.child.process.send_signal(signal.SIGHUP)
        for client in staying:
            client.wait_for("^disconnected$")
            client.wait_for("^connected again: OK$")
            client.end(signal.SIGKILL)
    finally:
        recipe.child.end()
    assert "Traceback" not in recipe.child.text()


@pytest.mark.parametrize("worker", GUNICORN_WORKERS)
def test_clients_come_back_when_a_worker_has_served_its_requests(
    worker: str, tmp_path: Path, node: Node, clients: list[Child]
) -> None:
    ending = "--max-requests 40"
    command = f"gunicorn -k {worker} -w 1 {ending} -b 127.0.0.1:5000 app:app"
    recipe = Recipe(files("gunicorn.md"), command, tmp_path)
    try:
        recipe.until_it_listens()
        staying = [
            node.start("js/rejoin.js", recipe.url, name) for name in ("polling", "websocket")
        ]
        clients += staying
        for client in staying:
            client.wait_for("^connected$")
        for _ in range(40):
            with suppress(OSError):  # refused for what it asks, or nobody is there for a while
                urllib.request.urlopen(f"{recipe.url}/socket.io/", timeout=1)
        for client in staying:
            client.wait_for("^disconnected$")
            client.wait_for("^connected again: OK$")
            client.end(signal.SIGKILL)
    finally:
        recipe.child.end()
    assert "Traceback" not in recipe.child.text()


@pytest.mark.parametrize("worker", GUNICORN_WORKERS)
def test_a_worker_does_not_outlive_its_master(worker: str, tmp_path: Path) -> None:
    command = f"gunicorn -k {worker} -w 1 -b 127.0.0.1:5000 app:app"
    recipe = Recipe(files("gunicorn.md"), command, tmp_path)
    try:
        recipe.until_it_listens()
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(f"{recipe.url}/socket.io/")
    finally:
        recipe.child.end(signal.SIGKILL)  # which fails if the worker stays


LIMITED = """# limited.py
import os, resource, sys

resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])
"""


def test_a_lack_of_files_keeps_gunicorns_worker_with_its_clients(tmp_path: Path) -> None:
    command = f"python limited.py gunicorn -k {GUNICORN_WORKERS[0]} -w 1 -b 127.0.0.1:5000 app:app"
    recipe = Recipe(files("gunicorn.md") | {"limited.py": LIMITED}, command, tmp_path)
    try:
        recipe.until_it_listens()
        with ExitStack() as stack:
            for _ in range(60):
                address = ("127.0.0.1", recipe.port)
                stack.enter_context(socket.create_connection(address, PATIENCE))
            recipe.child.wait_for("a client could not be accepted: .*Too many open files")
        urllib.request.urlopen(f"{recipe.url}/socket.io/?EIO=4&transport=polling", timeout=PATIENCE)
    finally:
        recipe.child.end()
    assert recipe.child.text().count("Booting worker") == 1, recipe.child.text()


@pytest.mark.parametrize("asked", ["-w 2", "WEB_CONCURRENCY=2"])
def test_several_workers_are_an_error_that_says_what_to_do(asked: str, tmp_path: Path) -> None:
    command = "gunicorn -k gthread --threads 4 -b 127.0.0.1:5000 app:app"
    environ = dict([asked.split("=")]) if "=" in asked else {}
    command += "" if environ else f" {asked}"
    recipe = Recipe(files("gunicorn.md"), command, tmp_path, **environ)

    recipe.child.wait_for("ConfigurationError: gunicorn starts 2 workers.*start one")

    assert recipe.ended() != 0


def test_a_worker_that_cannot_serve_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    recipe = Recipe(files("gunicorn.md"), "gunicorn -b 127.0.0.1:5000 app:app", tmp_path)

    recipe.child.wait_for("ConfigurationError: gunicorn's sync worker.*-k gthread")

    assert recipe.ended() != 0
