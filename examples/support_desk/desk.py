"""`Desk`: the tickets. Plain Python, which knows nothing of sockets."""

from __future__ import annotations

import itertools
import threading
from collections import Counter

import attrs

__all__ = ["Desk", "NoTicket", "Ticket"]


class NoTicket(Exception):
    """There is no such ticket, or it is not theirs."""


@attrs.frozen
class Ticket:
    """What a customer asks, and which agent sees to it; None as long as nobody does."""

    id: int
    customer: str
    subject: str
    agent: str | None = None


class Desk:
    """All open tickets. From any thread."""

    def __init__(self) -> None:
        self._tickets: dict[int, Ticket] = {}
        self._numbers = itertools.count(1)
        self._solved = 0
        self._lock = threading.Lock()

    def open(self, customer: str, subject: str) -> Ticket:
        """A new ticket, which waits for an agent."""
        with self._lock:
            ticket = Ticket(next(self._numbers), customer, subject)
            self._tickets[ticket.id] = ticket
        return ticket

    def take(self, id: int, agent: str) -> Ticket:
        """The ticket, which is the agent's now; raises `NoTicket` if it is somebody's already."""
        with self._lock:
            ticket = self._tickets.get(id)
            if ticket is None or ticket.agent is not None:
                raise NoTicket(f"Ticket {id} does not wait for an agent.")
            self._tickets[id] = taken = attrs.evolve(ticket, agent=agent)
        return taken

    def close(self, id: int) -> None:
        """The ticket is solved."""
        with self._lock:
            self._solved += self._tickets.pop(id, None) is not None

    def of(self, id: int, person: str) -> Ticket:
        """The ticket of a customer or an agent; raises `NoTicket` if it is not theirs."""
        ticket = self._tickets.get(id)
        if ticket is None or person not in (ticket.customer, ticket.agent):
            raise NoTicket(f"Ticket {id} is not yours.")
        return ticket

    def waiting(self) -> list[Ticket]:
        """The tickets that nobody has taken, the oldest first."""
        with self._lock:
            return [ticket for ticket in self._tickets.values() if ticket.agent is None]

    def figures(self) -> dict[str, object]:
        """How much there is, and how it is going."""
        with self._lock:
            agents = Counter(t.agent for t in self._tickets.values() if t.agent is not None)
            waiting = sum(ticket.agent is None for ticket in self._tickets.values())
            return {"waiting": waiting, "solved": self._solved, "agents": dict(agents)}
