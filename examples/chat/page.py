"""What a page is sent, and asked."""

from __future__ import annotations

from typing import Any, Protocol, TypedDict

import attrs

__all__ = ["ChatPage", "DashboardPage", "Message", "Picture", "Receipt"]


@attrs.frozen
class Message:
    """What somebody said; ``at`` is in seconds since 1970."""

    id: str
    name: str
    at: float
    text: str


@attrs.frozen
class Picture:
    """What somebody showed: an image file, and its MIME type."""

    id: str
    name: str
    at: float
    type: str
    data: bytes = attrs.field(repr=lambda data: f"<{len(data)} bytes>")


class Receipt(TypedDict):
    """What the page that says something gets: when it was said, in seconds since 1970."""

    at: float


class ChatPage(Protocol):
    """A page of the chat. Who is where, and what a room remembers, it is told by the blocks."""

    def welcome(self, name: str) -> None:
        """You are in, under this name."""

    def message(self, message: Message) -> None: ...

    def picture(self, picture: Picture) -> None: ...

    def typing(self, name: str) -> None: ...

    def whisper(self, name: str, at: float, text: str) -> Any:
        """Somebody says something to you alone. Whatever you answer: it has arrived then."""

    def confirm(self, question: str, seconds: float) -> bool:
        """What you say to a question of the operator."""


class DashboardPage(Protocol):
    """A page of the dashboard."""

    def figures(self, people: dict[str, str], messages: list[int]) -> None:
        """Everybody's room, and how many messages there were in each of the last 60 seconds."""
