"""The three namespaces of the desk: `Agents`, `Talk` (one for each ticket) and `Dashboard`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta
from sionamespace import Refused, around, event
from sionamespace.middleware import Call, HasRole, RateLimit

from accounts import Accounts, Members
from desk import Desk, Message, NoTicket, Ticket
from pages import AgentPage, DashboardPage, TalkPage

__all__ = ["Agents", "Dashboard", "Talk", "make_namespaces"]

HERE = "here"
"""Where everybody is present who has come to a namespace."""

PATIENCE = 20
"""How many seconds a customer has to say whether all is well."""

Text = Annotated[str, Meta(pattern=r"\S", max_length=2000)]
Status = Literal["online", "away"]


@around
def tickets_that_are_there(call: Call) -> Iterator[None]:
    """What the desk says no to, the client is told."""
    try:
        yield
    except NoTicket as error:
        raise Refused(str(error)) from None


class DeskMembers(Members):
    """Members who have to do with the desk."""

    middleware: ClassVar = [tickets_that_are_there]

    def __init__(self, accounts: Accounts, desk: Desk) -> None:
        super().__init__(accounts)
        self.desk = desk


class Agents(DeskMembers, outgoing=AgentPage):
    """The agents' office: who is there, and the tickets as they come and change.

    Clients send ``take(id)``, ``status(status)`` and, supervisors, ``assign(id, agent)``.
    """

    middleware: ClassVar = [HasRole("agent", "supervisor")]

    def __init__(self, accounts: Accounts, desk: Desk) -> None:
        super().__init__(accounts, desk)
        desk.watch(self.show)

    def show(self, ticket: Ticket) -> None:
        """A ticket is new, or has changed."""
        self.emit(AgentPage.ticket, ticket)

    def on_connect(self, sid: str) -> None:
        self.emit(AgentPage.tickets, [t for t in self.desk.tickets() if not t.solved], room=sid)
        self.track(sid, HERE, "online")

    def on_status(self, sid: str, status: Status) -> None:
        self.track(sid, HERE, status)

    def on_take(self, sid: str, id: int) -> Ticket:
        return self.desk.take(id, self.user(sid))

    @event(middleware=[HasRole("supervisor")])
    def on_assign(self, sid: str, id: int, agent: str) -> Ticket:
        if agent not in self.present(HERE):
            raise Refused(f"{agent} is not here.")
        ticket = self.desk.take(id, agent)
        self.to_user(agent).emit(AgentPage.assigned, ticket)
        return ticket


class Talk(DeskMembers, outgoing=TalkPage):
    """A customer and an agent talk about a ticket; supervisors may listen and help.

    Clients send ``say(text)`` and, but not customers, ``solve()``.
    """

    @property
    def ticket(self) -> Ticket:
        """What it is about, as it stands now."""
        return self.desk.ticket(self.params["id"])

    def opened(self) -> None:
        try:
            self.desk.ticket(self.params["id"])
        except NoTicket as error:
            raise Refused(str(error)) from None
        self.unwatch = self.desk.watch(self.show)

    def closed(self) -> None:
        self.unwatch()

    def show(self, ticket: Ticket) -> None:
        """A ticket has changed, perhaps ours."""
        if ticket.id == self.params["id"]:
            self.emit(TalkPage.ticket, ticket)

    def on_connect(self, sid: str) -> None:
        ticket, role = self.ticket, self.session(sid)["role"]
        if self.user(sid) not in (ticket.customer, ticket.agent) and role != "supervisor":
            raise Refused(f"Ticket {ticket.id} is not yours.")
        self.emit(TalkPage.ticket, ticket, room=sid)
        self.emit(TalkPage.talk, self.desk.talk(ticket.id), room=sid)
        self.track(sid, HERE, role)

    @event(middleware=[RateLimit(20, per=10)])
    def on_say(self, sid: str, text: Text) -> Message:
        message = self.desk.say(self.params["id"], self.user(sid), text)
        self.emit(TalkPage.said, message, skip_sid=sid)
        return message

    @event(concurrent=True, middleware=[HasRole("agent", "supervisor")])  # it waits for another
    def on_solve(self, sid: str) -> bool:
        """Whether the customer, asked on every page, agrees on one of them."""
        ticket = self.ticket
        if ticket.customer not in self.present(HERE):
            raise Refused(f"{ticket.customer} is not here to agree.")
        asked = self.to_user(ticket.customer).call_all(TalkPage.solved, timeout=PATIENCE)
        agreed = True in asked.result().values.values()
        if agreed:
            self.desk.solve(ticket.id)
        return agreed


class Dashboard(DeskMembers, outgoing=DashboardPage):
    """Supervisors see the figures as they change."""

    middleware: ClassVar = [HasRole("supervisor")]

    def __init__(self, accounts: Accounts, desk: Desk) -> None:
        super().__init__(accounts, desk)
        desk.watch(self.show)

    def show(self, ticket: Ticket) -> None:
        """Something has changed."""
        self.emit(DashboardPage.figures, self.desk.figures())

    def on_connect(self, sid: str) -> None:
        self.emit(DashboardPage.figures, self.desk.figures(), room=sid)


def make_namespaces(accounts: Accounts, desk: Desk) -> dict[str, Any]:
    """What there is at which path, for a server or for tests."""
    return {
        "/desk/agents": Agents(accounts, desk),
        "/desk/tickets/{id:int}": partial(Talk, accounts, desk),
        "/desk/dashboard": Dashboard(accounts, desk),
    }
