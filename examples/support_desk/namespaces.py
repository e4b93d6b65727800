"""The three namespaces of the desk: `Customers`, `Agents` and `Dashboard`."""

from __future__ import annotations

from typing import Any

from sionamespace import Namespace, Refused

from desk import Desk, NoTicket, Ticket
from staff import Accounts, Members

__all__ = ["Agents", "Customers", "Dashboard", "make_namespaces"]


class Dashboard(Members):
    """Supervisors see the ``figures`` as they change."""

    roles = frozenset({"supervisor"})

    def __init__(self, accounts: Accounts, desk: Desk) -> None:
        super().__init__(accounts)
        self._desk = desk

    def entered(self, sid: str) -> None:
        self.emit("figures", self._desk.figures(), room=sid)

    def show(self) -> None:
        """Something has changed."""
        self.emit("figures", self._desk.figures())


class Talk(Members):
    """What customers and agents have in common: they talk about a ticket."""

    def __init__(self, accounts: Accounts, desk: Desk, dashboard: Dashboard) -> None:
        super().__init__(accounts)
        self.desk = desk
        self.dashboard = dashboard

    def mine(self, sid: str, id: int) -> Ticket:
        """The ticket, if it is of who asks for it."""
        try:
            return self.desk.of(id, self.name(sid))
        except NoTicket as error:
            raise Refused(str(error)) from None


class Customers(Talk):
    """Customers send ``open(subject)`` and ``say(id, text)``; they are sent ``taken`` and ``said``,
    and asked ``solved``."""

    roles = frozenset({"customer"})
    agents: Agents

    def on_open(self, sid: str, subject: str) -> int:
        return self.open(self.name(sid), subject).id

    def open(self, customer: str, subject: str) -> Ticket:
        """A new ticket, of which the agents hear."""
        ticket = self.desk.open(customer, subject)
        self.agents.emit("waiting", self.desk.waiting())
        self.dashboard.show()
        return ticket

    def on_say(self, sid: str, id: int, text: str) -> None:
        ticket = self.mine(sid, id)
        if ticket.agent is not None:
            self.agents.to_person(ticket.agent, "said", id, text)


class Agents(Talk):
    """Agents send ``take(id)``, ``say(id, text)`` and ``solve(id)``; they are sent ``waiting``,
    ``said`` and, as others come and go, ``here``."""

    roles = frozenset({"agent", "supervisor"})
    customers: Customers

    def entered(self, sid: str) -> None:
        self.emit("waiting", self.desk.waiting(), room=sid)
        self.emit("here", self.here(), room=sid)
        if len(self.pages_of(self.name(sid))) == 1:
            self.emit("here", self.here(), skip_sid=sid)

    def on_disconnect(self, sid: str) -> None:
        if self.pages_of(self.name(sid)) == {sid}:
            self.emit("here", self.here(but=sid), skip_sid=sid)

    def here(self, but: str | None = None) -> list[str]:
        """The agents who are here, each once."""
        return sorted({self.name(sid) for sid in self.members() if sid != but})

    def on_take(self, sid: str, id: int) -> dict[str, Any]:
        try:
            ticket = self.desk.take(id, self.name(sid))
        except NoTicket as error:
            raise Refused(str(error)) from None
        self.emit("waiting", self.desk.waiting())
        self.customers.to_person(ticket.customer, "taken", id, ticket.agent)
        self.dashboard.show()
        return {"customer": ticket.customer, "subject": ticket.subject}

    def on_say(self, sid: str, id: int, text: str) -> None:
        self.customers.to_person(self.mine(sid, id).customer, "said", id, text)

    def on_solve(self, sid: str, id: int) -> bool:
        """Whether the customer, asked on every page, agrees on one of them."""
        ticket = self.mine(sid, id)
        pages = self.customers.to(*self.customers.pages_of(ticket.customer))
        answers = pages.call_all("solved", id, timeout=20).result()
        if True not in answers.values.values():
            return False
        self.desk.close(id)
        self.dashboard.show()
        return True


def make_namespaces(accounts: Accounts, desk: Desk) -> dict[str, Namespace]:
    """The namespaces by their paths."""
    dashboard = Dashboard(accounts, desk)
    customers = Customers(accounts, desk, dashboard)
    agents = Agents(accounts, desk, dashboard)
    customers.agents, agents.customers = agents, customers
    return {"/customers": customers, "/agents": agents, "/dashboard": dashboard}
