"""What the pages are sent, and asked; who is present there, a block tells them."""

from __future__ import annotations

from typing import Protocol

from desk import Figures, Message, Ticket

__all__ = ["AgentPage", "DashboardPage", "TalkPage"]


class AgentPage(Protocol):
    """A page of an agent, or of a supervisor."""

    def tickets(self, tickets: list[Ticket]) -> None:
        """All that are not solved."""

    def ticket(self, ticket: Ticket) -> None:
        """One is new, or has changed."""

    def assigned(self, ticket: Ticket) -> None:
        """It is yours now."""


class TalkPage(Protocol):
    """A page with the talk about a ticket."""

    def ticket(self, ticket: Ticket) -> None: ...

    def talk(self, messages: list[Message]) -> None:
        """All that was said so far."""

    def said(self, message: Message) -> None: ...

    def solved(self) -> bool:
        """Whether the customer is content."""


class DashboardPage(Protocol):
    """A page of a supervisor."""

    def figures(self, figures: Figures) -> None: ...
