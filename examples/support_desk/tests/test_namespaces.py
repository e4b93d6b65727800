"""The desk, without a server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sionamespace.testing import Harness, HarnessClient, including

Enter = Callable[[str, str], HarnessClient]


@pytest.fixture
def cleo(enter: Enter) -> HarnessClient:
    return enter("/customers", "Cleo")


@pytest.fixture
def abe(enter: Enter) -> HarnessClient:
    return enter("/agents", "Abe")


@pytest.fixture
def taken(cleo: HarnessClient, abe: HarnessClient) -> int:
    """A ticket of Cleo that Abe sees to."""
    id: int = cleo.call("open", "It is broken")
    abe.call("take", id)
    return id


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/customers", "Abe"),
        ("/agents", "Cleo"),
        ("/dashboard", "Abe"),
        ("/dashboard", "Cleo"),
        ("/customers", "a stranger"),
    ],
)
def test_each_may_only_go_where_their_role_may(enter: Enter, path: str, name: str) -> None:
    refused = enter(path, name).refused
    assert refused is not None
    assert refused.message == "You may not come in here."


@pytest.mark.parametrize("auth", [None, {}, {"token": ["Abe"]}])
def test_who_shows_no_token_is_refused(harness: Harness, auth: object) -> None:
    assert not harness.connect("/agents", auth=auth).connected


def test_a_new_ticket_is_shown_to_the_agents(cleo: HarnessClient, abe: HarnessClient) -> None:
    abe.assert_received("waiting", [])
    assert cleo.call("open", "It is broken") == 1
    abe.assert_received("waiting", [including(id=1, customer="Cleo", subject="It is broken")])


def test_one_agent_takes_it(enter: Enter, cleo: HarnessClient, abe: HarnessClient) -> None:
    amy, id = enter("/agents", "Amy"), cleo.call("open", "It is broken")
    assert abe.call("take", id) == {"customer": "Cleo", "subject": "It is broken"}
    refused = amy.request("take", id).refused
    assert refused is not None
    assert refused.message == "Ticket 1 does not wait for an agent."
    assert amy.last("waiting").args == ([],)
    cleo.assert_received("taken", id, "Abe")


def test_customer_and_agent_talk_on_all_their_pages(
    enter: Enter, cleo: HarnessClient, abe: HarnessClient, taken: int
) -> None:
    other_page, stranger = enter("/customers", "Cleo"), enter("/customers", "Cid")
    abe.call("say", taken, "Is it on?")
    for page in (cleo, other_page):
        page.assert_received("said", taken, "Is it on?")
    stranger.refute_received("said")
    cleo.call("say", taken, "Oh.")
    abe.assert_received("said", taken, "Oh.")


@pytest.mark.parametrize("event", ["say", "solve"])
def test_a_ticket_of_others_is_none_of_theirs(enter: Enter, taken: int, event: str) -> None:
    arguments = (taken, "hello") if event == "say" else (taken,)
    refused = enter("/agents", "Amy").request(event, *arguments).refused
    assert refused is not None
    assert refused.message == "Ticket 1 is not yours."


@pytest.mark.parametrize("agrees", [True, False])
def test_it_is_solved_when_the_customer_says_so(
    enter: Enter, cleo: HarnessClient, abe: HarnessClient, taken: int, agrees: bool
) -> None:
    dashboard = enter("/dashboard", "Sue")
    cleo.answers("solved", agrees)
    assert abe.call("solve", taken) is agrees
    assert dashboard.last("figures").args[0]["solved"] == int(agrees)


def test_a_customer_who_does_not_answer_is_waited_for_20_seconds(
    harness: Harness, abe: HarnessClient, taken: int
) -> None:
    request = abe.request("solve", taken)
    harness.advance(19)
    assert not request.answered
    harness.advance(1)
    assert request.answer is False


def test_the_agents_who_are_here_are_told_each_once(enter: Enter, abe: HarnessClient) -> None:
    abe.assert_received("here", ["Abe"])
    amy, page = enter("/agents", "Amy"), enter("/agents", "Amy")
    abe.assert_received("here", ["Abe", "Amy"])
    amy.disconnect()
    abe.refute_received("here")
    page.drop()
    abe.assert_received("here", ["Abe"])


def test_the_dashboard_shows_what_changes(harness: Harness, enter: Enter, taken: int) -> None:
    sue = enter("/dashboard", "Sue")
    sue.assert_received("figures", {"waiting": 0, "solved": 0, "agents": {"Abe": 1}})
    enter("/customers", "Cid").call("open", "Me too")
    sue.assert_received("figures", including(waiting=1))
    harness.assert_broadcast("figures", including(waiting=1), room=None, path="/dashboard")
