"""The chat example in a real browser: what people do, checked by what the pages show."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import socketio
from playwright.sync_api import Browser, Locator, Page, expect
from sites import DESKTOP, PHONE, Site, Visit, served, shoot, visitors


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """The example on eventlet, or as the program that a test asks for."""
    with served("chat", tmp_path / "app.log", getattr(request, "param", "app.py")) as site:
        yield site


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Visit]:
    with visitors(site, browser) as visit:
        yield visit


@pytest.fixture
def enter(visit: Visit) -> Visit:
    """Opens the chat and comes in under a name."""
    return lambda name, room="", **how: come_in(visit("/", **how), name, room)


def come_in(page: Page, name: str, room: str = "") -> Page:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Room", exact=True).fill(room)
    page.get_by_role("button", name="Join the chat").click()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    return page


def write(page: Page, text: str) -> Locator:
    """Write a message and send it; the message on one's own page."""
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")
    return message(page, text)


def message(page: Page, text: str) -> Locator:
    return page.get_by_role("log").get_by_role("listitem").filter(has_text=text)


def open_side(page: Page) -> None:
    """On a phone the rooms and people are behind a button."""
    button = page.get_by_role("button", name="Rooms and people")
    if button.is_visible():
        button.click()


def png(width: int, height: int) -> bytes:
    """A picture of the evening sky."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    rows = bytearray()
    for y in range(height):
        share = y / height
        sun = (height * 0.7, width * 0.62, height * 0.16)
        rows.append(0)
        for x in range(width):
            near = (y - sun[0]) ** 2 + (x - sun[1]) ** 2 < sun[2] ** 2
            sky = (int(40 + 200 * share), int(50 + 80 * share), int(120 - 30 * share))
            rows.extend((255, 214, 140) if near else sky)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(rows), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def send_picture(page: Page, data: bytes, name: str = "evening.png") -> None:
    page.get_by_label("Send a picture").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": data}
    )


def loaded(picture: Locator) -> bool:
    """Whether a picture is really drawn."""
    expect(picture).to_be_visible()
    done: bool = picture.evaluate("i => i.decode().then(() => i.naturalWidth > 0, () => false)")
    return done


# Names.


def test_an_empty_name_is_refused_at_the_form(visit: Visit) -> None:
    page = visit()
    page.get_by_role("button", name="Join the chat").click()
    expect(page.get_by_role("alert").first).to_have_text("Please choose a name.")
    expect(page.get_by_label("Your name")).to_be_focused()
    page.get_by_label("Your name").fill("Ann")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="#lobby")).to_be_visible()


@pytest.mark.parametrize("site", ["app.py", "asgi.py"], indirect=True)
def test_a_name_that_is_taken_is_refused_and_another_one_proposed(
    visit: Visit, enter: Visit
) -> None:
    enter("Ann")
    page = visit()
    page.get_by_label("Your name").fill("ann")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_have_text("Ann is here already. You could be ann 2.")
    page.get_by_role("button", name="Be ann 2").click()
    expect(page.get_by_label("Here now").get_by_role("listitem")).to_have_text(
        [re.compile("Ann"), re.compile("ann 2")]
    )


# Talking.


@pytest.mark.parametrize("site", ["app.py", "asgi.py"], indirect=True)
def test_two_people_see_each_other_and_talk(enter: Visit) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    expect(ann.get_by_text("2 people here")).to_be_visible()
    expect(ann.get_by_role("button", name="Bob")).to_be_visible()
    expect(bob.get_by_role("button", name="Ann")).to_be_visible()

    mine = write(ann, "Good evening!")
    expect(mine.get_by_role("img", name="Received")).to_be_visible()
    theirs = message(bob, "Good evening!")
    expect(theirs).to_contain_text("Ann")
    expect(theirs.get_by_role("img", name="Received")).to_have_count(0)
    expect(message(ann, "Good evening!")).to_have_count(1)

    bob.close()
    expect(ann.get_by_text("You are alone here")).to_be_visible()


def test_somebody_is_shown_typing_until_the_message_comes(enter: Visit) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    bob.get_by_label("Message", exact=True).press_sequentially("Hello")
    expect(ann.get_by_text("Bob is typing ...")).to_be_visible()
    bob.keyboard.press("Enter")
    expect(message(ann, "Hello")).to_be_visible()
    expect(ann.get_by_text("Bob is typing ...")).to_be_hidden()


def test_somebody_who_stops_typing_is_shown_so(enter: Visit) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    bob.get_by_label("Message", exact=True).press_sequentially("Hm")
    expect(ann.get_by_text("Bob is typing ...")).to_be_visible()
    expect(ann.get_by_text("Bob is typing ...")).to_be_hidden()


def test_what_is_written_is_never_markup(enter: Visit) -> None:
    name = "<b>Ann</b>"
    ann, bob = enter(name), enter("Bob")
    text = "<img src=x onerror=\"document.title='broken in'\">"
    write(ann, text)
    expect(message(bob, text)).to_contain_text(name)
    expect(bob.locator("#messages img, #messages b, #people b")).to_have_count(0)
    expect(bob).to_have_title("#lobby - Chat")


@pytest.mark.parametrize("site", ["app.py", "asgi.py"], indirect=True)
def test_a_picture_is_seen_by_the_others_and_by_those_who_come_later(enter: Visit) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    send_picture(ann, png(320, 200))
    assert loaded(bob.get_by_role("img", name="Picture from Ann"))
    expect(ann.get_by_role("log").get_by_role("img", name="Received")).to_be_visible()
    eve = enter("Eve")
    assert loaded(eve.get_by_role("img", name="Picture from Ann"))


def test_a_large_picture_is_made_smaller(enter: Visit) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    heavy = png(8, 8) + os.urandom(250_000)  # what follows the end of a PNG is not looked at
    send_picture(ann, heavy)
    assert loaded(bob.get_by_role("img", name="Picture from Ann"))


def test_what_is_no_picture_is_refused(enter: Visit) -> None:
    ann = enter("Ann")
    send_picture(ann, b"<svg onload='alert(1)'/>")
    expect(ann.get_by_role("log")).to_contain_text(
        "Not sent: Pictures may be PNG, JPEG, GIF or WebP."
    )


@pytest.mark.parametrize("site", ["app.py", "asgi.py"], indirect=True)
def test_a_private_message_reaches_one_alone_and_says_so(enter: Visit) -> None:
    ann, bob, eve = enter("Ann"), enter("Bob"), enter("Eve")
    ann.get_by_role("button", name="Bob").click()
    expect(ann.get_by_text("Only to Bob")).to_be_visible()
    whisper = write(ann, "a secret")
    expect(whisper).to_contain_text("delivered")
    expect(message(bob, "a secret")).to_contain_text("only to you")

    ann.get_by_role("button", name="Back to all").click()
    write(ann, "for all")
    expect(message(eve, "for all")).to_be_visible()
    expect(message(eve, "a secret")).to_have_count(0)

    ann.get_by_role("button", name="Bob").click()
    bob.close()
    expect(ann.get_by_role("button", name="Bob")).to_have_count(0)
    expect(write(ann, "are you there?")).to_contain_text(
        "Not delivered: There is nobody of that name here (any longer)."
    )


def test_who_says_too_much_is_told_when_to_come_back(enter: Visit) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    again = ann.get_by_role("button", name="Send again")
    on_its_way = ann.get_by_role("img", name="On its way")
    for number in range(200):
        write(ann, f"number {number}!")
        expect(on_its_way).to_have_count(0)
        if again.count():
            break
    expect(ann.get_by_role("log")).to_contain_text("Not sent: You are too fast. Try again in 1 s.")
    while again.count():
        again.first.click()
        expect(on_its_way).to_have_count(0)
    expect(message(bob, f"number {number}!")).to_have_count(1)


# Rooms.


def test_rooms_are_joined_and_left_and_have_their_own_history(enter: Visit) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    write(ann, "in the lobby")
    expect(message(bob, "in the lobby")).to_be_visible()

    ann.get_by_label("Another room").fill("Garden")
    ann.get_by_role("button", name="Join").click()
    expect(ann.get_by_role("heading", name="#garden")).to_be_visible()
    expect(ann).to_have_url(re.compile("#garden$"))
    expect(message(ann, "in the lobby")).to_have_count(0)
    expect(ann.get_by_text("Nobody has said anything here yet.")).to_be_visible()
    expect(bob.get_by_label("Rooms", exact=True).get_by_role("listitem")).to_have_text(
        ["#lobby1", "#garden1"]
    )
    write(ann, "among the roses")
    expect(message(bob, "among the roses")).to_have_count(0)

    bob.get_by_role("button", name="#garden").click()
    expect(message(bob, "among the roses")).to_be_visible()
    ann.get_by_role("button", name="Leave room").click()
    expect(ann.get_by_role("heading", name="#lobby")).to_be_visible()
    expect(message(ann, "in the lobby")).to_have_count(1)


def test_a_bad_room_is_refused_at_its_field(enter: Visit) -> None:
    ann = enter("Ann")
    ann.get_by_label("Another room").fill("x" * 30)
    ann.keyboard.press("Enter")
    expect(ann.get_by_text("A room has at most 24 characters.")).to_be_visible()
    expect(ann.get_by_role("heading", name="#lobby")).to_be_visible()


def test_a_link_leads_to_a_room(visit: Visit) -> None:
    page = visit("/#garden")
    page.get_by_label("Your name").fill("Ann")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="#garden")).to_be_visible()


def test_all_that_a_room_remembers_reaches_a_newcomer(site: Site, enter: Visit) -> None:
    with socketio.SimpleClient() as ann:
        auth = {"name": "Ann", "key": "the-key-of-ann"}
        ann.connect(site.url, namespace="/chat", auth=auth, transports=["websocket"])
        for number in range(47):
            assert "at" in ann.call("message", (f"message-{number}", "\N{GRINNING FACE}" * 1000))
        for number in range(3):
            picture = png(320, 200) + os.urandom(195_000)
            assert "at" in ann.call("picture", (f"picture-{number}", picture))
        bob = enter("Bob")
        expect(bob.get_by_role("log").get_by_role("listitem")).to_have_count(50)
        assert loaded(bob.get_by_role("img", name="Picture from Ann").last)
        expect(bob.get_by_text("2 people here")).to_be_visible()


# The connection.


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_the_page_comes_back_to_its_room_after_a_lost_connection(
    site: Site, enter: Visit, how: signal.Signals
) -> None:
    ann, bob = enter("Ann", "garden"), enter("Bob", "garden")
    write(ann, "before")
    expect(message(bob, "before")).to_be_visible()

    site.stop(how)
    banner = ann.locator("#banner")
    expect(banner).to_contain_text("Connection lost")
    expect(banner).to_contain_text(re.compile(r"trying again in \d s"))
    waiting = write(ann, "meanwhile")
    expect(waiting.get_by_role("img", name="On its way")).to_be_visible()

    site.start()
    expect(banner).to_have_text(re.compile("You are back"), timeout=15_000)
    expect(ann.get_by_role("heading", name="#garden")).to_be_visible()
    expect(waiting.get_by_role("img", name="Received")).to_be_visible()
    expect(message(bob, "meanwhile")).to_have_count(1, timeout=15_000)
    expect(ann.get_by_role("log").get_by_role("listitem")).to_have_count(2)
    expect(ann.get_by_text("2 people here")).to_be_visible()
    expect(banner).to_be_hidden()


def test_a_name_that_was_lost_meanwhile_is_said_at_the_form(site: Site, enter: Visit) -> None:
    ann = enter("Ann")
    ann.context.set_offline(True)  # so that somebody else is quicker
    site.stop()
    expect(ann.locator("#banner")).to_contain_text("Connection lost")
    site.start()
    enter("Ann")
    ann.context.set_offline(False)
    expect(ann.get_by_role("alert").first).to_contain_text("Ann is here already.")
    expect(ann.get_by_label("Your name")).to_be_focused()


def test_a_page_says_that_the_server_does_not_answer(site: Site, visit: Visit) -> None:
    page = visit()
    site.stop()
    page.get_by_label("Your name").fill("Ann")
    page.keyboard.press("Enter")
    expect(page.locator("#banner")).to_contain_text("The server does not answer")
    site.start()
    expect(page.get_by_role("heading", name="#lobby")).to_be_visible()


# The dashboard.


@pytest.mark.parametrize("site", ["app.py", "asgi.py"], indirect=True)
def test_the_figures_move(visit: Visit, enter: Visit) -> None:
    dashboard = visit("/dashboard")
    online = dashboard.locator("#online")
    expect(online).to_have_text("0")
    expect(dashboard.get_by_text("Nobody is here.")).to_be_visible()
    ann = enter("Ann")
    enter("Bob", "garden")
    expect(online).to_have_text("2")
    expect(dashboard.get_by_label("Rooms", exact=True).get_by_role("listitem")).to_have_text(
        ["#garden1", "#lobby1"]
    )
    write(ann, "one")
    write(ann, "two")
    expect(dashboard.locator("#message-count")).to_have_text("2")
    expect(dashboard.get_by_role("img", name="2 messages in the last minute")).to_be_visible()


@pytest.mark.parametrize("site", ["app.py", "asgi.py"], indirect=True)
def test_a_request_that_comes_before_the_answer_to_another_is_answered(site: Site) -> None:
    """Browsers send the next one on a kept connection at once; asgiref's WSGI adapter failed."""
    times = 5
    with socket.create_connection(("127.0.0.1", site.port), 20) as connection:
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
        last = request + b"Connection: close\r\n\r\n"
        connection.sendall((request + b"\r\n") * (times - 1) + last)
        answers = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert answers.count(b"HTTP/1.1 200") == times


