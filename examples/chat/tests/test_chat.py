"""The chat, without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sionamespace.testing import Harness, HarnessClient, including

from history import Picture

Enter = Callable[..., HarnessClient]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def people(client: HarnessClient) -> object:
    return client.last("people").args[0]


def rooms(client: HarnessClient) -> object:
    return client.last("rooms").args[0]


def error(answer: Any) -> str:
    text: str = answer["error"]["message"]
    return text


# Coming and going.


def test_who_comes_is_told_where_everybody_is(enter: Enter) -> None:
    ann = enter("Ann")
    bob = enter("Bob", "garden")
    assert ann.rooms == {"#lobby"}
    assert bob.last("joined").args == ({"name": "Bob", "room": "#garden", "history": []},)
    assert people(bob) == ["Bob"]
    assert rooms(ann) == rooms(bob) == {"#lobby": 1, "#garden": 1}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Please choose a name."),
        (" \n ", "Please choose a name."),
        (None, "Please choose a name."),
        (["Ann"], "Please choose a name."),
        ("x" * 25, "A name has at most 24 characters."),
        ("An\u200bn", "This name has characters that nobody can see."),
    ],
)
def test_a_bad_name_is_refused(enter: Enter, name: object, message: str) -> None:
    refused = enter(name).refused
    assert refused is not None
    assert (refused.message, refused.data) == (message, {"field": "name"})


@pytest.mark.parametrize("auth", [None, "Ann", {"name": "Ann"}, {"name": "Ann", "key": 1}])
def test_who_is_not_introduced_properly_is_refused(harness: Harness, auth: object) -> None:
    assert not harness.connect("/chat", auth=auth).connected


def test_a_name_is_had_by_one(enter: Enter) -> None:
    enter("Ann")
    refused = enter("ANN", key="another-key").refused
    assert refused is not None
    assert refused.data == {"field": "name", "suggestion": "ANN 2"}


def test_a_page_that_comes_back_early_takes_the_place_of_its_lost_connection(enter: Enter) -> None:
    lost, bob = enter("Ann", key="the-key-of-ann"), enter("Bob")
    back = enter("Ann", "garden", key="the-key-of-ann")
    assert back.connected
    assert not lost.connected
    assert people(bob) == ["Bob"]
    assert rooms(bob) == {"#lobby": 1, "#garden": 1}


def test_who_leaves_is_missed(enter: Enter) -> None:
    ann, bob, eve = enter("Ann"), enter("Bob"), enter("Eve")
    bob.disconnect()
    eve.drop("ping timeout")
    assert people(ann) == ["Ann"]
    assert enter("bob", key="another-key").connected


# Rooms.


def test_another_room_is_joined_and_left(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    assert ann.call("join", " #Garden ") is None
    assert ann.rooms == {"#garden"}
    assert people(bob) == ["Bob"]
    ann.call("leave")
    assert ann.rooms == {"#lobby"}
    assert people(bob) == ["Ann", "Bob"]
    assert rooms(bob) == {"#lobby": 2}


@pytest.mark.parametrize("room", ["", "#", None, 7, "x" * 25])
def test_a_bad_room_is_refused(enter: Enter, room: object) -> None:
    ann = enter("Ann")
    assert ann.call("join", room)["error"]["data"] == {"field": "room"}
    assert ann.rooms == {"#lobby"}


def test_a_room_is_never_somebodys_own(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    ann.call("join", bob.sid[:20])
    assert bob.sid not in ann.rooms


# Talking.


def test_a_message_goes_to_the_others_in_the_room(enter: Enter) -> None:
    ann, bob, eve = enter("Ann"), enter("Bob"), enter("Eve", "garden")
    assert ann.call("message", "message-1", " hello ") == {"at": 1700.5}
    bob.assert_received("message", including(id="message-1", name="Ann", at=1700.5, text="hello"))
    ann.refute_received("message")
    eve.refute_received("message")
    enter("Zoe").assert_received("joined", including({"history": [{"text": "hello"}]}))


def test_a_message_that_is_sent_again_is_said_once(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    for _ in range(2):
        assert ann.call("message", "message-1", "hello") == {"at": 1700.5}
    bob.assert_received("message")
    bob.refute_received("message")


@pytest.mark.parametrize("text", ["", "  ", None, 5, {"a": 1}, "x" * 1001])
def test_a_bad_message_is_refused(enter: Enter, text: object) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    assert error(ann.call("message", "message-1", text))
    bob.refute_received("message")


@pytest.mark.parametrize("id", ["", None, 5, "a b c d e f", "x" * 41])
def test_a_bad_id_is_refused(enter: Enter, id: object) -> None:
    assert error(enter("Ann").call("message", id, "hello")) == "That is not the id of a message."


def test_typing_is_told_to_the_others_in_the_room(enter: Enter) -> None:
    ann, bob, eve = enter("Ann"), enter("Bob"), enter("Eve", "garden")
    ann.emit("typing")
    bob.assert_received("typing", "Ann")
    ann.refute_received("typing")
    eve.refute_received("typing")


def test_a_picture_arrives_as_its_bytes(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    assert ann.call("picture", "picture-1", PNG) == {"at": 1700.5}
    picture = {"picture": {"type": "image/png", "data": PNG}}
    bob.assert_received("message", including(picture))
    enter("Zoe").assert_received("joined", including({"history": [picture]}))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<svg onload='alert(1)'/>", "Pictures may be PNG, JPEG, GIF or WebP."),
        (PNG + bytes(200_000), "The picture is too large: at most 200 kB."),
        (b"", "That is not a picture."),
        ("text", "That is not a picture."),
    ],
)
def test_a_bad_picture_is_refused(enter: Enter, data: object, message: str) -> None:
    assert error(enter("Ann").call("picture", "picture-1", data)) == message


def test_pictures_are_shown_without_their_bytes_in_logs() -> None:
    assert repr(Picture("image/png", PNG)) == "Picture(type='image/png', data=<28 bytes>)"


# Private messages.


def test_a_private_message_is_answered_when_it_has_arrived(enter: Enter) -> None:
    ann, bob, eve = enter("Ann"), enter("Bob", "garden"), enter("Eve")
    request = ann.request("whisper", "bob", "a secret")
    assert not request.answered
    bob.assert_received("whisper", including(name="Ann", text="a secret")).answer()
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
