"""The chat example on several processes, in a real browser."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from engines import RedisServer
from playwright.sync_api import Browser, Page, expect
from sites import Site, Visit, served, visitors
from test_chat_page import come_in, loaded, message, png, send_picture, write

AT_LAST = 15_000
"""Milliseconds within which a process that was killed is noticed."""


@pytest.fixture(scope="module")
def broker() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.end()


@pytest.fixture
def sites(broker: RedisServer, tmp_path: Path) -> Iterator[list[Site]]:
    """The chat on two processes: one on eventlet, and one on asyncio."""
    with ExitStack() as ending:
        yield [
            ending.enter_context(
                served("chat", tmp_path / f"{program}.log", program, CLUSTER=broker.url)
            )
            for program in ("app.py", "asgi.py")
        ]


@pytest.fixture
def visits(sites: list[Site], browser: Browser) -> Iterator[list[Visit]]:
    """What opens a page of each process."""
    with ExitStack() as ending:
        yield [ending.enter_context(visitors(site, browser)) for site in sites]


def answer_to(dashboard: Page, person: Page, name: str) -> None:
    """Ask somebody, who says yes."""
    dashboard.get_by_label("Person", exact=True).select_option(name)
    dashboard.get_by_role("button", name="Ask").click()
    person.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(dashboard.get_by_label("Answers")).to_contain_text(f"{name} said yes")


def test_people_of_two_processes_are_in_one_chat_until_one_is_killed(
    sites: list[Site], visits: list[Visit]
) -> None:
    ann = come_in(visits[0]("/"), "Ann")
    bob = come_in(visits[1]("/"), "Bob")
    for page, other in [(ann, "Bob"), (bob, "Ann")]:
        expect(page.get_by_text("2 people here")).to_be_visible()
        expect(page.get_by_role("button", name=other)).to_be_visible()

    write(ann, "Good evening!")
    expect(message(bob, "Good evening!")).to_contain_text("Ann")
    write(bob, "Look at that.")
    expect(message(ann, "Look at that.")).to_contain_text("Bob")
    send_picture(bob, png(320, 200))
    assert loaded(ann.get_by_role("img", name="Picture from Bob"))
    eve = come_in(visits[0]("/"), "Eve")  # what the room remembers is of both
    expect(eve.get_by_role("log").get_by_role("listitem")).to_have_count(3)
    eve.close()

    ann.get_by_role("button", name="Bob").click()
    expect(write(ann, "a secret")).to_contain_text("delivered")
    expect(message(bob, "a secret")).to_contain_text("only to you")

    for visit in visits:
        dashboard = visit("/dashboard")
        expect(dashboard.locator("#online")).to_have_text("2")
        expect(dashboard.locator("#message-count")).to_have_text("3")
        answer_to(dashboard, ann, "Ann")
        answer_to(dashboard, bob, "Bob")

    taken = visits[0]("/")
    taken.get_by_label("Your name").fill("bob")
    taken.keyboard.press("Enter")
    expect(taken.get_by_role("alert").first).to_contain_text("Bob is here already.")

    sites[1].stop(signal.SIGKILL)
    expect(ann.get_by_text("You are alone here")).to_be_visible(timeout=AT_LAST)
    expect(ann.get_by_role("button", name="Bob")).to_have_count(0)
    taken.keyboard.press("Enter")  # the name is free again
    expect(ann.get_by_role("button", name="bob")).to_be_visible()


def test_of_two_who_took_a_name_while_the_broker_hung_one_is_asked_for_another(
    broker: RedisServer, visits: list[Visit]
) -> None:
    broker.pause()
    try:
        first, second = (come_in(visit("/"), "Ann") for visit in visits)
    finally:
        broker.resume()
    expect(second.get_by_role("alert").first).to_have_text(
        "Ann is here already. You could be Ann 2."
    )
    second.get_by_role("button", name="Be Ann 2").click()
    expect(first.get_by_role("button", name="Ann 2")).to_be_visible()
    expect(second.get_by_role("button", name="Ann", exact=True)).to_be_visible()


def worker_of(page: Page) -> str:
    """The worker that a page is connected to, which its requests name."""
    urls = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name).join()")
    found = re.search(r"sid=[\w-]+~(\w+)", urls)
    assert found is not None, urls
    return found.group(1)


@pytest.mark.parametrize("program", ["app.py", "asgi.py"])
def test_two_workers_behind_one_port_are_one_chat(
    program: str, tmp_path: Path, browser: Browser
) -> None:
    log = tmp_path / "app.log"
    with served("chat", log, program, WORKERS="2") as site, visitors(site, browser) as visit:
        people: dict[str, tuple[str, Page]] = {}  # somebody of each worker
        for name in ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay"):
            page = come_in(visit("/"), name)
            people.setdefault(worker_of(page), (name, page))
            if len(people) == 2:
                break
        (one, page), (other, their_page) = people.values()
        write(page, "Good evening!")
        expect(message(their_page, "Good evening!")).to_contain_text(one)
        expect(page.get_by_role("button", name=other)).to_be_visible()
        their_page.get_by_role("button", name=one).click()
        expect(write(their_page, "a secret")).to_contain_text("delivered")
        expect(message(page, "a secret")).to_contain_text("only to you")