@pytest.mark.parametrize(("button", "answer"), [("Yes", "said yes"), ("No", "said no")])
def test_a_question_is_answered_in_a_dialog(
    visit: Visit, enter: Visit, button: str, answer: str
) -> None:
    ann, dashboard = enter("Ann"), visit("/dashboard")
    dashboard.get_by_label("Question").fill("May I clear the room?")
    dashboard.get_by_role("button", name="Ask").click()
    dialog = ann.get_by_role("dialog", name="The operator asks")
    expect(dialog).to_contain_text("May I clear the room?")
    expect(dashboard.get_by_label("Answers")).to_contain_text("is being asked")
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_be_hidden()
    expect(dashboard.get_by_label("Answers")).to_contain_text(f"Ann {answer}")


def test_the_operator_learns_that_somebody_left_instead(visit: Visit, enter: Visit) -> None:
    ann, dashboard = enter("Ann"), visit("/dashboard")
    dashboard.get_by_role("button", name="Ask").click()
    expect(ann.get_by_role("dialog")).to_be_visible()
    ann.close()
    expect(dashboard.get_by_label("Answers")).to_contain_text("Ann left before answering")


# How it looks.


def talk(ann: Page, bob: Page, eve: Page) -> None:
    """A bit of everything, as Ann's page is to show it."""
    write(bob, "Has anybody been up on the hill tonight?")
    write(bob, "The sky is something to see.")
    expect(message(ann, "The sky")).to_be_visible()
    write(ann, "On my way!")
    expect(message(bob, "On my way!")).to_be_visible()
    send_picture(bob, png(480, 300))
    assert loaded(ann.get_by_role("img", name="Picture from Bob"))
    write(ann, "Oh, how lovely. " + "I wish that I had seen it from where you were. " * 3)
    send_picture(ann, png(150, 200))
    expect(message(bob, "")).to_have_count(6)
    write(eve, "averylongwordwithnospaces" * 6)
    expect(message(ann, "averylong")).to_be_visible()
    open_side(ann)
    ann.get_by_role("button", name="Bob").click()
    expect(write(ann, "Wait for me there, will you?")).to_contain_text("delivered")
    expect(message(bob, "Wait for me")).to_be_visible()
    bob.get_by_label("Message", exact=True).press_sequentially("Of course")
    expect(ann.get_by_text("Bob is typing ...")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_screenshots(
    site: Site, visit: Visit, enter: Visit, size: tuple[int, int], scheme: str
) -> None:
    shot = f"{'phone' if size == PHONE else 'desktop'}-{scheme}"
    look = {"size": size, "scheme": scheme}

    entrance = visit("/", **look)
    shoot(entrance, f"entrance-{shot}")
    entrance.get_by_role("button", name="Join the chat").click()
    expect(entrance.get_by_role("alert").first).to_be_visible()
    shoot(entrance, f"entrance-refused-{shot}")

    bob = enter("Bob")
    eve = enter("Evangeline Fotheringham")
    enter("Zoe", "a-quiet-garden")
    ann = enter("Ann", **look)
    shoot(ann, f"chat-empty-{shot}")
    talk(ann, bob, eve)
    shoot(ann, f"chat-{shot}")
    open_side(ann)
    shoot(ann, f"chat-side-{shot}")
    ann.keyboard.press("Escape")

    dashboard = visit("/dashboard", **look)
    expect(dashboard.locator("#online")).to_have_text("4")
    for number in range(6):
        write(bob, f"number {number}")
    dashboard.get_by_label("Person", exact=True).select_option("Ann")
    dashboard.get_by_label("Question").fill("May I clear the room?")
    dashboard.get_by_role("button", name="Ask").click()
    expect(ann.get_by_role("dialog")).to_be_visible()
    shoot(ann, f"question-{shot}")
    ann.get_by_role("button", name="Yes").click()
    expect(dashboard.get_by_label("Answers")).to_contain_text("said yes")
    expect(dashboard.locator("#message-count")).to_have_text("13")
    shoot(dashboard, f"dashboard-{shot}")

    site.stop(signal.SIGKILL)
    expect(ann.locator("#banner")).to_contain_text("trying again")
    write(ann, "Is anybody there?")
    shoot(ann, f"chat-lost-{shot}")
    expect(dashboard.locator("#banner")).to_contain_text("trying again")
    shoot(dashboard, f"dashboard-lost-{shot}")
