"""Pages of the test server, with the clients' bundles for browsers and the scenarios in ``js/``."""

from __future__ import annotations

import json
from collections.abc import Mapping

from child import HERE, ServerProcess
from playwright.sync_api import Browser, Page

_SCRIPTS = ("./lib.js", "./features.js")


def bundle_of(client: str) -> str:
    """The path of what an npm package ships for browsers."""
    name = "socket.io.js" if client == "client-1.3.5" else "dist/socket.io.js"
    return str(HERE / "node_modules" / client / name)


def version_of(client: str) -> str:
    package = HERE / "node_modules" / client / "package.json"
    return json.loads(package.read_text())["version"]


def open_page(browser: Browser, origin: str, client: str, **context: object) -> Page:
    """A page of an origin, in a profile of its own, with a client's bundle as ``io``."""
    page = browser.new_context(**context).new_page()
    page.goto(f"{origin}/page")  # whatever is there: the answer "not found" is a page too
    page.add_script_tag(path=bundle_of(client))
    return page


def run_features(
    browser: Browser, server: ServerProcess, client: str, transports: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """What each feature came to over each transport, by a page for each, side by side.

    Args:
        transports: the names of the features to run with each, with commas; all if empty.
    """
    sources = {name: (HERE / "js" / name).read_text() for name in _SCRIPTS}
    pages = {}
    for transport, only in transports.items():
        pages[transport] = page = open_page(browser, server.url, client)
        page.add_script_tag(path=HERE / "js" / "page.js")
        setup = {
            "sources": sources,
            "script": "./features.js",
            "version": version_of(client),
            "args": [server.url, client, transport, only],
        }
        page.evaluate("setup => { window.result = runInPage(setup) }", setup)
    outcomes = {transport: page.evaluate("result") for transport, page in pages.items()}
    for page in pages.values():
        page.context.close()
    return outcomes
