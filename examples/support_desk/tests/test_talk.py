"""A customer and an agent talk about a ticket."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sionamespace import NotConnected
from sionamespace.testing import Harness, HarnessClient, including

from desk import Desk

Visit = Callable[[str, str], HarnessClient]


@pytest.fixture(autouse=True)
def ticket(desk: Desk) -> None:
    """Cleo's, to which Abe sees."""
    desk.open("Cleo", "It is broken")
    desk.take(1, "Abe")


@pytest.fixture
def cleo(visit: Visit) -> HarnessClient:
    return visit("tickets/1", "Cleo")


@pytest.fixture
def abe(visit: Visit) -> HarnessClient:
    return visit("tickets/1", "Abe")


@pytest.mark.parametrize("name", ["Carl", "Amy"])
def test_the_talk_is_for_those_whom_it_concerns(visit: Visit, name: str) -> None:
    refused = visit("tickets/1", name).refused
    assert refused is not None
    assert refused.message == "Ticket 1 is not yours."


def test_a_supervisor_may_listen(visit: Visit, cleo: HarnessClient) -> None:
    sue = visit("tickets/1", "Sue")
    cleo.call("say", "Hello?")
    sue.assert_received("said", including(text="Hello?"))
    cleo.assert_received("presence_diff", "here", {"joins": {"Sue": "supervisor"}, "leaves": {}})


def test_there_is_no_other_ticket(visit: Visit) -> None:
    refused = visit("tickets/7", "Sue").refused
    assert refused is not None
    assert refused.message == "There is no ticket 7."


def test_what_is_said_is_heard_on_all_pages_and_by_who_comes_later(
    visit: Visit, cleo: HarnessClient, abe: HarnessClient
) -> None:
    other_page = visit("tickets/1", "Cleo")
    said = {"number": 1, "name": "Abe", "at": 1700.5, "text": "Is it on?"}
    assert abe.call("say", "Is it on?") == said
    for page in (cleo, other_page):
        page.assert_received("said", said)
        page.disconnect()
    abe.disconnect()
    visit("tickets/1", "Cleo").assert_received("talk", [said])


@pytest.mark.parametrize("text", ["", " \n", "x" * 2001, None])
def test_nothing_is_not_said(cleo: HarnessClient, abe: HarnessClient, text: object) -> None:
    assert "error" in cleo.call("say", text)
    abe.refute_received("said")


def test_who_says_too_much_is_told_when_to_come_back(cleo: HarnessClient) -> None:
    for _ in range(20):
        cleo.call("say", "Hello?")
    refused = cleo.request("say", "Hello?").refused
    assert refused is not None
    assert refused.data == {"retry_after": 0.5}


@pytest.mark.parametrize("agrees", [True, False])
def test_it_is_solved_when_the_customer_says_so(
    cleo: HarnessClient, abe: HarnessClient, desk: Desk, agrees: bool
) -> None:
    cleo.answers("solved", agrees)
    assert abe.call("solve") is agrees
    assert desk.ticket(1).solved is agrees
    if agrees:
        cleo.clear()
        assert "error" in cleo.call("solve"), "the customer does not decide alone"


def test_one_of_the_customers_pages_is_enough(
    visit: Visit, cleo: HarnessClient, abe: HarnessClient
) -> None:
    visit("tickets/1", "Cleo").answers("solved", True)
    cleo.answers("solved", False)
    assert abe.call("solve") is True
    abe.assert_received("ticket", including(solved=True))


def test_a_customer_who_does_not_answer_is_waited_for_20_seconds(
    harness: Harness, cleo: HarnessClient, abe: HarnessClient
) -> None:
    request = abe.request("solve")
    harness.advance(19)
    assert not request.answered
    harness.advance(1)
    assert request.answer is False


def test_a_customer_who_is_not_here_cannot_agree(abe: HarnessClient) -> None:
    refused = abe.request("solve").refused
    assert refused is not None
    assert refused.message == "Cleo is not here to agree."


def test_who_waits_is_told_who_sees_to_it(visit: Visit, desk: Desk) -> None:
    desk.open("Carl", "Mine too")
    carl = visit("tickets/2", "Carl")
    carl.assert_received("ticket", including(id=2, agent=None))
    visit("agents", "Amy").call("take", 2)
    carl.assert_received("ticket", including(id=2, agent="Amy"))


def test_nothing_is_left_of_a_talk_when_all_have_gone(
    harness: Harness, cleo: HarnessClient, desk: Desk
) -> None:
    cleo.disconnect()
    with pytest.raises(NotConnected):
        harness.namespace("/desk/tickets/1")
    desk.solve(1)
