"""The examples, each served by a process of its own and looked at in a browser."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from ports import free_port

__all__ = ["DESKTOP", "PHONE", "Site", "Visit", "served", "shoot", "visitors"]

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / ".reports" / "screenshots"
DESKTOP, PHONE = (1280, 800), (390, 844)

Visit = Callable[..., Page]


class Site:
    """An example, served by a process of its own, which ``environ`` is for."""

    def __init__(self, name: str, log: Path, program: str = "app.py", **environ: str) -> None:
        self.log = log
        self._folder = ROOT / "examples" / name
        self._program = program
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def install_client(self) -> None:
        """The official client, as npm puts it beside the example."""
        if not (self._folder / "node_modules" / "socket.io-client").exists():
            npm = shutil.which("npm")
            if npm is None:
                pytest.fail("the page needs the official client: run `make setup`")
            install = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund"]
            subprocess.run(install, cwd=self._folder, check=True, timeout=300)

    def start(self) -> None:
        own = {"PORT": str(self.port), "PYTHONPATH": str(ROOT), **self._environ}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, self._program],
                cwd=self._folder,
                env={**os.environ, **own},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, "the example does not answer"
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
            finally:
                self._process = None

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except ConnectionError:
            return False
        finally:
            connection.close()


@contextmanager
def served(name: str, log: Path, program: str = "app.py", **environ: str) -> Iterator[Site]:
    """Serves an example; whatever its pages do, nothing may fail on the server."""
    site = Site(name, log, program, **environ)
    site.install_client()
    site.start()
    try:
        yield site
    finally:
        site.stop()
    assert "Traceback" not in site.log.read_text()


@contextmanager
def visitors(site: Site, browser: Browser) -> Iterator[Visit]:
    """Opens a page as somebody with a browser of their own; no page may have a script error."""
    contexts, errors = [], []

    def watch(text: str) -> None:
        if not re.search(r"Failed to load resource|WebSocket connection to", text):
            errors.append(text)

    def open_page(path: str = "/", size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Page:
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="en-GB",
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: watch(m.text) if m.type == "error" else None)
        page.goto(site.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def shoot(page: Page, name: str) -> None:
    """Keep a picture of a page; nothing on it may be wider than the page."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    width, shown = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= shown, f"{name} scrolls sideways: {width} px of {shown}"
