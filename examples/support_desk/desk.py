"""`Desk`: the tickets, and what is said about them. It knows nothing of sockets."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable

import attrs

__all__ = ["Desk", "Figures", "Message", "NoTicket", "Ticket"]


class NoTicket(Exception):
    """There is no such ticket, or nothing like that can be done with it (any longer)."""


@attrs.frozen
class Ticket:
    """What a customer asks, and which agent sees to it; None as long as nobody does."""

    id: int
    customer: str
    subject: str
    agent: str | None = None
    solved: bool = False

    @property
    def waits(self) -> bool:
        """Whether an agent may take it."""
        return self.agent is None and not self.solved


@attrs.frozen
class Message:
    """What somebody said about a ticket: the n-th that was said, ``at`` seconds since 1970."""

    number: int
    name: str
    at: float
    text: str


@attrs.frozen
class Figures:
    """How many tickets wait and are solved, and how many each agent has in work."""

    waiting: int
    solved: int
    agents: dict[str, int]


class Desk:
    """All tickets, in the memory of this process; an application of your own has a database.

    From any thread. It tells its watchers of each ticket that is new or has changed.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._tickets: dict[int, Ticket] = {}
        self._talks: dict[int, list[Message]] = {}
        self._numbers = itertools.count(1)
        self._watchers: list[Callable[[Ticket], object]] = []
        self._lock = threading.Lock()

    # What is done with tickets.

    def open(self, customer: str, subject: str) -> Ticket:
        """A new ticket, which waits for an agent."""
        with self._lock:
            ticket = self._keep(Ticket(next(self._numbers), customer, subject))
            self._talks[ticket.id] = []
        return self._tell(ticket)

    def take(self, id: int, agent: str) -> Ticket:
        """The ticket, which is the agent's now.

        Raises:
            NoTicket: if it is somebody's already; as all of what follows, if there is none.
        """
        with self._lock:
            ticket = self._find(id)
            if not ticket.waits:
                raise NoTicket(f"Ticket {id} does not wait for an agent.")
            ticket = self._keep(attrs.evolve(ticket, agent=agent))
        return self._tell(ticket)

    def solve(self, id: int) -> Ticket:
        """The ticket, with which nothing is left to do."""
        with self._lock:
            ticket = self._keep(attrs.evolve(self._find(id), solved=True))
        return self._tell(ticket)

    def say(self, id: int, name: str, text: str) -> Message:
        """What somebody says about a ticket, as it is kept."""
        with self._lock:
            self._find(id)
            talk = self._talks[id]
            talk.append(Message(len(talk) + 1, name, self._clock(), text))
            return talk[-1]

    # What there is.

    def ticket(self, id: int) -> Ticket:
        """The ticket with this number."""
        with self._lock:
            return self._find(id)

    def tickets(self, customer: str | None = None) -> list[Ticket]:
        """All tickets, or those of a customer, the oldest first."""
        with self._lock:
            return [t for t in self._tickets.values() if customer in (None, t.customer)]

    def talk(self, id: int) -> list[Message]:
        """What was said about a ticket."""
        with self._lock:
            self._find(id)
            return list(self._talks[id])

    def figures(self) -> Figures:
        """How it is going."""
        tickets = self.tickets()
        agents = Counter(t.agent for t in tickets if t.agent and not t.solved)
        waits, solved = sum(t.waits for t in tickets), sum(t.solved for t in tickets)
        return Figures(waits, solved, dict(agents))

    # Who hears of it.

    def watch(self, watcher: Callable[[Ticket], object]) -> Callable[[], None]:
        """Have a function called with each ticket that is new or has changed; what ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def _find(self, id: int) -> Ticket:
        if id not in self._tickets:
            raise NoTicket(f"There is no ticket {id}.")
        return self._tickets[id]

    def _keep(self, ticket: Ticket) -> Ticket:
        self._tickets[ticket.id] = ticket
        return ticket

    def _tell(self, ticket: Ticket) -> Ticket:
        for watcher in list(self._watchers):
            watcher(ticket)
        return ticket
