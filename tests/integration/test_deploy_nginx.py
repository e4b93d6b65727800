"""docs/deploy/nginx.md: its configuration as it stands there, but for ports and files."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from getpass import getuser
from pathlib import Path

import pytest
from child import HERE, PATIENCE, Child, Node, ServerProcess
from matrix import MODES
from ports import free_port

PAGE = (HERE.parents[1] / "docs/deploy/nginx.md").read_text()
(CONFIGURATION,) = re.findall(r"^```nginx\n(.*?)^```", PAGE, re.S | re.M)
AROUND = """
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {configuration}
}}
"""

Proxy = Callable[[str], str]


def wait_for(address: tuple[str, int] | str, child: Child) -> None:
    """Until somebody listens."""
    deadline = time.monotonic() + PATIENCE
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    while time.monotonic() < deadline and child.process.poll() is None:
        with socket.socket(family) as probe:
            if probe.connect_ex(address) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"nobody listens at {address}:\n{child.text()}")


@pytest.fixture
def proxy(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Starts nginx in front of an address; its own URL."""
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    assert program, "nginx is missing: run scripts/need nginx"
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(certificate / "authority.pem"))
    started: list[Child] = []

    def start(upstream: str) -> str:
        port = free_port()
        configuration = (
            CONFIGURATION.replace("server 127.0.0.1:5000;", f"server {upstream};")
            .replace("listen 443", f"listen 127.0.0.1:{port}")
            .replace("/etc/ssl/example.com.pem", str(certificate / "certificate.pem"))
            .replace("/etc/ssl/example.com.key", str(certificate / "key.pem"))
        )
        file = tmp_path / "nginx.conf"
        file.write_text(AROUND.format(folder=tmp_path, user=getuser(), configuration=configuration))
        started.append(Child(program, "-p", str(tmp_path), "-e", "stderr", "-c", str(file)))
        wait_for(("127.0.0.1", port), started[-1])
        return f"https://127.0.0.1:{port}"

    yield start
    for child in started:
        child.end()


@pytest.mark.parametrize("mode", MODES)
def test_a_client_behind_it_is_known_by_its_own_address(
    mode: str, proxy: Proxy, node: Node, start_server: Callable[..., ServerProcess]
) -> None:
    server = start_server(async_mode=mode, trusted_proxies=["127.0.0.1"])

    node.run("js/proxy.js", proxy(f"127.0.0.1:{server.port}"))


def test_it_may_connect_by_a_unix_socket(proxy: Proxy, node: Node, tmp_path: Path) -> None:
    path = str(tmp_path / "chat.sock")
    (tmp_path / "app.py").write_text(
        "from server import Features\nfrom sionamespace import Server\n"
        'app = Server({"/chat": Features()}, trusted_proxies=["unix"]).wsgi()\n'
    )
    gunicorn = Child(
        *[sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "20"],
        *["-b", f"unix:{path}", "app:app"],
        cwd=tmp_path,
        PYTHONPATH=os.pathsep.join([str(HERE), str(HERE.parents[1]), *sys.path]),
    )
    try:
        wait_for(path, gunicorn)
        node.run("js/proxy.js", proxy(f"unix:{path}"))
    finally:
        gunicorn.end(seconds=20)
    assert "Traceback" not in gunicorn.text(), gunicorn.text()
