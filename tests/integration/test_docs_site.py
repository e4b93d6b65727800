"""The site that `make docs` builds, in a browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from child import HERE
from playwright.sync_api import Browser, Page

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("site")
    command = ["sphinx", "-q", "-W", "-c", "docs/site", "docs", str(built)]
    subprocess.run([sys.executable, "-m", *command], cwd=HERE.parents[1], check=True)
    return built


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone."""
    opened = browser.new_page(viewport=PHONE)
    yield opened
    opened.close()


def test_it_fits_a_phone_and_loads_nothing_from_elsewhere(site: Path, page: Page) -> None:
    foreign: list[str] = []
    page.on(
        "request", lambda asked: None if asked.url[:5] == "file:" else foreign.append(asked.url)
    )
    pages = [found for found in site.rglob("*.html") if "_modules" not in found.parts]
    assert len(pages) > 30
    for found in pages:
        page.goto(found.as_uri())
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{found.relative_to(site)} is {width} px wide"
    assert foreign == []


def test_its_search_finds(site: Path, page: Page) -> None:
    page.goto((site / "search.html").as_uri() + "?q=skip_sid")
    page.wait_for_selector("ul.search a >> text=Rooms")


def test_every_name_in_the_reference_leads_to_its_source(site: Path, page: Page) -> None:
    page.goto((site / "reference" / "namespace.html").as_uri())
    page.click("dt[id='sionamespace.Namespace.emit'] .viewcode-link")
    assert "def emit(" in page.inner_text("article")
