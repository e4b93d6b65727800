"""The agents' office, and who may come in where."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sionamespace.testing import Harness, HarnessClient, including, stub

from accounts import Accounts
from desk import Desk
from namespaces import Agents

Visit = Callable[[str, str], HarnessClient]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("agents", "Cleo"),
        ("dashboard", "Abe"),
        ("dashboard", "Cleo"),
    ],
)
def test_each_may_only_go_where_their_role_may(visit: Visit, path: str, name: str) -> None:
    refused = visit(path, name).refused
    assert refused is not None
    assert refused.message == "not allowed"


@pytest.mark.parametrize("auth", [None, {}, {"token": ["Abe"]}, {"token": "a stranger"}])
def test_who_shows_no_token_is_refused(harness: Harness, auth: object) -> None:
    refused = harness.connect("/desk/agents", auth=auth).refused
    assert refused is not None
    assert refused.message == "Please log in."


def test_a_customer_who_tries_is_not_even_seen(visit: Visit) -> None:
    abe = visit("agents", "Abe")
    visit("agents", "Cleo")
    abe.refute_received("presence_diff")


def test_the_agents_see_who_is_here_each_once(visit: Visit) -> None:
    abe = visit("agents", "Abe")
    abe.assert_received("presence", "here", {"Abe": "online"})
    page, other = visit("agents", "Amy"), visit("agents", "Amy")
    abe.assert_received("presence_diff", "here", {"joins": {"Amy": "online"}, "leaves": {}})
    other.drop()
    page.call("status", "away")
    abe.assert_received("presence_diff", "here", {"joins": {"Amy": "away"}, "leaves": {}})
    page.disconnect()
    abe.assert_received("presence_diff", "here", {"joins": {}, "leaves": {"Amy": "away"}})


def test_a_status_is_one_of_two(visit: Visit) -> None:
    error = visit("agents", "Abe").call("status", "asleep")["error"]
    assert error["data"] == [{"path": "args[0]", "reason": "Invalid enum value 'asleep'"}]


def test_tickets_are_shown_as_they_are_and_as_they_change(visit: Visit, desk: Desk) -> None:
    desk.open("Cleo", "It is broken")
    desk.open("Carl", "It is well")
    desk.solve(2)
    abe, amy = visit("agents", "Abe"), visit("agents", "Amy")
    abe.assert_received("tickets", [including(id=1, customer="Cleo", agent=None)])
    assert abe.call("take", 1)["subject"] == "It is broken"
    amy.assert_received("ticket", including(id=1, agent="Abe"))


@pytest.mark.parametrize(
    ("id", "why"), [(1, "Ticket 1 does not wait for an agent."), (7, "There is no ticket 7.")]
)
def test_what_cannot_be_taken_is_said(visit: Visit, desk: Desk, id: int, why: str) -> None:
    desk.open("Cleo", "It is broken")
    desk.take(1, "Abe")
    refused = visit("agents", "Amy").request("take", id).refused
    assert refused is not None
    assert refused.message == why


def test_a_supervisor_assigns_tickets_to_those_who_are_here(visit: Visit, desk: Desk) -> None:
    desk.open("Cleo", "It is broken")
    sue, abe = visit("agents", "Sue"), [visit("agents", "Abe") for _ in range(2)]
    away = sue.request("assign", 1, "Amy").refused
    assert away is not None
    assert away.message == "Amy is not here."
    assert sue.call("assign", 1, "Abe")["agent"] == "Abe"
    for page in abe:
        page.assert_received("assigned", including(id=1))
    assert abe[0].request("assign", 1, "Abe").refused is not None, "agents do not assign"


def test_a_handler_is_a_plain_method(accounts: Accounts, desk: Desk) -> None:
    agents = stub(Agents(accounts, desk))
    agents.identify("sid", "Abe")
    desk.open("Cleo", "It is broken")
    assert agents.on_take("sid", 1) == desk.ticket(1)
