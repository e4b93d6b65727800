"""The chat, without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sionamespace.testing import Harness, HarnessClient, including, matching

from chat import Chat
from page import Picture

Enter = Callable[..., HarnessClient]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
def chat(harness: Harness) -> Chat:
    chat: Chat = harness.namespace("/chat")
    return chat


def moved(name: str, room: str) -> Any:
    """The news that somebody has come to a room."""
    return ("presence_diff", "house", {"joins": {name: room}, "leaves": {}})


def error(answer: Any) -> str:
    text: str = answer["error"]["message"]
    return text


# Coming and going.


def test_who_comes_is_told_who_is_where_and_the_others_of_it(enter: Enter) -> None:
    ann = enter("Ann")
    bob = enter("  Bob ", "garden")
    bob.assert_received("welcome", "Bob")
    bob.assert_received("history", "#garden", [])
    bob.assert_received("presence", "house", {"Ann": "#lobby", "Bob": "#garden"})
    ann.assert_received(*moved("Bob", "#garden"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Please choose a name."),
        (" \n ", "Please choose a name."),
        ("x" * 25, "A name has at most 24 characters."),
        ("An\u200bn", "This name has characters that nobody can see."),
    ],
)
def test_a_bad_name_is_refused_at_its_field(enter: Enter, name: str, message: str) -> None:
    refused = enter(name).refused
    assert refused is not None
    assert (refused.message, refused.data) == (message, {"field": "name"})


@pytest.mark.parametrize(
    "auth",
    [None, {"name": "Ann"}, {"name": "Ann", "key": "short"}, {"name": 1, "key": "a" * 8}],
)
def test_who_is_not_introduced_properly_is_refused(harness: Harness, auth: object) -> None:
    assert not harness.connect("/chat", auth=auth).connected


def test_a_name_is_had_by_one(enter: Enter) -> None:
    enter("Ann")
    refused = enter("ANN", key="another-key").refused
    assert refused is not None
    assert refused.data == {"field": "name", "suggestion": "ANN 2"}


def test_a_page_that_comes_back_early_takes_the_place_of_its_lost_connection(
    enter: Enter, chat: Chat
) -> None:
    lost, bob = enter("Ann", key="the-key-of-ann"), enter("Bob")
    back = enter("Ann", "garden", key="the-key-of-ann")
    assert back.connected
    assert not lost.connected
    assert chat.people() == {"Ann": "#garden", "Bob": "#lobby"}
    bob.assert_received(*moved("Ann", "#garden"))
    assert not enter("Ann", key="another-key").connected


def test_who_leaves_is_missed_and_the_name_is_free(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    bob.drop("ping timeout")
    gone = {"joins": {}, "leaves": {"Bob": "#lobby"}}
    ann.assert_received("presence_diff", "house", gone)
    assert enter("bob", key="another-key").connected


# Rooms.


def test_another_room_is_joined_and_left(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    assert ann.call("join", " #Garden ") is None
    bob.assert_received(*moved("Ann", "#garden"))
    ann.assert_received("history", "#garden", [])
    ann.call("message", "message-1", "hello")
    bob.refute_received("message")
    ann.call("leave")
    bob.assert_received(*moved("Ann", "#lobby"))


@pytest.mark.parametrize("room", ["", "#", "x" * 25])
def test_a_bad_room_is_refused_at_its_field(enter: Enter, room: str) -> None:
    ann = enter("Ann")
    assert ann.call("join", room)["error"]["data"] == {"field": "room"}
    assert "#lobby" in ann.rooms


def test_a_room_is_never_somebodys_own(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    ann.call("join", bob.sid[:20])
    assert bob.sid not in ann.rooms


# Talking.


def test_a_message_goes_to_the_others_in_the_room(enter: Enter) -> None:
    ann, bob, eve = enter("Ann"), enter("Bob"), enter("Eve", "garden")
    message = {"id": "message-1", "name": "Ann", "at": 1700.5, "text": "hello"}
    assert ann.call("message", "message-1", "hello") == {"at": 1700.5}
    bob.assert_received("message", message)
    ann.refute_received("message")
    eve.refute_received("message")
    enter("Zoe").assert_received("history", "#lobby", [["message", message]])


def test_a_message_that_is_sent_again_is_said_once(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    for _ in range(2):
        assert ann.call("message", "message-1", "hello") == {"at": 1700.5}
    bob.assert_received("message")
    bob.refute_received("message")


@pytest.mark.parametrize(
    ("id", "text"),
    [
        ("message-1", ""),
        ("message-1", " \n"),
        ("message-1", "x" * 1001),
        ("message-1", {"a": 1}),
        ("short", "hello"),
        ("not an id", "hello"),
        (None, "hello"),
    ],
)
def test_a_bad_message_is_refused(enter: Enter, id: object, text: object) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    assert error(ann.call("message", id, text))
    bob.refute_received("message")


def test_who_says_too_much_is_told_when_to_come_back(harness: Harness, enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    for number in range(60):
        assert "at" in ann.call("message", f"message-{number}", "buy this")
    refused = ann.request("picture", "picture-1", PNG).refused
    assert refused is not None
    assert refused.data == {"retry_after": 1}
    assert "at" in bob.call("message", "message-60", "please stop")
    harness.advance(1)
    assert "at" in ann.call("message", "message-61", "sorry")


def test_typing_is_told_to_the_others_in_the_room(enter: Enter) -> None:
    ann, bob, eve = enter("Ann"), enter("Bob"), enter("Eve", "garden")
    ann.emit("typing")
    bob.assert_received("typing", "Ann")
    ann.refute_received("typing")
    eve.refute_received("typing")


def test_a_picture_arrives_as_its_bytes(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    assert ann.call("picture", "picture-1", PNG) == {"at": 1700.5}
    picture = including(name="Ann", type="image/png", data=PNG)
    bob.assert_received("picture", picture)
    enter("Zoe").assert_received("history", "#lobby", [["picture", picture]])


def test_a_newcomer_is_sent_a_few_pictures_only(enter: Enter) -> None:
    ann = enter("Ann")
    for number in range(4):
        ann.call("picture", f"picture-{number}", PNG)
    three = matching(lambda events: [said["id"][-1] for _, said in events] == ["1", "2", "3"])
    enter("Bob").assert_received("history", "#lobby", three)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<svg onload='alert(1)'/>", "Pictures may be PNG, JPEG, GIF or WebP."),
        (PNG + bytes(200_000), "picture: args[1]: Expected bytes of length <= 200000"),
        ("text", "picture: args[1]: Expected bytes, got str"),
    ],
)
def test_a_bad_picture_is_refused(enter: Enter, data: object, message: str) -> None:
    assert error(enter("Ann").call("picture", "picture-1", data)) == message


def test_pictures_are_shown_without_their_bytes_in_logs() -> None:
    assert "data=<28 bytes>" in repr(Picture("picture-1", "Ann", 0, "image/png", PNG))


# Private messages.


def test_a_private_message_is_answered_when_it_has_arrived(enter: Enter) -> None:
    ann, bob, eve = enter("Ann"), enter("Bob", "garden"), enter("Eve")
    request = ann.request("whisper", "Bob", "a secret")
    assert not request.answered
    bob.assert_received("whisper", "Ann", 1700.5, "a secret").answer()
    assert request.answer == {"at": 1700.5}
    eve.refute_received("whisper")


def test_somebody_may_go_on_talking_meanwhile(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    request = ann.request("whisper", "Bob", "a secret")
    assert ann.call("message", "message-1", "hello") == {"at": 1700.5}
    assert not request.answered
    bob.last("whisper").answer()
    assert request.answered


def test_a_private_message_may_not_arrive(harness: Harness, enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    late = ann.request("whisper", "Bob", "a secret")
    harness.advance(5)
    assert error(late.answer) == "Bob's page did not answer."
    gone = ann.request("whisper", "Bob", "a secret")
    bob.drop()
    assert error(gone.answer) == "Bob has just left."
    nobody = ann.call("whisper", "Bob", "a secret")
    assert error(nobody) == "There is nobody of that name here (any longer)."
    assert error(ann.call("whisper", "Ann", "hello?")) == "That is you."
