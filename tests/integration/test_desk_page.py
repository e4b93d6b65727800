"""The support desk in a real browser: what its people do, checked by what the page shows."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sites import DESKTOP, PHONE, Site, Visit, served, shoot, visitors


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with served("support_desk", tmp_path / "app.log") as site:
        yield site


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Visit]:
    with visitors(site, browser) as visit:
        yield visit


def open_ticket(page: Page, subject: str) -> None:
    page.get_by_label("Subject").fill(subject)
    page.get_by_role("button", name="Open a ticket").click()
    expect(page.get_by_role("heading", name=subject)).to_be_visible()


def say(page: Page, text: str) -> Locator:
    """What is said, as it is on one's own page."""
    page.get_by_label("Message").fill(text)
    page.keyboard.press("Enter")
    return said(page, text)


def said(page: Page, text: str) -> Locator:
    return page.get_by_role("log").get_by_role("listitem").filter(has_text=text)


def figure(page: Page, name: str) -> Locator:
    return page.get_by_label("Figures").locator("div").filter(has_text=name).locator("dd")


def test_a_ticket_from_its_opening_to_its_end(visit: Visit) -> None:
    cleo, abe, sue = visit("/?as=cleo"), visit("/?as=abe"), visit("/?as=sue")
    expect(figure(sue, "Waiting")).to_have_text("0")
    open_ticket(cleo, "The printer is on fire")
    expect(cleo.locator("#who")).to_contain_text(
        "Waiting for an agent \N{MIDDLE DOT} Nobody else is here"
    )
    expect(figure(sue, "Waiting")).to_have_text("1")

    abe.get_by_role("button", name="Take").click()
    expect(cleo.locator("#who")).to_contain_text("Abe sees to it \N{MIDDLE DOT} Abe is here")
    expect(figure(sue, "In work")).to_have_text("1")
    say(abe, "Which one?")
    expect(said(cleo, "Which one?")).to_contain_text("Abe")
    expect(say(cleo, "The one by the window.")).to_be_visible()
    expect(said(abe, "by the window")).to_have_count(1)

    abe.get_by_role("button", name="Solved?").click()
    cleo.get_by_role("button", name="Not yet").click()
    expect(abe.get_by_role("alert")).to_have_text("Cleo did not say yes.")
    abe.get_by_role("button", name="Solved?").click()
    cleo.get_by_role("button", name="Yes, it is solved").click()
    expect(abe.locator("#who")).to_contain_text("Solved")
    expect(cleo.get_by_label("Tickets").get_by_role("listitem")).to_contain_text("Solved")
    expect(figure(sue, "Solved")).to_have_text("1")


def test_the_team_is_shown_and_a_supervisor_assigns(visit: Visit) -> None:
    cleo, abe, sue = visit("/?as=cleo"), visit("/?as=abe"), visit("/?as=sue")
    open_ticket(cleo, "I cannot log in")
    team = sue.get_by_label("Team").get_by_role("listitem")
    expect(team).to_have_text(["Abe online", "Sue online"])
    abe.get_by_label("I am away").check()
    expect(team).to_have_text(["Abe away", "Sue online"])
    sue.get_by_label("Assign I cannot log in to").select_option("Abe")
    expect(abe.get_by_role("heading", name="I cannot log in")).to_be_visible()
    sue.get_by_role("button", name="I cannot log in").click()
    expect(cleo.locator("#who")).to_contain_text("Abe and Sue are here")


def test_a_customer_comes_back_to_all_that_was_said(visit: Visit) -> None:
    cleo = visit("/?as=cleo")
    open_ticket(cleo, "Hello?")
    expect(say(cleo, "Is anybody there?")).to_be_visible()
    cleo.reload()
    cleo.get_by_role("button", name="Hello?").click()
    expect(said(cleo, "Is anybody there?")).to_be_visible()


def test_a_lost_connection_is_said_and_comes_back(site: Site, visit: Visit) -> None:
    abe, sue = visit("/?as=abe"), visit("/?as=sue")
    team = sue.get_by_label("Team").get_by_role("listitem")
    expect(team).to_have_count(2)
    site.stop(signal.SIGKILL)
    expect(abe.get_by_role("status")).to_contain_text("Connection lost")
    site.start()
    expect(abe.get_by_role("status")).to_be_hidden(timeout=15_000)
    expect(team).to_have_count(2, timeout=15_000)


def test_what_is_asked_of_a_server_that_is_away_is_said_not_to_be_done(
    site: Site, visit: Visit
) -> None:
    cleo = visit("/?as=cleo")
    expect(cleo.get_by_label("Subject")).to_be_visible()
    site.stop(signal.SIGKILL)
    cleo.get_by_label("Subject").fill("Hello?")
    cleo.get_by_role("button", name="Open a ticket").click()
    expect(cleo.get_by_role("alert")).to_have_text("The server cannot be reached. Try again later.")
    expect(cleo.get_by_label("Subject")).to_have_value("Hello?")


def test_a_stranger_is_told_so(visit: Visit) -> None:
    expect(visit("/?as=eve").get_by_role("alert")).to_have_text("Please log in.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_screenshots(visit: Visit, size: tuple[int, int], scheme: str) -> None:
    shot = f"{'phone' if size == PHONE else 'desktop'}-{scheme}"
    look = {"size": size, "scheme": scheme}
    door = visit("/", **look)
    expect(door.get_by_role("link", name=re.compile("Abe"))).to_be_visible()
    shoot(door, f"desk-door-{shot}")

    cleo, carl = visit("/?as=cleo", **look), visit("/?as=carl")
    abe, sue = visit("/?as=abe", **look), visit("/?as=sue", **look)
    open_ticket(cleo, "The printer on the second floor is on fire")
    open_ticket(carl, "averylongwordwithnospaces" * 6)
    expect(abe.get_by_role("button", name="Take")).to_have_count(2)
    abe.get_by_role("button", name="Take").first.click()
    say(abe, "Which one? There are two of them, one by the window and one by the door.")
    expect(said(cleo, "Which one?")).to_be_visible()
    say(cleo, "The one by the window.")
    expect(said(abe, "by the window.")).to_be_visible()
    sue.get_by_role("button", name="The printer").click()
    expect(abe.locator("#who")).to_contain_text("Cleo and Sue are here")
    abe.get_by_role("button", name="Solved?").click()
    expect(cleo.get_by_role("button", name="Not yet")).to_be_visible()
    shoot(cleo, f"desk-customer-{shot}")
    shoot(abe, f"desk-agent-{shot}")
    shoot(sue, f"desk-supervisor-{shot}")
