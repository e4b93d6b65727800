"""What is remembered of the chat: its last messages, and how many there were."""

from __future__ import annotations

from pytest_mock import MockerFixture

from activity import Activity
from history import History, Message, Picture


def message(id: str, picture: Picture | None = None) -> Message:
    return Message(id, "Ann", 0.0, "" if picture else "hello", picture)


def ids(history: History, room: str = "#lobby") -> list[str]:
    return [message.id for message in history.of(room)]


def test_the_last_messages_of_each_room_are_kept() -> None:
    history = History(messages=2)
    for id in ("one", "two", "three"):
        history.add("#lobby", message(id))
    history.add("#garden", message("four"))
    assert ids(history) == ["two", "three"]
    assert ids(history, "#garden") == ["four"]
    assert ids(history, "#elsewhere") == []


def test_few_pictures_are_kept_and_no_text_is_lost_for_them() -> None:
    history = History(pictures=2)
    for id in ("one", "text", "two", "three"):
        history.add("#lobby", message(id, None if id == "text" else Picture("image/png", b"")))
    assert ids(history) == ["text", "two", "three"]


def test_rooms_have_an_end_and_the_quietest_goes_first() -> None:
    history = History(rooms=2)
    for room in ("#a", "#b", "#a", "#c"):
        history.add(room, message("id"))
    assert ids(history, "#a") == ["id", "id"]
    assert ids(history, "#b") == []


def test_a_message_is_found_by_its_id() -> None:
    history = History()
    history.add("#lobby", message("one"))
    assert history.find("#lobby", "one") == message("one")
    assert history.find("#garden", "one") is None


def test_messages_are_counted_by_the_second_for_a_minute(mocker: MockerFixture) -> None:
    clock = mocker.Mock(return_value=100.2)
    activity = Activity(clock)
    activity.note()
    activity.note()
    clock.return_value = 102.9
    activity.note()
    assert activity.last_minute()[-4:] == [0, 2, 0, 1]
    clock.return_value = 161.0
    activity.note()
    assert activity.last_minute() == [1] + [0] * 58 + [1]
