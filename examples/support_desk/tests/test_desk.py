"""The tickets, and one handler with mocks."""

from __future__ import annotations

import pytest
from sionamespace.testing import mocks_of, stub

from desk import Desk, NoTicket
from namespaces import Agents, Customers, Dashboard


def test_a_ticket_is_taken_once_and_closed_once(desk: Desk) -> None:
    ticket = desk.open("Cleo", "It is broken")
    assert desk.waiting() == [ticket]
    assert desk.take(ticket.id, "Abe").agent == "Abe"
    with pytest.raises(NoTicket):
        desk.take(ticket.id, "Amy")
    with pytest.raises(NoTicket):
        desk.of(ticket.id, "Amy")
    desk.close(ticket.id)
    desk.close(ticket.id)
    assert desk.figures() == {"waiting": 0, "solved": 1, "agents": {}}


def test_the_dashboard_is_told_of_a_new_ticket(desk: Desk) -> None:
    dashboard = stub(Dashboard({}, desk))
    customers = stub(Customers({}, desk, dashboard))
    customers.agents = stub(Agents({}, desk, dashboard))
    customers.session("cleo")["name"] = "Cleo"
    assert customers.on_open("cleo", "It is broken") == 1
    mocks_of(dashboard).emit.assert_called_once_with("figures", desk.figures())
