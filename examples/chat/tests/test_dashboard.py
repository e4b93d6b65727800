"""The dashboard, without a server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_mock import MockerFixture
from sionamespace.testing import Harness, HarnessClient

from activity import Activity

Enter = Callable[..., HarnessClient]


def test_it_shows_the_chat_as_it_is(harness: Harness, enter: Enter) -> None:
    ann, _ = enter("Ann"), enter("Bob", "garden")
    ann.call("message", "message-1", "hello")
    people = {"Ann": "#lobby", "Bob": "#garden"}
    harness.connect("/dashboard").assert_received("figures", people, [0] * 59 + [1])


def test_the_figures_come_once_a_second_to_all_who_look(harness: Harness) -> None:
    first, second = harness.connect("/dashboard"), harness.connect("/dashboard")
    for dashboard in (first, second):
        dashboard.clear()
    harness.advance(3)
    assert len(first.received("figures")) == len(second.received("figures")) == 3


def test_nothing_runs_while_nobody_looks(
    harness: Harness, activity: Activity, mocker: MockerFixture
) -> None:
    looked = mocker.spy(activity, "last_minute")
    dashboard = harness.connect("/dashboard")
    dashboard.disconnect()
    harness.advance(1)
    looked.reset_mock()
    harness.advance(60)
    looked.assert_not_called()

    again = harness.connect("/dashboard")
    harness.advance(2)
    assert len(again.received("figures")) == 3


@pytest.mark.parametrize(
    ("answer", "shown"), [(True, "yes"), (False, "no"), (None, "no"), ("yes", "no"), ([1], "no")]
)
def test_a_person_is_asked_and_answers(
    harness: Harness, enter: Enter, answer: object, shown: str
) -> None:
    ann, dashboard = enter("Ann"), harness.connect("/dashboard")
    ann.answers("confirm", answer)
    assert dashboard.call("ask", "Ann", "May I clear the room?") == shown
    assert ann.last("confirm").args == ("May I clear the room?", 20)


def test_no_answer_in_time_is_said(harness: Harness, enter: Enter) -> None:
    enter("Ann")
    request = harness.connect("/dashboard").request("ask", "Ann", "Are you there?")
    harness.advance(20)
    assert request.answer == "late"


def test_that_the_person_left_is_said_at_once(harness: Harness, enter: Enter) -> None:
    ann = enter("Ann")
    request = harness.connect("/dashboard").request("ask", "Ann", "Are you there?")
    ann.drop()
    assert request.answer == "gone"


def test_several_people_are_asked_at_once(harness: Harness, enter: Enter) -> None:
    ann, bob, dashboard = enter("Ann"), enter("Bob"), harness.connect("/dashboard")
    requests = [dashboard.request("ask", name, "Are you there?") for name in ("Ann", "Bob")]
    bob.last("confirm").answer(True)
    ann.last("confirm").answer(False)
    assert [request.answer for request in requests] == ["no", "yes"]


@pytest.mark.parametrize(
    ("name", "question"), [("Nobody", "Hello?"), (None, "Hello?"), ("Ann", ""), ("Ann", "x" * 201)]
)
def test_a_bad_question_is_refused(
    harness: Harness, enter: Enter, name: object, question: object
) -> None:
    ann = enter("Ann")
    assert harness.connect("/dashboard").call("ask", name, question)["error"]["message"]
    assert ann.received("confirm") == []


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
