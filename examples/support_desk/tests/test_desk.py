"""The tickets."""

from __future__ import annotations

import pytest

from desk import Desk, Figures, Message, NoTicket, Ticket


def test_a_ticket_is_taken_once_and_solved(desk: Desk) -> None:
    assert desk.open("Cleo", "It is broken") == Ticket(1, "Cleo", "It is broken")
    assert desk.take(1, "Abe").agent == "Abe"
    with pytest.raises(NoTicket, match="does not wait"):
        desk.take(1, "Amy")
    assert desk.figures() == Figures(waiting=0, solved=0, agents={"Abe": 1})
    assert desk.solve(1).solved
    assert desk.figures() == Figures(waiting=0, solved=1, agents={})


def test_a_ticket_has_a_talk(desk: Desk) -> None:
    desk.open("Cleo", "It is broken")
    first, second = desk.say(1, "Cleo", "Hello?"), desk.say(1, "Abe", "Is it on?")
    assert desk.talk(1) == [first, second]
    assert second == Message(2, "Abe", 1700.5, "Is it on?")


def test_customers_have_tickets_of_their_own(desk: Desk) -> None:
    hers, his = desk.open("Cleo", "It is broken"), desk.open("Carl", "Mine too")
    assert desk.tickets(customer="Cleo") == [hers]
    assert desk.tickets() == [hers, his]


def test_there_is_no_other_ticket(desk: Desk) -> None:
    for use in (desk.ticket, desk.talk, desk.solve):
        with pytest.raises(NoTicket, match="There is no ticket 7"):
            use(7)
    with pytest.raises(NoTicket):
        desk.take(7, "Abe")
    with pytest.raises(NoTicket):
        desk.say(7, "Abe", "Hello?")


def test_who_watches_is_told_of_each_change(desk: Desk) -> None:
    seen: list[Ticket] = []
    end = desk.watch(seen.append)
    changes = [desk.open("Cleo", "It is broken"), desk.take(1, "Abe")]
    end()
    desk.solve(1)
    assert seen == changes
